"""A language model that says what a test wants, when the test wants it, as an OpenAI-compatible server streams it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer


@dataclass(kw_only=True)
class Model:
    """An OpenAI-compatible chat: it says `before`, waits for its gate, says `after`."""

    before: Sequence[str] = ("One ", "two ", "three.", " ")
    after: Sequence[str] = ("And ", "four ", "five.")
    end: str = "data: [DONE]\n\n"
    status: int = 200
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    left: bool = False
    """Its client went before the gate was open."""
    base_url: str = ""

    async def complete(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(await request.json())
        self.keys.append(request.headers.get("Authorization"))
        if self.status != 200:
            return web.json_response({"error": {"message": f"No such key: {self.keys[-1]}\nTry another."}}, status=self.status)
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        await answer.write(b": a comment\n\n" + event({"role": "assistant", "content": ""}))
        await answer.write(b"".join(event({"content": token}) for token in self.before))
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.left = True
            raise
        for token in self.after:
            await answer.write(event({"content": token}))
        await answer.write(b'data: {"choices": [], "usage": {"total_tokens": 9}}\n\n' + self.end.encode())
        return answer


def event(delta: dict[str, str]) -> bytes:
    return f"data: {json.dumps({'choices': [{'index': 0, 'delta': delta}]})}\n\n".encode()


@asynccontextmanager
async def chatting(model: Model) -> AsyncIterator[Model]:
    app = web.Application()
    app.router.add_post("/v1/chat/completions", model.complete)
    async with TestServer(app, host="127.0.0.1") as service:
        await service.start_server(handler_cancellation=True)
        model.base_url = f"{service.make_url('/v1')}"
        yield model
        model.gate.set()
