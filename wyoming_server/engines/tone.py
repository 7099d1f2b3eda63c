"""A deterministic sine instead of speech, with scripted delays and faults: for tests, demonstrations and benchmarks.

The same text always gives the same bytes. Every option is also a voice setting, so that one call can be slow or fail.
"""

from __future__ import annotations

import asyncio
import math
from array import array
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Mapping, Sequence
from contextlib import ExitStack, aclosing
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import voluptuous as vol

from ..errors import (
    CredentialsRefused,
    EngineBusy,
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    QuotaExceeded,
    Unspeakable,
    VoiceRefused,
)
from ..models import RATE_MAX, RATE_MIN, AudioFormat, Capabilities, Sentence, Voice
from .base import EngineEvent, Utterance, concurrency_option
from .marks import Marker
from .sentences import SentenceEngine

FAULTS: dict[str, type[EngineError]] = {
    cls.code: cls
    for cls in (
        EngineError,
        EngineUnavailable,
        EngineTimeout,
        EngineBusy,
        CredentialsRefused,
        QuotaExceeded,
        VoiceRefused,
        Unspeakable,
    )
}

_SECONDS = vol.All(vol.Any(int, float), vol.Range(min=0, max=3600))

_SCRIPT: dict[str, tuple[Any, Any]] = {
    "frequency": (440, vol.All(int, vol.Range(min=20, max=20_000))),
    "per_character": (0.06, _SECONDS),
    "piece": (0.02, vol.All(vol.Any(int, float), vol.Range(min=0.001, max=10))),
    "delay": (0, _SECONDS),
    "pace": (0, vol.All(vol.Any(int, float), vol.Range(min=0, max=1000))),
    "stall_at": (None, vol.Maybe(_SECONDS)),
    "fail_at": (None, vol.Maybe(_SECONDS)),
    "fail_with": (EngineError.code, vol.In(FAULTS)),
}
"""Default and check of what an utterance may set."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One entry of the engine's journal."""

    what: str
    """started | finished | cancelled | failed"""
    characters: int
    time: float
    """Of the event loop's clock, in seconds."""


class ToneEngine(SentenceEngine):
    """Options: `rate`, `streaming_text`, `look_ahead`, `concurrency`, and the script's:

    A tone of `frequency` Hz, `per_character` s of it each, in pieces of `piece` s. `delay` s pass before a sentence's first
    audio, `pace` is a factor of real time (0: at once); at `stall_at` or `fail_at` s of a sentence it stalls, or fails with the
    error code `fail_with`.
    """

    type: ClassVar[str] = "tone"
    title: ClassVar[str] = "Test tone"
    options_schema: ClassVar[Mapping[Any, Any]] = {
        vol.Optional("rate", default=22_050): vol.All(int, vol.Range(min=RATE_MIN, max=RATE_MAX)),
        vol.Optional("streaming_text", default=False): bool,
        vol.Optional("look_ahead", default=None): vol.Maybe(_SECONDS),
        **concurrency_option(None),
        **{vol.Optional(name, default=default): check for name, (default, check) in _SCRIPT.items()},
    }
    extras_schema: ClassVar[Mapping[Any, Any]] = {vol.Optional(name): check for name, (_, check) in _SCRIPT.items()}

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        super().__init__(name, options)
        self.journal: deque[Event] = deque(maxlen=1000)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            streaming_text=self.options["streaming_text"],
            look_ahead=self.options["look_ahead"],
            speech=False,
        )

    async def voices(self) -> Sequence[Voice]:
        return [Voice(name="tone", engine=self.name, engine_voice="tone", languages=("en-US",), description="Test tone")]

    def native_format(self, utterance: Utterance) -> AudioFormat:
        return AudioFormat(rate=self.options["rate"])

    async def _speak(self, text: AsyncIterable[str], utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
        speech = self._speak_fragments(text, utterance) if self.options["streaming_text"] else super()._speak(text, utterance)
        async with aclosing(speech) as events:
            async for event in events:
                yield event

    async def _speak_fragments(self, text: AsyncIterable[str], utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
        marker = Marker(self.native_format(utterance))
        start = 0
        async for fragment in text:
            sentence = Sentence(text=fragment, start=start)
            start = sentence.end
            with ExitStack() as stack:
                if self.turns is not None:
                    async for place in stack.enter_context(self.turns.ask(utterance, utterance.client)).waiting():
                        yield place
                async with aclosing(self.speak_sentence(fragment, utterance)) as spoken:
                    async for event in marker.marked(sentence, spoken):
                        yield event

    async def speak_sentence(self, text: str, utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
        script = {**self.options, **utterance.settings.extras}
        end = "cancelled"
        self._note("started", text)
        try:
            await asyncio.sleep(script["delay"])
            async with aclosing(self._pieces(text, script)) as pieces:
                async for piece in pieces:
                    yield piece
            end = "finished"
        except EngineError:
            end = "failed"
            raise
        finally:
            self._note(end, text)

    async def _pieces(self, text: str, script: Mapping[str, Any]) -> AsyncGenerator[bytes, None]:
        """The sine in pieces, as the script paces it. Each is due when the one before has played."""
        audio = AudioFormat(rate=self.options["rate"])
        total = audio.size(len(text) * script["per_character"])
        step = audio.size(script["piece"])
        begin = asyncio.get_running_loop().time()
        for offset in range(0, total, step):
            await self._fault(audio.seconds(offset), script)
            if script["pace"]:
                due = begin + audio.seconds(offset) / script["pace"]
                await asyncio.sleep(due - asyncio.get_running_loop().time())
            yield sine(audio.rate, script["frequency"], offset, min(step, total - offset))
        await self._fault(audio.seconds(total), script)

    async def _fault(self, at: float, script: Mapping[str, Any]) -> None:
        if script["fail_at"] is not None and at >= script["fail_at"]:
            msg = f"The engine {self.name} failed at {at:.2f} s, as its script says."
            raise FAULTS[script["fail_with"]](msg)
        if script["stall_at"] is not None and at >= script["stall_at"]:
            await asyncio.Event().wait()

    def _note(self, what: str, text: str) -> None:
        self.journal.append(Event(what=what, characters=len(text), time=asyncio.get_running_loop().time()))


def sine(rate: int, frequency: int, offset: int, size: int) -> bytes:
    """`size` bytes of s16 mono from byte `offset` of an endless sine at half of full scale."""
    second = _second(rate, frequency)
    begin = offset % len(second)
    seconds = 1 + (begin + size) // len(second)
    return (second * seconds if seconds > 1 else second)[begin : begin + size]


@lru_cache(maxsize=16)
def _second(rate: int, frequency: int) -> bytes:
    """One second: a whole number of periods, so that it repeats without a seam."""
    return array("h", (round(16_383 * math.sin(math.tau * frequency * n / rate)) for n in range(rate))).tobytes()
