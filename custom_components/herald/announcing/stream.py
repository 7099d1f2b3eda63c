"""One reply of the server for one player: asked for when the player comes for it, at an address that nobody can guess.

All that came of it is kept, so that a player that comes again begins anew. It ends with its text, or when it is interrupted, or a
moment after the last player hung up. An address is good as long as somebody has its stream.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from math import inf
from weakref import WeakValueDictionary

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant, callback
from homeassistant.util.hass_dict import HassKey

from ..api import CannotConnect, HeraldError, Interrupted, Notice, Order, Outcome, Reply
from ..const import DOMAIN, LOGGER
from ..coordinator import HeraldCoordinator
from ..speech.replies import Running
from .lengths import bytes_per_second

ANNOUNCEMENT = "announcement"
"""Of addresses, and of media ids."""
FETCH = 10.0
"""Seconds in which a player comes for what it was told to play."""
INTERRUPT = 0.5
"""Seconds in which the server ends an interrupted one with a fade. Then it ends without."""
GRACE = 2.0
"""Seconds without a player, after one hung up. Some open an address twice."""
KEPT_MAX = 32 * 1024 * 1024
"""Bytes that are kept of one. Of a longer one the beginning is forgotten, and whoever comes then is too late."""
TARGETS_MAX = 256
"""Sessions whose targets are known at once: the end of one that the server refused to begin is never told."""
MIME_TYPES = {"MP3": "audio/mpeg", "MKA": "audio/x-matroska", "WAV": "audio/wav"}
"""By the server's name of a format; of these alone the length can be judged by the bytes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class End:
    """How a stream ended. What its player heard of it is another matter."""

    outcome: Outcome
    """LEFT: its players hung up."""
    error: HeraldError | None = None
    """Of one that failed."""
    notice: Notice | None = None
    """Why another voice spoke."""


