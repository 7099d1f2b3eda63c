"""The vendor's text-to-speech service, v1 and v3: strict about every documented rule, and as faulty as a test asks.

A rule that the client breaks is told to it as the service would, and stands in the journal as "refused"; nothing is raised.
"""

from __future__ import annotations

from ..speech.journal import Counters, Entry
from .accounts import Account
from .codes import V1, V3, Told
from .faults import Fault
from .frames import Style
from .server import V1_PATH, V3_PATH, OpenSpeechSimulator, log_id, simulator
from .world import Options

__all__ = [
    "V1",
    "V1_PATH",
    "V3",
    "V3_PATH",
    "Account",
    "Counters",
    "Entry",
    "Fault",
    "OpenSpeechSimulator",
    "Options",
    "Style",
    "Told",
    "log_id",
    "simulator",
]
