"""What this front end has on the HTTP port, and how its websocket is opened and refused."""

from __future__ import annotations

from aiohttp import web

from ...errors import AccessError, Busy, RequestError
from ...protocols.flowing import encode_server
from ...protocols.flowing_events import Failed
from ..http.routes import Handler, Route
from ..http.wire import is_for_a_websocket, opened
from .connection import BYTES_MAX, Conversation, Services
from .page import page
from .voices import details, names

WEBSOCKET = "/ws/v1/tts"
VOICES = "/stream/v1/tts/voices"
STRANGERS_BYTES_MAX = 64 * 1024
"""Of a message that is not looked at."""


def routes(services: Services) -> tuple[Route, ...]:
    return (
        Route(method="GET", path=WEBSOCKET, handler=_converse(services), refuse=_refuse),
        Route(method="GET", path=VOICES, handler=names(services.catalogue)),
        Route(method="GET", path=f"{VOICES}/info", handler=details(services.catalogue, services.engines)),
        *page(),
    )


def _converse(services: Services) -> Handler:
    async def converse(request: web.Request) -> web.StreamResponse:
        if not is_for_a_websocket(request):
            msg = f"{WEBSOCKET} is a websocket; it is opened with a handshake of version 13."
            raise RequestError(msg)
        socket = await opened(request, BYTES_MAX)
        await Conversation(services, socket, request).run()
        return socket

    return converse


async def _refuse(request: web.Request, error: AccessError | Busy) -> web.StreamResponse:
    """A client of this protocol reads no HTTP status: it is told in a message."""
    if not is_for_a_websocket(request):
        raise error
    socket = await opened(request, STRANGERS_BYTES_MAX)
    failed = Failed(task_id="", status=error.flowing_status, code=error.code, text=str(error))
    await socket.send_str(str(encode_server(failed)))
    await socket.close()
    return socket
