"""Time as this process had it, for tests that say how soon something is done: a machine that stands still does not count.

Only for upper bounds: what must last for a while lasts by the machine's own clock.
"""

from __future__ import annotations

import functools
import threading
from time import monotonic, sleep

_TICK = 0.005
"""Seconds between two looks at the clock."""
_TICK_MAX = 0.02
"""Seconds that one of them counts for: whatever is beyond, nobody here could run."""


class _Clock(threading.Thread):
    """Adds up what passes while it can run itself; a thread, since it must not wait for the event loop under test."""

    def __init__(self) -> None:
        super().__init__(name="standstill", daemon=True)
        self.seconds = 0.0

    def run(self) -> None:
        last = monotonic()
        while True:
            sleep(_TICK)
            now = monotonic()
            self.seconds += min(now - last, _TICK_MAX)
            last = now


@functools.cache
def _clock() -> _Clock:
    clock = _Clock()
    clock.start()
    return clock


def awake() -> float:
    """Seconds that this process was awake, since some moment."""
    return _clock().seconds
