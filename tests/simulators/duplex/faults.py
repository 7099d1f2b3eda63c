"""What can go wrong on demand: a fault says what, when and how often; one table says what each kind does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from ..common import faults
from ..common.codes import Told
from ..common.faults import GARBAGE, Over, drop, noise, otherwise, reset, stall, telling
from ..common.line import Line

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
SERVER_ERROR = Told(code=50000000, message="Server error!")


@dataclass(frozen=True, kw_only=True)
class Fault(faults.Fault):
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

    def __post_init__(self) -> None:
        kinds = KINDS.get(self.on, BEHAVIOURS.keys())
        if self.kind not in kinds or (self.kind == "late audio" and self.on != "sentence"):
            raise ValueError(f"{self.kind} on {self.on}")


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

    async def fail(self, told: Told) -> None: ...

    def unknown(self) -> str:
        """A whole message that nobody knows but that does no harm."""


async def _error(struck: Struck, fault: Fault) -> None:
    await struck.fail(fault.told)
    raise Over


async def _close(struck: Struck, fault: Fault) -> None:
    await struck.line.hang_up(fault.code)
    raise Over


Behaviour = Callable[[Struck, Fault], Awaitable[Any]]
BEHAVIOURS: Mapping[Kind, Behaviour] = {
    "error": _error,
    "stall": stall,
    "close": _close,
    "drop": drop,
    "reset": reset,
    "garbage text": telling(lambda struck: GARBAGE),
    "garbage binary": telling(lambda struck: noise(481)),
    "unknown event": telling(lambda struck: struck.unknown()),
    "late audio": otherwise,
}
KINDS: Mapping[Stage, Collection[Kind]] = {
    "request": ("refuse", "garbage text", "stall", "drop", "reset"),
    "handshake": ("refuse", "stall", "drop", "reset"),
}
"""Where there is no connection yet, whose behaviour it could be; a server answers the first two of them by itself."""
