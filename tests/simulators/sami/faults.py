"""What can go wrong on demand: a fault says what, when and how often; one table says what each kind does."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

from ..duplex.line import Line
from ..openspeech.faults import noise
from .codes import SAMI, Told

Stage = Literal["token", "handshake", "start", "started", "input", "output", "finish", "end", "ended"]
Kind = Literal[
    "error",
    "status",
    "stall",
    "close",
    "drop",
    "reset",
    "refuse",
    "missing",
    "early end",
    "garbage text",
    "no object",
    "nulls",
    "bad base64",
    "odd bytes",
    "oversized",
    "unknown event",
    "odd types",
]
"""The package's docstring says what stages and kinds are."""
GARBAGE = "upstream connect error or disconnect/reset before headers"
OVERSIZED = 768 << 10
"""Bytes of audio: 8 s at 48 kHz, mono, in one message."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Strikes the first occasion that fits, `times` times."""

    kind: Kind
    on: Stage = "output"
    after: float = 0
    """Seconds of audio, on "input" and "output"."""
    where: str = ""
    """Only a task whose speaker has this in its name."""
    told: Told = field(default=SAMI["server"])
    status: int = 400
    """Of HTTP."""
    code: int = 1011
    """Of a close frame."""
    seconds: float | None = None
    times: int = 1

    def __post_init__(self) -> None:
        if self.kind not in KINDS[self.on]:
            raise ValueError(f"{self.kind} on {self.on}")


class Faults:
    """Those that wait to strike."""

    def __init__(self) -> None:
        self.waiting: list[Fault] = []
        self._gate = asyncio.Event()

    def add(self, *faults: Fault) -> None:
        self.waiting += faults

    def clear(self) -> None:
        self.waiting.clear()

    def go_on(self) -> None:
        """Ends every stall that is under way."""
        self._gate.set()
        self._gate = asyncio.Event()

    async def stalled(self) -> None:
        await self._gate.wait()

    def take(self, on: Stage, *, seconds: float = 0, speaker: str = "") -> Fault | None:
        """The one that strikes now."""
        for index, fault in enumerate(self.waiting):
            if fault.on == on and fault.after <= seconds and fault.where in speaker:
                self.waiting[index : index + 1] = [replace(fault, times=fault.times - 1)] if fault.times > 1 else []
                return fault
        return None


class Over(Exception):
    """The task is over; whoever was told anything was told."""


class Struck(Protocol):
    """What a fault needs to know of a connection."""

    line: Line

    @property
    def faults(self) -> Faults: ...

    def message(self, event: str, told: Told = ..., **more: Any) -> str: ...

    async def fail(self, told: Told) -> None: ...

    async def end(self) -> None: ...


async def _error(struck: Struck, fault: Fault) -> None:
    await struck.fail(fault.told)
    raise Over


async def _status(struck: Struck, fault: Fault) -> None:
    event = {"start": "TaskStarted", "end": "TaskFinished"}.get(fault.on, "")
    await struck.line.tell(struck.message(event, fault.told))
    await struck.end()
    raise Over


async def _stall(struck: Struck, fault: Fault) -> None:
    await (struck.faults.stalled() if fault.seconds is None else asyncio.sleep(fault.seconds))


async def _close(struck: Struck, fault: Fault) -> None:
    struck.line.hang_up_now(fault.code)
    raise Over


async def _drop(struck: Struck, fault: Fault) -> None:
    struck.line.drop()
    raise Over


async def _reset(struck: Struck, fault: Fault) -> None:
    struck.line.reset()
    raise Over


async def _end_early(struck: Struck, fault: Fault) -> None:
    await struck.line.tell(struck.message("TaskFinished"))
    await struck.end()
    raise Over


async def _otherwise(struck: Struck, fault: Fault) -> None:
    """Whoever tells the message sees to it."""


def _telling(make: Callable[[Struck], bytes | str]) -> Behaviour:
    async def tell(struck: Struck, fault: Fault) -> None:
        await struck.line.tell(make(struck))

    return tell


ODD: dict[str, Any] = {
    "status_code": "20000000",
    "status_text": None,
    "task_id": 7,
    "message_id": [],
    "event": {},
    "namespace": 0,
    "payload": {},
}

Behaviour = Callable[[Struck, Fault], Awaitable[Any]]
BEHAVIOURS: Mapping[Kind, Behaviour] = {
    "error": _error,
    "status": _status,
    "stall": _stall,
    "close": _close,
    "drop": _drop,
    "reset": _reset,
    "refuse": _otherwise,
    "missing": _otherwise,
    "early end": _end_early,
    "garbage text": _telling(lambda struck: GARBAGE),
    "no object": _telling(lambda struck: '["TaskStarted"]'),
    "nulls": _telling(lambda struck: struck.message("", payload=None, data=None)),
    "bad base64": _telling(lambda struck: struck.message("", data="AAA*")),
    "odd bytes": _telling(lambda struck: noise(481)),
    "oversized": _telling(lambda struck: struck.message("", data=base64.b64encode(bytes(OVERSIZED)).decode())),
    "unknown event": _telling(lambda struck: struck.message("TaskProgress", payload=json.dumps({"percent": 50}))),
    "odd types": _telling(lambda struck: json.dumps(ODD)),
}
EARLY: Collection[Kind] = ["refuse", "stall", "drop", "reset"]
"""Where there is no connection yet."""
ANYWHERE: Collection[Kind] = [kind for kind in BEHAVIOURS if kind not in ("refuse", "missing")]
TOLD: Collection[Kind] = [*ANYWHERE, "missing"]
"""Where there is a message that could be missing."""
KINDS: Mapping[Stage, Collection[Kind]] = {
    "token": [*EARLY, "garbage text"],
    "handshake": EARLY,
    "start": TOLD,
    "started": ANYWHERE,
    "input": ANYWHERE,
    "output": ANYWHERE,
    "finish": ANYWHERE,
    "end": TOLD,
    "ended": ANYWHERE,
}
