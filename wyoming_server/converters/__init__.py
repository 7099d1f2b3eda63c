"""Voice converters: PCM of one voice in, PCM of another out. `base` is the interface, `registry` the list."""
