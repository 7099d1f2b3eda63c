"""Announcements that are made: one synthesis for all rooms, and for each room its own turn, stream and outcome."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress

from homeassistant.core import Context, HomeAssistant, callback
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN
from .assist import answering, interrupt_replies
from .model import Announcement, Mode, Outcome
from .players import player_for
from .players.playing import given_up
from .rooms import Claim, Rooms, Skipped
from .speaking import By, Speaking
from .targets import Target

HUSH = -1_000
"""Priority of an announcement of nothing: less than any other's."""


class Announcing:
    """One announcement on all of its targets."""

    def __init__(self, announcement: Announcement, rooms: Sequence[Speaking]) -> None:
        self.announcement = announcement
        self.rooms = rooms

    async def run(self) -> dict[str, Outcome]:
        async with asyncio.TaskGroup() as group:
            speaking = [(room.target.entity_id, group.create_task(room.run())) for room in self.rooms]
        return {entity_id: task.result() for entity_id, task in speaking}


class Sessions:
    """All that is announced now, by whichever server."""

    def __init__(self, hass: HomeAssistant) -> None:
        self._hass = hass
        self._turns = Rooms()
        self._running: list[Announcing] = []

    def __iter__(self) -> Iterator[Speaking]:
        return (room for announcing in tuple(self._running) for room in announcing.rooms if not room.over.is_set())

    @callback
    def begin(self, announcement: Announcement, targets: Iterable[Target], context: Context) -> asyncio.Task[dict[str, Outcome]]:
        """It goes on by itself, and what it comes to is the outcome on each target."""
        for room in self:
            if room.announcement.session_id == announcement.session_id:
                room.interrupt(By.SESSION)
        rooms = [Speaking(self._hass, self._turns, announcement, target, context) for target in targets]
        return self._hass.async_create_background_task(self._run(Announcing(announcement, rooms)), name="announcement")

    async def _run(self, announcing: Announcing) -> dict[str, Outcome]:
        self._running.append(announcing)
        try:
            return await announcing.run()
        finally:
            self._running.remove(announcing)

    async def announce(self, announcement: Announcement, targets: Iterable[Target], context: Context) -> dict[str, Outcome]:
        """To its end on all targets. Cancelled, it is interrupted."""
        running = self.begin(announcement, targets, context)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            if not running.done():
                await self.interrupt(lambda room: room.announcement is announcement, By.CALLER)
            raise

    async def interrupt(self, chosen: Callable[[Speaking], bool], by: By = By.ACTION) -> int:
        """Silence, wherever it is chosen. Returns when they have let go; how many there were."""
        rooms = [room for room in self if chosen(room)]
        for room in rooms:
            room.interrupt(by)
        await asyncio.gather(*(room.over.wait() for room in rooms))
        return len(rooms)

    async def end(self) -> None:
        """All of it, while players can still be told: Home Assistant stops."""
        await self.interrupt(lambda _: True, By.UNLOAD)

    async def interrupt_replies(self, targets: Iterable[Target], context: Context) -> int:
        """Of the voice assistant, on these satellites and by these voices. Returns when the satellites know of it; how many."""
        targets = tuple(targets)
        heard = answering(self._hass, targets)
        count = await interrupt_replies(self._hass, targets)
        await asyncio.gather(*(self._hush(satellite, context) for satellite in heard))
        return count

    async def _hush(self, satellite: Target, context: Context) -> None:
        """Unless somebody announces there, which says as much; and no longer than until somebody does."""
        announced = asyncio.Event()
        owner = secrets.token_hex(16)
        claim = Claim(keys=satellite.keys, mode=Mode.DROP, priority=HUSH, owner=owner, interrupt=announced.set)
        with suppress(Skipped):
            async with self._turns.turn(claim):
                hushing = asyncio.create_task(player_for(self._hass, satellite).hush(context), name="hush")
                waiting = asyncio.create_task(announced.wait())
                try:
                    await asyncio.wait({hushing, waiting}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    await given_up(hushing)
                    await given_up(waiting)


SESSIONS: HassKey[Sessions] = HassKey(f"{DOMAIN}_sessions")
"""In `hass.data`."""
