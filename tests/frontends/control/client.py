"""A client of the control API that takes no answer which openapi.yaml does not describe."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Self

from wyoming_server.frontends.http.server import HttpServer

from ..http_client import Answer, RawClient
from ..openai_serving import body_of
from . import description


class Api:
    """One server's. Every request is a connection of its own."""

    def __init__(self, http: HttpServer) -> None:
        self._http = http
        self.seen: set[str] = set()
        """Operations and statuses."""

    async def ask(self, method: str, path: str, body: Any = None, *, headers: str = "") -> Answer:
        """`body`: bytes, or what JSON can say."""
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(data)}\r\n{headers}\r\n"
        async with self.connected() as client:
            client.writer.write(head.encode() + data)
            answer = await _answer(client, has_body=method != "HEAD")
        assert answer.headers.get("cache-control") == "no-store" or path == "/api/tts/interrupt"
        self.seen.add(description.check_answer(method, path, answer))
        return answer

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[RawClient]:
        async with await RawClient.connect(self._http) as client:
            yield client

    async def get(self, path: str) -> Any:
        """What a good request is answered."""
        return self._good(await self.ask("GET", path))

    async def put(self, path: str, body: Any) -> Any:
        return self._good(await self.ask("PUT", path, body))

    async def post(self, path: str, body: Any = None) -> Any:
        return self._good(await self.ask("POST", path, body))

    async def delete(self, path: str) -> Any:
        return self._good(await self.ask("DELETE", path))

    async def refused(self, method: str, path: str, body: Any = None) -> tuple[int, str, str]:
        """Status, code and message of a bad one."""
        answer = await self.ask(method, path, body)
        return answer.status, answer.code, answer.json["message"]

    def _good(self, answer: Answer) -> Any:
        assert answer.status in (200, 201), answer.body
        return answer.json

    @contextlib.asynccontextmanager
    async def events(self) -> AsyncIterator[Events]:
        async with self.connected() as client:
            yield await Events.begun(client)


async def _answer(client: RawClient, *, has_body: bool) -> Answer:
    """Whole, whether or not its length was told beforehand."""
    async with asyncio.timeout(10):
        status, *lines = (await client.reader.readuntil(b"\r\n\r\n")).decode().splitlines()
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
        body = b""
        if has_body and "content-length" in headers:
            body = await client.reader.readexactly(int(headers["content-length"]))
        elif has_body:
            body, whole = await body_of(client)
            assert whole
    return Answer(status=int(status.split()[1]), headers=headers, body=body)


@dataclass(frozen=True, kw_only=True)
class Event:
    name: str
    data: dict[str, Any]


class Events:
    """One reader's. Comments are left out."""

    def __init__(self, client: RawClient) -> None:
        self.client = client
        self._text = b""

    @classmethod
    async def begun(cls, client: RawClient) -> Self:
        client.writer.write(b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        head = (await client.reader.readuntil(b"\r\n\r\n")).decode().lower()
        assert head.startswith("http/1.1 200")
        assert "content-type: text/event-stream\r\n" in head
        assert "cache-control: no-store\r\n" in head
        return cls(client)

    async def next(self) -> Event | None:
        """Or `None` at the end, which is a whole one."""
        async with asyncio.timeout(10):
            while (block := await self._block()) is not None:
                if block.startswith(":"):
                    continue
                name, data = block.split("\n")
                event = Event(name=name.removeprefix("event: "), data=json.loads(data.removeprefix("data: ")))
                described = dict(description.operations_by_id()["events"]["x-events"])
                description.check(event.data, described[event.name])
                return event
        return None

    async def comment(self) -> str | None:
        """The next block, which should be one."""
        async with asyncio.timeout(10):
            return await self._block()

    async def until(self, *names: str) -> Event:
        """The next one of these."""
        while (event := await self.next()) is not None:
            if event.name in names:
                return event
        raise EOFError

    async def names(self, last: str) -> list[str]:
        """Of all events up to one."""
        names: list[str] = []
        while last not in names[-1:]:
            event = await self.next()
            assert event is not None, names
            names.append(event.name)
        return names

    async def _block(self) -> str | None:
        while b"\n\n" not in self._text:
            size = int(await self.client.reader.readuntil(b"\r\n"), 16)
            self._text += (await self.client.reader.readexactly(size + 2))[:-2]
            if not size:
                assert self._text == b""
                return None
        block, self._text = self._text.split(b"\n\n", 1)
        return block.decode()
