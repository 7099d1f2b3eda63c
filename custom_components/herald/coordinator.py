"""What Home Assistant knows of a server: asked once, and then told by the server as it changes. Nothing is polled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryAuthFailed
from homeassistant.helpers.debounce import Debouncer
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed

from .api import (
    CannotConnect,
    Catalogue,
    Client,
    Ended,
    Event,
    HeraldError,
    Kind,
    NotHerald,
    Server,
    Service,
    Session,
    Usage,
    WrongToken,
)
from .const import DOMAIN, LOGGER

type HeraldConfigEntry = ConfigEntry[HeraldCoordinator]
type SessionListener = Callable[[str, Session], None]

RETRY = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
"""Seconds between attempts to hear of the server again, once it is gone."""
USAGE_COOLDOWN = 30.0
"""Seconds between two questions for what was spent: it changes with every reply."""


@dataclass(frozen=True, kw_only=True)
class HeraldData:
    """Of one server. Replaced as a whole, never changed."""

    server: Server
    services: Mapping[tuple[Kind, str], Service]
    """Engines and converters, those without credentials too."""
    catalogue: Catalogue
    usage: Usage


class HeraldCoordinator(DataUpdateCoordinator[HeraldData]):
    """Entities listen to it for data, and to `sessions` for what is spoken."""

    config_entry: HeraldConfigEntry

    def __init__(self, hass: HomeAssistant, entry: HeraldConfigEntry, client: Client) -> None:
        super().__init__(hass, LOGGER, config_entry=entry, name=entry.title, update_interval=None, always_update=False)
        self.client = client
        self._session_listeners: list[SessionListener] = []
        self._usage = Debouncer(hass, LOGGER, cooldown=USAGE_COOLDOWN, immediate=True, function=self._read_usage, background=True)
        entry.async_on_unload(self._usage.async_shutdown)

    async def _async_update_data(self) -> HeraldData:
        try:
            server = await self.client.connect()
            return HeraldData(
                server=server,
                services=await self.client.services(),
                catalogue=await self.client.catalogue(),
                usage=await self.client.usage(),
            )
        except WrongToken as error:
            raise ConfigEntryAuthFailed(translation_domain=DOMAIN, translation_key="wrong_token") from error
        except HeraldError as error:
            raise UpdateFailed(
                translation_domain=DOMAIN,
                translation_key=_key(error),
                translation_placeholders={"address": str(self.client.address), "error": str(error)},
            ) from error

    @callback
    def listen_to_sessions(self, listener: SessionListener) -> CALLBACK_TYPE:
        """Have it called with the event's name and the session whenever one starts, speaks or ends (then an `Ended`)."""
        self._session_listeners.append(listener)
        return lambda: self._session_listeners.remove(listener)

    async def listen(self) -> None:
        """Follow the server's events until cancelled, and come back to it when it was gone."""
        failures = 0
        while True:
            try:
                async with aclosing(self.client.events()) as events:
                    async for event in events:
                        failures = 0
                        await self._on_event(event)
                self._lost(CannotConnect(f"{self.client.address} ended the connection."))
            except WrongToken:
                self.config_entry.async_start_reauth(self.hass)
                return
            except HeraldError as error:
                self._lost(error)
            await asyncio.sleep(RETRY[min(failures, len(RETRY) - 1)])
            failures += 1

    async def _on_event(self, event: Event) -> None:
        try:
            match event.name:
                case "hello":
                    await self.async_refresh()
                case "voices":
                    catalogue = await self.client.catalogue()
                    server = replace(self.data.server, revision=catalogue.revision)
                    self._set(server=server, catalogue=catalogue)
                case "engine" | "converter":
                    await self._on_service(Service.read(event.data))
                case "session_started" | "session_speaking":
                    self._on_session(event.name, Session.read(event.data))
                case "session_ended":
                    self._on_session(event.name, Ended.read(event.data))
                    self._usage.async_schedule_call()
        except (KeyError, TypeError, ValueError) as error:
            msg = f"{self.client.address} tells what is not known here: {event.name}, {error!r}."
            raise NotHerald(msg) from error

    async def _on_service(self, service: Service) -> None:
        """One that was added or changed; a removed one isn't listed any more."""
        self._set(services=await self.client.services() if service.configured is False else self._with(service))

    def _with(self, service: Service) -> dict[tuple[Kind, str], Service]:
        return {**self.data.services, (service.kind, service.name): service}

    @callback
    def _on_session(self, name: str, session: Session) -> None:
        for listener in tuple(self._session_listeners):
            listener(name, session)

    async def _read_usage(self) -> None:
        try:
            self._set(usage=await self.client.usage())
        except HeraldError as error:
            LOGGER.debug("What was spent is not known: %s", error)

    @callback
    def _set(self, **changes: Any) -> None:
        if self.data is not None and self.last_update_success:
            self.async_set_updated_data(replace(self.data, **changes))

    @callback
    def _lost(self, error: HeraldError) -> None:
        """Says so once; `hello` brings it back."""
        self.async_set_update_error(UpdateFailed(str(error)))


def _key(error: HeraldError) -> str:
    """Of the translated sentence."""
    return "cannot_connect" if isinstance(error, CannotConnect) else "failed"
