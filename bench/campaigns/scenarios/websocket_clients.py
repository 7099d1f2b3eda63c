"""Clients on a websocket: `/ws/v1/tts`, and IndexTTS's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from .client import HEADER, RATE, Client, Told


class Websockets(Client):
    socket: ClientConnection | None = None

    async def open(self, url: str, path: str) -> None:
        self.socket = await connect(
            url.replace("http:", "ws:", 1) + path,
            local_addr=(self.host, 0),
            max_size=None,
            ping_interval=None,
            close_timeout=0.2,
            proxy=None,
            compression=None,
        )

    def transport(self) -> asyncio.WriteTransport | None:
        return self.socket.transport if self.socket is not None else None

    async def _send(self, message: Mapping[str, Any]) -> None:
        assert self.socket is not None
        await self.socket.send(json.dumps(message))


class FlowingClient(Websockets):
    async def talk(self) -> Told:
        assert self.server.http is not None
        await self.open(self.server.http.urls[0], "/ws/v1/tts")
        self._task_id = uuid4().hex
        session = {"session_id": self.session_id} if self.session_id else {}
        fields = {"voice": self.call.voice, "format": self.call.format, "sample_rate": RATE, "options": self.options}
        await self._say("StartSynthesis", {**fields, **session})
        self._asked()
        async with asyncio.TaskGroup() as tasks:
            writing = tasks.create_task(self._write())
            try:
                told = await self._read()
            except WebSocketException:
                told = Told(how="nothing")
            writing.cancel()
        return told

    async def _write(self) -> None:
        with suppress(WebSocketException):
            for fragment in self.call.fragments:
                await self._say("RunSynthesis", {"text": fragment})
                await asyncio.sleep(self.call.after)
            await self._say("StopSynthesis")

    async def _say(self, name: str, payload: Mapping[str, Any] | None = None) -> None:
        header = {"message_id": uuid4().hex, "task_id": self._task_id, "namespace": "FlowingSpeechSynthesizer", "name": name}
        await self._send({"header": header, "payload": payload or {}})

    async def _read(self) -> Told:
        assert self.socket is not None
        async for message in self.socket:
            if isinstance(message, bytes):
                self._heard(message)
                continue
            header, payload = (json.loads(message).get(part, {}) for part in ("header", "payload"))
            if header["name"] == "SynthesisStarted":
                self.session_id = payload.get("session_id", self.session_id)
            elif header["name"] == "TaskFailed":
                return Told(how="error", code=str(header["status"]))
            elif header["name"] == "SynthesisCompleted":
                return Told(how="interrupted" if payload.get("reason") == "interrupted" else "whole")
        return Told(how="nothing")

    async def cancel(self) -> None:
        if self.socket is not None and self.has_asked:
            with suppress(WebSocketException):
                await self._say("CancelSynthesis")


class IndexClient(Websockets):
    rate = 22_050

    async def talk(self) -> Told:
        assert self.server.indextts is not None
        await self.open(self.server.indextts.urls[0], "/")
        fields = {"emo_mode": "none", "interval_silence": 200, "max_tokens": 120, "use_random": False}
        await self._send({"type": "tts_stream", "text": self.call.text, "prompt_audio": self.call.voice, **fields})
        self._asked()
        assert self.socket is not None
        async for message in self.socket:
            if isinstance(message, bytes):
                self._heard(message[HEADER:])
                continue
            said = json.loads(message)
            if said.get("type") == "queued":
                self.session_id = said["task_id"]
            elif said.get("type") == "end":
                return Told(how="whole")
            elif said.get("status") == "error":
                return Told(how="interrupted" if said["message"] == "任务已取消" else "error")
        return Told(how="nothing")
