"""The values that every part of Herald passes around: formats, voices, settings, requests, marks.

Frozen data only: no I/O, no engine, no protocol. Units stand under each field.
"""

from __future__ import annotations

import dataclasses
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from .errors import BadSetting

RATE_MIN, RATE_MAX = 8_000, 96_000
"""Hz. What a client may ask for and an engine may deliver."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AudioFormat:
    """Interleaved little-endian signed PCM."""

    rate: int
    """Frames per second, in Hz."""
    width: int = 2
    """Bytes per sample."""
    channels: int = 1

    @property
    def frame_size(self) -> int:
        """Bytes per frame: one sample of every channel."""
        return self.width * self.channels

    def seconds(self, size: int) -> float:
        """Playing time of `size` bytes."""
        return size / (self.frame_size * self.rate)

    def size(self, seconds: float) -> int:
        """Bytes of the whole frames in `seconds`."""
        return round(seconds * self.rate) * self.frame_size

    def silence(self, seconds: float) -> bytes:
        return bytes(self.size(seconds))


class Gender(StrEnum):
    FEMALE = "female"
    MALE = "male"
    NEUTRAL = "neutral"


class TextFormat(StrEnum):
    TEXT = "text"
    SSML = "ssml"


class Range(NamedTuple):
    low: float
    high: float


SETTING_RANGES: Mapping[str, Range] = {
    "speed": Range(0.25, 4),
    "pitch": Range(-24, 24),
    "volume": Range(0, 100),
    "emotion_scale": Range(1, 5),
}


WORDS_MAX = 2_000
"""Characters of a setting that is words."""


def shortened(value: object) -> str:
    """A peer's value as it may stand in a sentence: never longer than a line."""
    return reprlib.repr(value)


@dataclass(frozen=True, kw_only=True, slots=True)
class VoiceSettings:
    """How a voice speaks. `None` leaves it to the voice, and in the end to the engine."""

    speed: float | None = None
    """Factor, 0.25 to 4; 1 is the engine's own."""
    pitch: float | None = None
    """Semitones, -24 to 24; 0 is the engine's own."""
    volume: float | None = None
    """0 to 100; 50 is the engine's own, 0 is silence, 100 twice the amplitude."""
    emotion: str | None = None
    emotion_scale: float | None = None
    """1 to 5."""
    instructions: str | None = None
    """Words to the engine about how to speak."""
    extras: Mapping[str, Any] = field(default_factory=dict)
    """The engine's own settings, under the engine's names."""

    def over(self, defaults: VoiceSettings) -> VoiceSettings:
        """These settings, and `defaults` wherever they say nothing."""
        said = {name: value for name in SETTING_NAMES if (value := getattr(self, name)) is not None}
        return dataclasses.replace(defaults, **said, extras={**defaults.extras, **self.extras})

    def given(self) -> set[str]:
        """Names of the settings that say something."""
        return {name for name in SETTING_NAMES if getattr(self, name) is not None} | set(self.extras)

    @staticmethod
    def parse(values: Mapping[str, Any]) -> VoiceSettings:
        """Settings from a peer's or a file's values; names that are not Herald's own become `extras`.

        Raises BadSetting with the name, the value and what is allowed.
        """
        own = {name: _setting(name, value) for name, value in values.items() if name in SETTING_NAMES and value is not None}
        return VoiceSettings(**own, extras={name: value for name, value in values.items() if name not in SETTING_NAMES})


SETTING_NAMES = tuple(item.name for item in dataclasses.fields(VoiceSettings) if item.name != "extras")


