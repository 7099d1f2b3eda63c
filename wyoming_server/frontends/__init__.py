"""The only listening sockets, one folder a protocol: they read requests, open sessions and write replies."""
