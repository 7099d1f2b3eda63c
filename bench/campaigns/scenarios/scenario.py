"""One scenario: who asks for what, what goes wrong at the services, what happens meanwhile. Values, and their words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from . import faults


class FrontEnd(StrEnum):
    """As the monitoring calls them."""

    WYOMING = "wyoming"
    API = "api"
    OPENAI = "openai"
    WEBSOCKET = "websocket"
    INDEXTTS = "indextts"


class What(StrEnum):
    """That may happen meanwhile."""

    HANG_UP = "hangs up"
    RESET = "loses its connection"
    CANCEL = "cancels in its own protocol"
    INTERRUPT = "is interrupted by its session"
    END = "is ended by the control API"
    END_ALL = "is ended with all others"
    AGAIN = "is replaced by another in its session"
    JOIN = "is joined by another in its share"
    RELOAD = "sees the configuration read anew"
    CREDENTIALS = "sees the credentials of openspeech changed"
    CLEAR_CACHE = "sees the cache cleared"
    DROP_IDLE = "sees all idle connections of the services dropped"


ENDS = frozenset({What.CANCEL, What.INTERRUPT, What.END, What.END_ALL, What.AGAIN})
"""Interrupts."""
LEAVES = frozenset({What.HANG_UP, What.RESET})


@dataclass(frozen=True, kw_only=True)
class Call:
    """One client and its text."""

    front_end: FrontEnd
    voice: str
    fragments: Sequence[str]
    """Several: it is streamed, where the front end takes that."""
    format: str = "pcm"
    events: bool = False
    """OpenAI's server-sent events."""
    session: str = ""
    share: str = ""
    cache: bool = True
    after: float = 0.0
    """Seconds after the scenario's begin, or, of fragments, after each other."""

    @property
    def text(self) -> str:
        return "".join(self.fragments)

    def words(self) -> str:
        how = [self.format, *(["events"] if self.events else []), *([f"share {self.share}"] if self.share else [])]
        how += [f"session {self.session}"] if self.session else []
        how += ["no cache"] if not self.cache else []
        parts = f"{len(self.text)} characters in {len(self.fragments)} fragments, {self.text[:24]!r}"
        return f"{self.front_end} ({', '.join(how)}) asks {self.voice} for {parts}, {self.after:g} s"


@dataclass(frozen=True, kw_only=True)
class Meanwhile:
    """What happens to a client, once it has heard so many pieces (or is over)."""

    what: What
    whom: int
    """The number of its call."""
    pieces: int = 0
    """0: as soon as it was asked for."""
    more: Call | None = None
    """Who replaces it, or joins it."""

    def words(self) -> str:
        more = f": {self.more.words()}" if self.more is not None else ""
        return f"client {self.whom} {self.what} after {self.pieces} pieces{more}"


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """What is wrong with a service."""

    service: str
    fault: Any = None
    """Of its simulator."""
    account: Mapping[str, Any] = field(default_factory=dict)
    """How its account is another than Herald was told."""
    down: bool = False
    """It refuses connections."""

    def words(self) -> str:
        if self.down:
            return f"{self.service} is down"
        return f"{self.service}: " + (faults.words(self.fault) if self.fault is not None else f"its account has {self.account}")


@dataclass(frozen=True, kw_only=True)
class Scenario:
    seed: int
    calls: Sequence[Call]
    manners: Mapping[str, Mapping[str, Any]]
    """How the services behave, by their names."""
    troubles: Sequence[Trouble]
    meanwhile: Sequence[Meanwhile]

    def words(self) -> str:
        lines = [f"client {number}: {call.words()}" for number, call in enumerate(self.calls)]
        lines += [f"{name} speaks with {dict(manner)}" for name, manner in self.manners.items() if manner]
        lines += [*(one.words() for one in self.troubles), *(one.words() for one in self.meanwhile)]
        return "\n".join(f"    {line}" for line in lines)

    def happens(self, whats: frozenset[What], whom: int) -> bool:
        """Whether one of them is to happen to this client."""
        return any(one.what in whats and one.whom in (whom, -1) for one in self.meanwhile)
