"""What can go wrong on demand: a fault says what, when and how often; one table says what each kind does."""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from ..common import faults
from ..common.codes import Told
from ..common.faults import GARBAGE, Over, drop, noise, otherwise, reset, stall, telling
from ..common.line import Line
from .codes import SAMI

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
OVERSIZED = 768 << 10
"""Bytes of audio: 8 s at 48 kHz, mono, in one message."""


@dataclass(frozen=True, kw_only=True)
class Fault(faults.Fault):
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

    def __post_init__(self) -> None:
        if self.kind not in KINDS[self.on]:
            raise ValueError(f"{self.kind} on {self.on}")


class Faults(faults.Faults[Fault]):
    """Those that wait to strike."""

    def take(self, on: Stage, *, seconds: float = 0, speaker: str = "") -> Fault | None:
        """The one that strikes now."""
        return self.first(lambda fault: fault.on == on and fault.after <= seconds and fault.where in speaker)


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


async def _close(struck: Struck, fault: Fault) -> None:
    struck.line.hang_up_now(fault.code)
    raise Over


async def _end_early(struck: Struck, fault: Fault) -> None:
    await struck.line.tell(struck.message("TaskFinished"))
    await struck.end()
    raise Over


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
    "stall": stall,
    "close": _close,
    "drop": drop,
    "reset": reset,
    "refuse": otherwise,
    "missing": otherwise,
    "early end": _end_early,
    "garbage text": telling(lambda struck: GARBAGE),
    "no object": telling(lambda struck: '["TaskStarted"]'),
    "nulls": telling(lambda struck: struck.message("", payload=None, data=None)),
    "bad base64": telling(lambda struck: struck.message("", data="AAA*")),
    "odd bytes": telling(lambda struck: noise(481)),
    "oversized": telling(lambda struck: struck.message("", data=base64.b64encode(bytes(OVERSIZED)).decode())),
    "unknown event": telling(lambda struck: struck.message("TaskProgress", payload=json.dumps({"percent": 50}))),
    "odd types": telling(lambda struck: json.dumps(ODD)),
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
