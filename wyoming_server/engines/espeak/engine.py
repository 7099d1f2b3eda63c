"""The eSpeak NG engine: Herald's settings, voices and texts in the library's terms, and its words back as marks.

Measured with eSpeak NG 1.52; the numbers that map a setting stand here and nowhere else.
"""

from __future__ import annotations

import math
import re
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import voluptuous as vol

from ...errors import ConfigError, EngineUnavailable, TextTooLong, Unspeakable
from ...models import AudioFormat, Capabilities, Mark, MarkKind, Range, TextFormat, Voice, VoiceSettings
from ..base import EngineEvent, Utterance
from ..sentences import SentenceEngine
from .pool import Pool
from .process import RATE, Order, Word
from .voices import Voices

TEXT_LIMIT = 1_000_000
"""Bytes in UTF-8 of one sentence, or of one SSML document."""

WORDS_A_MINUTE = 175
"""At speed 1."""
RANGES: Mapping[str, Range] = {"speed": Range(0.46, 4), "pitch": Range(-9, 10)}
"""What the library reaches: 80 words a minute are its slowest; its pitch scale ends at half and twice the base frequency."""
PITCH_FLOOR = 0.234
"""The part of a voice's mean pitch, relative to its base frequency, that the pitch scale leaves where it is."""


