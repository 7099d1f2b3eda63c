"""Samples times a factor instead of another voice, with scripted delays and faults: for tests and demonstrations.

The same samples always give the same samples, however they were cut. Every word of the script is also a setting, so that one
call can be slow or fail.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, ClassVar

import voluptuous as vol

from ..audio.gain import Gain
from ..audio.samples import from_pcm, to_pcm
from ..errors import CredentialsRefused, EngineError, EngineTimeout, EngineUnavailable, VoiceRefused
from ..models import RATE_MAX, RATE_MIN, AudioFormat
from .base import Conversion, Converter, Speaker

FAULTS: dict[str, type[EngineError]] = {
    cls.code: cls for cls in (EngineError, EngineUnavailable, EngineTimeout, CredentialsRefused, VoiceRefused)
}
FACTORS: Mapping[str, float] = {"same": 1, "half": 0.5, "quiet": 0.1, "loud": 2, "inverted": -1, "silent": 0}
"""Of each speaker."""

_SECONDS = vol.All(vol.Any(int, float), vol.Range(min=0, max=3600))
_SCRIPT: dict[str, tuple[Any, Any]] = {
    "factor": (None, vol.Maybe(vol.All(vol.Any(int, float), vol.Range(min=-100, max=100)))),
    "delay": (0, _SECONDS),
    "hold": (0, _SECONDS),
    "stall_at": (None, vol.Maybe(_SECONDS)),
    "fail_at": (None, vol.Maybe(_SECONDS)),
    "fail_with": (EngineError.code, vol.In(FAULTS)),
}
"""Default and check of what a conversion may set."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One entry of the converter's journal."""

    what: str
    """started | finished | cancelled | failed"""
    speaker: str
    seconds: float
    """Of audio that had come out."""
    time: float
    """Of the event loop's clock, in seconds."""


class GainConverter(Converter):
    """Options: `rate` and `channels` that it wants (null: those that there are), and the script's:

    `factor` instead of the speaker's own. `delay` s pass between the first audio in and the first out, and `hold` s of audio are
    kept until more comes or all has come; at `stall_at` or `fail_at` s of output it stalls, or fails with the error code
    `fail_with`, both with 0 before there is any input.
    """

    type: ClassVar[str] = "gain"
    title: ClassVar[str] = "Test gain"
    options_schema: ClassVar[Mapping[Any, Any]] = {
        vol.Optional("rate", default=None): vol.Maybe(vol.All(int, vol.Range(min=RATE_MIN, max=RATE_MAX))),
        vol.Optional("channels", default=None): vol.Maybe(vol.In((1, 2))),
        **{vol.Optional(name, default=default): check for name, (default, check) in _SCRIPT.items()},
    }
    settings_schema: ClassVar[Mapping[Any, Any]] = {vol.Optional(name): check for name, (_, check) in _SCRIPT.items()}

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        super().__init__(name, options)
        self.journal: deque[Event] = deque(maxlen=1000)

    def speakers(self) -> Sequence[Speaker]:
        return [Speaker(name=name, description=f"Samples times {factor:g}") for name, factor in FACTORS.items()]

    def input_format(self, source: AudioFormat, settings: Mapping[str, Any]) -> AudioFormat:
        return AudioFormat(rate=self.options["rate"] or source.rate, channels=self.options["channels"] or source.channels)

    def output_format(self, source: AudioFormat, settings: Mapping[str, Any]) -> AudioFormat:
        return self.input_format(source, settings)

    async def _convert(self, pcm: AsyncIterable[bytes], conversion: Conversion) -> AsyncGenerator[bytes, None]:
        script = {**self.options, **conversion.settings}
        audio, made = conversion.source, 0
        end = "cancelled"
        self._note("started", conversion, made)
        try:
            await self._fault(0, script)
            async with aclosing(_held(pcm, audio.size(script["hold"]))) as pieces:
                async for piece in pieces:
                    if not made:
                        await asyncio.sleep(script["delay"])
                    yield self._louder(piece, conversion, script)
                    made += len(piece)
                    await self._fault(audio.seconds(made), script)
            end = "finished"
        except Exception:
            end = "failed"
            raise
        finally:
            self._note(end, conversion, made)

    def _louder(self, pcm: bytes, conversion: Conversion, script: Mapping[str, Any]) -> bytes:
        if (factor := script["factor"]) is None and (factor := FACTORS.get(conversion.speaker)) is None:
            msg = f"{self.title} has no speaker {conversion.speaker}: {', '.join(FACTORS)}."
            raise VoiceRefused(msg)
        return to_pcm(Gain(factor).push(from_pcm(pcm, conversion.source.channels)))

    async def _fault(self, at: float, script: Mapping[str, Any]) -> None:
        if script["fail_at"] is not None and at >= script["fail_at"]:
            msg = f"The converter {self.name} failed at {at:.2f} s, as its script says."
            raise FAULTS[script["fail_with"]](msg)
        if script["stall_at"] is not None and at >= script["stall_at"]:
            await asyncio.Event().wait()

    def _note(self, what: str, conversion: Conversion, made: int) -> None:
        now = asyncio.get_running_loop().time()
        self.journal.append(Event(what=what, speaker=conversion.speaker, seconds=conversion.source.seconds(made), time=now))


async def _held(pcm: AsyncIterable[bytes], size: int) -> AsyncGenerator[bytes, None]:
    """What `pcm` brings, all but the last `size` bytes so far; those at the end."""
    kept = b""
    async for piece in pcm:
        kept += piece
        if ready := kept[: max(0, len(kept) - size)]:
            kept = kept[len(ready) :]
            yield ready
    if kept:
        yield kept
