"""Attacks on a whole server, at every address that it has: they walk its table, so that a new one is attacked too."""
