"""What Home Assistant knows of a server: asked once, and then told by the server as it changes. Nothing is polled."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryAuthFailed
from homeassistant.helpers.debounce import Debouncer
from homeassistant.helpers.dispatcher import async_dispatcher_connect, async_dispatcher_send
from homeassistant.helpers.event import async_track_point_in_utc_time
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed
from homeassistant.util import dt as dt_util
from homeassistant.util.signal_type import SignalType

from .api import CannotConnect, Client, Ended, Event, HeraldError, NotHerald, Refused, Service, Session, WrongToken
from .const import CONF_LEAD, DOMAIN, LEAD, LOGGER
from .data import HeraldData
from .failures import explained
from .speech.replies import Replies

type HeraldConfigEntry = ConfigEntry[HeraldCoordinator]
type SessionListener = Callable[[str, Session], None]

RETRY = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
"""Seconds between attempts to hear of the server again, once it is gone; each up to a quarter more or less."""
STEADY = 60.0
"""Seconds after which a connection was good: the next attempt comes soon again."""
VOICES_COOLDOWN = 1.0
"""Seconds in which any number of changes of the voices are read once."""
VOICES_RETRY = 30.0
"""Seconds until they are read again, where that failed though the server is there."""
USAGE_COOLDOWN = 30.0
"""Seconds between two questions for what was spent: it changes with every reply."""
UNKNOWN_CHIME = "unknown_chime"
"""A code of the server's."""
MONTH_LAG = timedelta(minutes=1)
"""After the end of a month, until what was spent in the new one is asked for: clocks differ."""


