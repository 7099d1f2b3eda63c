"""One announcement on one target: it waits for its turn, then for a satellite's conversation, and is played to its outcome.

It is asked to stop, and lets go by itself, within moments: nobody else speaks there before it did.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from functools import partial
from math import inf
from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import Context, Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.event import async_track_state_change_event

from ..api import Ended, Refused, Session
from ..api import Outcome as Ending
from ..const import DOMAIN, LOGGER
from ..coordinator import HeraldConfigEntry, HeraldCoordinator
from ..event import LEFT
from ..failures import explained, in_words
from .assist import interrupt_replies
from .model import Announcement, Mode, Outcome, State
from .players import player_for
from .players.base import NotSupported, Player, PlayerError, Unavailable
from .players.playing import given_up
from .rooms import EXPIRED, Claim, Rooms, Skipped, Withdrawn
from .stream import TARGETS_MAX, Stream
from .targets import SATELLITE, Target

LET_GO = 15.0
"""Seconds that a player may take to be silent, before what plays it is cancelled."""
QUIET = 60.0
"""Seconds that a satellite's conversation is waited for: one that never ends keeps nobody silent."""
TALKING = ("listening", "processing", "responding")
"""States of a satellite that somebody talks to."""
LISTENING = "listening"
"""Why somebody was skipped: so it was."""
SERVER_FAILED = "server_failed"
"""Why it failed: the server was lost, or is not set up."""


class By(StrEnum):
    """Who interrupted it: an outcome's reason."""

    ACTION = "by_action"
    ANNOUNCEMENT = "by_announcement"
    SESSION = "by_session"
    """A later one with the same id."""
    CALLER = "by_caller"
    """Whoever waited for it does not, as a script that was stopped."""
    UNLOAD = "by_unload"
    """Its server is not set up any more, or Home Assistant stops."""


ENDS: Mapping[Ending, tuple[State, str | None]] = {
    Ending.COMPLETED: (State.COMPLETED, None),
    Ending.INTERRUPTED: (State.INTERRUPTED, "by_server"),
    Ending.LEFT: (State.INTERRUPTED, LEFT),
    Ending.FAILED: (State.FAILED, SERVER_FAILED),
}
"""How the server's stream ended → what that is, where the player failed nothing and nobody here interrupted it."""


