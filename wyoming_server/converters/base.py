"""What a voice converter is: PCM frames in, PCM frames of another speaker out, stopped by closing the generator.

Converters know no engine, no text and no session; each reply is one conversion, whatever its sentences.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncGenerator, AsyncIterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import voluptuous as vol

from ..errors import BadSetting
from ..models import AudioFormat, Gender, shortened
from ..service import Service


@dataclass(frozen=True, kw_only=True, slots=True)
class Speaker:
    """Somebody as whom a converter speaks."""

    name: str
    """The converter's id."""
    description: str = ""
    languages: tuple[str, ...] = ()
    """BCP 47 tags of speech that it takes; empty: any."""
    gender: Gender | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Conversion:
    """How the speech of one reply is to be converted."""

    speaker: str
    source: AudioFormat
    """Of the audio that is given: what `Converter.input_format` said."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Checked by the converter's `settings_schema`."""


class Converter(Service):
    """One configured converter."""

    kind: ClassVar[str] = "converter"
    settings_schema: ClassVar[Mapping[Any, Any]] = {}
    """voluptuous schema of what a voice, or one call, may set."""

    @cached_property
    def _settings_check(self) -> vol.Schema:
        return vol.Schema(dict(self.settings_schema))

    def check(self, speaker: str, settings: Mapping[str, Any]) -> None:
        """Raise BadSetting, in words, for what this converter does not take."""
        if not speaker:
            msg = f"{self.title} needs a speaker: {', '.join(one.name for one in self.speakers())}."
            raise BadSetting(msg)
        takes = {str(key) for key in self.settings_schema}
        if unknown := sorted(settings.keys() - takes):
            known = ", ".join(sorted(takes)) or "no settings"
            msg = f"{self.title} takes no {' and no '.join(map(shortened, unknown))}; it takes {known}."
            raise BadSetting(msg)
        try:
            self._settings_check(dict(settings))
        except vol.Invalid as error:
            msg = f"{self.title}: {error}."
            raise BadSetting(msg) from error

    def needs_consent(self, speaker: str) -> bool:
        """Whether this speaker may be a real person, so that it is heard only where somebody states that person's consent."""
        return speaker not in {one.name for one in self.speakers()}

    async def convert(self, pcm: AsyncIterable[bytes], conversion: Conversion) -> AsyncGenerator[bytes, None]:
        """Convert speech that is still being made: whole frames of `conversion.source` in, of `output_format` out.

        It connects at once, before the first frame is there. Closing the generator, or cancelling the task that reads it, ends
        the conversion upstream before it returns. Raises EngineError, in words for the user, and what `pcm` raises.
        """
        self._check_open()
        async with aclosing(self._convert(pcm, conversion)) as pieces:
            async for piece in pieces:
                yield piece
                self._check_open()
        self._check_open()

    # What a converter fills in

    @abstractmethod
    def speakers(self) -> Sequence[Speaker]:
        """Those that it lists, in a stable order."""

    @abstractmethod
    def input_format(self, source: AudioFormat, settings: Mapping[str, Any]) -> AudioFormat:
        """The format in which it wants speech that is there as `source`."""

    @abstractmethod
    def output_format(self, source: AudioFormat, settings: Mapping[str, Any]) -> AudioFormat:
        """The format that it makes of speech that is there as `source`."""

    @abstractmethod
    def _convert(self, pcm: AsyncIterable[bytes], conversion: Conversion) -> AsyncGenerator[bytes, None]:
        """The conversion itself."""

    async def verify(self) -> str:
        """Try the credentials with the cheapest call there is. What was found good, as a sentence; raises EngineError."""
        return f"{self.title} needs no credentials."
