"""Front ends, on real sockets."""
