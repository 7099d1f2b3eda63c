"""The open connections of one engine to its server, so that the end of the engine is theirs."""

from __future__ import annotations

import asyncio

from ...errors import EngineUnavailable
from ...upstream.attempts import Failed, FirstAudioClock
from ...upstream.failures import Asked, Late, late
from .link import Link

RETRIES = 4
"""After which a server that accepts no connection is taken to be gone, and not to start again: two to three seconds."""
CLOSED = "The engine was closed."


class Links:
    """`within`: seconds that a connection may take."""

    def __init__(self, uri: str, *, within: float) -> None:
        self._uri = uri
        self._within = within
        self._open: set[Link] = set()
        self._closed = False

    async def connect(self) -> Link:
        """Raises Failed."""
        if self._closed:
            raise Failed(EngineUnavailable(CLOSED))
        try:
            link = await Link.open(self._uri, within=self._within)
        except EngineUnavailable as error:
            raise Failed(error, retries=RETRIES) from error
        self._open.add(link)
        if self._closed:
            self.leave(link, whole=False)
            raise Failed(EngineUnavailable(CLOSED))
        return link

    def leave(self, link: Link, *, whole: bool) -> None:
        """`whole`: all that was asked on it was answered."""
        self._open.discard(link)
        (link.close if whole else link.cut)()

    async def aclose(self) -> None:
        """Cut them all, whoever uses them, and open no other."""
        self._closed = True
        cut = [*self._open]
        for link in cut:
            self.leave(link, whole=False)
        for link in cut:
            await link.closed()


class Ahead:
    """The first connection of a reply, which opens while the text is still being written; the others, when they are taken.

    Whoever takes one waits no longer than there is time for first audio.
    """

    def __init__(self, links: Links) -> None:
        self._links = links
        self._opening: asyncio.Task[Link] | None = asyncio.create_task(links.connect())

    async def take(self, clock: FirstAudioClock, asked: Asked) -> Link:
        """Raises Failed."""
        if self._opening is None:
            self._opening = asyncio.create_task(self._links.connect())
        await asyncio.wait([self._opening], timeout=max(0, clock.left))
        if not self._opening.done():
            raise late(Late.CONNECT, clock.limit, asked)
        opening, self._opening = self._opening, None
        return await opening

    async def aclose(self) -> None:
        """Nobody wants it any more."""
        if (opening := self._opening) is None:
            return
        opening.cancel()
        await asyncio.wait([opening])
        if not opening.cancelled() and opening.exception() is None:
            self._links.leave(opening.result(), whole=True)
