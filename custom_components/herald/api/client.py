"""One paired server: its whole API as methods. Every one raises HeraldError."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, Mapping
from urllib.parse import quote

import aiohttp

from .address import Address
from .errors import NotHerald, Refused, WrongVersion
from .events import Event, events
from .models import Catalogue, Json, Kind, Model, Server, Service, Session, Usage, Verdict, Voice
from .pairing import prove
from .speech import Order, Reply
from .wire import API, Wire

VERIFY_TIMEOUT = 60.0
"""Seconds for a live trial: the server asks the vendor."""


class Client:
    """`session` is not closed here."""

    def __init__(self, session: aiohttp.ClientSession, address: Address, token: str) -> None:
        self._wire = Wire(session=session, address=address, token=token)
        self._token = token
        self.address = address

    async def connect(self) -> Server:
        """The server, after it proved that it knows the token: only then the token is sent. Raises WrongVersion too."""
        proved = await prove(self._wire.session, self.address, self._token)
        server = await self.server()
        if server.id != proved:
            msg = f"The server at {self.address} tells two ids."
            raise NotHerald(msg)
        return server

    async def server(self) -> Server:
        told = await self._wire.ask("GET", "/api/server")
        if told.get("api") != API:
            raise WrongVersion(told.get("api"), str(told.get("version")))
        return self._read(Server, told)

    async def services(self) -> dict[tuple[Kind, str], Service]:
        """All engines and converters."""
        engines, converters = await self._wire.ask("GET", "/api/engines"), await self._wire.ask("GET", "/api/converters")
        told = [*_list(engines, "engines"), *_list(converters, "converters")]
        services = [self._read(Service, service) for service in told]
        return {(service.kind, service.name): service for service in services}

    async def service(self, kind: Kind, name: str) -> Service:
        return self._read(Service, await self._wire.ask("GET", _path(kind, name)))

    async def set_credentials(self, kind: Kind, name: str, values: Mapping[str, str | None]) -> Service:
        """Have the server store them. Fields that are not named keep what they have; None removes one."""
        told = await self._wire.ask("PUT", f"{_path(kind, name)}/credentials", json={"credentials": dict(values)})
        return self._read(Service, told)

    async def delete_credentials(self, kind: Kind, name: str) -> Service:
        """Have the server forget those that it stores."""
        return self._read(Service, await self._wire.ask("DELETE", f"{_path(kind, name)}/credentials"))

    async def verify(self, kind: Kind, name: str, values: Mapping[str, str | None] | None = None) -> Verdict:
        """Try what is in force, or `values` over it, live."""
        candidate = {} if values is None else {"credentials": dict(values)}
        return self._read(
            Verdict, await self._wire.ask("POST", f"{_path(kind, name)}/verify", json=candidate, seconds=VERIFY_TIMEOUT)
        )

    async def catalogue(self) -> Catalogue:
        """All voices."""
        return self._read(Catalogue, await self._wire.ask("GET", "/api/voices"))

    async def voice(self, name: str) -> tuple[Voice, Json]:
        """A voice, and the JSON Schema of what a call may set in its options."""
        told = await self._wire.ask("GET", f"/api/voices/{quote(name, safe='')}")
        settings = told.get("settings")
        if not isinstance(settings, dict):
            msg = f"What answers at {self.address} is no Herald."
            raise NotHerald(msg)
        return self._read(Voice, told), settings

    async def sessions(self) -> list[Session]:
        return [self._read(Session, session) for session in _list(await self._wire.ask("GET", "/api/sessions"), "sessions")]

    async def interrupt(self, session_id: str) -> bool:
        """Silence, in a session. False where nothing speaks in it."""
        try:
            await self._wire.ask("DELETE", f"/api/sessions/{quote(session_id, safe='')}")
        except Refused as refused:
            if refused.code == "unknown_session":
                return False
            raise
        return True

    async def interrupt_all(self) -> int:
        """Silence. How many spoke."""
        return int((await self._wire.ask("DELETE", "/api/sessions")).get("interrupted", 0))

    async def usage(self) -> Usage:
        return self._read(Usage, await self._wire.ask("GET", "/api/usage"))

    async def store_chime(self, audio: bytes) -> str:
        """Its SHA-256, by which requests name it."""
        digest = hashlib.sha256(audio).hexdigest()
        await self._wire.ask("PUT", f"/api/chimes/{digest}", data=audio)
        return digest

    def events(self) -> AsyncGenerator[Event]:
        """What changes, from now on, until the connection ends. Close it."""
        return events(self._wire)

    def speak(self, order: Order) -> Reply:
        """See `Reply`. Nothing is asked before it is listened to."""
        return Reply(self._wire, order)

    def _read[T: Model](self, model: type[T], told: Json) -> T:
        try:
            return model.read(told)
        except (KeyError, TypeError, ValueError) as error:
            msg = f"What answers at {self.address} is no Herald that is known here: {error!r}."
            raise NotHerald(msg) from error


def _path(kind: Kind, name: str) -> str:
    return f"/api/{kind}s/{quote(name, safe='')}"


def _list(told: Json, key: str) -> list[Json]:
    entries = told.get(key)
    return entries if isinstance(entries, list) else []
