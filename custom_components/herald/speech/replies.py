"""The replies of one server that are asked for or spoken here, so that each can be ended: Home Assistant ends none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from ..api import Reply

ENDS = 1.5
"""Seconds in which one ends that was interrupted: a server that does not answer is given up before."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    reply: Reply = field(repr=False)
    entity_id: str
    """Of the text-to-speech entity."""
    voice: str | None
    """None: whoever the server chooses."""
    conversation_id: str | None
    """Of the chat that it answers in; None outside of one."""
    over: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    """Set when it has ended, however it did."""

    @property
    def session_id(self) -> str:
        return self.reply.session_id


def _everybody(_: Running) -> bool:
    return True


class Replies:
    def __init__(self) -> None:
        self._running: dict[str, Running] = {}

    def __iter__(self) -> Iterator[Running]:
        return iter(tuple(self._running.values()))

    def get(self, session_id: str) -> Running | None:
        return self._running.get(session_id)

    @contextmanager
    def running(self, reply: Running) -> Iterator[None]:
        """It is one of them while the block runs."""
        self._running[reply.session_id] = reply
        try:
            yield
        finally:
            del self._running[reply.session_id]
            reply.over.set()

    async def interrupt(self, chosen: Callable[[Running], bool] = _everybody) -> int:
        """End those that are chosen, at once. Returns when they have ended, or do not; how many."""
        replies = [running for running in self if chosen(running)]
        await asyncio.gather(*(running.reply.interrupt() for running in replies))
        with suppress(TimeoutError):  # of one whose listener stands still
            async with asyncio.timeout(ENDS):
                await asyncio.gather(*(running.over.wait() for running in replies))
        return len(replies)
