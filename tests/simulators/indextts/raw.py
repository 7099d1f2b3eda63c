"""A client that writes messages by hand: for tests of the simulator, which must not rest on the codec under test."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.client import connect

from ..common import raw

TEXT = "大家好，我现在正在体验 AI 科技！"
REQUEST: dict[str, Any] = {
    "type": "tts_stream",
    "text": TEXT,
    "prompt_audio": "asset/zero_shot_prompt.wav",
    "emo_mode": "none",
    "interval_silence": 200,
    "max_tokens": 120,
    "use_random": False,
}
"""The document's first example."""
MANNERS = ("real", "document")
WHOLE = ["queued", "start", "audio", "end"]
"""What a request is answered."""
Got = dict[str, Any] | bytes | str
"""A message: JSON where it is that."""


def got(message: str | bytes) -> Got:
    if isinstance(message, bytes):
        return message
    try:
        found = json.loads(message)
    except ValueError:
        return message
    return found if isinstance(found, dict) else message


def name(message: Got) -> str:
    """What it is; "audio" for a binary message, "" for what is none of the service's."""
    if isinstance(message, bytes):
        return "audio"
    return str(message.get("type") or message["status"]) if isinstance(message, dict) else ""


def names(messages: Iterable[Got]) -> list[str]:
    return [name(message) for message in messages]


@dataclass(kw_only=True)
class Client(raw.Client[Any]):
    """One connection."""

    def read(self, message: str | bytes) -> Any:
        return got(message)

    def name(self, message: Any) -> str:
        return name(message)

    async def ask(self, text: str = TEXT, **changed: Any) -> None:
        """A request; None takes a field away."""
        fields = {**REQUEST, "text": text, **changed}
        await self.line.send(json.dumps({key: value for key, value in fields.items() if value is not None}))

    async def ask_status(self, task_id: str) -> None:
        await self.line.send(json.dumps({"type": "task_status", "task_id": task_id}))

    async def speak(self, text: str = TEXT, **changed: Any) -> list[Any]:
        """A whole request: what came from `queued` to its end."""
        await self.ask(text, **changed)
        return await self.until("end", "error")

    def vanish(self) -> None:
        """Without a word."""
        self.line.transport.abort()


@asynccontextmanager
async def client(url: str, *, is_welcome: bool = True) -> AsyncIterator[Client]:
    """As the document's client connects. `is_welcome`: the welcome is read already."""
    async with connect(url, max_size=None, open_timeout=None, ping_interval=None, compression=None, close_timeout=1) as line:
        opened = Client(line=line)
        if is_welcome:
            assert name(await opened.receive()) == "success"
        yield opened
