"""What can go wrong on demand: a fault says what, when and how often; one table says what each kind does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from ..common import codes, faults
from ..common.faults import GARBAGE, Over, drop, noise, reset, stall, telling
from ..common.line import Line
from .codes import Told, message_of

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
class Fault(faults.Fault):
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

    def __post_init__(self) -> None:
        if self.kind not in (KINDS_IN_HANDSHAKE if self.on == "handshake" else BEHAVIOURS):
            raise ValueError(f"{self.kind} on {self.on}")

    @property
    def told(self) -> Told:
        return Told(code=self.code, message=self.message or message_of(self.code))


class Faults(faults.Faults[Fault]):
    """Those that wait to strike."""

    def take(self, on: Stage, *, seconds: float = 0, text: str = "") -> Fault | None:
        """The one that strikes now."""
        return self.first(lambda fault: fault.on == on and fault.after <= seconds + 1e-6 and fault.where in text)


class Struck(Protocol):
    """What a fault needs to know of a connection and what is spoken on it."""

    line: Line

    @property
    def faults(self) -> Faults: ...

    async def fail(self, told: codes.Told, how: How) -> None: ...

    async def end_early(self, told: codes.Told) -> None: ...

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


async def _close(struck: Struck, fault: Fault) -> None:
    await struck.line.hang_up(fault.code or 1000)
    raise Over


async def _stale(struck: Struck, fault: Fault) -> None:
    for _ in range(3):
        await struck.line.tell(struck.stray(noise(480)))


Behaviour = Callable[[Struck, Fault], Awaitable[Any]]
BEHAVIOURS: Mapping[Kind, Behaviour] = {
    "error": _error,
    "early end": _end_early,
    "stall": stall,
    "close": _close,
    "drop": drop,
    "reset": reset,
    "random bytes": telling(lambda struck: noise(64)),
    "truncated frame": telling(lambda struck: struck.stray(noise(480))[:-200]),
    "unknown event": telling(lambda struck: struck.unknown()),
    "unknown type": telling(lambda struck: b"\x11\x50\x10\x00\x00\x00\x00\x02{}"),
    "text frame": telling(lambda struck: GARBAGE),
    "stale audio": _stale,
}
KINDS_IN_HANDSHAKE = frozenset({"refuse", "stall", "drop", "reset"})
"""Where there is no connection yet, whose behaviour it could be."""
