"""Listens for HTTP, and ends when it is told to. What a port serves stands in `routes`, whom it serves in `guards`."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

from aiohttp import web

from ...config import HttpConfig
from ...errors import ConfigError
from ...state.tokens import Token
from ..sockets import stop_listening
from .certificates import Tls
from .clients import KEEP_ALIVE, Clients
from .connection import Connection, in_hand, nameless
from .guards import Access, ByToken, Guards
from .hosts import OwnNames
from .pages import shared
from .routes import BODY_MAX, Health, Route, register, routes
from .tls import Handshake

DRAIN = 0.15
"""Seconds that requests have to end by themselves at a shutdown, and again after they are cancelled."""


class Port:
    """See `serving`. `setting` is the port's name for people, `keep_alive` the seconds that a connection may be idle."""

    def __init__(
        self,
        config: HttpConfig,
        *,
        access: Access,
        offered: tuple[Route, ...],
        setting: str = "http.port",
        keep_alive: float = KEEP_ALIVE,
    ) -> None:
        self._config = config
        self._access = access
        self.offered = offered
        self._setting = setting
        self._keep_alive = keep_alive
        self.urls: list[str] = []
        """Where it listens; a port of 0 in the configuration is a real one here."""
        self.tls: Tls | None = None
        """Of `serving`."""

    @asynccontextmanager
    async def serving(self, tls: Tls | None = None) -> AsyncIterator[None]:
        """Accept requests while the block runs, over TLS or plain. Raises ConfigError where it cannot listen."""
        self.tls = tls
        # A handler is cancelled when its client leaves: nobody would hear what it makes.
        runner = web.AppRunner(self._application(), handler_cancellation=True, shutdown_timeout=DRAIN / 2)
        await runner.setup()
        clients = Clients(
            max_connections=self._config.max_connections,
            request_timeout=self._config.request_timeout,
            keep_alive=self._keep_alive,
        )
        try:
            server = await self._listen(runner, clients)
            try:
                yield
            finally:
                await stop_listening(server)
                await clients.end(DRAIN)
        finally:
            await runner.cleanup()
            await clients.abort()

    def _application(self) -> web.Application:
        app = web.Application(client_max_size=BODY_MAX, middlewares=[in_hand])
        table = register(app, self.offered)
        names = OwnNames(socket.gethostname(), self._config.allowed_hosts)
        app.on_response_prepare.append(nameless)
        app.middlewares.append(Guards(access=self._access, names=names, table=table).middleware)
        return app

    async def _listen(self, runner: web.AppRunner, clients: Clients) -> asyncio.Server:
        http = cast("web.Server", runner.server)
        host, port = self._config.host, self._config.port
        try:
            server = await asyncio.get_running_loop().create_server(self._protocol(http, clients), host, port)
        except OSError as error:
            reason = error.strerror or error
            msg = f"HTTP cannot listen on {host} port {port}: {reason}. Is another server running there? ({self._setting})"
            raise ConfigError(msg) from error
        scheme = "http" if self.tls is None else "https"
        self.urls = [_url(scheme, listener.getsockname()) for listener in server.sockets]
        return server

    def _protocol(self, http: web.Server, clients: Clients) -> Callable[[], asyncio.Protocol]:
        """Makes what speaks with a client that was accepted."""
        tls = self.tls
        if tls is None:
            return lambda: Connection(http, clients)
        return lambda: Handshake(tls.context, clients, lambda: Connection(http, clients))


class HttpServer(Port):
    """The port for those who have the token. `more_routes` are served beside those of the table, behind the same guards."""

    def __init__(
        self,
        config: HttpConfig,
        *,
        token: Token,
        health: Health,
        more_routes: tuple[Route, ...] = (),
        keep_alive: float = KEEP_ALIVE,
    ) -> None:
        offered = (*routes(health), *shared(), *more_routes)
        super().__init__(config, access=ByToken(token), offered=offered, keep_alive=keep_alive)


def _url(scheme: str, address: tuple[str, int]) -> str:
    host, port = address[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
