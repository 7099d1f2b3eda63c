"""A lean client of /ws/v1/tts: stamps when messages are whole, keeps no audio. It shares no code with what it measures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from time import monotonic_ns
from typing import Any, ClassVar

from .client import Address
from .websocket_client import WebsocketCall, text_frame

PATH = "/ws/v1/tts"


class FlowingCall(WebsocketCall):
    """A websocket, and one session on it."""

    PATH: ClassVar[str] = PATH

    def __init__(self) -> None:
        super().__init__()
        self._task_id = ""

    def ask(self, number: int, text: str, payload: Mapping[str, Any]) -> None:
        """All of a session's text at once. `number`: its task id; `payload`: of StartSynthesis."""
        self._task_id = f"{number:032x}"
        messages = [("StartSynthesis", payload), ("RunSynthesis", {"text": text}), ("StopSynthesis", {})]
        self.sent = monotonic_ns()
        self._transport.write(b"".join(self._message(name, values) for name, values in messages))

    def cancel(self) -> int:
        """When."""
        stamp = monotonic_ns()
        self._transport.write(self._message("CancelSynthesis", {}))
        return stamp

    def _message(self, name: str, payload: Mapping[str, Any]) -> bytes:
        header = {"message_id": "0" * 32, "task_id": self._task_id, "namespace": "FlowingSpeechSynthesizer", "name": name}
        return text_frame(json.dumps({"header": header, "payload": payload}).encode())

    def _text(self, now: int, message: bytes) -> None:
        header = json.loads(message)["header"]
        if header["name"] == "SynthesisCompleted":
            self._end(now)
        elif header["name"] == "TaskFailed":
            self._fail(header["status_text"])


async def ask(address: Address, number: int, text: str, **payload: Any) -> FlowingCall:
    """On a new connection."""
    call = await FlowingCall.connect(address)
    await call.opened()
    call.ask(number, text, payload)
    return call
