"""Changes of a server that runs."""
