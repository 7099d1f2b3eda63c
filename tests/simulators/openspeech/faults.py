"""What can go wrong on demand: a fault says what, when and how often; one table says what each kind does."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from .codes import Told, message_of
from .line import Line

Stage = Literal[
    "handshake",  # before the HTTP answer
    "connection",  # StartConnection came (v3)
    "start",  # a request (v1) or StartSession (v3) came, and nothing was answered
    "audio",  # `after` seconds of audio were written; 0: right before the first
    "finish",  # all audio but v1's last message was written, and the end is about to be told
    "cancel",  # CancelSession came, and speech goes on meanwhile
    "stopped",  # speech was stopped by it, and SessionCanceled is about to be told
    "cancelled",  # SessionCanceled was told
]
How = Literal["", "frame", "gzip frame", "unsaid gzip frame", "text", "event"]
"""An error as a frame of type 0xF, compressed or not, with the header saying so or not; as a text frame of JSON; as
ConnectionFailed or SessionFailed. Empty: as is usual, an event on v3, a frame on v1."""

Kind = Literal[
    "refuse",  # `status` and a JSON body with `code` and `message`, in the handshake only
    "error",  # `code` and `message`, told as `how` says; the request or session is over
    "stall",  # nothing for `seconds`; None: until `go_on()`, or for ever
    "early end",  # SessionFinished, unasked; a `code` stands inside another object, as a string (v3)
    "close",  # a close frame with `code` (1000 if 0)
    "drop",  # the TCP connection ends, without a close frame
    "reset",  # the TCP connection is reset
    "random bytes",
    "truncated frame",
    "unknown event",
    "unknown type",
    "text frame",  # words, no JSON
    "stale audio",  # three messages with noise, of a session that ended long ago (v3) or of the one that was just cancelled
]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Strikes the first occasion that fits, `times` times."""

    kind: Kind
    on: Stage = "start"
    after: float = 0
    """Seconds of audio, with `on="audio"`."""
    where: str = ""
    """Only a text with this in it, with `on="audio"` or v1's `start` and `finish`."""
    code: int = 0
    message: str = ""
    """Empty: what goes with the code."""
    how: How = ""
    status: int = 503
    seconds: float | None = None
    times: int = 1

    def __post_init__(self) -> None:
        if self.kind not in (KINDS_IN_HANDSHAKE if self.on == "handshake" else BEHAVIOURS):
            raise ValueError(f"{self.kind} on {self.on}")

    @property
    def told(self) -> Told:
        return Told(code=self.code, message=self.message or message_of(self.code))


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
    """A fault ended the request or the session."""


class Struck(Protocol):
    """What a fault needs to know of a connection and what is spoken on it."""

    line: Line
    faults: Faults

    async def fail(self, told: Told, how: How) -> None: ...

    async def end_early(self, told: Told) -> None: ...

    def stray(self, audio: bytes) -> bytes:
        """An audio message that the client must not play."""

    def unknown(self) -> bytes:
        """A whole message that nobody knows but that does no harm."""


async def _error(struck: Struck, fault: Fault) -> None:
    await struck.fail(fault.told, fault.how)
    raise Over


async def _end_early(struck: Struck, fault: Fault) -> None:
    await struck.end_early(fault.told)
    raise Over


async def _stall(struck: Struck, fault: Fault) -> None:
    await (struck.faults.stalled() if fault.seconds is None else asyncio.sleep(fault.seconds))


async def _close(struck: Struck, fault: Fault) -> None:
    await struck.line.hang_up(fault.code or 1000)
    raise Over


async def _drop(struck: Struck, fault: Fault) -> None:
    struck.line.drop()
    raise Over


async def _reset(struck: Struck, fault: Fault) -> None:
    struck.line.reset()
    raise Over


async def _stale(struck: Struck, fault: Fault) -> None:
    for _ in range(3):
        await struck.line.tell(struck.stray(noise(480)))


def noise(count: int) -> bytes:
    """The same bytes every time, and none of them speech."""
    return random.Random(count).randbytes(count)


def _telling(make: Callable[[Struck], bytes | str]) -> Behaviour:
    async def tell(struck: Struck, fault: Fault) -> None:
        await struck.line.tell(make(struck))

    return tell


Behaviour = Callable[[Struck, Fault], Awaitable[Any]]
BEHAVIOURS: Mapping[Kind, Behaviour] = {
    "error": _error,
    "early end": _end_early,
    "stall": _stall,
    "close": _close,
    "drop": _drop,
    "reset": _reset,
    "random bytes": _telling(lambda struck: noise(64)),
    "truncated frame": _telling(lambda struck: struck.stray(noise(480))[:-200]),
    "unknown event": _telling(lambda struck: struck.unknown()),
    "unknown type": _telling(lambda struck: b"\x11\x50\x10\x00\x00\x00\x00\x02{}"),
    "text frame": _telling(lambda struck: "upstream connect error or disconnect/reset before headers"),
    "stale audio": _stale,
}
KINDS_IN_HANDSHAKE = frozenset({"refuse", "stall", "drop", "reset"})
"""Where there is no connection yet, whose behaviour it could be."""
