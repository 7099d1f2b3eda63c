"""When the next audio of a session may go: not further ahead of real time than its client wants, and not all in one go."""

from __future__ import annotations

import asyncio
from time import monotonic

STEP = 0.1
"""Seconds of audio in one message, at most; MP3 takes 2 ms for it on a slow machine."""
FINE_STEP = 0.02
"""The same, where a client wants hardly more than it hears."""
AHEAD = 0.5
"""Seconds by which a listener must be ahead before its session waits for others."""


class Pacing:
    """Of one session. `turns`: for all that is spoken by a server; only few of those that are far ahead go on at a time.

    What a listener has is counted by a clock that stands still while there is nothing to hear.
    """

    def __init__(self, pace: float | None, turns: asyncio.Semaphore) -> None:
        self.step = STEP if pace is None else min(STEP, max(FINE_STEP, pace))
        self._pace = pace
        self._turns = turns
        self._dry_at = 0.0
        self._in_a_row = 0.0

    async def wait_for_real_time(self, seconds: float) -> None:
        """Until `seconds` more are not too far ahead."""
        now = monotonic()
        self._dry_at = max(self._dry_at, now) + seconds
        if self._pace is not None and (ahead := self._dry_at - now - self._pace) > 0:
            await asyncio.sleep(ahead)

    async def give_way(self, seconds: float) -> None:
        """After `seconds` were sent: let others go on, if this client has enough for now."""
        self._in_a_row += seconds
        if self._in_a_row >= STEP and self._dry_at - monotonic() > AHEAD:
            self._in_a_row = 0.0
            async with self._turns:
                await asyncio.sleep(0)
