"""What a run-task of DashScope asks for: model, voice, format, rate, volume, speed and pitch. Checked both ways.

What is out of its range raises BadSetting with the parameter's name, its value and what is allowed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import BadSetting
from ..models import Range, shortened
from .flowing_settings import any_number, flag, options, short_text, whole_number
from .json_messages import section

FORMATS = ("pcm", "wav", "mp3", "opus")
TEXT_TYPES = ("PlainText", "SSML")
SAMPLE_RATES = Range(8_000, 48_000)
VOLUMES = Range(0, 100)
FACTORS = Range(0.5, 2)


def _one_of(*allowed: str) -> Callable[[str, Any], str]:
    def read(name: str, value: Any) -> str:
        known = {word.lower(): word for word in allowed}.get(value.lower()) if isinstance(value, str) else None
        if known is None:
            msg = f"{name} is one of {', '.join(allowed)}, not {shortened(value)}."
            raise BadSetting(msg)
        return known

    return read


_READERS: Mapping[str, Callable[[str, Any], Any]] = {
    "voice": short_text,
    "format": _one_of(*FORMATS),
    "sample_rate": lambda name, value: whole_number(name, value, SAMPLE_RATES),
    "volume": lambda name, value: whole_number(name, value, VOLUMES),
    "rate": lambda name, value: any_number(name, value, FACTORS),
    "pitch": lambda name, value: any_number(name, value, FACTORS),
    "text_type": _one_of(*TEXT_TYPES),
    "word_timestamp_enabled": flag,
}


_DEFAULTS = {"voice": "", "format": "mp3"}
"""Of the vendor, where ours are others."""
_NOTHING = (None,)
_UNSAID = {"format": (None, "Default"), "sample_rate": (None, 0)}
"""How the vendor's Python SDK says that it leaves the format to the server."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """The payload of a run-task. Raises BadSetting, whoever makes it."""

    model: str
    voice: str
    """Of this model's version: `longwan` is none of `cosyvoice-v2`'s."""
    format: str = "pcm"
    """One of FORMATS."""
    sample_rate: int = 22_050
    """Hz."""
    volume: int = 50
    """0 to 100; 50 is the voice's own."""
    rate: float = 1.0
    """Factor, 0.5 to 2."""
    pitch: float = 1.0
    """0.5 to 2, 1 is the voice's own. A factor, but of what, the vendor does not say: no semitones."""
    text_type: str = "PlainText"
    """One of TEXT_TYPES."""
    word_timestamp_enabled: bool = False
    """Whether SentenceEnd, or with some models Completed, brings words. Not every voice can."""
    extras: Mapping[str, Any] = field(default_factory=dict)
    """Further parameters, by the vendor's names."""

    def __post_init__(self) -> None:
        short_text("model", self.model)
        options("extras", self.extras)
        for name, read in _READERS.items():
            read(name, getattr(self, name))

    @staticmethod
    def parse(payload: Mapping[str, Any]) -> Task:
        """A peer's settings. What is not said is the vendor's default, what is not known here goes to `extras`."""
        values = section(payload, "parameters")
        given = {name: values[name] for name in _READERS if name in values and values[name] not in _UNSAID.get(name, _NOTHING)}
        said = {name: _READERS[name](name, value) for name, value in given.items()}
        extras = {name: value for name, value in values.items() if name not in _READERS}
        return Task(**{**_DEFAULTS, **said, "model": short_text("model", payload.get("model")), "extras": extras})

    def payload(self) -> dict[str, Any]:
        return {
            "task_group": "audio",
            "task": "tts",
            "function": "SpeechSynthesizer",
            "model": self.model,
            "parameters": {**self.extras, **{name: getattr(self, name) for name in _READERS}},
            "input": {},
        }
