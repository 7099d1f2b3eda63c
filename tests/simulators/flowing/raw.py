"""A client of NLS that writes messages by hand."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from websockets.asyncio.client import connect

from ..common.raw import Service
from ..duplex import raw
from ..duplex.raw import Got

TEXT = "字节跳动语音合成。"
TOKEN = {"X-NLS-Token": "nls-token"}
ENDS = ("SynthesisCompleted", "TaskFailed")


@dataclass(kw_only=True)
class Client(raw.Client):
    """One connection of either service."""

    appkey: str | None

    def message(self, name: str, payload: dict[str, Any] | None = None, **header: Any) -> str:
        """`header` changes what is usual; None takes a field away."""
        usual = {"message_id": uuid4().hex, "task_id": self.task_id, "namespace": "FlowingSpeechSynthesizer", "name": name}
        fields = usual | {"appkey": self.appkey} | header
        document: dict[str, Any] = {"header": {key: value for key, value in fields.items() if value is not None}}
        return json.dumps(document | ({} if payload is None else {"payload": payload}))

    async def send(self, name: str, payload: dict[str, Any] | None = None, **header: Any) -> None:
        await self.line.send(self.message(name, payload, **header))

    async def start(self, **payload: Any) -> Got:
        """What StartSynthesis is answered."""
        await self.send("StartSynthesis", payload)
        return await self.receive()

    async def text(self, *fragments: str) -> None:
        for fragment in fragments:
            await self.send("RunSynthesis", {"text": fragment})

    async def stop(self) -> None:
        await self.send("StopSynthesis")

    async def speak(self, *fragments: str, **payload: Any) -> list[Got]:
        """A whole session: what came from its answer to its end."""
        begun = await self.start(**payload)
        if begun.name != "SynthesisStarted":
            return [begun]
        await self.text(*fragments)
        await self.stop()
        return [begun, *await self.until(*ENDS)]


@asynccontextmanager
async def client(
    service: Service, *, appkey: str | None = "app-key", headers: Mapping[str, str] = TOKEN, query: str = ""
) -> AsyncIterator[Client]:
    async with connect(service.url + query, additional_headers=headers, proxy=None, max_size=None) as line:
        yield Client(line=line, task_id=uuid4().hex, key="name", appkey=appkey)


async def speak(service: Service, *fragments: str, **payload: Any) -> list[Got]:
    """A session on a connection of its own."""
    async with client(service) as opened:
        return await opened.speak(*fragments, **payload)
