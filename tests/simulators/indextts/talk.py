"""One connection: what it is told, in which order, and what faults strike it; as the service does, or as its document says."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any
from uuid import uuid4

from websockets.exceptions import ConnectionClosed

from ..common.codes import Refused
from ..common.writing import written
from . import sound
from .faults import BEHAVIOURS, Blow, Fault, Faults, Kind, Over, Stage
from .journal import What
from .line import Line
from .reading import check_request, check_status, document
from .sound import SHAPES
from .world import Job, Options, World

WORDS = {"queued": "任务已加入队列，等待处理", "start": "开始生成音频", "end": "生成完成"}
TIMES: Mapping[Kind, int] = {"missing": 0, "twice": 2}
"""That a message is told."""


class Talk:
    """The real one: it takes a message after the other, and the model belongs to one request, which nothing ends."""

    prompt_required = False

    def __init__(self, world: World, line: Line) -> None:
        self.world = world
        self.line = line
        self.session_id = str(uuid4())
        self._late: list[str] = []

    @property
    def options(self) -> Options:
        return self.world.options

    @property
    def faults(self) -> Faults:
        return self.world.faults

    def note(self, what: What, job: Job | None = None, **detail: Any) -> None:
        self.world.journal.add(what, self.line.number, "" if job is None else job.task_id, **detail)

    async def run(self) -> None:
        """Until either side has hung up."""
        self.note("opened")
        usage = '发送 {"type":"tts_stream", "text":"...", "emo_mode":"none/audio/vector/text", ...} 开始合成'
        welcome = {"status": "success", "session_id": self.session_id, "message": "已连接到 IndexTTS WebSocket", "usage": usage}
        with suppress(Over):
            await self.tell("welcome", written(welcome))
        with suppress(ConnectionClosed):
            async for message in self.line:
                await self.take(message)

    def left(self, by: str) -> None:
        """The client is gone, or the simulator made it so."""
        frame = self.line.protocol.close_rcvd
        self.note("closed", by=by, code=None if frame is None else frame.code)

    async def take(self, message: str | bytes) -> None:
        try:
            found = document(message)
            if found["type"] == "task_status":
                check_status(found)
                await self._answer(found)
            else:
                check_request(found, prompt_required=self.prompt_required)
                job = Job(body=found)
                self.world.jobs[job.task_id] = job
                self.note("request", job, body=found)
                await self.begin(job)
        except Refused as refused:
            self.note("refused", message=str(refused))
            await self.fail(str(refused))
        except Over:
            return

    async def begin(self, job: Job) -> None:
        """A request was accepted."""
        await self.perform(job)

    async def _answer(self, found: dict[str, Any]) -> None:
        job = self.world.jobs.get(found["task_id"])
        self.note("status", job, body=found)
        if job is None:
            await self.fail("任务不存在", found["task_id"])
            return
        times = {"created_at": job.created_at, "completed_at": job.completed_at}
        told = {"type": "task_status", "session_id": self.session_id, "task_id": job.task_id, "status": job.status}
        await self.tell("status", written(told | times | {"error_message": job.error}))

    # one request

    async def perform(self, job: Job) -> None:
        try:
            await self.in_turn(job)
        except Over as over:
            job.end("failed", str(over))
            self.note("failed", job, message=str(over))

    async def in_turn(self, job: Job) -> None:
        async with self.world.model:
            await self.step("queued", job)
            await self.synthesize(job)

    async def step(self, name: Stage, job: Job) -> None:
        """One of WORDS."""
        if not self.line.is_gone:
            said = {"type": name, "task_id": job.task_id, "session_id": self.session_id, "message": WORDS[name]}
            await self.tell(name, written(said), job)

    async def synthesize(self, job: Job) -> None:
        """The model is its own."""
        await self.step("start", job)
        if self.line.is_gone:
            job.end("cancelled")
            self.note("dropped", job)
            return
        job.status = "running"
        self.note("start", job)
        while self._late:
            await self.line.tell(self._late.pop(0))
        with self.deaf():
            await self.strike("model", job)
            await self._find(job)
            await self.world.work(self.options.delay + self.options.rtf * sound.seconds(job.text))
        await self._deliver(job)

    def deaf(self) -> AbstractContextManager[None]:
        """While the model works."""
        return self.world.gate.shut()

    async def _find(self, job: Job) -> None:
        """The files that it names."""
        known = self.options.prompts
        missing = [name for name in job.files if known is not None and name not in known]
        if missing:
            words = f"[Errno 2] No such file or directory: '{missing[0]}'"
            await self.fail(words, job.task_id)
            raise Over(words)

    async def _deliver(self, job: Job) -> None:
        fault = await self.strike("audio", job)
        job.end("completed")
        if not self.line.is_gone:
            data = SHAPES["plain" if fault is None else fault.shape](job.text, self.options.rate)
            self.note("audio", job, bytes=len(data))
            await self._send(data, fault)
        await self.step("end", job)
        self.note("for nobody" if self.line.is_gone else "completed", job)
        await self.strike("ended", job)

    # what is told

    async def tell(self, on: Stage, message: str, job: Job | None = None) -> None:
        fault = await self.strike(on, job)
        if fault is not None and fault.kind == "late":
            self._late.append(message)
        else:
            await self._send(message, fault)
            if on == "queued":
                self.note("queued", job)

    async def _send(self, message: bytes | str, fault: Fault | None) -> None:
        for _ in range(1 if fault is None else TIMES.get(fault.kind, 1)):
            await self.line.tell(message)

    async def fail(self, words: str, task_id: str = "") -> None:
        task = {"task_id": task_id} if task_id else {}
        await self.line.tell(written({"status": "error", **task, "session_id": self.session_id, "message": words}))

    async def strike(self, on: Stage, job: Job | None = None) -> Fault | None:
        """Who has left is struck by nothing more."""
        text, task_id = ("", "") if job is None else (job.text, job.task_id)
        fault = None if self.line.is_gone else self.faults.take(on, text)
        if fault is not None:
            self.note("fault", job, kind=fault.kind, on=on)
            await BEHAVIOURS[fault.kind](Blow(fault=fault, struck=self, text=text, task_id=task_id))
        return fault


class DocumentTalk(Talk):
    """The document's: all at once, in a queue, and what was asked by who leaves is cancelled."""

    prompt_required = True
    _tasks: asyncio.TaskGroup

    def __init__(self, world: World, line: Line) -> None:
        super().__init__(world, line)
        self._requests: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as self._tasks:
            await super().run()

    def left(self, by: str) -> None:
        super().left(by)
        for request in self._requests:
            request.cancel()

    async def begin(self, job: Job) -> None:
        request = self._tasks.create_task(self.perform(job))
        self._requests.add(request)
        request.add_done_callback(self._requests.discard)

    async def in_turn(self, job: Job) -> None:
        try:
            await self.step("queued", job)
            async with self.world.model:
                await self.synthesize(job)
        except asyncio.CancelledError:
            job.end("cancelled")
            self.note("cancelled", job)
            raise

    def deaf(self) -> AbstractContextManager[None]:
        return nullcontext()
