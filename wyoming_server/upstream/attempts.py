"""Trying again: only while nothing has been heard, only what a table of failures says, only within the time for first audio."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from time import monotonic
from typing import TypeVar

from ..errors import HeraldError
from ..models import Mark

T = TypeVar("T")

PAUSE = 0.15
"""Seconds before the second attempt; each further pause is about twice as long."""
JITTER = 0.25
"""Part of a pause by which it varies, so that several don't come back together."""


class Failed(Exception):
    """An attempt did not work out. `retries`: how many more times it may be tried while no audio has been heard."""

    def __init__(self, error: HeraldError, retries: float = 0) -> None:
        super().__init__(str(error))
        self.error = error
        self.retries = retries


class Dead(Failed):
    """A connection that had served before, or had waited, serves no more: that says nothing about the service."""


class FirstAudioClock:
    """The time that the service has until first audio. It runs only while the service owes us something."""

    def __init__(self, limit: float) -> None:
        self.limit = limit
        """Seconds."""
        self._spent = 0.0
        """Seconds, until it was last stopped."""
        self._since: float | None = None

    def start(self) -> None:
        """From now on the service owes us audio; if it does already, nothing changes."""
        self._since = monotonic() if self._since is None else self._since

    def stop(self) -> None:
        """It is the writer's turn. What has been spent stays spent."""
        if self._since is not None:
            self._spent += monotonic() - self._since
            self._since = None

    @property
    def left(self) -> float:
        """Seconds."""
        running = 0.0 if self._since is None else monotonic() - self._since
        return self.limit - self._spent - running


@asynccontextmanager
async def within(seconds: float, late: Callable[[], Failed]) -> AsyncIterator[None]:
    """For what stands before the attempts. Raises the error of `late` where it takes longer."""
    timeout = asyncio.timeout(seconds)
    try:
        async with timeout:
            yield
    except TimeoutError:
        if not timeout.expired():
            raise
        raise late().error from None


async def persistent(attempt: Callable[[], AsyncGenerator[T, None]], clock: FirstAudioClock) -> AsyncGenerator[T, None]:
    """The events of the first attempt that comes to audio; marks before it are held back until then.

    Raises the error of the last attempt.
    """
    tries = 0
    while True:
        heard = False
        held: list[T] = []
        try:
            async with aclosing(attempt()) as events:
                async for event in events:
                    if not heard and isinstance(event, Mark):
                        held.append(event)
                        continue
                    for mark in held:
                        yield mark
                    held.clear()
                    heard = True
                    yield event
        except Failed as failed:
            pause = PAUSE * 2**tries * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  # no secret
            if heard or tries >= failed.retries or clock.left <= pause:
                raise failed.error from failed
        else:
            return
        clock.start()
        tries += 1
        await asyncio.sleep(pause)
