"""Clients on a stream of bytes: Wyoming, and HTTP with an answer in chunks."""

from __future__ import annotations

import asyncio
import base64
import json
from abc import abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, ClassVar

from wyoming.event import Event

from wyoming_server.protocols.wyoming import WyomingReader, encode

from .client import RATE, Streams, Told


class WyomingClient(Streams):
    namespace = "wyoming"

    async def talk(self) -> Told:
        await self.open(self.server.wyoming.uris[0])
        streamed = len(self.call.fragments) > 1
        async with asyncio.TaskGroup() as tasks:
            writing = tasks.create_task(self._write(streamed=streamed))
            try:
                told = await self._read("synthesize-stopped" if streamed else "audio-stop")
            except OSError:
                told = Told(how="nothing")
            writing.cancel()
        return told

    async def _write(self, *, streamed: bool) -> None:
        session = {"session_id": self.session_id} if self.session_id else {}
        data = {"voice": {"name": self.call.voice}, "context": {"rate": RATE, **session, **self.options}}
        if not streamed:
            self._send("synthesize", text=self.call.text, **data)
            self._asked()
            return
        self._send("synthesize-start", **data)
        self._asked()
        for fragment in self.call.fragments:
            self._send("synthesize-chunk", text=fragment)
            await asyncio.sleep(self.call.after)
        self._send("synthesize", text=self.call.text, **data)
        self._send("synthesize-stop")

    def _send(self, event_type: str, **data: Any) -> None:
        assert self.writer is not None
        if not (self.writer.is_closing() or self.has_cancelled):
            self.writer.write(encode(Event(event_type, data)))

    async def _read(self, end: str) -> Told:
        codec, begun = WyomingReader(), False
        while data := await self.reader.read(1 << 16):
            codec.feed(data)
            while (event := codec.next_event()) is not None:
                if event.type == "error":
                    code = str(event.data["code"])
                    return Told(how="interrupted" if code == "interrupted" else "error", code=code)
                if event.type == end:
                    return Told(how="whole")
                if event.type == "audio-start":
                    begun, self.rate = True, event.data["rate"]
                elif event.type == "audio-chunk":
                    self._heard(event.payload or b"")
        return Told(how="broken" if begun else "nothing")

    async def cancel(self) -> None:
        """It stops writing, which is all that the protocol has."""
        if self.writer is not None and not self.writer.is_closing():
            with suppress(OSError):
                self.has_cancelled = True
                self.writer.write_eof()


class HttpClient(Streams):
    """A request, and an answer in chunks."""

    path: ClassVar[str]

    @abstractmethod
    def body(self) -> dict[str, Any]: ...

    async def talk(self) -> Told:
        assert self.server.http is not None
        await self.open(self.server.http.urls[0])
        assert self.writer is not None
        said = {name: value for name, value in self.body().items() if value != ""}
        session = {"session_id": self.session_id} if self.session_id else {}
        data = json.dumps({"voice": self.call.voice, **said, **session}).encode()
        head = f"POST {self.path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(data)}\r\n\r\n"
        self.writer.write(head.encode() + data)
        self._asked()
        return await self._answer()

    async def _answer(self) -> Told:
        status, headers = await self._head()
        self.session_id = headers.get("x-session-id", self.session_id)
        self.rate = int(headers.get("x-sample-rate", RATE))
        if status != 200:
            code = self.code(json.loads(await self.reader.readexactly(int(headers["content-length"]))))
            return Told(how="interrupted" if code == "interrupted" else "error", code=code)
        try:
            while size := int(await self.reader.readuntil(b"\r\n"), 16):
                self._heard((await self.reader.readexactly(size + 2))[:-2])
            await self.reader.readexactly(2)
        except EOFError:
            return Told(how="broken")
        return Told(how="whole")

    async def _head(self) -> tuple[int, Mapping[str, str]]:
        first, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().splitlines()
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
        return int(first.split()[1]), headers

    def code(self, problem: Any) -> str:
        return str(problem["code"])


class ApiClient(HttpClient):
    path = "/api/tts/stream"

    def body(self) -> dict[str, Any]:
        rate = {"sample_rate": RATE} if self.call.format in ("pcm", "wav") else {}
        return {"text": self.call.text, "format": self.call.format, "options": self.options, **rate}


class OpenaiClient(HttpClient):
    path = "/v1/audio/speech"

    def body(self) -> dict[str, Any]:
        events = {"stream_format": "sse"} if self.call.events else {}
        rate = {"sample_rate": RATE} if self.call.format in ("pcm", "wav") else {}
        return {"input": self.call.text, "response_format": self.call.format, "options": self.options, **events, **rate}

    def code(self, problem: Any) -> str:
        return str(problem["error"]["code"])

    async def _answer(self) -> Told:
        told = await super()._answer()
        if not self.call.events or told.how == "error":
            return told
        *blocks, _ = self.audio.decode().split("\n\n")
        events: list[dict[str, Any]] = [json.loads(block.removeprefix("data: ")) for block in blocks]
        deltas = [base64.b64decode(event["audio"]) for event in events if event["type"] == "speech.audio.delta"]
        self.audio = b"".join(deltas)
        last: dict[str, Any] = events[-1] if events else {"type": ""}
        if last["type"] == "error":
            return Told(how="error", code=last["error"]["code"])
        return told if told.how != "whole" or last["type"] == "speech.audio.done" else Told(how="nothing")