class Stream:
    """Nothing is asked of the server before its first `read`, or `start`.

    `order.session_id` must not be another stream's: the server would end that one. `targets`: the entities that hear it.
    """

    def __init__(
        self, hass: HomeAssistant, coordinator: HeraldCoordinator, text: str, order: Order, targets: Sequence[str] = ()
    ) -> None:
        self.token = secrets.token_urlsafe(24)
        self.order = order
        self.targets = tuple(targets)
        self.first_audio: float | None = None
        """The loop's time of it. Until then, None."""
        self.heard_at = -inf
        """The loop's time when all that has come will have been heard by each that came for it, and plays it as it comes."""
        self._asked: float | None = None
        self._hass = hass
        self._coordinator = coordinator
        self._text = text
        self._reply: Reply = coordinator.client.speak(order)
        self._loop = hass.loop
        self._ended: asyncio.Future[End] = hass.loop.create_future()
        self._task: asyncio.Task[None] | None = None
        self._pieces: deque[bytes] = deque()
        self._forgotten = 0
        """Pieces before those that are kept."""
        self._kept = self._bytes = 0
        self._rate: float | None = None
        self._cut: int | None = None
        """The number of the piece where an interrupt came: whoever is not there yet goes on there."""
        self._is_left = False
        self._news = asyncio.Event()
        """Replaced by another one whenever it is set."""
        self._came = asyncio.Event()
        self._readers = 0
        self._grace: asyncio.TimerHandle | None = None
        hass.data[STREAMS][self.token] = self

    @property
    def url(self) -> str:
        """A path of Home Assistant's, which adds no signature where there is a query: some players take no long address."""
        return f"{path(self.token)}?play"

    @property
    def media_id(self) -> str:
        return f"media-source://{DOMAIN}/{ANNOUNCEMENT}/{self.token}"

    @property
    def mime_type(self) -> str:
        return MIME_TYPES[self.order.format]

    @property
    def session_id(self) -> str:
        """The server's, of this stream alone."""
        return self._reply.session_id

    @property
    def voice(self) -> str | None:
        """Who spoke, as far as is known; None: the server's default voice."""
        notice = self._reply.notice
        return self.order.voice if notice is None else notice.voice

    @property
    def ended(self) -> asyncio.Future[End]:
        """Its end. To cancel it is nobody's harm: everybody has one of their own."""
        return asyncio.shield(self._ended)

    @property
    def first_audio_ms(self) -> int | None:
        """Milliseconds from when the server was asked until it had something to hear; None where it has not."""
        if self.first_audio is None or self._asked is None:
            return None
        return round((self.first_audio - self._asked) * 1000)

    @property
    def is_heard(self) -> bool:
        """A player is at it, or has only the last of it still to play."""
        if not self._ended.done():
            return self._readers > 0
        return self._ended.result().outcome is Outcome.COMPLETED and self._loop.time() < self.heard_at

    @property
    def was_fetched(self) -> bool:
        return self._came.is_set()

    @property
    def seconds(self) -> float:
        """How long what came of it plays, estimated."""
        return self._bytes / self._rate if self._rate else 0.0

    @callback
    def start(self) -> None:
        """Let the server begin. Twice is fine."""
        if self._task is not None or self._ended.done():
            return
        entry = self._coordinator.config_entry
        if entry.state is not ConfigEntryState.LOADED:
            self._end(End(outcome=Outcome.FAILED, error=CannotConnect(f"{entry.title} is not set up.")))
            return
        self._asked = self._loop.time()
        self._task = entry.async_create_background_task(self._hass, self._speak(), name="announcement")

    async def fetched(self, within: float = FETCH) -> bool:
        """Whether a player came for it in so many seconds."""
        try:
            async with asyncio.timeout(within):
                await self._came.wait()
        except TimeoutError:
            return self.was_fetched
        return True

    async def interrupt(self) -> None:
        """Silence, for every reader. Returns when it has ended. Twice is fine, and so is before its start and after its end."""
        if self._ended.done():
            return
        if self._task is None:
            self._end(End(outcome=Outcome.INTERRUPTED))
            return
        if self._cut is None:
            self._cut = self._forgotten + len(self._pieces)
        await self._reply.interrupt()
        await asyncio.wait({self._ended}, timeout=INTERRUPT)
        self._task.cancel()  # where its server is lost
        await asyncio.wait({self._ended})

    @callback
    def leave(self) -> None:
        """Let it end: nobody listens any more."""
        if self._task is not None and not self._ended.done():
            self._is_left = True
            self._task.cancel()

    async def read(self) -> AsyncGenerator[bytes]:
        """All of it, from its beginning, as it comes. One that is interrupted ends there, and one that fails, too."""
        self._come()
        number = 0
        try:
            while True:
                if self._cut is not None and number < self._cut:
                    if number == 0:
                        return
                    number = self._cut
                elif number < self._forgotten:
                    LOGGER.debug("A player of %s is too late for what it was told to play", self.targets)
                    return
                elif number < self._forgotten + len(self._pieces):
                    yield self._pieces[number - self._forgotten]
                    number += 1
                elif self._ended.done():
                    return
                else:
                    await self._news.wait()
        finally:
            self._go()

    # Its players

    @callback
    def _come(self) -> None:
        self._readers += 1
        self._came.set()
        self._forget_the_grace()
        self.heard_at = max(self.heard_at, self._loop.time() + self.seconds)  # it begins anew
        self.start()

    @callback
    def _go(self) -> None:
        self._readers -= 1
        if not self._readers and not self._ended.done():
            self._grace = self._loop.call_later(GRACE, self.leave)

    @callback
    def _forget_the_grace(self) -> None:
        if self._grace is not None:
            self._grace.cancel()
            self._grace = None

    # The server

    async def _speak(self) -> None:
        """In a task of its own."""
        end = End(outcome=Outcome.FAILED)
        try:
            await self._follow()
            end = End(outcome=Outcome.COMPLETED, notice=self._reply.notice)
        except Interrupted:
            end = End(outcome=Outcome.INTERRUPTED)
        except asyncio.CancelledError:
            end = End(outcome=Outcome.LEFT if self._is_left else Outcome.INTERRUPTED)
            raise
        except HeraldError as error:
            LOGGER.warning("Speech by %s for %s failed: %s", self._coordinator.name, ", ".join(self.targets), error)
            self._coordinator.notice(error)
            end = End(outcome=Outcome.FAILED, error=error)
        finally:
            self._end(end)

    async def _follow(self) -> None:
        """Raises HeraldError."""
        targets = self._coordinator.targets
        while len(targets) >= TARGETS_MAX:
            del targets[next(iter(targets))]
        targets[self._reply.session_id] = self.targets
        running = Running(reply=self._reply, entity_id="", voice=self.order.voice, conversation_id=None)
        with self._coordinator.replies.running(running):
            async with self._reply as reply, aclosing(reply.audio(_whole(self._text))) as audio:
                async for piece in audio:
                    self._take(piece)

    @callback
    def _take(self, piece: bytes) -> None:
        before, now = self.seconds, self._loop.time()
        if self.first_audio is None:
            self.first_audio = now
        if self._rate is None:
            self._rate = bytes_per_second(self.order, piece)
        self._bytes += len(piece)
        self.heard_at = max(self.heard_at, now) + self.seconds - before
        self._kept += len(piece)
        self._pieces.append(piece)
        while self._kept > KEPT_MAX:
            self._kept -= len(self._pieces.popleft())
            self._forgotten += 1
        self._tell()

    @callback
    def _end(self, end: End) -> None:
        self._forget_the_grace()
        if not self._ended.done():
            self._ended.set_result(end)
        self._tell()

    @callback
    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


def path(token: str) -> str:
    return f"/api/{DOMAIN}/{ANNOUNCEMENT}/{token}"


async def _whole(text: str) -> AsyncIterator[str]:
    yield text


STREAMS: HassKey[WeakValueDictionary[str, Stream]] = HassKey(f"{DOMAIN}_streams")
"""In `hass.data`: all that somebody has, by token."""
