"""One connection, at most one thing spoken on it at a time, and faults that strike it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Generic, Literal

from websockets.exceptions import ConnectionClosed

from ..common.faults import Over
from ..common.line import Line
from .audio import Manner, Piece, pieces
from .journal import What
from .world import O, World

Write = Callable[[memoryview, bool], Awaitable[None]]
"""Of one audio message; True with the last of its text."""


class Talk(Generic[O]):
    """One connection. Whatever works for it dies at once when the client leaves."""

    def __init__(self, world: World[O, Any], line: Line) -> None:
        self.world = world
        self.line = line
        self.speaking: Speaking[O] | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._works: set[asyncio.Task[None]] = set()
        self._patience: asyncio.TimerHandle | None = None

    # what a protocol adds

    async def take(self, message: str | bytes) -> None:
        """One message of the client."""
        raise NotImplementedError

    async def strike(self, on: Literal["audio"], *, seconds: float = 0, text: str = "") -> object:
        """The fault of this moment, if there is one."""
        raise NotImplementedError

    def pinged(self) -> None:
        """The client gave a sign of life without a message."""

    # what it uses

    @property
    def options(self) -> O:
        """As they are now."""
        return self.world.options

    def note(self, what: What, characters: int = 0, **detail: Any) -> None:
        self.world.journal.add(what, self.line.number, characters, **detail)

    async def run(self) -> None:
        """Until either side has hung up."""
        async with asyncio.TaskGroup() as self._tasks:
            with suppress(ConnectionClosed):
                async for message in self.line:
                    await self.take(message)
            self.expect(0)

    def ping(self) -> None:
        self.world.pings += 1
        self.pinged()

    def left(self, by: str) -> None:
        """The client is gone, or the simulator made it so: whatever is spoken ends now."""
        if self.speaking is not None:
            if by != "simulator":
                self.note("cancelled", self.speaking.characters, by=by)
            self.end(self.speaking)
        self.world.journal.counters.connections -= 1
        frame = self.line.protocol.close_rcvd
        self.note("closed", by=by, code=None if frame is None else frame.code)
        self.expect(0)
        self.stop()

    def stop(self) -> None:
        """Ends all work but the caller's."""
        for work in self._works:
            if work is not asyncio.current_task():
                work.cancel()

    def work(self, doing: Callable[..., Awaitable[Any]], *args: Any) -> asyncio.Task[None]:
        """Something that takes time, and ends with the connection."""
        assert self._tasks is not None
        task = self._tasks.create_task(self._until_over(doing, *args))
        self._works.add(task)
        task.add_done_callback(self._works.discard)
        return task

    async def _until_over(self, doing: Callable[..., Awaitable[Any]], *args: Any) -> None:
        with suppress(Over):
            await doing(*args)

    def begin(self, manner: Manner) -> Speaking[O]:
        """A request or session was accepted."""
        self.world.journal.counters.session_started()
        self.speaking = Speaking(self, manner)
        return self.speaking

    def end(self, speaking: Speaking[O]) -> None:
        """It is over, however. More than once does no harm."""
        if self.speaking is speaking:
            self.world.journal.counters.sessions -= 1
            self.speaking = None

    def expect(self, seconds: float, otherwise: Callable[..., Awaitable[None]] | None = None, *args: Any) -> None:
        """Something within so many seconds; what was expected before no longer is. 0: nothing."""
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        if seconds and otherwise is not None and not self.line.has_left:
            self._patience = asyncio.get_running_loop().call_later(seconds, self.work, otherwise, *args)


class Speaking(Generic[O]):
    """The audio of one request or session: in time, counted, and struck by the faults of a moment."""

    def __init__(self, talk: Talk[O], manner: Manner) -> None:
        self.manner = manner
        self.characters = 0
        """Made into audio so far."""
        self.seconds = 0.0
        """Of audio, written so far."""
        self._talk = talk
        self._options = talk.options
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