def _setting(name: str, value: Any) -> Any:
    """One checked value: a number within its range, or a word."""
    if name not in SETTING_RANGES:
        if not isinstance(value, str) or len(value) > WORDS_MAX:
            msg = f"{name} is a word or a sentence of at most {WORDS_MAX} characters, not {shortened(value)}."
            raise BadSetting(msg)
        return value
    low, high = SETTING_RANGES[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        msg = f"{name} is a number from {low:g} to {high:g}, not {shortened(value)}."
        raise BadSetting(msg)
    return float(value)


class OnFailure(StrEnum):
    """What becomes of a reply whose voice cannot be converted, as long as nothing of it was heard."""

    BYPASS = "bypass"
    """The engine's own voice is heard, and why is told."""
    FAIL = "fail"


@dataclass(frozen=True, kw_only=True, slots=True)
class ConverterChoice:
    """As whom a voice is to be heard."""

    converter: str
    """Name of the configured converter."""
    speaker: str
    """The converter's id."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The converter's own."""
    on_failure: OnFailure = OnFailure.BYPASS
    consent: bool = False
    """The speaker agreed to be imitated."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Voice:
    """One voice of the catalogue: an engine's voice with a name, a language and settings."""

    name: str
    """What clients ask for."""
    engine: str
    """Name of the configured engine that speaks it."""
    engine_voice: str
    """The engine's own id for it."""
    languages: tuple[str, ...]
    """BCP 47 tags, the main one first; never empty."""
    description: str = ""
    gender: Gender | None = None
    settings: VoiceSettings = VoiceSettings()
    speakable_text: bool = True
    """Strip markdown, links, tables and emoji before speaking."""
    even_loudness: bool = True
    """Apply the learned gain, so that this voice is as loud as the others."""
    trim_silence: bool = True
    """Drop the silence before a reply's first sound."""
    scene: str = ""
    """What the engine made it for, in the engine's words."""
    emotions: tuple[str, ...] = ()
    """What its setting `emotion` may be, as far as the engine tells."""
    consent: bool = False
    """The speaker agreed to be cloned, prompted or imitated."""
    converter: ConverterChoice | None = None
    """Another speaker, as whom it is heard."""
    cache: bool = True
    """What it said may be kept, and heard again."""
    fallback: tuple[str, ...] = ()
    """Names of those who speak in its place where it fails, the first first."""
    first_audio_timeout: float | None = None
    """Seconds that its engine has until first audio; `None`: as the engine's own option says."""
    hedge: float | None = None
    """Seconds after which the first fallback is asked too, if nothing is heard yet; `None`: never."""

    @property
    def language(self) -> str:
        return self.languages[0]


class CredentialKind(StrEnum):
    """How a form asks for a credential."""

    TEXT = "text"
    SECRET = "secret"  # noqa: S105  # a name
    """Typed unseen, and never shown again."""
    URL = "url"


@dataclass(frozen=True, kw_only=True, slots=True)
class CredentialField:
    """Something that an engine or a converter must be told before it speaks for somebody."""

    name: str
    """Its key in herald.yaml."""
    label: str
    """What its vendor calls it."""
    help: str = ""
    """Where to find it: a sentence."""
    kind: CredentialKind = CredentialKind.TEXT
    required: bool = False
    """Nothing works without it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Capabilities:
    """What an engine can do by itself. What it can't, Herald does for it or refuses in words."""

    streaming_text: bool = False
    """Takes text in fragments as they come; otherwise it is given whole sentences."""
    settings: frozenset[str] = frozenset()
    """Which of SETTING_NAMES it takes; extras stand in its schema. `volume` and `speed` are always possible: Herald does them."""
    ranges: Mapping[str, Range] = field(default_factory=dict)
    """Of settings that it takes in a narrower range than SETTING_RANGES."""
    text_formats: frozenset[TextFormat] = frozenset({TextFormat.TEXT})
    look_ahead: float | None = None
    """Seconds of audio that may be asked of it ahead of real time; `None`: no limit (a free, local engine)."""
    speech: bool = True
    """False: a signal that must come out as it went in (no silence trimmed, no loudness evened)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FormatWish:
    """The format a listener asks for; `None` is the engine's own."""

    rate: int | None = None
    """Hz, 8000 to 96000."""
    channels: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class SynthesisRequest:
    """One reply to be spoken. Its text comes beside it, whole or in fragments."""

    voice: Voice
    settings: VoiceSettings = VoiceSettings()
    """What this call asks for, over the voice's own settings."""
    format: FormatWish = FormatWish()
    text_format: TextFormat = TextFormat.TEXT
    chime: str = ""
    """SHA-256 of a stored chime that is heard first, in hex."""
    share: str = ""
    """Whoever asks with the same id hears the same synthesis."""
    cache: bool = True
    """It may be heard from the cache, and kept there."""
    client: str = ""
    """The address of whoever asks, where that is known."""
    fallback: bool = True
    """Another voice may speak where this one fails."""
    speakable_text: bool | None = None
    """Strip what only an eye can use before speaking, whoever speaks; `None`: as the voice that speaks has it."""
    alone: bool = False
    """Nobody else would speak it: its engine is asked even if it has failed too often of late."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sentence:
    """A piece of text that is spoken in one go."""

    text: str
    start: int
    """Where it begins in the spoken text (code points)."""

    @property
    def end(self) -> int:
        return self.start + len(self.text)


PAUSE = ""
"""A fragment of text that says: the writer pauses here, so what has come so far should be spoken."""


class MarkKind(StrEnum):
    SENTENCE_START = "sentence_start"
    SENTENCE_END = "sentence_end"
    WORD = "word"


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """Ties a place in the audio to a place in the text that is spoken (after speakable-text clean-up)."""

    kind: MarkKind
    time: float
    """Seconds of audio since the reply's first frame."""
    start: int
    end: int
    """Code points in the spoken text: from `start` up to, not including, `end`."""
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """The reply stands in line for its engine. Told again whenever its place changes, before the audio that it delays."""

    position: int
    """1: the next."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """Something that the listener should know of a reply that goes on."""

    code: str
    """Of `errors.CODES`."""
    text: str
    """A whole sentence."""
    voice: str = ""
    """Name of the voice that speaks from here on, where it is another than was asked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplyStart:
    """The first event of every reply; its format holds to the end, whichever engine speaks."""

    voice: Voice
    format: AudioFormat
