"""One response whose body is sent as it is made: begun with its first bytes, ended whole, or broken off so that it shows.

aiohttp begins it, frames its chunks and ends it. Its way of waiting for a slow client is not used: it has no limit, and a wait
that was cancelled leaves a future behind on which the next one fails. Relied on beside what `http.connection` does:
`request.writer` is a StreamWriter, whose `write` does not wait with `drain=False`.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Mapping
from typing import cast
from urllib.parse import quote

from aiohttp import HttpVersion11, web
from aiohttp.http_writer import StreamWriter

from ...errors import HeraldError
from ...models import Notice
from ...protocols.json_messages import shown
from ...sessions import ListenerGone
from ..http.connection import Connection
from ..http.wire import caught_up
from .bodies import Body

_AS_IS = " !\"#$&'()*+,/:;<=>?@[\\]^`{|}"
"""Characters of a header that need no encoding, beside letters, digits and `_.-~`."""
_LINGER_NOT = struct.pack("ii", 1, 0)
"""SO_LINGER of a socket whose close is a reset."""


class Reply:
    """To one request. `limit`: seconds that the client may take nothing before it counts as gone."""

    def __init__(self, request: web.Request, body: Body, headers: Mapping[str, str], *, limit: float) -> None:
        self._request = request
        self._body = body
        self._limit = limit
        self._connection = cast("Connection", request.protocol)
        self._transport = cast("asyncio.Transport", request.transport)
        self._writer = cast("StreamWriter", request.writer)
        self._response = web.StreamResponse(
            headers={
                "Content-Type": body.media_type,
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",  # a proxy's
                **headers,
            }
        )
        if request.version < HttpVersion11:
            self._response.force_close()  # its end is the connection's, whatever the client wants to keep

    @property
    def begun(self) -> bool:
        """Whether a status has been sent already."""
        return self._response.prepared

    def tell(self, notice: Notice) -> None:
        """What there is to know before anything is heard, in headers: percent-encoded UTF-8, since they are ASCII."""
        if not self.begun:
            self._response.headers["X-Notice"] = quote(shown(notice.text), safe=_AS_IS)
            if notice.voice:
                self._response.headers["X-Voice"] = quote(notice.voice, safe=_AS_IS)

    async def send(self, audio: bytes) -> None:
        """A piece of the file; waits while the client is behind. Raises ListenerGone."""
        if audio:
            await self._write(self._body.audio(audio))

    async def end(self) -> web.StreamResponse:
        """It is whole, and told so now, whatever the caller still has to wait for. Raises ListenerGone."""
        await self._write(self._body.end())
        try:
            async with asyncio.timeout(self._limit):
                await self._response.write_eof()
        except (TimeoutError, ConnectionError) as error:
            raise ListenerGone from error
        return self._response

    async def fail(self, error: HeraldError) -> ConnectionError:
        """Say what can be said; raising the result then breaks it off, without the end that a whole body has."""
        with contextlib.suppress(ListenerGone):
            await self._write(self._body.failure(error))
            if self._request.version >= HttpVersion11:
                return ConnectionError("A reply failed.")
        return self.abort()

    def abort(self) -> ConnectionError:
        """End the connection now; the result is to be raised. A reset, since to HTTP 1.0 any other end is a good one."""
        with contextlib.suppress(OSError):
            self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        self._transport.abort()
        return ConnectionError("A reply was broken off.")

    async def _write(self, data: bytes) -> None:
        """All of it at once: an interrupt finds it sent, or not begun."""
        try:
            if not self.begun:
                await self._response.prepare(self._request)
            if data:
                await self._writer.write(data, drain=False)
        except ConnectionError as error:
            raise ListenerGone from error
        await caught_up(self._connection, self._transport, self._limit)
