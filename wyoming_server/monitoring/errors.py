"""The last failures, in words for people. No spoken text: see `replies.words`."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime

from ..sessions import Outcome
from .hub import Json
from .replies import Ended

KEPT = 100
"""Failures that are remembered."""


class Errors:
    """A ring."""

    def __init__(self) -> None:
        self._kept: deque[tuple[datetime, Ended]] = deque(maxlen=KEPT)

    def add(self, reply: Ended) -> None:
        """Whatever did not fail is none."""
        if reply.outcome is Outcome.FAILED:
            self._kept.append((datetime.now(UTC), reply))

    def described(self) -> list[dict[str, Json]]:
        """As the HTTP API tells them, the newest first."""
        return [_described(time, reply) for time, reply in reversed(self._kept)]


def _described(time: datetime, reply: Ended) -> dict[str, Json]:
    return {
        "time": time.isoformat(),
        "code": reply.code,
        "message": reply.message,
        "session": reply.session,
        "voice": reply.voice,
        "engine": reply.engine,
        "client": reply.client,
        "front_end": reply.front_end,
    }
