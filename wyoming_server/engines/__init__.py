"""Speech engines: `base` is the interface, `registry` the list, every other file one engine (or the worker of one)."""
