"""Herald: a Wyoming text-to-speech server for Home Assistant homes.

Nothing is imported here: the eSpeak NG worker processes load this package too and must stay small.
"""

__version__ = "0.1.0"
