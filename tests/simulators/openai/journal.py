"""What the simulator saw and did, one entry a request, with times that another process on this machine can compare with."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from time import monotonic_ns
from typing import Any, Literal

from ..common.journal import Occasions

Moment = Literal[
    "came",  # the request is whole
    "answered",  # status and headers are about to be written
    "first",  # the first audio is about to be written
    "ended",  # the answer was written as it should, an error too
    "gone",  # the client left before that
    "broken",  # a fault ended the answer, or the connection
]


@dataclass(kw_only=True)
class Request:
    """One request, and how its answer went. Times are CLOCK_MONOTONIC in ns; 0: not so far."""

    number: int
    """Counts from 1, over all paths."""
    connection: int
    """Counts from 1: two of the same came on one connection."""
    method: str
    path: str
    """With its query."""
    headers: Mapping[str, str]
    body: Any = None
    """Of JSON; of a GET its query. Bytes that are no JSON are here as they are."""
    text: str = ""
    """That is to be spoken."""
    came: int = 0
    answered: int = 0
    first: int = 0
    ended: int = 0
    gone: int = 0
    broken: int = 0
    status: int = 0
    refused: str = ""
    """What the client did wrong."""
    seconds: float = 0
    """Of audio that were written so far."""

    def line(self) -> str:
        """As JSON, in ASCII."""
        return json.dumps({**asdict(self), "headers": dict(self.headers)}, default=repr)


class Journal(Occasions[Moment, Request]):
    """A list of requests whose moments can be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[Request] = []
        self.on_moment: Callable[[Moment, Request], None] | None = None

    def begin(self, request: Request) -> None:
        self.requests.append(request)
        self.add("came", request)

    def add(self, moment: Moment, request: Request) -> None:
        """Only the first time counts."""
        if getattr(request, moment):
            return
        setattr(request, moment, monotonic_ns())
        self.happened(moment, request)
        if self.on_moment is not None:
            self.on_moment(moment, request)
