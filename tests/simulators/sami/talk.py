"""One connection and the one task that it may have: what comes in which order, what it is told, and what faults strike it."""

from __future__ import annotations

import asyncio
import base64
import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from websockets.exceptions import ConnectionClosed

from wyoming_server.models import AudioFormat

from ..common.codes import Refused, Told
from ..common.faults import Over
from ..common.line import Line
from .codes import OK, SAMI
from .faults import BEHAVIOURS, Fault, Faults, Stage
from .journal import What
from .output import Output
from .reading import NAMESPACE, audio_of, document, format_of, payload_of
from .tokens import TokenDesk
from .world import Options, World

HEADERS = (b"RIFF", b"RIFX", b"RF64", b"fLaC", b"OggS", b"ID3")
"""What a file begins with, and PCM does not."""
INVALID_SPEAKER = {"failed": "TaskFailed", "status": "TaskStarted", "body": None}


@dataclass(kw_only=True)
class Task:
    """One conversion, as the service saw it."""

    speaker: str
    source: AudioFormat
    target: AudioFormat
    align: bool
    heard: bytearray = field(default_factory=bytearray)
    """All audio that came in."""
    told: int = 0
    """Bytes of audio that went out."""
    most_ahead: float = 0
    """Seconds, see `ahead`: the most there was."""
    is_started: bool = False
    """TaskStarted was told."""
    is_finishing: bool = False
    """FinishTask came."""
    end: str = ""
    """How it ended: TaskFinished, TaskFailed, left; empty: it goes on."""
    last: bytes = b""
    """Audio of the last message."""

    @property
    def ahead(self) -> float:
        """Seconds of audio that came in, less those that went out."""
        return self.source.seconds(len(self.heard)) - self.target.seconds(self.told)


