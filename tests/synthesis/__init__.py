"""One reply, from text to PCM."""
