"""What tests of fetched speech need: what the server told of it, and whether it is sound."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable

import av
from homeassistant.core import callback
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.herald.api import Ended, Session

from .speaking import PATIENCE


class Told:
    """Of the sessions of a server, from now on."""

    def __init__(self, entry: MockConfigEntry) -> None:
        self.sessions: list[tuple[str, Session]] = []
        self._happened = asyncio.Event()
        entry.async_on_unload(entry.runtime_data.listen_to_sessions(self._on_session))

    @callback
    def _on_session(self, event: str, session: Session) -> None:
        self.sessions.append((event, session))
        self._happened.set()

    @property
    def ended(self) -> list[Ended]:
        return [session for _, session in self.sessions if isinstance(session, Ended)]

    @property
    def started(self) -> list[Session]:
        return [session for event, session in self.sessions if event == "session_started"]

    async def until(self, true: Callable[[Told], object]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not true(self):
                self._happened.clear()
                await self._happened.wait()


def seconds(audio: bytes) -> float:
    """Playing time of a file."""
    with av.open(io.BytesIO(audio), "r") as file:
        stream = file.streams.audio[0]
        samples: int = sum(frame.samples for frame in file.decode(stream))
        return samples / stream.rate