class Speaking:
    """One announcement on one target, from when it is wanted until its outcome."""

    def __init__(self, hass: HomeAssistant, rooms: Rooms, announcement: Announcement, target: Target, context: Context) -> None:
        self._hass = hass
        self._rooms = rooms
        self._context = context
        self.announcement = announcement
        self.target = target
        self._claim = Claim(
            keys=target.keys,
            mode=announcement.mode,
            priority=announcement.priority,
            owner=announcement.session_id,
            interrupt=lambda: self.interrupt(By.ANNOUNCEMENT),
        )
        self._interrupted: asyncio.Future[By] = hass.loop.create_future()
        self.spoken_as: str | None = None
        """Its session on the server, as soon as it has one."""
        self.over = asyncio.Event()

    def interrupt(self, by: By) -> None:
        """Ask it to stop, wherever it is. Only the first who asks counts."""
        if not self._interrupted.done():
            self._interrupted.set_result(by)
            self._claim.withdraw()

    async def run(self) -> Outcome:
        """To its end. Raises nothing: how it failed, the outcome says."""
        began = self._hass.loop.time()
        expires = self.announcement.expires
        try:
            async with self._rooms.turn(self._claim, expires):
                await self._quiet(None if expires is None else began + expires)
                return await self._spoken()
        except Skipped as skipped:
            return Outcome(state=State.SKIPPED, reason=skipped.reason)
        except Withdrawn:
            return Outcome(state=State.INTERRUPTED, reason=self._interrupted.result())
        except NotSupported as error:
            return Outcome(state=State.SKIPPED, reason=error.reason, message=in_words(self._hass, error))
        except PlayerError as error:
            LOGGER.warning("%s did not announce: %s", self.target.entity_id, error)
            return Outcome(state=State.FAILED, reason=error.reason, message=in_words(self._hass, error))
        except Exception as error:  # noqa: BLE001  # the task's edge: the other targets go on
            LOGGER.error("%s did not announce", self.target.entity_id, exc_info=error)
            return Outcome(state=State.FAILED, reason="failed", message=in_words(self._hass, error))
        finally:
            self.over.set()

    async def _quiet(self, until: float | None) -> None:
        """Who is patient lets a satellite's conversation end; others end what it is answered. Raises Skipped, Withdrawn."""
        if not self._is_talked_to():
            return
        if self.announcement.mode in (Mode.INTERRUPT, Mode.REPLACE):
            await interrupt_replies(self._hass, [self.target])
            return
        if self.announcement.mode is Mode.DROP:
            raise Skipped(LISTENING)
        quiet: asyncio.Future[None] = self._hass.loop.create_future()

        @callback
        def look(_: Event[EventStateChangedData]) -> None:
            if not self._is_talked_to() and not quiet.done():
                quiet.set_result(None)

        stop = async_track_state_change_event(self._hass, self.target.entity_id, look)
        now = self._hass.loop.time()
        first: set[asyncio.Future[Any]] = {quiet, self._interrupted}
        try:
            await asyncio.wait(first, timeout=min(QUIET, (until or inf) - now), return_when=asyncio.FIRST_COMPLETED)
        finally:
            stop()
        if self._interrupted.done():
            raise Withdrawn
        if not quiet.done() and until is not None and self._hass.loop.time() >= until:
            raise Skipped(EXPIRED)

    def _is_talked_to(self) -> bool:
        state = self._hass.states.get(self.target.entity_id)
        return self.target.domain == SATELLITE and state is not None and state.state in TALKING

    async def _spoken(self) -> Outcome:
        """Raises Withdrawn, PlayerError."""
        if self._interrupted.done():
            raise Withdrawn
        state = self._hass.states.get(self.target.entity_id)
        if state is None or state.state == STATE_UNAVAILABLE:
            raise Unavailable
        coordinator, player = self._coordinator(), player_for(self._hass, self.target)
        if coordinator is None:
            gone = HomeAssistantError(translation_domain=DOMAIN, translation_key="no_server")
            return Outcome(state=State.FAILED, reason=SERVER_FAILED, message=in_words(self._hass, gone))
        player.follows = partial(self._rooms.follows, self._claim)
        order = replace(player.order(self.announcement), session_id=secrets.token_hex(16))
        stream = Stream(self._hass, coordinator, self.announcement.text, order, targets=(self.target.entity_id,))
        self.spoken_as = stream.session_id
        while len(coordinator.announcements) >= TARGETS_MAX:
            del coordinator.announcements[next(iter(coordinator.announcements))]
        coordinator.announcements[stream.session_id] = self.announcement.session_id
        try:
            await self._played(player, stream)
        finally:
            await stream.interrupt()
        return self._outcome(coordinator, player, stream)

    def _coordinator(self) -> HeraldCoordinator | None:
        """None where the server is not set up any more, or not again yet."""
        entry: HeraldConfigEntry | None = self._hass.config_entries.async_get_entry(self.announcement.entry_id)
        return entry.runtime_data if entry is not None and entry.state is ConfigEntryState.LOADED else None

    async def _played(self, player: Player, stream: Stream) -> None:
        """Until it has ended, or has been interrupted and has let go. Raises PlayerError."""
        name = f"announcement on {self.target.entity_id}"
        playing = asyncio.create_task(player.play(stream, self.announcement, self._context), name=name)
        try:
            first: set[asyncio.Future[Any]] = {playing, self._interrupted}
            await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
            if not playing.done():
                async with asyncio.timeout(LET_GO):
                    await player.interrupt()
                    await asyncio.wait({playing})
        except TimeoutError:
            LOGGER.warning("%s did not let go of an announcement within %d s", self.target.entity_id, LET_GO)
        finally:
            playing.cancel()
            await asyncio.wait({playing}, timeout=LET_GO)  # it puts back what it changed
            await given_up(playing)
        if not playing.done() or playing.cancelled():
            return
        if (error := playing.exception()) is not None and not self._interrupted.done():
            raise error

    def _outcome(self, coordinator: HeraldCoordinator, player: Player, stream: Stream) -> Outcome:
        """Of one that its player did not fail."""
        about: dict[str, Any] = {
            "first_audio_ms": stream.first_audio_ms,
            "duration": round(stream.seconds, 3),
            "voice": stream.voice or coordinator.data.catalogue.default,
        }
        if self._interrupted.done():
            return Outcome(state=State.INTERRUPTED, reason=self._interrupted.result(), **about)
        end = stream.ended.result()
        if isinstance(end.error, Refused):
            return Outcome(state=State.FAILED, reason=end.error.code, message=str(end.error), **about)
        if end.error is not None:
            lost = HomeAssistantError(**explained(end.error, coordinator.client.address))
            return Outcome(state=State.FAILED, reason=SERVER_FAILED, message=in_words(self._hass, lost), **about)
        state, why = ENDS[end.outcome]
        return Outcome(state=state, reason=why or player.notice, **about)


@callback
def forget(coordinator: HeraldCoordinator, _: str, session: Session) -> None:
    """What a session of the server's was for, when it has ended. To be told of it after everybody who asks for that."""
    if isinstance(session, Ended):
        coordinator.targets.pop(session.id, None)
        coordinator.announcements.pop(session.id, None)
