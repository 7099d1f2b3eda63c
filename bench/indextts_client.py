"""A lean client of /ws/v1/indextts: stamps when messages are whole, keeps no audio. It shares no code with what it measures."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Mapping
from time import monotonic_ns
from typing import Any, ClassVar, Literal, NamedTuple

from .client import Address, CallFailed
from .websocket_client import WebsocketCall, text_frame

PATH = "/ws/v1/indextts"
Step = Literal["queued", "start", "end"]


class Answer(NamedTuple):
    """To a status query."""

    status: str
    took: int
    """ns."""


class IndexttsCall(WebsocketCall):
    """A websocket, at most one text at a time on it, and status queries at any time. A WAV is one chunk."""

    PATH: ClassVar[str] = PATH

    def __init__(self) -> None:
        super().__init__()
        self.task_id = ""
        """Of what was queued last."""
        self._steps: Mapping[str, asyncio.Future[int]] = {}
        self._queries: deque[tuple[int, asyncio.Future[Answer]]] = deque()

    def say(self, text: str, voice: str) -> None:
        loop = asyncio.get_running_loop()
        self._steps = {name: loop.create_future() for name in ("queued", "start", "end")}
        self._send({"type": "tts_stream", "text": text, "prompt_audio": voice, "emo_mode": "none"})

    async def told(self, step: Step) -> int:
        """When. Raises CallFailed."""
        return await self._steps[step]

    async def status(self, task_id: str) -> Answer:
        """Of anybody's task. Raises CallFailed."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._queries.append((monotonic_ns(), answer))
        self._send({"type": "task_status", "task_id": task_id})
        return await answer

    def _send(self, message: Mapping[str, Any]) -> None:
        self._transport.write(text_frame(json.dumps(message).encode()))

    def _text(self, now: int, message: bytes) -> None:
        told = json.loads(message)
        kind = told.get("type")
        if told.get("status") == "error":
            self._fail(told["message"])
        elif kind == "task_status":
            asked, answer = self._queries.popleft()
            answer.set_result(Answer(told["status"], now - asked))
        elif kind is not None:
            self.task_id = told["task_id"]
            self._steps[kind].set_result(now)

    def _fail(self, message: str) -> None:
        super()._fail(message)
        waiting: list[asyncio.Future[Any]] = [*self._steps.values(), *(answer for _, answer in self._queries)]
        for future in waiting:
            if not future.done():
                future.set_exception(CallFailed(message))
                future.exception()  # seen: nobody need wait for it


async def connect(address: Address) -> IndexttsCall:
    """A new connection. Raises OSError."""
    call = await IndexttsCall.connect(address)
    await call.opened()
    return call
