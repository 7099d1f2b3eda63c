"""What a StartSynthesis asks for: voice, container, rate, volume, speed and pitch, and our own extensions. Checked both ways.

Every range stands in a table; what is out of it raises BadSetting with the parameter's name, its value and what is allowed. Speed
is a number from -500 to 500 here, which the cloud and the seed's local server understand differently. What `pitch_rate` means in
semitones, nobody documents: it is passed on as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ..errors import BadSetting
from ..models import Range, shortened
from .flowing_json import ID_MAX
from .json_messages import number, whole_characters


class Container(StrEnum):
    PCM = "PCM"
    """s16le, mono, no header."""
    WAV = "WAV"
    MP3 = "MP3"
    FLAC = "FLAC"
    OGG_OPUS = "OGG_OPUS"
    WEBM_OPUS = "WEBM_OPUS"
    MKA = "MKA"
    """PCM in Matroska."""
    WAV_F32 = "WAV_F32"


STANDARD = frozenset({Container.PCM, Container.WAV, Container.MP3})
"""The documented ones; the others are our own."""
SAMPLE_RATES = (8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
"""Hz."""
OWN_RATE = 0
"""Our own, as a `sample_rate`: what the voice has by itself, or the next one that the container has."""
CHANNELS = Range(1, 2)
RATES = Range(-500, 500)
VOLUMES = Range(0, 100)
PACES = Range(0, 600)
"""Seconds."""
OPTIONS_MAX = 64
"""Entries of `options`."""
ALIASES = {"volumn": "volume"}
"""The vendor's Python SDK spells it so."""


# Checks ---------------------------------------------------------------------------------------------------------------------


def whole_number(name: str, value: Any, allowed: Range) -> int:
    found = number(value)
    if not isinstance(found, int) or not allowed.low <= found <= allowed.high:
        msg = f"{name} is a whole number from {allowed.low:g} to {allowed.high:g}, not {shortened(value)}."
        raise BadSetting(msg)
    return found


def any_number(name: str, value: Any, allowed: Range) -> float:
    found = number(value)
    if found is None or not allowed.low <= found <= allowed.high:
        msg = f"{name} is a number from {allowed.low:g} to {allowed.high:g}, not {shortened(value)}."
        raise BadSetting(msg)
    return found


def sample_rate(name: str, value: Any) -> int:
    found = number(value)
    if found not in (OWN_RATE, *SAMPLE_RATES):
        rates = ", ".join(map(str, SAMPLE_RATES))
        msg = f"{name} is one of {rates} Hz, or {OWN_RATE} for the voice's own, not {shortened(value)}."
        raise BadSetting(msg)
    return int(found)


def short_text(name: str, value: Any) -> str:
    if not isinstance(value, str) or len(value) > ID_MAX:
        msg = f"{name} is a text of at most {ID_MAX} characters, not {shortened(value)}."
        raise BadSetting(msg)
    return whole_characters(value)


def flag(name: str, value: Any) -> bool:
    """True or false, also in words or as 0 and 1."""
    known = _FLAGS.get(str(value).lower()) if isinstance(value, bool | int | str) else None
    if known is None:
        msg = f"{name} is true or false, not {shortened(value)}."
        raise BadSetting(msg)
    return known


_FLAGS = {"true": True, "1": True, "false": False, "0": False}


