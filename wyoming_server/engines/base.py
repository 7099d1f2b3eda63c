"""What a speech engine is: text in, PCM and marks out, stopped by closing the generator.

The life cycle lives here; an engine fills in the hooks at the bottom. Engines know no front end, no session and no other engine.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Collection, Hashable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, TypeAlias

import voluptuous as vol

from ..errors import BadSetting
from ..models import AudioFormat, Capabilities, Mark, TextFormat, Voice, VoiceSettings, Waiting
from ..service import Service
from .turns import Turns

EngineEvent: TypeAlias = bytes | Mark | Waiting
"""PCM in the engine's native format (whole frames), a mark that counts from the reply's start, or a place in line."""

DONE_BY_HERALD = frozenset({"speed", "volume"})
"""Settings that Herald sees to itself, where an engine does not take them."""
CONCURRENCY_MAX = 1000
"""Requests at once that an engine may be allowed."""


@dataclass(frozen=True, kw_only=True, slots=True, weakref_slot=True)
class Utterance:
    """How one reply is to be spoken, in the engine's own terms. One object a reply, by which it is known."""

    voice: str
    """The engine's id of the voice."""
    language: str = ""
    settings: VoiceSettings = VoiceSettings()
    text_format: TextFormat = TextFormat.TEXT
    rate: int | None = None
    """Hz the listener wants; an engine that can choose makes the nearest it has."""
    client: str = ""
    """The address of whoever asked for it, where that is known: whose turns they are."""
    first_audio: float | None = None
    """Seconds that the engine's service has until first audio; `None`: as the engine's option says."""


def _nobody_listens() -> None:
    """Of an engine that is used alone."""


def concurrency_option(default: int | None) -> dict[Any, Any]:
    """The schema of `concurrency`, how many requests at once: for the options of an engine that takes turns."""
    return {vol.Optional("concurrency", default=default): vol.Maybe(vol.All(int, vol.Range(min=1, max=CONCURRENCY_MAX)))}


class Engine(Service):
    """One configured speech engine."""

    kind: ClassVar[str] = "engine"
    extras_schema: ClassVar[Mapping[Any, Any]] = {}
    """voluptuous schema of the voice settings that only it knows."""

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        super().__init__(name, options)
        self.on_voices_changed: Callable[[], None] = _nobody_listens
        """Called whenever what `voices` tells has changed by itself."""

    @cached_property
    def turns(self) -> Turns | None:
        """One for each request to it, where its option `concurrency` limits them; the owner is the reply's utterance."""
        if (limit := self.options.get("concurrency")) is None:
            return None
        key = self._account()
        return Turns(limit) if key is None else Turns.shared((self.type, key), limit)

    @cached_property
    def _extras_check(self) -> vol.Schema:
        """Compiled once: that takes longer than all the rest of a check."""
        return vol.Schema(dict(self.extras_schema))

    def extra_names(self) -> frozenset[str]:
        """Names of the voice settings that only this engine knows."""
        return frozenset(str(key) for key in self.extras_schema)

    def check_request(self, settings: VoiceSettings, text_format: TextFormat, voice_id: str = "") -> None:
        """Raise BadSetting, in words, for what this engine's voice does not take."""
        can = self.capabilities_of(voice_id, settings)
        if text_format not in can.text_formats:
            msg = f"{self.title} voices take no {text_format}, only {' or '.join(sorted(can.text_formats))}."
            raise BadSetting(msg)
        takes = can.settings | DONE_BY_HERALD | self.extra_names()
        if unknown := sorted(settings.given() - takes):
            msg = f"{self.title} voices take no {' and no '.join(unknown)}; they take {', '.join(sorted(takes))}."
            raise BadSetting(msg)
        for name, (low, high) in can.ranges.items():
            if (value := getattr(settings, name)) is not None and not low <= value <= high:
                msg = f"{self.title} voices take {name} from {low:g} to {high:g}, not {value:g}."
                raise BadSetting(msg)
        try:
            self._extras_check(dict(settings.extras))
        except vol.Invalid as error:
            msg = f"{self.title} voices: {error}."
            raise BadSetting(msg) from error

    async def speak(self, text: AsyncIterable[str], utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
        """Speak `text`, which may still be growing; a PAUSE is a place before which everything should be spoken.

        Closing the generator, or cancelling the task that reads it, cancels the synthesis upstream before it returns.
        Raises EngineError, in words for the user. Text with nothing to say yields no audio and is no error.
        """
        self._check_open()
        async with aclosing(self._speak(text, utterance)) as events:
            async for event in events:
                yield event
                self._check_open()
        self._check_open()

    # What an engine fills in

    @property
    @abstractmethod
    def capabilities(self) -> Capabilities: ...

    def capabilities_of(self, voice_id: str, settings: VoiceSettings) -> Capabilities:
        """What it can do with one of its voices, where that differs; its own extras among the settings may matter."""
        return self.capabilities

    @abstractmethod
    async def voices(self) -> Sequence[Voice]:
        """The voices that it offers by itself, in a stable order. Names are the engine's own; the catalogue makes them unique."""

    @abstractmethod
    def native_format(self, utterance: Utterance) -> AudioFormat:
        """The format in which it will deliver this utterance."""

    @abstractmethod
    def _speak(self, text: AsyncIterable[str], utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
        """The reply itself. An engine that takes no fragments inherits it from SentenceEngine."""

    def unlisted_voice(self, voice_id: str) -> Voice | None:
        """A voice that it accepts without listing it."""
        return None

    def needs_consent(self, voice_id: str) -> bool:
        """Whether this voice may be a real person's, so that it speaks only where somebody states that person's consent."""
        return False

    def sound_of(self, voice_id: str) -> str:
        """What of the engine itself, or of its voice, shapes the sound and may change under it, such as a version."""
        return ""

    def prepare(self, utterances: Collection[Utterance]) -> None:
        """Voices like these are likely to be asked for soon: begin, without waiting, what would delay their first audio."""

    async def verify(self, voice_id: str | None = None) -> str:
        """Try the credentials with the cheapest call there is. What was found good, as a sentence; raises EngineError."""
        return f"{self.title} needs no credentials."

    def _account(self) -> Hashable | None:
        """What `concurrency` is counted for: engines of its type with the same credential share their turns. `None`: it alone."""
        return None