class HeraldCoordinator(DataUpdateCoordinator[HeraldData]):
    """Entities listen to it for data, and to `listen_to_sessions` for what is spoken."""

    config_entry: HeraldConfigEntry

    @property
    def lead(self) -> float:
        """Seconds of audio that a player may be sent ahead of what it plays: what is heard after an interrupt."""
        return float(self.config_entry.options.get(CONF_LEAD, LEAD))

    def __init__(self, hass: HomeAssistant, entry: HeraldConfigEntry, client: Client) -> None:
        super().__init__(hass, LOGGER, config_entry=entry, name=entry.title, update_interval=None, always_update=False)
        self.client = client
        self.targets: dict[str, Sequence[str]] = {}
        """Entities that are spoken to, by session id. Whoever announces writes it, before the session and until after it."""
        self.announcements: dict[str, str] = {}
        """Ids of the announcements that they are for, likewise."""
        self.following = asyncio.Event()
        """Set while the server tells what happens there."""
        self.replies = Replies()
        """That are spoken by entities of this server."""
        self._spoken: SignalType[str, Session] = SignalType(f"{DOMAIN}_{entry.entry_id}_session")
        self._voices = self._debouncer(self._read_voices, VOICES_COOLDOWN, immediate=False)
        self._voices_again = self._debouncer(self._read_voices, VOICES_RETRY, immediate=False)
        self._usage = self._debouncer(self._read_usage, USAGE_COOLDOWN, immediate=True)
        self._timer: CALLBACK_TYPE | None = None
        entry.async_on_unload(self._forget_the_month)

    # Asked

    async def _async_update_data(self) -> HeraldData:
        try:
            data = await HeraldData.read(self.client)
        except WrongToken as error:
            raise ConfigEntryAuthFailed(**explained(error, self.client.address)) from error
        except HeraldError as error:
            raise UpdateFailed(**explained(error, self.client.address)) from error
        self._await_the_month(data.usage.month_ends)
        return data

    async def _read_voices(self) -> None:
        if not self.last_update_success:
            return  # nor is anything asked of whoever may be there now
        self._voices_again.async_cancel()
        try:
            catalogue = await self.client.catalogue()
        except HeraldError as error:
            LOGGER.debug("The voices are not known: %s", error)
            self.notice(error)
            self._voices_again.async_schedule_call()
        else:
            self._set(server=replace(self.data.server, revision=catalogue.revision), catalogue=catalogue)

    async def _read_usage(self) -> None:
        if not self.last_update_success:
            return
        try:
            usage = await self.client.usage()
        except HeraldError as error:
            LOGGER.debug("What was spent is not known: %s", error)
            self.notice(error)
        else:
            self._await_the_month(usage.month_ends)
            self._set(usage=usage)

    @callback
    def notice(self, error: HeraldError) -> None:
        """Whoever asked the server, and was told this: a token that it does not take any more must be entered anew."""
        if isinstance(error, WrongToken):
            self.config_entry.async_start_reauth(self.hass)
        if isinstance(error, Refused) and error.code == UNKNOWN_CHIME:
            self.client.chimes.clear()

    # Told

    @callback
    def listen_to_sessions(self, listener: SessionListener) -> CALLBACK_TYPE:
        """Have it called with the event's name and the session whenever one starts, speaks or ends (then an `Ended`)."""
        return async_dispatcher_connect(self.hass, self._spoken, listener)

    async def listen(self) -> None:
        """Follow the server's events until cancelled, and come back to it when it was gone."""
        failures = 0
        while True:
            began = monotonic()
            try:
                await self._follow()
            except HeraldError as error:
                self._lost(error)
                self.notice(error)
            finally:
                self.following.clear()
                self.client.chimes.clear()
            failures = 0 if monotonic() - began > STEADY else failures + 1
            await asyncio.sleep(pause(failures))

    async def _follow(self) -> None:
        """Until the server is gone, or cannot be read. Raises HeraldError."""
        await self.client.connect()  # whoever is there proves first who it is: the events are asked for with the token
        async with aclosing(self.client.events()) as events:
            async for event in events:
                match event.name:
                    case "hello":
                        await self.async_refresh()
                        if not self.last_update_success:
                            return
                        self.client.chimes.clear()
                        self.following.set()
                    case "bye":
                        msg = f"{self.client.address} was shut down."
                        raise CannotConnect(msg)
                    case _:
                        self._on_event(event)
        msg = f"{self.client.address} ended the connection."
        raise CannotConnect(msg)

    @callback
    def _on_event(self, event: Event) -> None:
        """Waits for nothing: a reader that is slow is cut off."""
        try:
            match event.name:
                case "voices":
                    self._voices.async_schedule_call()
                case "engine" | "converter":
                    self._set(services=self.data.with_service(Service.read(event.data)))
                case "chimes":
                    self.client.chimes.clear()
                case "session_started" | "session_speaking":
                    self._tell(event.name, Session.read(event.data))
                case "session_ended":
                    self._tell(event.name, Ended.read(event.data))
                    self._usage.async_schedule_call()
        except (KeyError, TypeError, ValueError) as error:
            msg = f"{self.client.address} tells what is not known here: {event.name}, {error!r}."
            raise NotHerald(msg) from error

    @callback
    def _tell(self, name: str, session: Session) -> None:
        async_dispatcher_send(self.hass, self._spoken, name, session)

    # Kept

    @callback
    def _set(self, **changes: Any) -> None:
        """Not while it is gone: its next `hello` brings everything."""
        if self.last_update_success and (data := replace(self.data, **changes)) != self.data:
            self.async_set_updated_data(data)

    @callback
    def _lost(self, error: HeraldError) -> None:
        """Says so once; `hello` brings it back, and says that once."""
        self.client.distrust()
        was_there = self.last_update_success
        failure = UpdateFailed(**explained(error, self.client.address))
        failure.__cause__ = error
        self.async_set_update_error(failure)
        if not was_there:
            self.async_update_listeners()  # the reason may be another one: `issues` tells of it

    @callback
    def _await_the_month(self, ends: datetime) -> None:
        """Nobody may speak when a new one begins, and still nothing was spent in it."""
        self._forget_the_month()
        if self._shutdown_requested:
            return  # asked before the entry was unloaded, answered after it
        at = max(ends, dt_util.utcnow()) + MONTH_LAG
        self._timer = async_track_point_in_utc_time(self.hass, self._month_is_over, at)

    @callback
    def _month_is_over(self, _: datetime) -> None:
        self._timer = None
        self._usage.async_schedule_call()

    @callback
    def _forget_the_month(self) -> None:
        if self._timer is not None:
            self._timer()
            self._timer = None

    def _debouncer(self, read: Callable[[], Any], cooldown: float, *, immediate: bool) -> Debouncer[Any]:
        made: Debouncer[Any] = Debouncer(
            self.hass, LOGGER, cooldown=cooldown, immediate=immediate, function=read, background=True
        )
        self.config_entry.async_on_unload(made.async_shutdown)
        return made


def pause(failures: int) -> float:
    """Seconds until the next attempt, after so many that did not last."""
    return RETRY[min(max(failures, 1), len(RETRY)) - 1] * random.uniform(0.75, 1.25)  # noqa: S311  # no secret
