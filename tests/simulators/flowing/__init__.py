"""FlowingSpeechSynthesizer twice: the NLS cloud with CreateToken, strict, and the seed's local server over CosyVoice, as it is.

A rule that the client breaks is told to it as the service would, and stands in the journal as "refused"; nothing is raised.
Messages are written and read here by hand, not by the codec under test.
"""

from __future__ import annotations

from ..common.codes import Told
from ..duplex.faults import Fault
from ..speech.journal import Counters, Entry
from .accounts import Account
from .cloud import CloudOptions
from .cloud_server import CLOUD_PATH, CloudSimulator, cloud
from .codes import NLS
from .local import Habits, LocalOptions
from .local_server import LOCAL_PATH, VOICES_PATH, LocalSimulator, local
from .messages import Shape
from .voices import CLONE_RATE, PRESET_RATE, PRESETS, VoiceFacts

__all__ = [
    "CLONE_RATE",
    "CLOUD_PATH",
    "LOCAL_PATH",
    "NLS",
    "PRESETS",
    "PRESET_RATE",
    "VOICES_PATH",
    "Account",
    "CloudOptions",
    "CloudSimulator",
    "Counters",
    "Entry",
    "Fault",
    "Habits",
    "LocalOptions",
    "LocalSimulator",
    "Shape",
    "Told",
    "VoiceFacts",
    "cloud",
    "local",
]
