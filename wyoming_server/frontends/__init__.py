"""The only listening sockets: one folder a protocol. They read requests, open sessions and write replies; engines are unknown here."""
