"""The control API, on a whole server and over real sockets."""