class Talk:
    """One connection."""

    def __init__(self, world: World, desk: TokenDesk, line: Line) -> None:
        self.world = world
        self.line = line
        self.task: Task | None = None
        self.task_id = uuid4().hex
        self._options = world.options
        self._desk = desk
        self._output: Output | None = None
        self._work: asyncio.Task[None] | None = None
        self._is_ended = False

    @property
    def faults(self) -> Faults:
        return self.world.faults

    @property
    def options(self) -> Options:
        """As they were when the task began."""
        return self._options

    def note(self, what: What, **detail: Any) -> None:
        self.world.journal.add(what, self.line.number, **detail)

    async def run(self) -> None:
        """Until either side has hung up."""
        self.note("opened")
        try:
            async with asyncio.TaskGroup() as tasks:
                with suppress(ConnectionClosed):
                    async for message in self.line:
                        await self._take(message, tasks)
                self._stop()
        finally:
            if self._output is not None:
                self._output.close()

    def left(self, by: str) -> None:
        """The client is gone, or the simulator made it so."""
        frame, task = self.line.protocol.close_rcvd, self.task
        during = "" if task is None else task.end or ("finish" if task.is_finishing else "audio" if task.is_started else "start")
        if task is not None and not task.end:
            task.end = "left"
        self.note("closed", by=by, code=None if frame is None else frame.code, during=during)
        self._stop()

    def _stop(self) -> None:
        """What works for the client ends now."""
        if self._work is not None and self._work is not asyncio.current_task():
            self._work.cancel()

    # what the client says

    async def _take(self, message: str | bytes, tasks: asyncio.TaskGroup) -> None:
        if self.line.hung_up or (self.task is not None and self.task.end == "TaskFailed"):
            return  # it was on its way
        try:
            await (self._hear(message, "binary") if isinstance(message, bytes) else self._obey(document(message), tasks))
        except Refused as refused:
            self.note("refused", code=refused.told.code, message=refused.told.message)
            await self.fail(refused.told)
        except Over:
            return

    async def _obey(self, found: dict[str, Any], tasks: asyncio.TaskGroup) -> None:
        self._desk.check(self._options.account, found.get("appkey"), found.get("token"))
        data, event = audio_of(found), found.get("event")
        if event == "FinishTask":
            await self._finish(found, data)
        elif data is not None:
            self._habits(found)
            await self._hear(data, "text")
        elif event == "StartTask":
            self._start(found, tasks)
        else:
            raise Refused(SAMI["invalid data"].because(f"event {event}"))

    def _habits(self, found: dict[str, Any]) -> None:
        self.note("habit", name="text audio")
        if found.get("payload") is not None:
            self.note("habit", name="payload again")

    def _start(self, found: dict[str, Any], tasks: asyncio.TaskGroup) -> None:
        if self.task is not None:
            raise Refused(SAMI["invalid data"].because("a second StartTask on one connection"))
        payload = payload_of(found)
        source, target = format_of(payload["audio_info"]), format_of(payload["audio_config"])
        align = payload.get("extra", {}).get("downstream_align", False)
        self._options = self.world.options
        self.task = task = Task(speaker=payload["speaker"], source=source, target=target, align=align)
        self._output = Output(self, source, target, self._options, align=align)
        self.note("start", body=found, payload=payload)
        self._work = tasks.create_task(self._until_over(task, self._output))

    async def _hear(self, data: bytes, how: str) -> None:
        task, options = self.task, self._options
        if task is None or not task.is_started or self._output is None:
            raise Refused(SAMI["illegal data"].because("audio before TaskStarted was told"))
        if task.is_finishing:
            raise Refused(SAMI["illegal data"].because("audio after FinishTask"))
        self._check(data, task)
        if data == task.last and any(data):
            self.note("habit", name="resent")
        task.last = data
        task.heard += data
        if options.duration_max is not None and task.source.seconds(len(task.heard)) > options.duration_max:
            raise Refused(SAMI["duration"])
        task.most_ahead = max(task.most_ahead, task.ahead)
        self.note("audio", bytes=len(data), how=how, ahead=round(task.ahead, 4))
        await self.strike("input", seconds=task.source.seconds(len(task.heard)))
        self._output.push(data)

    def _check(self, data: bytes, task: Task) -> None:
        if not data:
            raise Refused(SAMI["empty data"])
        if len(data) > self._options.data_max:
            raise Refused(SAMI["size"].because(f"{len(data)} bytes in a message; {self._options.data_max} are allowed"))
        if not task.heard and data.startswith(HEADERS):
            raise Refused(SAMI["illegal data"].because(f"the header of a file ({data[:4]!r}) is no s16le"))
        if len(data) % task.source.frame_size:
            raise Refused(SAMI["illegal data"].because(f"{len(data)} bytes are no whole frames of {task.source.frame_size}"))

    async def _finish(self, found: dict[str, Any], data: bytes | None) -> None:
        task = self.task
        if task is None or self._output is None or not task.is_started or task.is_finishing:
            raise Refused(SAMI["invalid data"].because("FinishTask without a task that is started, and not yet finished"))
        if data is not None:
            self._habits(found)
            self.note("habit", name="audio in FinishTask")
            await self._hear(data, "text")
        task.is_finishing = True
        self.note("finish", bytes=len(task.heard))
        await self.strike("finish")
        self._output.finish()

    # what it is told

    async def _until_over(self, task: Task, output: Output) -> None:
        with suppress(Over):
            await self._perform(task, output)

    async def _perform(self, task: Task, output: Output) -> None:
        if self._options.latency:
            await asyncio.sleep(self._options.latency)
        fault = await self.strike("start")
        if task.speaker not in self._options.speakers:
            await self._refuse_speaker()
            return
        if fault is None or fault.kind != "missing":
            # before it is written: the answer to it may be quicker than this task
            task.is_started = True
            await self.line.tell(self.message("TaskStarted"))
            self.note("started")
        await self.strike("started")
        await self._close_task(task, await output.run())

    async def _close_task(self, task: Task, rest: bytes) -> None:
        fault = await self.strike("end")
        if fault is not None and fault.kind == "missing":
            return
        task.end = "TaskFinished"
        data: dict[str, Any] = {"data": base64.b64encode(rest).decode()} if rest else {}
        if rest:
            task.told += len(rest)
            self.note("output", bytes=len(rest), how="TaskFinished")
        await self.line.tell(self.message("TaskFinished", OK, **data))
        self.note("finished", bytes=task.told)
        await self.strike("ended")
        if self._options.closes:
            self.line.hang_up_now(1000)

    async def _refuse_speaker(self) -> None:
        told, how = SAMI["speaker"], self._options.invalid_speaker
        self.note("refused", code=told.code, message=told.message)
        if how == "failed":
            await self.fail(told)
        elif how == "status":
            await self.line.tell(self.message("TaskStarted", told))
            await self.end()
        else:
            await self.line.tell(json.dumps({"status_code": told.code, "status_text": told.message}))
            await self.end()

    async def tell_audio(self, message: bytes | str, size: int, how: str) -> None:
        assert self.task is not None
        await self.strike("output", seconds=self.task.target.seconds(self.task.told))
        self.task.told += size
        self.note("output", bytes=size, how=how)
        await self.line.tell(message)

    def message(self, event: str | None, told: Told = OK, **more: Any) -> str:
        """A text message; None: without an event."""
        named = {} if event is None else {"event": event}
        head = {"task_id": self.task_id, "message_id": uuid4().hex, "namespace": NAMESPACE, **named}
        return json.dumps({**head, "status_code": told.code, "status_text": told.message, **more}, ensure_ascii=False)

    async def fail(self, told: Told) -> None:
        """TaskFailed."""
        self.note("failed", code=told.code, message=told.message)
        await self.line.tell(self.message("TaskFailed", told))
        await self.end()

    async def end(self) -> None:
        """The task is over, and mostly the connection too."""
        if self.task is not None:
            self.task.end = "TaskFailed"
        self._stop()
        if self._options.closes_after_failure:
            await self.line.hang_up(1000)

    async def strike(self, on: Stage, *, seconds: float = 0) -> Fault | None:
        """Who has left is struck by nothing more."""
        speaker = "" if self.task is None else self.task.speaker
        fault = None if self.line.has_left else self.faults.take(on, seconds=seconds, speaker=speaker)
        if fault is not None:
            self.note("fault", kind=fault.kind, on=on)
            await BEHAVIOURS[fault.kind](self, fault)
        return fault
