"""Wire formats: bytes or messages in, events out. Nothing here knows a socket, a task or an engine."""
