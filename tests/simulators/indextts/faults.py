"""What can go wrong on demand: a fault says what, when and how often; one table says what each kind does."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from ..common import faults
from ..common.faults import GARBAGE, noise
from .line import Line
from .sound import SHAPES

Stage = Literal[
    "handshake",  # before the HTTP answer
    "welcome",  # the connection is open
    "queued",  # a request is accepted
    "start",  # it is its turn
    "model",  # the model works on it: the real server is deaf meanwhile
    "audio",  # the model has finished
    "end",  # the WAV was told
    "ended",  # all was told
    "status",  # a status query is accepted
]
Kind = Literal[
    "error",
    "bare error",
    "server error",
    "stall",
    "close",
    "drop",
    "reset",
    "refuse",
    "missing",
    "twice",
    "late",
    "wav",
    "garbage text",
    "no object",
    "garbage binary",
    "unknown event",
]
"""The package's docstring says what each does."""


@dataclass(frozen=True, kw_only=True)
class Fault(faults.Fault):
    """Strikes the first occasion that fits, `times` times."""

    kind: Kind
    on: Stage = "audio"
    where: str = ""
    """Only a request whose text has this in it."""
    message: str = "合成失败: CUDA out of memory"
    """With the errors; {text} is the request's text."""
    shape: str = "plain"
    """With "wav": one of SHAPES."""
    status: int = 503
    code: int = 1011
    seconds: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS.get(self.on, ANYWHERE) or self.shape not in SHAPES:
            raise ValueError(f"{self.kind} ({self.shape}) on {self.on}")

    def words(self, text: str) -> str:
        return self.message.replace("{text}", text)


class Faults(faults.Faults[Fault]):
    """Those that wait to strike."""

    def take(self, on: Stage, text: str = "") -> Fault | None:
        """The one that strikes now."""
        return self.first(lambda fault: fault.on == on and fault.where in text)


class Over(Exception):
    """An error was told, with these words: the request is over."""


class Struck(Protocol):
    """What a fault needs to know of a connection."""

    line: Line

    @property
    def faults(self) -> Faults: ...

    async def fail(self, words: str, task_id: str = "") -> None: ...


@dataclass(frozen=True, kw_only=True)
class Blow:
    """A fault, and whom it strikes."""

    fault: Fault
    struck: Struck
    text: str = ""
    task_id: str = ""


async def _fail(blow: Blow, words: str, task_id: str = "") -> None:
    await blow.struck.fail(words, task_id)
    raise Over(words)


async def _error(blow: Blow) -> None:
    await _fail(blow, blow.fault.words(blow.text), blow.task_id)


async def _bare_error(blow: Blow) -> None:
    await _fail(blow, blow.fault.words(blow.text))


async def _server_error(blow: Blow) -> None:
    try:
        await _fail(blow, f"服务器错误: {blow.fault.words(blow.text)}")
    finally:
        blow.struck.line.hang_up_now(1000)


async def _stall(blow: Blow) -> None:
    await blow.struck.faults.stalled(blow.fault.seconds)


async def _close(blow: Blow) -> None:
    blow.struck.line.hang_up_now(blow.fault.code)


async def _drop(blow: Blow) -> None:
    blow.struck.line.drop()


async def _reset(blow: Blow) -> None:
    blow.struck.line.reset()


async def _otherwise(blow: Blow) -> None:
    """Whoever tells the message sees to it."""


def _telling(message: bytes | str) -> Behaviour:
    async def tell(blow: Blow) -> None:
        await blow.struck.line.tell(message)

    return tell


Behaviour = Callable[[Blow], Awaitable[Any]]
BEHAVIOURS: Mapping[Kind, Behaviour] = {
    "error": _error,
    "bare error": _bare_error,
    "server error": _server_error,
    "stall": _stall,
    "close": _close,
    "drop": _drop,
    "reset": _reset,
    "refuse": _otherwise,
    "missing": _otherwise,
    "twice": _otherwise,
    "late": _otherwise,
    "wav": _otherwise,
    "garbage text": _telling(GARBAGE),
    "no object": _telling('["queued"]'),
    "garbage binary": _telling(noise(481)),
    "unknown event": _telling(json.dumps({"type": "progress", "percent": 50})),
}
ANYWHERE: Collection[Kind] = [kind for kind in BEHAVIOURS if kind not in ("refuse", "missing", "twice", "late", "wav")]
TOLD: Collection[Kind] = [*ANYWHERE, "missing", "twice"]
"""Where there is a message that could be missing."""
KINDS: Mapping[Stage, Collection[Kind]] = {
    "handshake": ["refuse", "stall", "drop", "reset"],
    "welcome": TOLD,
    "queued": TOLD,
    "start": TOLD,
    "audio": [*TOLD, "wav"],
    "end": [*TOLD, "late"],
    "status": TOLD,
}