def options(name: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or len(value) > OPTIONS_MAX:
        msg = f"{name} is an object with at most {OPTIONS_MAX} entries, not {shortened(value)}."
        raise BadSetting(msg)
    return value


def _container(name: str, value: Any) -> Container:
    try:
        return Container(value.upper())
    except (AttributeError, ValueError):
        msg = f"{name} is one of {', '.join(Container)}, not {shortened(value)}."
        raise BadSetting(msg) from None


_READERS: Mapping[str, Callable[[str, Any], Any]] = {
    "voice": short_text,
    "format": _container,
    "sample_rate": sample_rate,
    "channels": lambda name, value: whole_number(name, value, CHANNELS),
    "volume": lambda name, value: whole_number(name, value, VOLUMES),
    "speech_rate": lambda name, value: whole_number(name, value, RATES),
    "pitch_rate": lambda name, value: whole_number(name, value, RATES),
    "enable_subtitle": flag,
    "platform": short_text,
    "session_id": short_text,
    "options": options,
    "pace": lambda name, value: any_number(name, value, PACES),
}


# Settings -------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The payload of a StartSynthesis. Raises BadSetting, whoever makes it."""

    voice: str = ""
    """"" is the server's own default."""
    format: Container = Container.PCM
    sample_rate: int | None = None
    """Hz; None is the server's own default, OWN_RATE the voice's."""
    channels: int | None = None
    """Our own: 1 or 2; of stereo, both are the same. None is 1."""
    volume: int = 50
    """0 to 100; 50 is the voice's own."""
    speech_rate: int = 0
    """-500 to 500; 0 is the voice's own. What lies between: `cloud_speed` and `local_speed`."""
    pitch_rate: int = 0
    """-500 to 500; 0 is the voice's own."""
    enable_subtitle: bool = False
    platform: str = ""
    session_id: str = ""
    """Our own: the session that is started, and replaced where it runs already."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Our own: settings of this call, under Herald's and the engine's names."""
    pace: float | None = None
    """Our own: how many seconds ahead of real time audio may be sent. None: no limit."""

    def __post_init__(self) -> None:
        for name, read in _READERS.items():
            value = getattr(self, name)
            if not _unsaid(value):
                read(name, value)

    @staticmethod
    def parse(payload: Mapping[str, Any]) -> Settings:
        """A peer's settings. Unknown ones are ignored, null and "" are the default, numbers may be strings."""
        values = {ALIASES.get(name, name): value for name, value in payload.items() if name in ALIASES} | dict(payload)
        said = {name: read(name, values[name]) for name, read in _READERS.items() if not _unsaid(values.get(name))}
        return Settings(**said)

    def payload(self) -> dict[str, Any]:
        """As it is sent: what the document knows, and of the rest what says something."""
        standard = ("format", "volume", "speech_rate", "pitch_rate", "enable_subtitle")
        rest = ("voice", "sample_rate", "channels", "platform", "session_id", "options", "pace")
        said = [name for name in rest if not _unsaid(getattr(self, name)) and getattr(self, name) != {}]
        return {name: getattr(self, name) for name in (*standard, *said)}


def _unsaid(value: Any) -> bool:
    return value is None or value == ""


# Speed ----------------------------------------------------------------------------------------------------------------------

CLOUD_SPEEDS = Range(0.5, 2)
LOCAL_SPEEDS = Range(0.002, 2)
"""-500 would be a standstill."""
LOCAL_RATES = Range(-499, 500)
_SLOWER, _FASTER = 0.002, 0.001
_LOCAL_STEPS = 500


def cloud_rate(speed: float) -> int:
    """`speech_rate` of a speed (1 = normal), as Aliyun's document computes it."""
    any_number("speed", speed, CLOUD_SPEEDS)
    return round((1 - 1 / speed) / (_SLOWER if speed < 1 else _FASTER))


def cloud_speed(rate: int) -> float:
    """The speed that a `speech_rate` of the cloud means."""
    whole_number("speech_rate", rate, RATES)
    return 1 / (1 - rate * (_SLOWER if rate < 0 else _FASTER))


def local_rate(speed: float) -> int:
    """`speech_rate` of a speed, as the seed's local server computes it."""
    any_number("speed", speed, LOCAL_SPEEDS)
    return round(_LOCAL_STEPS * (speed - 1))


def local_speed(rate: int) -> float:
    """The speed that a `speech_rate` of the seed's local server means."""
    whole_number("speech_rate", rate, LOCAL_RATES)
    return 1 + rate / _LOCAL_STEPS
