"""The tone engine, which tells when it had its first audio: what it then takes to reach a client is Herald's part alone."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from pathlib import Path
from time import monotonic_ns
from typing import Any, ClassVar

import voluptuous as vol

from wyoming_server.engines.base import EngineEvent, Utterance
from wyoming_server.engines.tone import ToneEngine


class StampedTone(ToneEngine):
    """`stamps`: a file, which gets a line with every sentence: when its first audio was there (CLOCK_MONOTONIC, ns)."""

    type: ClassVar[str] = "stamped"
    options_schema: ClassVar[Mapping[Any, Any]] = {**ToneEngine.options_schema, vol.Required("stamps"): str}

    async def speak_sentence(self, text: str, utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
        first = 0
        async with aclosing(super().speak_sentence(text, utterance)) as events:
            async for event in events:
                first = first or monotonic_ns()
                yield event
        self._stamp(first)

    def _stamp(self, first: int) -> None:
        with Path(self.options["stamps"]).open("a") as stamps:
            stamps.write(f"{first}\n")
