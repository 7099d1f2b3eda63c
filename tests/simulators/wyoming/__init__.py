"""A Wyoming text-to-speech server on the `wyoming` package's own server, as Piper and its like are, and as bad as asked.

So it handles one event after the other, speaks inside the handler, and finds out that a client has left when it reads or writes.
"""

from __future__ import annotations

from .journal import Entry
from .manners import PIPER, Fault, Manner, Program, Voice
from .server import WyomingSimulator, simulator

__all__ = ["PIPER", "Entry", "Fault", "Manner", "Program", "Voice", "WyomingSimulator", "simulator"]
