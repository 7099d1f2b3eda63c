"""A client of DashScope that writes messages by hand."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from websockets.asyncio.client import connect

from ..common.raw import Service
from ..duplex import raw
from ..duplex.raw import Got

TEXT = "字节跳动语音合成。"
KEY = {"Authorization": "Bearer sk-api-key"}
ENDS = ("task-finished", "task-failed")


def run_payload(**changes: Any) -> dict[str, Any]:
    """Of a run-task; `changes` to the payload where it has such a field, to the parameters otherwise; None takes a field away."""
    payload: dict[str, Any] = {
        "model": "cosyvoice-v2",
        "task_group": "audio",
        "task": "tts",
        "function": "SpeechSynthesizer",
        "input": {},
    }
    parameters = {"voice": "longwan_v2", "text_type": "PlainText", "format": "pcm"}
    for name, value in changes.items():
        (payload if name in payload else parameters)[name] = value
    taken = {name: value for name, value in payload.items() if value is not None}
    return taken | {"parameters": {name: value for name, value in parameters.items() if value is not None}}


class Client(raw.Client):
    """One connection."""

    def message(self, action: str, payload: dict[str, Any], **header: Any) -> str:
        """`header` changes what is usual."""
        usual = {"action": action, "task_id": self.task_id, "streaming": "duplex"}
        return json.dumps({"header": usual | header, "payload": payload})

    async def send(self, action: str, payload: dict[str, Any], **header: Any) -> None:
        await self.line.send(self.message(action, payload, **header))

    async def start(self, **changes: Any) -> Got:
        """What a run-task with a new id is answered."""
        self.task_id = str(uuid4())
        await self.send("run-task", run_payload(**changes))
        return await self.receive()

    async def text(self, *fragments: str) -> None:
        for fragment in fragments:
            await self.send("continue-task", {"input": {"text": fragment}})

    async def finish(self, **given: Any) -> None:
        await self.send("finish-task", {"input": given})

    async def speak(self, *fragments: str, **changes: Any) -> list[Got]:
        """A whole task: what came from its answer to its end."""
        begun = await self.start(**changes)
        if begun.name != "task-started":
            return [begun]
        await self.text(*fragments)
        await self.finish()
        return [begun, *await self.until(*ENDS)]


@asynccontextmanager
async def client(service: Service, *, headers: Mapping[str, str] = KEY) -> AsyncIterator[Client]:
    async with connect(service.url, additional_headers=headers, proxy=None, max_size=None) as line:
        yield Client(line=line, task_id=str(uuid4()), key="event")


async def speak(service: Service, *fragments: str, **changes: Any) -> list[Got]:
    """A task on a connection of its own."""
    async with client(service) as opened:
        return await opened.speak(*fragments, **changes)
