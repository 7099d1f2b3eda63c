"""The pool of worker processes: started on demand, kept warm, given out in turn, replaced after a crash.

Knows orders and workers; nothing of voices or of Herald's settings. No task and no thread runs in here: a worker's socket calls
back into `process.Worker`, which fills the channel of the order at hand.

What a worker makes is read to the order's end at once, into memory, so that a slow listener holds no worker. A cancelled order
gives its worker back in the same instant: the next one may stand in the socket behind the stop.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

from ...errors import EngineUnavailable
from . import worker as wire
from .process import Order, Piece, Speech, Worker, WorkerDied

SILENT_LIMIT = 10.0
"""Seconds in which a worker has to send something; longer is a crash."""
IDLE_LIMIT = 300.0
"""Seconds after which an idle worker is ended, unless it is the last one."""


class Pool:
    """At most `size` workers. Orders beyond them wait in line."""

    def __init__(self, library: Path, data: Path, *, size: int) -> None:
        files = (wire.__file__, library.absolute(), data.absolute())
        self._command = [sys.executable, "-I", "-S", "-X", "utf8", *map(str, files)]
        self._slots = asyncio.Semaphore(size)
        self._workers: set[Worker] = set()
        self._idle: list[Worker] = []
        self._closed = False

    @property
    def pids(self) -> set[int]:
        """Process ids of the workers."""
        return {worker.pid for worker in self._workers}

    async def warm(self) -> None:
        """Start the first worker, without waiting until it is ready."""
        async with self._slots:
            if not self._workers:
                self._keep(await self._start())

    async def say(self, order: Order) -> AsyncGenerator[Piece, None]:
        """The order's pieces as they are made. Closing the generator stops the worker at once.

        A worker that dies before its first audio is replaced, once, without a word. Raises EngineError.
        """
        heard = False
        for last in (False, True):
            try:
                async with aclosing(self._attempt(order)) as pieces:
                    async for piece in pieces:
                        heard = True
                        yield piece
            except WorkerDied:
                if heard or last:
                    raise
            else:
                return

    async def aclose(self) -> None:
        """End every worker, and wait until it is gone."""
        self._closed = True
        workers = list(self._workers)
        for worker in workers:
            worker.end(EngineUnavailable("eSpeak NG was closed."))
        await asyncio.gather(*(worker.gone.wait() for worker in workers))

    async def _attempt(self, order: Order) -> AsyncGenerator[Piece, None]:
        worker, speech = await self._begin(order)
        try:
            while (piece := await _next_piece(worker, speech)) is not None:
                yield piece
        finally:
            worker.stop(speech)

    async def _begin(self, order: Order) -> tuple[Worker, Speech]:
        """Hand the order to the next free worker. Its slot is free again when the worker is, see `_free`."""
        await self._slots.acquire()
        speech = None
        try:
            worker = self._idle.pop() if self._idle else await self._start()
            speech = worker.say(order)
        finally:
            if speech is None:
                self._slots.release()
        return worker, speech

    async def _start(self) -> Worker:
        if self._closed:
            msg = "eSpeak NG was closed."
            raise EngineUnavailable(msg)
        worker = Worker(self._command, free=self._free, forget=self._forget)
        self._workers.add(worker)
        try:
            await asyncio.get_running_loop().create_connection(lambda: worker, sock=worker.socket)
        except asyncio.CancelledError:
            worker.end(EngineUnavailable("This eSpeak NG worker is not needed any more."))
            raise
        return worker

    def _free(self, worker: Worker) -> None:
        """The worker has no order any more, however it ended."""
        self._slots.release()
        if not worker.ended:
            self._keep(worker)

    def _keep(self, worker: Worker) -> None:
        """The last one that worked is the next one that works, so that spare ones grow idle."""
        self._idle.append(worker)
        worker.when_idle_for(IDLE_LIMIT, self._retire)

    def _retire(self, worker: Worker) -> None:
        if len(self._idle) > 1:
            worker.end(EngineUnavailable("This eSpeak NG worker was not needed any more."))

    def _forget(self, worker: Worker) -> None:
        """The worker takes no order any more."""
        if worker in self._idle:
            self._idle.remove(worker)
        if worker.gone.is_set():
            self._workers.discard(worker)


async def _next_piece(worker: Worker, speech: Speech) -> Piece | None:
    try:
        async with asyncio.timeout(SILENT_LIMIT):
            return await anext(speech.pieces, None)
    except TimeoutError as error:
        died = WorkerDied(f"eSpeak NG's worker process sent nothing for {SILENT_LIMIT:g} s and was ended.")
        worker.end(died)
        raise died from error
