"""Audio as bytes in, bytes out: containers, rates, levels, chunk sizes.

Everything here is `push(...)`, then `flush()`, at the pace of whoever calls: no asyncio, no socket, no file but the one that is
handed in. PCM is signed 16-bit little-endian, interleaved. numpy and soxr cost memory and start-up time, so only the modules
that calculate with samples import them, and nothing is imported here.
"""
