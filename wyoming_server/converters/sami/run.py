"""One conversion: one task goes on sending what comes in, one goes on reading, and neither waits for the other's turn.

Of every message the audio is taken first. What is under way is bounded: upwards by the window, downwards by the channel.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterable, Iterator
from contextlib import suppress
from math import inf

from ...audio.frames import WholeFrames
from ...channel import Channel
from ...errors import ProtocolError, TooLarge
from ...protocols.sami import Audio, Event, Finish, ServerMessage, Task, Told
from ...upstream.attempts import Failed
from ...upstream.failures import Asked, Late, broken, late, lost
from ...upstream.websocket import Lost
from . import failures
from .start import Begun, Service, begin
from .window import Patience, Window

_LOGGER = logging.getLogger(__name__)

MESSAGE_SECONDS = 0.1
"""Of speech in one message, at most: as the vendor advises."""
QUEUED = 8
"""Messages of audio that wait for the listener."""


class Run:
    """Use `pieces`, once."""

    def __init__(self, task: Task, service: Service, asked: Asked) -> None:
        self._task = task
        self._service = service
        self._asked = asked
        self._window = Window(service.limits)
        self._patience = Patience(service.limits)
        self._frames = WholeFrames(task.target.frame_size)
        self._out: Channel[bytes] = Channel(QUEUED)
        self._begun: asyncio.Future[Begun] = asyncio.get_running_loop().create_future()
        self._wanted = asyncio.Event()
        """There is speech to be sent."""
        self._early: asyncio.Task[ServerMessage] | None = None
        """What the service said before it got any."""
        self._moved = asyncio.Event()
        """The window may be open."""
        self._waiting: asyncio.Timeout | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def pieces(self, pcm: AsyncIterable[bytes]) -> AsyncGenerator[bytes, None]:
        """The converted speech, in whole frames. Raises HeraldError, and what `pcm` raises."""
        reading, writing = asyncio.create_task(self._read()), asyncio.create_task(self._write(pcm))
        self._tasks = [reading, writing]
        reading.add_done_callback(self._reading_ended)
        writing.add_done_callback(self._writing_ended)
        try:
            async for piece in self._out:
                yield piece
        finally:
            await self.stop()

    async def stop(self) -> None:
        """The service is told at once; nobody waits for its answer. Twice is fine."""
        self._end(None)
        if self._tasks:
            await asyncio.shield(asyncio.wait(self._tasks))
            await asyncio.sleep(0)  # the service is told before anybody hears of it

    def _end(self, error: BaseException | None) -> None:
        self._out.end(error)
        for task in self._tasks:
            task.cancel()

    def _reading_ended(self, reading: asyncio.Task[None]) -> None:
        self._end(None if reading.cancelled() else reading.exception())

    def _writing_ended(self, writing: asyncio.Task[None]) -> None:
        """Its error is that of whoever makes the speech."""
        error = asyncio.CancelledError() if writing.cancelled() else writing.exception()
        if error is not None:
            self._end(error)

    # Up

    async def _write(self, pcm: AsyncIterable[bytes]) -> None:
        """Send it as it comes, and its end."""
        frames, sent = WholeFrames(self._task.source.frame_size), False
        async for data in pcm:
            for piece in self._cut(frames.push(data)):
                await self._send(piece)
                sent = True
        if sent:
            await self._finish()
        else:
            self._out.end()

    def _cut(self, pcm: bytes) -> Iterator[bytes]:
        step = self._task.source.size(MESSAGE_SECONDS)
        return (pcm[start : start + step] for start in range(0, len(pcm), step))

    async def _send(self, piece: bytes) -> None:
        self._wanted.set()
        begun = await asyncio.shield(self._begun)
        await self._room()
        seconds, now = self._task.source.seconds(len(piece)), _now()
        self._window.sent(seconds, now)
        self._patience.sent(seconds, now)
        self._reschedule()
        with suppress(Lost):  # the reader tells why
            await begun.line.send(Audio(data=piece))

    async def _finish(self) -> None:
        begun = await asyncio.shield(self._begun)
        self._patience.finish(_now())
        self._reschedule()
        with suppress(Lost):
            await begun.line.send(Finish(account=begun.account))

    async def _room(self) -> None:
        """Until more may go up."""
        while (due := self._window.due) > _now():
            self._moved.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout_at(None if due == inf else due):
                    await self._moved.wait()

    # Down

    async def _read(self) -> None:
        """Until the service has finished. Raises HeraldError."""
        begun = await self._ready()
        try:
            self._asked = begun.asked
            self._begun.set_result(begun)
            await self._take(begun.audio)
            while await self._hear(begun) is not Event.FINISHED:
                pass
            if not self._patience.finished:
                raise failures.ended_early(self._asked)
        except Failed as failed:
            raise failed.error from failed
        finally:
            if self._early is not None:
                self._early.cancel()
            self._service.lines.leave(begun.line)

    async def _ready(self) -> Begun:
        """A task for which there is speech. A service may end one that waits for long, so another is begun then."""
        begun = await begin(self._task, self._service, self._asked)
        while await self._ended_idle(begun):
            _LOGGER.debug("%s ended a task that waited for speech; another is begun when there is some", self._asked.peer)
            self._service.lines.leave(begun.line)
            await self._wanted.wait()
            begun = await begin(self._task, self._service, self._asked)
        return begun

    async def _ended_idle(self, begun: Begun) -> bool:
        """Whether the task ended before there was any speech. What else the service says meanwhile is kept."""
        wanted, self._early = asyncio.create_task(self._wanted.wait()), asyncio.create_task(begun.line.receive())
        try:
            await asyncio.wait([wanted, self._early], return_when=asyncio.FIRST_COMPLETED)
            if self._wanted.is_set() or not self._early.done():
                return False
            error = self._early.exception()
            return isinstance(error, Lost) or (error is None and _fails(self._early.result()))
        except asyncio.CancelledError:
            self._early.cancel()
            self._service.lines.leave(begun.line)
            raise
        finally:
            wanted.cancel()

    async def _hear(self, begun: Begun) -> Event | None:
        """The next message: its audio, then what it says. Raises Failed."""
        message = await self._next(begun)
        await self._take(message.data)
        if isinstance(message, Audio):
            return None
        if message.failed:
            raise failures.failed(message, self._asked, token=begun.account.token)
        return message.event

    async def _next(self, begun: Begun) -> ServerMessage:
        try:
            async with asyncio.timeout_at(self._patience.deadline) as self._waiting:
                early, self._early = self._early, None
                return await (early or begun.line.receive())
        except TimeoutError:
            raise self._late() from None
        except Lost as error:
            raise lost(error, self._asked) from error
        except (ProtocolError, TooLarge) as error:
            raise broken(error, self._asked) from error
        finally:
            self._waiting = None

    def _late(self) -> Failed:
        patience = self._patience
        if not patience.heard:
            return late(Late.FIRST_AUDIO, patience.limit, self._asked)
        if patience.finished:
            return failures.unfinished(patience.limit, self._asked)
        return late(Late.MORE_AUDIO, patience.limit, self._asked)

    def _reschedule(self) -> None:
        """What the service owes has changed."""
        if self._waiting is not None and not self._waiting.expired():
            self._waiting.reschedule(self._patience.deadline)

    async def _take(self, data: bytes) -> None:
        pcm = self._frames.push(data)
        if not pcm:
            return
        self._window.heard(self._task.target.seconds(len(pcm)), _now())
        self._patience.hear(_now())
        self._window.hold()
        self._moved.set()
        await self._out.put(pcm)
        self._window.go_on(_now())
        self._patience.go_on(_now())
        self._moved.set()


def _fails(message: ServerMessage) -> bool:
    return isinstance(message, Told) and message.failed


def _now() -> float:
    return asyncio.get_running_loop().time()
