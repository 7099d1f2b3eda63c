"""One paired server: its whole API as methods. Every one raises HeraldError."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Any
from urllib.parse import quote

import aiohttp

from .address import Address
from .errors import CannotConnect, NotHerald, Refused, WrongServer, WrongToken, WrongVersion
from .events import Event, events
from .models import Catalogue, Json, Kind, Model, Server, Service, Session, Usage, Verdict, Voice
from .pairing import identify, prove
from .speech import Order, Reply
from .wire import API, Wire

VERIFY_TIMEOUT = 60.0
"""Seconds for a live trial: the server asks the vendor."""


class Client:
    """`session` is not closed here. `server_id`: the only server to talk to; None: whichever knows the token."""

    def __init__(self, session: aiohttp.ClientSession, address: Address, token: str, *, server_id: str | None = None) -> None:
        self._wire = Wire(session=session, address=address, token=token)
        self._token = token
        self._server_id = server_id
        self._trusted = False
        self.address = address
        self.chimes: dict[str, tuple[object, str]] = {}
        """Which are known to be stored: by a name of whoever stored them, what they were made of, and their SHA-256.
        Whoever hears of the server's events empties it when they may be others."""

    async def connect(self) -> Server:
        """The server, after it proved that it knows the token: only then the token is sent. Raises WrongServer, WrongVersion."""
        proved = await self._prove()
        server = await self.server()
        if server.id != proved:
            msg = f"The server at {self.address} tells two ids."
            raise NotHerald(msg)
        return server

    @asynccontextmanager
    async def trusted(self) -> AsyncGenerator[None]:
        """In the block, the server has proved who it is since it was last lost. Nobody else is sent the token."""
        if not self._trusted:
            await self._prove()
        try:
            yield
        except CannotConnect:
            self.distrust()
            raise

    def distrust(self) -> None:
        """The server was lost: whoever answers next may be somebody else."""
        self._trusted = False

    async def _prove(self) -> str:
        """Its id. A stranger is told from the paired server with another token, which its owner can mend."""
        session, address, wanted = self._wire.session, self.address, self._server_id
        self.distrust()
        try:
            proved = await prove(session, address, self._token)
        except WrongToken:
            if wanted in (None, await identify(session, address)):
                raise
            proved = ""
        if wanted not in (None, proved):
            msg = f"The server at {address} is not the one that was paired."
            raise WrongServer(msg)
        self._trusted = True
        return proved

    async def server(self) -> Server:
        told = await self._ask("GET", "/api/server")
        if told.get("api") != API:
            raise WrongVersion(told.get("api"), str(told.get("version")))
        return self._read(Server, told)

    async def services(self) -> dict[tuple[Kind, str], Service]:
        """All engines and converters."""
        engines, converters = await self._ask("GET", "/api/engines"), await self._ask("GET", "/api/converters")
        told = [*_list(engines, "engines"), *_list(converters, "converters")]
        services = [self._read(Service, service) for service in told]
        return {(service.kind, service.name): service for service in services}

    async def service(self, kind: Kind, name: str) -> Service:
        return self._read(Service, await self._ask("GET", _path(kind, name)))

    async def set_credentials(self, kind: Kind, name: str, values: Mapping[str, str | None]) -> Service:
        """Have the server store them. Fields that are not named keep what they have; None removes one."""
        told = await self._ask("PUT", f"{_path(kind, name)}/credentials", json={"credentials": dict(values)})
        return self._read(Service, told)

    async def delete_credentials(self, kind: Kind, name: str) -> Service:
        """Have the server forget those that it stores."""
        return self._read(Service, await self._ask("DELETE", f"{_path(kind, name)}/credentials"))

    async def verify(self, kind: Kind, name: str, values: Mapping[str, str | None] | None = None) -> Verdict:
        """Try what is in force, or `values` over it, live."""
        candidate = {} if values is None else {"credentials": dict(values)}
        return self._read(Verdict, await self._ask("POST", f"{_path(kind, name)}/verify", json=candidate, seconds=VERIFY_TIMEOUT))

    async def catalogue(self) -> Catalogue:
        """All voices."""
        return self._read(Catalogue, await self._ask("GET", "/api/voices"))

    async def voice(self, name: str) -> tuple[Voice, Json]:
        """A voice, and the JSON Schema of what a call may set in its options."""
        told = await self._ask("GET", f"/api/voices/{quote(name, safe='')}")
        settings = told.get("settings")
        if not isinstance(settings, dict):
            msg = f"What answers at {self.address} is no Herald."
            raise NotHerald(msg)
        return self._read(Voice, told), settings

    async def sessions(self) -> list[Session]:
        return [self._read(Session, session) for session in _list(await self._ask("GET", "/api/sessions"), "sessions")]

    async def interrupt(self, session_id: str) -> bool:
        """Silence, in a session. False where nothing speaks in it."""
        try:
            await self._ask("DELETE", f"/api/sessions/{quote(session_id, safe='')}")
        except Refused as refused:
            if refused.code == "unknown_session":
                return False
            raise
        return True

    async def interrupt_all(self) -> int:
        """Silence. How many spoke."""
        count = (await self._ask("DELETE", "/api/sessions")).get("interrupted")
        return count if isinstance(count, int) else 0

    async def usage(self) -> Usage:
        return self._read(Usage, await self._ask("GET", "/api/usage"))

    async def store_chime(self, audio: bytes) -> str:
        """Its SHA-256, by which requests name it."""
        digest = hashlib.sha256(audio).hexdigest()
        await self._ask("PUT", f"/api/chimes/{digest}", data=audio)
        return digest

    async def events(self) -> AsyncGenerator[Event]:
        """What changes, from now on, until the connection ends. Close it."""
        async with self.trusted(), aclosing(events(self._wire)) as told:
            async for event in told:
                yield event

    def speak(self, order: Order) -> Reply:
        """See `Reply`. Nothing is asked before it is listened to."""
        return Reply(self._wire, order, self.trusted)

    async def _ask(self, method: str, path: str, **more: Any) -> Json:
        async with self.trusted():
            return await self._wire.ask(method, path, **more)

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
