"""What can go wrong on demand: a fault says what, when and how often. How it is acted out stands in `answers`."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ..common import faults
from ..common.faults import noise

Endpoint = Literal["speech", "voices", "models"]
Stage = Literal[
    "request",  # a request came, and nothing was answered
    "headers",  # status and headers were written, and nothing of the body
    "audio",  # `after` seconds of audio were written; 0: right before the first, behind the container's header
    "end",  # all audio was written, and the end of the body is about to be told
]
Kind = Literal[
    "error",  # `status` and `message` as this service tells an error
    "answer",  # `status`, `headers` and `body` instead of what the service would have said
    "mislabel",  # the usual answer, with `headers` in place of its own
    "half head",  # a part of the head, then as "stall"; then the connection ends
    "stall",  # nothing for `seconds`; None: until `go_on()`, or for ever. Then the answer goes on
    "insert",  # `body` in the middle of the audio, which goes on
    "cut",  # `body`, and the answer ends as if all were well; where a Content-Length was told, as "drop"
    "bad chunk",  # a chunk of the transfer encoding without a length (what a broken proxy makes), and the connection ends
    "drop",  # the connection ends: in the body, before as much has come as was told
    "reset",  # the connection is reset
]
KINDS: Mapping[Stage, Collection[Kind]] = {
    "request": ("error", "answer", "mislabel", "half head", "stall", "drop", "reset"),
    "headers": ("stall", "insert", "cut", "bad chunk", "drop", "reset"),
    "audio": ("stall", "insert", "cut", "bad chunk", "drop", "reset"),
    "end": ("stall", "insert", "cut", "bad chunk", "drop", "reset"),
}


@dataclass(frozen=True, kw_only=True)
class Fault(faults.Fault):
    """Strikes the first occasion that fits, `times` times."""

    kind: Kind
    on: Stage = "request"
    of: Endpoint = "speech"
    """"voices" and "models" know only the stage "request"."""
    after: float = 0
    """Seconds of audio, with `on="audio"`."""
    where: str = ""
    """Only a request with this in its text."""
    status: int = 500
    message: str = "Something went wrong."
    headers: Mapping[str, str] = field(default_factory=dict)
    """With "answer" and "mislabel"; others with "error"."""
    body: bytes | str | Mapping[str, Any] = b""
    """A mapping becomes JSON, and with "answer" the content type says so unless `headers` does."""
    seconds: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS[self.on] or (self.of != "speech" and self.on != "request"):
            raise ValueError(f"{self.kind} on {self.on} of {self.of}")


_HTML = "<html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>"
CANNED: Mapping[str, Fault] = {
    "json error with status 200": Fault(
        kind="answer",
        status=200,
        body={"error": {"message": "The engine is out of memory.", "type": "server_error", "code": 500}},
    ),
    "flat json error with status 200": Fault(kind="answer", status=200, body={"detail": "The engine is out of memory."}),
    "html with status 200": Fault(kind="answer", status=200, headers={"Content-Type": "text/html"}, body=_HTML),
    "html with status 502": Fault(kind="answer", status=502, headers={"Content-Type": "text/html"}, body=_HTML),
    "empty": Fault(kind="answer", status=200, headers={"Content-Type": "audio/wav"}),
    "garbage": Fault(kind="answer", status=200, headers={"Content-Type": "audio/wav"}, body=noise(4801)),
    "wrong content type": Fault(kind="mislabel", headers={"Content-Type": "application/octet-stream"}),
    "json content type on audio": Fault(kind="mislabel", headers={"Content-Type": "application/json"}),
    "rate limit": Fault(kind="error", status=429, message="Rate limit reached.", headers={"Retry-After": "1"}),
    "redirect": Fault(kind="answer", status=307, headers={"Location": "/elsewhere"}),
    "unavailable": Fault(kind="error", status=503, message="The model is loading.", headers={"Retry-After": "1"}),
}
"""Usual ones, for `replace(CANNED["…"], times=2)` or as they are."""


class Faults(faults.Faults[Fault]):
    """Those that wait to strike."""

    def __init__(self) -> None:
        super().__init__()
        self.struck: list[Fault] = []
        """In order."""
        self._strikes = asyncio.Event()

    async def strike(self, count: int = 1, *, within: float = 10) -> Fault:
        """The `count`th that struck, now or when it does; TimeoutError after `within` seconds."""
        async with asyncio.timeout(within):
            while len(self.struck) < count:
                await self._strikes.wait()
        return self.struck[count - 1]

    def take(self, on: Stage, *, of: Endpoint = "speech", seconds: float = 0, text: str = "") -> Fault | None:
        """The one that strikes now."""
        fault = self.first(
            lambda fault: (fault.on, fault.of) == (on, of) and fault.after <= seconds + 1e-6 and fault.where in text
        )
        if fault is not None:
            self.struck.append(fault)
            self._strikes.set()
            self._strikes = asyncio.Event()
        return fault
