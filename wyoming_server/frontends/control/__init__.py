"""The control API: what tools ask of a server, and tell it. `routes` lists the addresses, `openapi.yaml` describes them."""
