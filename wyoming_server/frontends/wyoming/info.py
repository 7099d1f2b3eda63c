"""The answer to `describe`: one program with every listed voice, encoded once a catalogue revision."""

from __future__ import annotations

from wyoming.info import Attribution, Info, TtsProgram, TtsVoice

from ... import __version__
from ...models import Voice
from ...protocols.wyoming import encode
from ...voices import Catalogue

PROGRAM = "Herald"
_HERALD = Attribution(name="Herald", url="https://github.com/wyoming-herald/herald")


class InfoSource:
    """The encoded `info` event, from memory."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._revision = ""
        self._encoded = b""

    def encoded(self) -> bytes:
        if self._revision != self._catalogue.revision:
            self._encoded = encode(info(self._catalogue.listed()).event())
            self._revision = self._catalogue.revision
        return self._encoded


def info(voices: list[Voice]) -> Info:
    """Home Assistant reads the first program only, and fails on one without a voice or a voice without a language."""
    program = TtsProgram(
        name=PROGRAM,
        attribution=_HERALD,
        installed=True,
        description="Herald",
        version=__version__,
        voices=[_voice(voice) for voice in voices],
        supports_synthesize_streaming=True,
    )
    return Info(tts=[program] if voices else [])


def _voice(voice: Voice) -> TtsVoice:
    return TtsVoice(
        name=voice.name,
        attribution=Attribution(name=voice.engine, url=""),
        installed=True,
        description=voice.description or voice.name,
        version=None,
        languages=list(voice.languages),
    )
