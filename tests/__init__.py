"""Herald's tests: the folders are the rooms of `wyoming_server`; `serving` starts a whole server."""
