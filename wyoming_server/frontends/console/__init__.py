"""The console: the page at `/` on which people listen, and look after what speaks. It is a client of the API like any other."""
