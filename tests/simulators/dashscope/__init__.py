"""DashScope's duplex speech synthesis: strict about every documented rule, and as faulty as a test asks.

A rule that the client breaks is told to it as the service would, and stands in the journal as "refused"; nothing is raised.
Messages are written and read here by hand, not by the codec under test.
"""

from __future__ import annotations

from ..common.codes import Told
from ..duplex.faults import Fault
from ..speech.journal import Counters, Entry
from .codes import DASHSCOPE
from .server import PATH, DashScopeSimulator, simulator
from .talk import Account, DashScopeOptions
from .voices import MODELS

__all__ = [
    "DASHSCOPE",
    "MODELS",
    "PATH",
    "Account",
    "Counters",
    "DashScopeOptions",
    "DashScopeSimulator",
    "Entry",
    "Fault",
    "Told",
    "simulator",
]
