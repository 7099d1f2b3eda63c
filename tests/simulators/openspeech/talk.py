"""What v1 and v3 have in common: one connection, at most one thing spoken on it at a time, and faults that strike it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, ClassVar

from websockets.exceptions import ConnectionClosed

from .audio import Manner, Piece, pieces
from .codes import Told
from .faults import BEHAVIOURS, How, Over, Stage
from .frames import Style
from .journal import What
from .line import Line
from .world import Options, World

Write = Callable[[memoryview, bool], Awaitable[None]]
"""Of one audio message; True with the last of its text."""


class Talk:
    """One connection. `work` is the task that speaks; it dies at once when the client leaves."""

    JSON_ERRORS: ClassVar[bool]

    def __init__(self, world: World, line: Line) -> None:
        self.world = world
        self.line = line
        self.faults = world.faults
        self.speaking: Speaking | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._works: set[asyncio.Task[None]] = set()
        self._idle: asyncio.TimerHandle | None = None

    # what a protocol adds

    async def take(self, message: str | bytes) -> None:
        """One message of the client."""
        raise NotImplementedError

    async def fail(self, told: Told, how: How) -> None:
        """Tells an error; what was spoken is over."""
        raise NotImplementedError

    async def end_early(self, told: Told) -> None:
        """Tells that what is spoken is over, as if nothing were wrong."""
        raise NotImplementedError

    def stray(self, audio: bytes) -> bytes:
        raise NotImplementedError

    def unknown(self) -> bytes:
        raise NotImplementedError

    # what it uses

    @property
    def options(self) -> Options:
        """As they are now."""
        return self.world.options

    @property
    def style(self) -> Style:
        return self.options.style

    def note(self, what: What, characters: int = 0, **detail: Any) -> None:
        self.world.journal.add(what, self.line.number, characters, **detail)

    async def run(self) -> None:
        """Until either side has hung up."""
        self._await_next()
        async with asyncio.TaskGroup() as self._tasks:
            with suppress(ConnectionClosed):
                async for message in self.line:
                    await self.take(message)
        self._stop_waiting()

    def left(self, by: str) -> None:
        """The client is gone, or the simulator made it so: whatever is spoken ends now."""
        if self.speaking is not None:
            if by != "simulator":
                self.note("cancelled", self.speaking.characters, by=by)
            self.end(self.speaking)
        self.world.journal.counters.connections -= 1
        frame = self.line.protocol.close_rcvd
        self.note("closed", by=by, code=None if frame is None else frame.code)
        self.stop()

    def stop(self) -> None:
        """Ends all work but the caller's."""
        for work in self._works:
            if work is not asyncio.current_task():
                work.cancel()

    def work(self, doing: Callable[..., Awaitable[None]], *args: Any) -> asyncio.Task[None]:
        """Something that takes time, and ends with the connection."""
        assert self._tasks is not None
        task = self._tasks.create_task(self._until_over(doing, *args))
        self._works.add(task)
        task.add_done_callback(self._works.discard)
        return task

    async def _until_over(self, doing: Callable[..., Awaitable[None]], *args: Any) -> None:
        with suppress(Over):
            await doing(*args)

    def begin(self, manner: Manner) -> Speaking:
        """A request or session was accepted."""
        self._stop_waiting()
        self.world.journal.counters.session_started()
        self.speaking = Speaking(self, manner)
        return self.speaking

    def end(self, speaking: Speaking) -> None:
        """It is over, however. More than once does no harm."""
        if self.speaking is speaking:
            self.world.journal.counters.sessions -= 1
            self.speaking = None
            self._await_next()

    async def strike(self, on: Stage, *, seconds: float = 0, text: str = "") -> None:
        fault = self.faults.take(on, seconds=seconds, text=text)
        if fault is not None:
            self.note("fault", kind=fault.kind, on=on, code=fault.code)
            await BEHAVIOURS[fault.kind](self, fault)

    async def tell_error(self, told: Told, how: How) -> None:
        """As a frame of its own or as text."""
        message: bytes | str = json.dumps({"code": told.code, "message": told.message})
        if how != "text":
            unsaid = how == "unsaid gzip frame"
            style = Style(gzip=True) if how == "gzip frame" else self.style
            message = style.error(told, as_json=self.JSON_ERRORS, unsaid=unsaid)
        await self.line.tell(message)

    def _await_next(self) -> None:
        if self.options.idle_timeout and not self.line.has_left:
            loop = asyncio.get_running_loop()
            self._idle = loop.call_later(self.options.idle_timeout, self.line.hang_up_now, 1000)

    def _stop_waiting(self) -> None:
        if self._idle is not None:
            self._idle.cancel()


class Speaking:
    """The audio of one request or session: in time, counted, and struck by the faults of a moment."""

    def __init__(self, talk: Talk, manner: Manner) -> None:
        self.manner = manner
        self.characters = 0
        """Made into audio so far."""
        self.seconds = 0.0
        """Of audio, written so far."""
        self._talk = talk
        self._options = talk.world.options
        self._due: float | None = None

    async def say(self, text: str, write: Write, *, whole: bool = False) -> None:
        """All audio messages of a text; `whole`: one, when all of it would have been spoken."""
        spoken = list(pieces(text, self.manner, 0 if whole else self._options.piece))
        self._due = self._begin()
        if whole and self._options.pace:
            self._due += spoken[0].seconds / self._options.pace
        for number, piece in enumerate(spoken, 1):
            await asyncio.sleep(max(0, self._due - asyncio.get_running_loop().time()))
            await self._talk.strike("audio", seconds=self.seconds, text=text)
            await self._write(piece, number == len(spoken), write)
            self._due += piece.seconds / self._options.pace if self._options.pace else 0

    def _begin(self) -> float:
        now = asyncio.get_running_loop().time()
        return now + self._options.delay if self._due is None else max(now, self._due)

    async def _write(self, piece: Piece, final: bool, write: Write) -> None:
        cut = self._options.split or len(piece.audio) or 1
        parts = [piece.audio[start : start + cut] for start in range(0, len(piece.audio), cut)] or [piece.audio]
        if not self.characters and not self.seconds:
            self._talk.note("first audio")
        self.characters += piece.characters
        self.seconds += piece.seconds
        counters = self._talk.world.journal.counters
        counters.characters += piece.characters
        counters.audio_messages += len(parts)
        self._talk.note("audio", piece.characters, bytes=len(piece.audio))
        for part in parts:
            await write(part, final and part is parts[-1])
