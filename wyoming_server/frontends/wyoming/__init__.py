"""The Wyoming front end: `server` listens, `connection` reads, `reply` writes one reply, `requests` and `info` translate."""
