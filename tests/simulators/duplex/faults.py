"""What can go wrong on demand: a fault says what, when and how often; one table says what each kind does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

from ..openspeech.faults import noise
from .codes import Told
from .line import Line

Stage = Literal[
    "request",  # an HTTP request came that is no handshake
    "handshake",  # before the HTTP answer
    "start",  # a session was accepted, and nothing was answered
    "text",  # a fragment was accepted
    "sentence",  # a sentence is about to be begun
    "audio",  # `after` seconds of audio were written; 0: right before the first
    "finish",  # all was spoken, and the end is about to be told
]
Kind = Literal[
    "refuse",  # `status` and `told`, before there is a connection
    "error",  # `told`; the session is over, and the connection as is usual after an error
    "stall",  # nothing for `seconds`; None: until `go_on()`, or for ever. On "finish": a late completion
    "close",  # a close frame with `code`
    "drop",  # the TCP connection ends, without a close frame
    "reset",  # the TCP connection is reset
    "garbage text",  # words, no JSON; on "request": with status 200
    "garbage binary",  # an odd number of bytes, and none of them speech
    "unknown event",  # a message that nobody knows but that does no harm
    "late audio",  # a sentence's last audio comes after its end was told
]
GARBAGE = "upstream connect error or disconnect/reset before headers"
SERVER_ERROR = Told(code=50000000, message="Server error!")


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Strikes the first occasion that fits, `times` times."""

    kind: Kind
    on: Stage = "start"
    after: float = 0
    """Seconds of audio, with `on="audio"`."""
    where: str = ""
    """Only a text with this in it, with `on` "text", "sentence" and "audio"."""
    told: Told = field(default=SERVER_ERROR)
    """With "refuse" and "error"."""
    status: int = 503
    code: int = 1000
    seconds: float | None = None
    times: int = 1

    def __post_init__(self) -> None:
        kinds = KINDS.get(self.on, BEHAVIOURS.keys())
        if self.kind not in kinds or (self.kind == "late audio" and self.on != "sentence"):
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

    def take(self, on: Stage, *, seconds: float = 0, text: str = "") -> Fault | None:
        """The one that strikes now."""
        for index, fault in enumerate(self.waiting):
            if fault.on == on and fault.after <= seconds + 1e-6 and fault.where in text:
                self.waiting[index : index + 1] = [replace(fault, times=fault.times - 1)] if fault.times > 1 else []
                return fault
        return None


class Over(Exception):
    """A fault or an error ended what was going on."""


class Struck(Protocol):
    """What a fault needs to know of a connection and what is spoken on it."""

    line: Line
    faults: Faults

    async def fail(self, told: Told) -> None: ...

    def unknown(self) -> str:
        """A whole message that nobody knows but that does no harm."""


async def _error(struck: Struck, fault: Fault) -> None:
    await struck.fail(fault.told)
    raise Over


async def _stall(struck: Struck, fault: Fault) -> None:
    await (struck.faults.stalled() if fault.seconds is None else asyncio.sleep(fault.seconds))


async def _close(struck: Struck, fault: Fault) -> None:
    await struck.line.hang_up(fault.code)
    raise Over


async def _drop(struck: Struck, fault: Fault) -> None:
    struck.line.drop()
    raise Over


async def _reset(struck: Struck, fault: Fault) -> None:
    struck.line.reset()
    raise Over


async def _late_audio(struck: Struck, fault: Fault) -> None:
    """The session's own affair."""


def _telling(make: Callable[[Struck], bytes | str]) -> Behaviour:
    async def tell(struck: Struck, fault: Fault) -> None:
        await struck.line.tell(make(struck))

    return tell


Behaviour = Callable[[Struck, Fault], Awaitable[Any]]
BEHAVIOURS: Mapping[Kind, Behaviour] = {
    "error": _error,
    "stall": _stall,
    "close": _close,
    "drop": _drop,
    "reset": _reset,
    "garbage text": _telling(lambda struck: GARBAGE),
    "garbage binary": _telling(lambda struck: noise(481)),
    "unknown event": _telling(lambda struck: struck.unknown()),
    "late audio": _late_audio,
}
KINDS: Mapping[Stage, Collection[Kind]] = {
    "request": ("refuse", "garbage text", "stall", "drop", "reset"),
    "handshake": ("refuse", "stall", "drop", "reset"),
}
"""Where there is no connection yet, whose behaviour it could be; a server answers the first two of them by itself."""