class EspeakEngine(SentenceEngine):
    """Options: `workers`, how many sentences are made at the same time; `library` and `data`, the paths of another eSpeak NG.

    Extras: `word_gap`, a pause after every word, in 10 ms at normal speed; `intonation`, how far the pitch moves: 50 is the
    voice's own, 0 a drone.
    """

    type: ClassVar[str] = "espeak"
    title: ClassVar[str] = "eSpeak NG"
    options_schema: ClassVar[Mapping[Any, Any]] = {
        vol.Optional("workers", default=2): vol.All(int, vol.Range(min=1, max=16)),
        vol.Optional("library"): str,
        vol.Optional("data"): str,
    }
    extras_schema: ClassVar[Mapping[Any, Any]] = {
        vol.Optional("word_gap"): vol.All(int, vol.Range(min=0, max=100)),
        vol.Optional("intonation"): vol.All(vol.Any(int, float), vol.Range(min=0, max=100)),
    }

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        super().__init__(name, options)
        if ("library" in options) != ("data" in options):
            msg = "library and data are the two halves of one eSpeak NG; give both, or neither."
            raise ConfigError(msg)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(settings=frozenset({"speed", "pitch", "volume"}), ranges=RANGES, text_formats=frozenset(TextFormat))

    async def start(self) -> None:
        """Start one worker, so that the first word comes early; it gets ready while the server goes on."""
        await self._pool.warm()

    async def voices(self) -> Sequence[Voice]:
        return self._voices.listed

    def native_format(self, utterance: Utterance) -> AudioFormat:
        return AudioFormat(rate=RATE)

    def sound_of(self, voice_id: str) -> str:
        """Which library it is: the distribution's may be replaced by another."""
        return self._library

    @cached_property
    def _library(self) -> str:
        library = self._files[0].stat()
        return f"{library.st_size} {library.st_mtime_ns}"

    def unlisted_voice(self, voice_id: str) -> Voice | None:
        """The voice behind an id such as `en-GB+f3`: a listed one in another timbre. Raises UnknownVoice if that is not there."""
        return self._voices.variant(voice_id) if "+" in voice_id else None

    async def speak_sentence(self, text: str, utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
        order = self._order(text, utterance)
        end, heard, silence = 0, False, bytearray()
        async with aclosing(self._pool.say(order)) as pieces:
            async for piece in pieces:
                if isinstance(piece, list):
                    for mark in word_marks(text, piece, end):
                        end, heard = mark.end, True
                        yield mark
                    continue
                silence += piece
                if heard := heard or any(piece):
                    yield bytes(silence)
                    silence.clear()
        if not heard:
            msg = f"eSpeak NG finds nothing to speak in these {len(text)} characters."
            raise Unspeakable(msg)

    async def _close(self) -> None:
        await super()._close()
        if "_pool" in self.__dict__:
            await self._pool.aclose()

    def _order(self, text: str, utterance: Utterance) -> Order:
        ssml = utterance.text_format is TextFormat.SSML
        data = plain(text, ssml=ssml).encode(errors="replace")
        if len(data) > TEXT_LIMIT:
            msg = f"eSpeak NG takes {TEXT_LIMIT} bytes of text at once, not {len(data)}."
            raise TextTooLong(msg)
        voice = self._voices.identifier(utterance.voice)
        return Order(text=data, voice=voice, ssml=ssml, **parameters(utterance.settings))

    @cached_property
    def _pool(self) -> Pool:
        library, data = self._files
        return Pool(library, data, size=self.options["workers"])

    @cached_property
    def _voices(self) -> Voices:
        return Voices(self.name, self._files[1])

    @cached_property
    def _files(self) -> tuple[Path, Path]:
        """The library and its data folder. Raises EngineUnavailable."""
        files = (Path(self.options["library"]), Path(self.options["data"])) if "library" in self.options else _wheel()
        for path in files:
            if not path.exists():
                msg = f"eSpeak NG is not complete: there is no {path}."
                raise EngineUnavailable(msg)
        return files


def _wheel() -> tuple[Path, Path]:
    try:
        loader = import_module("espeakng_loader")
        return Path(loader.get_library_path()), Path(loader.get_data_path())
    except ImportError as error:
        msg = (
            "eSpeak NG is not there: the package espeakng-loader is not installed. Where there is none for the system, install "
            "the system's own eSpeak NG, and name its two halves in herald.yaml, under engines: espeak: library, the path of "
            "libespeak-ng.so.1, and data, the path of espeak-ng-data."
        )
        raise EngineUnavailable(msg) from error
    except RuntimeError as error:
        msg = f"eSpeak NG is not complete: {error}."
        raise EngineUnavailable(msg) from error


def parameters(settings: VoiceSettings) -> dict[str, int]:
    """Herald's settings on the library's scales. What is beyond RANGES, as a fallback voice may be told, becomes the nearest."""
    speed = WORDS_A_MINUTE * _or(settings.speed, 1)
    shift = 2 ** (_or(settings.pitch, 0) / 12)
    base = shift + (shift - 1) * PITCH_FLOOR
    return {
        "rate": _within(80, speed, 700),
        "volume": _within(0, 2 * _or(settings.volume, 50), 200),
        "pitch": _within(0, 50 + 50 * math.log2(base), 99),
        # Rises and falls are as wide as before in semitones only if their width in Hz goes with the pitch.
        "range": _within(0, settings.extras.get("intonation", 50) * shift, 99),
        "word_gap": settings.extras.get("word_gap", 0),
    }


def _or(value: float | None, default: float) -> float:
    return default if value is None else value


def _within(low: int, value: float, high: int) -> int:
    return min(max(round(value), low), high)


_CONTROL = {code: " " for code in range(32) if chr(code) not in "\t\n\r"}
"""Control characters are commands to the library: to change the voice, for one."""
_REFERENCE = re.compile(r"&#(x?)([0-9a-fA-F]+);")


def plain(text: str, *, ssml: bool) -> str:
    """The text without control characters, as long as before, so that places in it stay."""
    text = text.translate(_CONTROL)
    return _REFERENCE.sub(_without_control, text) if ssml else text


def _without_control(reference: re.Match[str]) -> str:
    """The same for a numeric reference: blanks, unless it is a character that XML allows."""
    try:
        fine = chr(int(reference[2], 16 if reference[1] else 10)).translate(_CONTROL) != " "
    except (ValueError, OverflowError):
        fine = False
    return reference[0] if fine else " " * len(reference[0])


def word_marks(text: str, words: list[Word], end: int) -> Iterator[Mark]:
    """The words that begin at or after `end` and are more than blanks: the library tells parts of a number as words too."""
    for word in words:
        whole = text[word.start : word.start + word.length]
        said = whole.strip()
        start = word.start + len(whole) - len(whole.lstrip())
        if said and start >= end:
            end = start + len(said)
            yield Mark(kind=MarkKind.WORD, time=word.sample / RATE, start=start, end=end, text=said)
