"""One HTTP request, one text, one streamed file: what the front ends of that kind share. `speaking` is the whole of it.

No address is known here, and no name of a field but the few that mean the same everywhere.
"""
