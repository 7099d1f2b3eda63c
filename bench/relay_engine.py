"""The floor's work as a Herald engine: a text is an order for the upstream, its bytes are the speech."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Mapping, Sequence
from typing import Any, ClassVar

import voluptuous as vol

from wyoming_server.audio.frames import WholeFrames
from wyoming_server.engines.base import Engine, EngineEvent, Utterance
from wyoming_server.models import AudioFormat, Capabilities, Voice

from .relay import READ_SIZE, delivery


class RelayEngine(Engine):
    """Options: `upstream` (its port), `rate` (Hz), `speech` (whether its bytes are speech: silence trimmed, loudness evened)."""

    type: ClassVar[str] = "relay"
    title: ClassVar[str] = "Relay"
    options_schema: ClassVar[Mapping[Any, Any]] = {
        vol.Required("upstream"): int,
        vol.Optional("rate", default=24_000): int,
        vol.Optional("speech", default=False): bool,
    }

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(streaming_text=True, speech=self.options["speech"])

    async def voices(self) -> Sequence[Voice]:
        return [Voice(name="relay", engine=self.name, engine_voice="relay", languages=("en-US",))]

    def native_format(self, utterance: Utterance) -> AudioFormat:
        return AudioFormat(rate=self.options["rate"])

    async def _speak(self, text: AsyncIterable[str], utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
        order = "".join([fragment async for fragment in text])
        frames = WholeFrames(self.native_format(utterance).frame_size)
        async with delivery(self.options["upstream"], order) as reader:
            while data := await reader.read(READ_SIZE):
                yield frames.push(data)
