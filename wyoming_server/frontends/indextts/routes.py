"""What this front end has on the HTTP port and on a port of its own, and how its websocket is opened and refused."""

from __future__ import annotations

import dataclasses

from aiohttp import web

from ...config import HttpConfig
from ...errors import AccessError, Busy, RequestError
from ...networks import Networks
from ...protocols.indextts import Failed, encode_server
from ..http.guards import ByNetwork
from ..http.routes import Handler, Route
from ..http.server import Port
from ..http.wire import is_for_a_websocket, opened
from .connection import BYTES_MAX, Connection
from .failures import told
from .services import Services

WEBSOCKET = "/ws/v1/indextts"
ANYWHERE = "/{path:.*}"
STRANGERS_BYTES_MAX = 64 * 1024
"""Of a message that is not looked at."""


def routes(services: Services) -> tuple[Route, ...]:
    return (_route(services, WEBSOCKET),)


def own_port(services: Services, config: HttpConfig, port: int, networks: Networks) -> Port:
    """The service as its clients know it: at the root, or whatever path they have, without a token, for peers of `networks`."""
    return Port(
        dataclasses.replace(config, port=port),
        access=ByNetwork(networks, "wyoming.allow"),
        offered=(_route(services, ANYWHERE),),
        setting="http.indextts_port",
    )


def _route(services: Services, path: str) -> Route:
    return Route(method="GET", path=path, handler=_serve(services), refuse=_refuse)


def _serve(services: Services) -> Handler:
    async def serve(request: web.Request) -> web.StreamResponse:
        if not is_for_a_websocket(request):
            msg = "Here is a websocket of IndexTTS; it is opened with a handshake of version 13."
            raise RequestError(msg)
        socket = await opened(request, BYTES_MAX)
        await Connection(services, socket, request).run()
        return socket

    return serve


async def _refuse(request: web.Request, error: AccessError | Busy) -> web.StreamResponse:
    """A client of this protocol reads no HTTP status: it is told in a message."""
    if not is_for_a_websocket(request):
        raise error
    socket = await opened(request, STRANGERS_BYTES_MAX)
    await socket.send_str(str(encode_server(Failed(message=told(error)))))
    await socket.close()
    return socket
