"""The way to a server: one pool of connections for all requests, and the library's errors told in words.

An answer that is left before its end closes its connection at once, so that the server stops; one that was read is kept for the
next request. Redirects are not followed: the credentials are for this host and no other.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ...errors import EngineUnavailable, ProtocolError
from ...upstream.attempts import Failed, FirstAudioClock
from ...upstream.failures import Asked, Late, broken, late, lost
from ...upstream.http import proxy_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiohttp import ClientResponse, ClientSession

KEEP = 30.0
"""Seconds that a connection is kept for the next request."""
CONNECTION_MAX = 2
"""More attempts where a connection could not be made, or was lost."""


class Line:
    """To one address. `connect`: seconds until a connection must be there."""

    def __init__(self, url: str, headers: Mapping[str, str], *, connect: float) -> None:
        self._url = url
        self._headers = headers
        self._connect = connect
        self._session: ClientSession | None = None

    def open(self) -> ClientSession:
        """Make ready what all requests share; none is sent."""
        if self._session is None:
            import aiohttp  # noqa: PLC0415  # 20 MB
            from yarl import URL  # noqa: PLC0415  # comes with it

            self._target = URL(self._url, encoded=True)
            self._proxy = proxy_of(self._url)  # looked up once, not for every request
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._connect),
                headers=self._headers,
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    @asynccontextmanager
    async def posted(self, body: bytes, asked: Asked, clock: FirstAudioClock) -> AsyncIterator[ClientResponse]:
        """The answer to a request, from its headers on. Raises Failed, also where reading it fails inside the block."""
        with self._explained(asked):
            answer = await self._answer(body, asked, clock)
            try:
                with _watched(answer):
                    yield answer
            finally:
                # one that was read to its end has gone back to the pool
                answer.close()

    async def _answer(self, body: bytes, asked: Asked, clock: FirstAudioClock) -> ClientResponse:
        session = self.open()
        try:
            async with asyncio.timeout(max(0, clock.left)):
                return await session.post(self._target, data=body, headers=_JSON, allow_redirects=False, proxy=self._proxy)
        except TimeoutError as error:
            raise self._too_late(error, asked, clock) from error

    @contextmanager
    def _explained(self, asked: Asked) -> Iterator[None]:
        """Errors of the library become Failed."""
        import aiohttp  # noqa: PLC0415  # see `open`

        try:
            yield
        except aiohttp.ClientConnectorDNSError as error:
            why = f"cannot be found: no address of {error.host} is known"
            raise _unreachable(why, asked) from error
        except (aiohttp.ClientSSLError, aiohttp.ClientConnectorCertificateError) as error:
            why = f"cannot be trusted: {_reason(error)}. Check its certificate, and that `url` is right"
            raise _unreachable(why, asked, retries=0) from error
        except aiohttp.ClientProxyConnectionError as error:
            why = f"cannot be reached: the proxy {error.host}:{error.port} of the environment does not answer ({_reason(error)})"
            raise _unreachable(why, asked) from error
        except aiohttp.InvalidURL as error:
            why = "cannot be reached: its address, or that of the environment's proxy, is none"
            raise _unreachable(why, asked, retries=0) from error
        except aiohttp.ClientConnectorError as error:
            why = f"cannot be reached at {_host(self._url)}: {_reason(error)}"
            raise _unreachable(why, asked) from error
        except aiohttp.ClientResponseError as error:
            raise broken(ProtocolError(f"no HTTP ({error.message})"[:200]), asked) from error
        except aiohttp.ClientError as error:
            ended = f"{asked.peer} ended the connection ({type(error).__name__})."
            raise lost(EngineUnavailable(ended), asked) from error

    def _too_late(self, error: TimeoutError, asked: Asked, clock: FirstAudioClock) -> Failed:
        import aiohttp  # noqa: PLC0415  # see `open`

        if isinstance(error, aiohttp.ServerTimeoutError):
            return late(Late.CONNECT, self._connect, asked)
        return late(Late.FIRST_AUDIO, clock.limit, asked)


@contextmanager
def _watched(answer: ClientResponse) -> Iterator[None]:
    """The library (3.14) closes a connection whose chunks it cannot read, and does not tell whoever reads the body."""
    import aiohttp  # noqa: PLC0415  # see `open`

    def told(closed: asyncio.Future[None]) -> None:
        closed.exception()  # it has been seen
        if not answer.content.is_eof() and answer.content.exception() is None:
            answer.content.set_exception(aiohttp.ClientPayloadError("The connection ended before the body did."))

    protocol = answer.connection.protocol if answer.connection is not None else None
    closed = protocol.closed if protocol is not None else None
    if closed is None:  # all of it has come
        yield
        return
    closed.add_done_callback(told)
    try:
        yield
    finally:
        closed.remove_done_callback(told)


_JSON = {"Content-Type": "application/json"}


def _host(url: str) -> str:
    return urlsplit(url).netloc


def _reason(error: OSError) -> str:
    return getattr(error, "strerror", None) or type(error).__name__


def _unreachable(why: str, asked: Asked, *, retries: float = CONNECTION_MAX) -> Failed:
    return Failed(EngineUnavailable(f"{asked.peer} {why} ({asked})."), retries)
