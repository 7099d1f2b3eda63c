"""What the OpenSpeech simulator tells of each request (v1) and session (v3): read from the lines of its journal.

Which reply a request is for, Herald's `additions` tell (see `mark`). No I/O. Times are CLOCK_MONOTONIC in ns.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Moment = Literal["begun", "text", "first", "ended"]
_MARK = "reply"


def mark(number: int) -> dict[str, Any]:
    """Settings of a reply that let it be known again: the engine passes them on as they are."""
    return {"additions": {_MARK: number}}


@dataclass(kw_only=True, slots=True)
class Request:
    """One v1 request or v3 session."""

    begun: int
    """When the simulator took it."""
    number: int
    """Of the reply; below zero: not marked."""
    text: int | None = None
    """When the first text came."""
    first: int | None = None
    """Just before the first audio was written."""
    ended: int | None = None
    """When it was finished, cancelled or left."""
    cancelled: bool = False
    characters: list[tuple[int, int]] = field(default_factory=list)
    """When how many were made into audio, where the simulator tells it of every message."""


class Journal:
    """All that was told so far, and what is waited for."""

    def __init__(self) -> None:
        self.handshakes: Counter[str] = Counter()
        """By path."""
        self._current: dict[int, Request] = {}
        """By connection: the one that runs or was the last."""
        self._replies: defaultdict[int, list[Request]] = defaultdict(list)
        self._waiting: defaultdict[int, list[tuple[Moment, asyncio.Future[None]]]] = defaultdict(list)

    def read(self, line: str | bytes) -> None:
        entry = json.loads(line)
        if (take := _TAKERS.get(entry["what"])) is not None:
            take(self, entry)

    def requests(self, number: int) -> list[Request]:
        """Of a reply, in their order."""
        return self._replies[number]

    async def seen(self, number: int, moment: Moment) -> list[Request]:
        """The requests of a reply, once its first one has come so far; `ended`: once none of them runs any more."""
        if not self._is_past(number, moment):
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting[number].append((moment, future))
            await future
        return self._replies[number]

    def most_at_once(self, numbers: Collection[int]) -> int:
        """Requests of these replies."""
        requests = [request for number in numbers for request in self._replies[number]]
        changes = sorted([(r.begun, 1) for r in requests] + [(r.ended, -1) for r in requests if r.ended is not None])
        running = most = 0
        for _, change in changes:
            running += change
            most = max(most, running)
        return most

    def _is_past(self, number: int, moment: Moment) -> bool:
        times = [getattr(request, moment) for request in self._replies[number]]
        return bool(times) and (all(times) if moment == "ended" else times[0] is not None)

    def _tell(self, number: int) -> None:
        for moment, future in self._waiting.get(number, ()):
            if not future.done() and self._is_past(number, moment):
                future.set_result(None)

    # By what an entry says

    def _handshake(self, entry: Mapping[str, Any]) -> None:
        self.handshakes[entry["detail"]["path"]] += 1

    def _session(self, entry: Mapping[str, Any]) -> None:
        self._begin(entry, entry["detail"]["body"]["req_params"].get("additions"))

    def _request(self, entry: Mapping[str, Any]) -> None:
        self._begin(entry, entry["detail"]["body"]["request"].get("extra_param"))
        self._text(entry)

    def _begin(self, entry: Mapping[str, Any], additions: str | None) -> None:
        request = Request(number=json.loads(additions or "{}").get(_MARK, -1), begun=entry["time_ns"])
        self._current[entry["connection"]] = request
        self._replies[request.number].append(request)
        self._tell(request.number)

    def _text(self, entry: Mapping[str, Any]) -> None:
        request = self._current[entry["connection"]]
        request.text = request.text or entry["time_ns"]
        self._tell(request.number)

    def _first_audio(self, entry: Mapping[str, Any]) -> None:
        request = self._current[entry["connection"]]
        request.first = entry["time_ns"]
        self._tell(request.number)

    def _audio(self, entry: Mapping[str, Any]) -> None:
        self._current[entry["connection"]].characters.append((entry["time_ns"], entry["characters"]))

    def _end(self, entry: Mapping[str, Any]) -> None:
        request = self._current.get(entry["connection"])
        if request is not None and request.ended is None:
            request.ended, request.cancelled = entry["time_ns"], entry["what"] == "cancelled"
            self._tell(request.number)


_TAKERS: Mapping[str, Callable[[Journal, Mapping[str, Any]], None]] = {
    "handshake": Journal._handshake,  # noqa: SLF001  # its own table
    "session": Journal._session,  # noqa: SLF001
    "request": Journal._request,  # noqa: SLF001
    "text": Journal._text,  # noqa: SLF001
    "first audio": Journal._first_audio,  # noqa: SLF001
    "audio": Journal._audio,  # noqa: SLF001
    "finished": Journal._end,  # noqa: SLF001
    "cancelled": Journal._end,  # noqa: SLF001
    "refused": Journal._end,  # noqa: SLF001
    "closed": Journal._end,  # noqa: SLF001
}
