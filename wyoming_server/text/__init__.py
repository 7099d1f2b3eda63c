"""Text before it is spoken: cleaned of mark-up, cut into sentences.

Pure: characters in, characters out, a little at a time; every result depends on the text alone, never on how it was cut into
fragments. No asyncio, no I/O, and of the rest of Herald only `errors` and `models`.
"""
