"""OpenAI's speech API on the HTTP port: `routes` lists the addresses, `speech` answers the one that speaks."""
