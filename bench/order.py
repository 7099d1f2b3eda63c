"""What the upstream is asked to deliver, as the text of a request, and what it tells afterwards. Plain values, no I/O."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, astuple, dataclass, fields
from typing import Any, Self


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """One reply's audio: a tone, in pieces, at a pace."""

    number: int
    """Unique in a run; below zero nothing is reported."""
    seconds: float = 1.0
    """Of audio."""
    pace: float = 1.0
    """Factor of real time; 0 delivers as fast as it is taken."""
    delay: float = 0.0
    """Seconds before the first byte."""
    at: float = 0.0
    """The first byte comes no earlier than this (CLOCK_MONOTONIC, s): so several can come at the same moment."""
    piece: float = 0.1
    """Seconds of audio in one write."""
    stall: float = math.inf
    """Seconds of audio after which nothing more comes, not even the end."""
    rate: int = 24_000
    """Hz; 16 bit, mono."""

    def text(self) -> str:
        """Plain numbers: nothing that a server could split or clean."""
        return " ".join(str(value) for value in astuple(self))

    @classmethod
    def parse(cls, text: str) -> Self:
        names = [field.name for field in fields(cls)]
        values: dict[str, Any] = dict(zip(names, map(float, text.split()), strict=True))
        return cls(**{**values, "number": int(values["number"]), "rate": int(values["rate"])})


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """How an order went. Times are CLOCK_MONOTONIC in ns, which all processes of a machine share."""

    number: int
    first: int | None
    """Just before the first byte was written."""
    gone: int | None
    """When the taker was seen to have left before the end."""
    late: float
    """Seconds that a piece was written after it was due, at worst: the upstream's own fault."""

    def line(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def parse(cls, line: str | bytes) -> Self:
        return cls(**json.loads(line))
