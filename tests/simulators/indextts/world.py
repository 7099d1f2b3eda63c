"""What all connections share: how the service behaves, what it has seen, what is asked of it, and what is to go wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import uuid4

from ..common import world
from .faults import Faults
from .journal import Entry, Journal, What
from .line import Gate
from .sound import RATE

Manner = Literal["real", "document"]


@dataclass(frozen=True, kw_only=True)
class Options(world.Options):
    """How the service behaves. Changed at any time, they hold from the next request on."""

    manner: Manner = "real"
    """As it was seen to behave, or as its document says."""
    delay: float = 0
    """Seconds that the model takes for any text …"""
    rtf: float = 0
    """… and for each second of its audio."""
    rate: int = RATE
    """Hz."""
    prompts: Collection[str] | None = None
    """The audio files that it finds, for prompts and for emotions; None: any."""


def now() -> str:
    """The local time, as the service tells it."""
    return datetime.now(UTC).astimezone().replace(tzinfo=None).isoformat(timespec="microseconds")


@dataclass(kw_only=True)
class Job:
    """One request."""

    body: dict[str, Any]
    task_id: str = field(default_factory=lambda: str(uuid4()))
    status: str = "pending"
    created_at: str = field(default_factory=now)
    completed_at: str | None = None
    error: str | None = None

    @property
    def text(self) -> str:
        text: str = self.body["text"]
        return text

    @property
    def files(self) -> list[str]:
        """That it names."""
        return [self.body[name] for name in ("prompt_audio", "emo_audio") if self.body.get(name)]

    def end(self, status: str, error: str | None = None) -> None:
        self.status, self.error, self.completed_at = status, error, now()


@dataclass(kw_only=True)
class World(world.World[What, Entry, Options, Faults]):
    """One service, from its start to its end."""

    journal: Journal = field(default_factory=Journal)
    faults: Faults = field(default_factory=Faults)
    gate: Gate = field(default_factory=Gate)
    model: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Who has it is served, in the order of asking."""
    jobs: dict[str, Job] = field(default_factory=dict)
    """By task id, for ever; the service forgets them five minutes after their end."""
    pings: int = 0
    _crash: asyncio.Event = field(default_factory=asyncio.Event)

    async def work(self, seconds: float) -> None:
        """The model takes so long, unless everything ends."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._crash.wait()

    def crash(self) -> None:
        """Whatever is under way takes no more time, until `revive`."""
        self._crash.set()
        self.faults.go_on()

    def revive(self) -> None:
        self._crash.clear()
