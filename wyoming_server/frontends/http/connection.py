"""One client's connection: aiohttp's, with deadlines, a limit on how many there are, and errors in words. No route is known.

aiohttp lets a request take for ever to arrive, takes any number of connections, and answers what it cannot read in plain text.
The hook is its own protocol class, `web.RequestHandler`, made by our factory for the runner's `web.Server` as that would make it
(`Server.__call__`). Relied on, all of it without an underscore though little documented:

- `connection_made`, `data_received`, `connection_lost`, `pause_writing`, `resume_writing`: asyncio's contract.
- `finish_response` sends every response and returns when it is sent; `handle_error` makes the response of everything that is not
  one: an exception of a handler, or a request that cannot be parsed.
- `force_close` closes at once, whatever a handler does.
- `request.content.is_eof`, `.on_eof`, `.set_exception`: whether the body is here, when it is, and how to end waiting for it.
- it stops reading (`transport.is_reading`) when too much waits behind the request in hand: then nobody sees the client leave.
- `request.protocol` is this object; `request.writer.output_size` is 0 until something of a response is sent.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from aiohttp import web

from ...errors import HeraldError, TextTimeout
from ..sockets import tune
from .clients import Clients, Refusal
from .problems import problem, problem_of_status, raw_problem, translated
from .routes import Handler

_LOGGER = logging.getLogger(__name__)

LINE_MAX = 8190
"""Bytes of the request line, and of one header."""
HEADERS_MAX = 64
"""Headers of a request."""
_NAME = "Herald"
"""Instead of the versions of aiohttp and Python, where nobody asks `nameless`: in an answer to what cannot be parsed."""
LAST_LOOK = 0.05
"""Seconds after a deadline in which what has come is still read. On a machine that stood still, as many more as it did."""
LINGER = 1.0
"""Seconds that a body is still read after the answer; a client that is cut while it sends would not see the answer."""


class Connection(web.RequestHandler):
    """There is one deadline at a time: until a request has come whole, or while idle.

    None while it is answered; but for a POST, whose answer may take long, where so much is lined up behind it that nothing more
    is read.
    """

    def __init__(self, server: web.Server, clients: Clients) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            logger=_LOGGER,
            access_log=None,  # type: ignore[arg-type]  # it would show ?token=; aiohttp's own runner passes None too
            max_line_size=LINE_MAX,
            max_field_size=LINE_MAX,
            max_headers=HEADERS_MAX,
            lingering_time=LINGER,
            auto_decompress=False,
        )
        self._clients = clients
        self._wire: asyncio.BaseTransport | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._heard = False
        """Bytes of a request came that is not in hand yet."""
        self._in_hand: web.BaseRequest | None = None
        """The request that is being handled, or whose body still comes after its answer."""
        self._answered = False
        self._late = False
        """The body of the request in hand missed its deadline."""
        self._writable = asyncio.Event()
        self._writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self._clients.full:
            Refusal(self._clients).take(cast("asyncio.Transport", transport))
            return
        self._clients.connections.add(self)
        self._wire = transport
        tune(transport.get_extra_info("socket"))
        self._arm(self._clients.request_timeout)
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._disarm()
        self._writable.set()
        self._clients.connections.discard(self)
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        self._writable.clear()
        super().pause_writing()

    def resume_writing(self) -> None:
        self._writable.set()
        super().resume_writing()

    async def drained(self) -> None:
        """Wait until the client has taken most of what waits for it, or has gone. Any number of tasks may, and be cancelled."""
        await self._writable.wait()

    def data_received(self, data: bytes) -> None:
        # aiohttp calls this itself with nothing, to go on parsing.
        if data and self._in_hand is None and not self._heard:
            self._heard = True
            self._arm(self._clients.request_timeout)
        super().data_received(data)
        if self._is_deaf():
            self._arm(self._clients.request_timeout)

    @contextmanager
    def handling(self, request: web.BaseRequest) -> Iterator[None]:
        """A handler has the request while the block runs."""
        self._begin(request)
        with self._clients.counted():
            yield

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        if isinstance(resp, web.HTTPException) and resp.status >= 400:  # noqa: PLR2004
            _must_not_have_begun(request)
            resp = problem_of_status(resp)
        resp.headers.setdefault("Server", _NAME)
        if self._in_hand is not request:
            self._begin(request)  # it met no middleware: it could not be parsed, or not be met (Expect)
        try:
            return await super().finish_response(request, resp, start_time)
        finally:
            self._answer_is_out(request)

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        if isinstance(exc, ConnectionError):
            raise exc  # the client has gone
        error = translated(exc)
        if error.code == HeraldError.code:
            _LOGGER.error("%s %s failed (%s)", request.method, request.path, status, exc_info=exc)
        _must_not_have_begun(request)
        return problem(error)

    def abort(self) -> None:
        """Close without sending what is still to be sent."""
        if isinstance(self._wire, asyncio.WriteTransport):
            self._wire.abort()

    def _begin(self, request: web.BaseRequest) -> None:
        """The request's head has come; the deadline of its first byte goes on until its body has."""
        if request.content.is_eof():
            self._disarm()
        elif not self._heard:
            # Its first byte came behind another request.
            self._arm(self._clients.request_timeout)
        self._in_hand, self._answered, self._heard = request, False, False
        if self._is_deaf():
            self._arm(self._clients.request_timeout)
        if not request.content.is_eof():
            request.content.on_eof(self._body_came)

    def _answer_is_out(self, request: web.BaseRequest) -> None:
        self._answered = True
        if self._late:
            self.force_close()
        elif request.content.is_eof():
            self._idle()

    def _body_came(self) -> None:
        self._disarm()
        if self._answered:
            self._idle()

    def _idle(self) -> None:
        self._in_hand = None
        self._arm(self._clients.keep_alive)

    def _arm(self, seconds: float) -> None:
        self._disarm()
        self._deadline = asyncio.get_running_loop().call_later(seconds, self._look_once_more)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _is_being_answered(self, request: web.BaseRequest) -> bool:
        """It came whole."""
        return not self._answered and request.content.is_eof()

    def _is_deaf(self) -> bool:
        """Whether the client could leave its POST, which came whole, without being seen to leave."""
        request, wire = self._in_hand, self._wire
        if request is None or not self._is_being_answered(request) or request.method != "POST":
            return False
        return isinstance(wire, asyncio.ReadTransport) and not wire.is_reading() and not wire.is_closing()

    def _look_once_more(self) -> None:
        """What came before the deadline may not have been read, nor its handler begun, where all of the process stood still."""
        loop = asyncio.get_running_loop()
        late = loop.time() - cast("asyncio.TimerHandle", self._deadline).when()
        self._deadline = loop.call_later(max(late, LAST_LOOK), self._expired)

    def _expired(self) -> None:
        self._deadline = None
        if self._in_hand is not None and self._is_being_answered(self._in_hand):
            if self._is_deaf():
                self.abort()
            return  # what was lined up behind it has been taken
        timeout = TextTimeout(
            f"The request did not come whole within {self._clients.request_timeout:g} s (http.request_timeout)."
        )
        if self._in_hand is not None and not self._answered:
            # Its handler is told when it reads the body, and answers with that.
            self._late = True
            self._in_hand.content.set_exception(timeout)
            return
        if self._heard and self._in_hand is None and self.transport is not None:
            self.transport.write(raw_problem(timeout))
        self.force_close()


@web.middleware
async def in_hand(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The outermost middleware: tells the connection that a request has begun."""
    with cast("Connection", request.protocol).handling(request):
        return await handler(request)


async def nameless(_: web.Request, response: web.StreamResponse) -> None:
    """What a stranger need not know: aiohttp tells its version and Python's."""
    response.headers.pop("Server", None)


def _must_not_have_begun(request: web.BaseRequest) -> None:
    """Where a response has begun, only breaking it off tells the client that it failed: aiohttp does so on a ConnectionError."""
    if request.writer.output_size > 0:
        msg = "The response had begun."
        raise ConnectionError(msg)
