"""`GET /api/events`: what changes, as server-sent events that go on until the reader leaves or the server ends.

A reader is no session and delays nobody: events wait for it in the hub, up to a limit, and in the socket.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

from aiohttp import web

from ...errors import Busy
from ...monitoring.hub import Subscriber
from ...sessions import ListenerGone
from ..http.routes import Handler
from ..streaming.bodies import PlainBody
from ..streaming.reply import Reply
from . import about
from .answers import NEVER_OLD
from .bodies import read_parameters
from .services import Services

MEDIA_TYPE = "text/event-stream"
READERS_MAX = 50
"""At the same time. Each takes one of http.max_connections."""
QUIET = 15.0
"""Seconds without an event after which a comment shows that the line is alive: less than proxies wait."""
PATIENCE = 10.0
"""Seconds that a reader may take nothing."""
ALIVE = b": alive\n\n"


def events(services: Services) -> Handler:
    async def tell(request: web.Request) -> web.StreamResponse:
        read_parameters(request, {})
        if request.method == "HEAD":
            return web.Response(content_type=MEDIA_TYPE, headers=NEVER_OLD)
        if len(services.hub) >= READERS_MAX:
            msg = f"{READERS_MAX} clients read the events; no more are allowed."
            raise Busy(msg)
        reply = Reply(request, PlainBody(MEDIA_TYPE), {}, limit=PATIENCE)
        try:
            with services.hub.subscribe() as subscriber:
                # Nothing can change between the two: what comes after `hello` is newer.
                await reply.send(written("hello", about.described(services)))
                async for data in _told(subscriber):
                    await reply.send(data)
            if not subscriber.was_too_slow:
                return await reply.end()
        except ListenerGone as error:
            raise reply.abort() from error
        raise reply.abort()

    return tell


def written(name: str, data: Mapping[str, Any]) -> bytes:
    """One event."""
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()


async def _told(subscriber: Subscriber) -> AsyncIterator[bytes]:
    while True:
        try:
            async with asyncio.timeout(QUIET):
                event = await anext(subscriber)
        except TimeoutError:
            yield ALIVE
        except StopAsyncIteration:
            return
        else:
            yield written(event.name, event.data)
