"""Events, handed to whoever has subscribed. Whoever publishes never waits; whoever is too slow to read is cut off.

Data is what JSON can say, and is not changed once it is published.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Self, TypeAlias

from ..channel import Channel

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"

UNREAD_MAX = 256
"""Events that may wait for one subscriber."""


class Topic(StrEnum):
    """What events are called."""

    VOICES = "voices"
    ENGINE = "engine"
    CONVERTER = "converter"
    SESSION_STARTED = "session_started"
    SESSION_SPEAKING = "session_speaking"
    SESSION_ENDED = "session_ended"
    CHIMES = "chimes"
    CONFIG = "config"
    BYE = "bye"


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    name: str
    data: Mapping[str, Json]


class Subscriber:
    """Iterates over the events since it was made: until the hub is closed, or it is cut off, and has read what it has."""

    def __init__(self, unread_max: int) -> None:
        self.was_too_slow = False
        """It was cut off: events are missing."""
        self._unread_max = unread_max
        self._unread = 0
        self._events: Channel[Event] = Channel()

    def push(self, event: Event) -> bool:
        """False: it is cut off."""
        if self._unread >= self._unread_max:
            self.was_too_slow = True
            self.end()
            return False
        self._unread += 1
        self._events.push(event)
        return True

    def end(self) -> None:
        """Nothing comes any more."""
        self._events.end()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        event = await anext(self._events)
        self._unread -= 1
        return event


class Hub:
    """One for a server, in its event loop."""

    def __init__(self) -> None:
        self._subscribers: list[Subscriber] = []
        self._closed = False

    def publish(self, name: str, data: Mapping[str, Json]) -> None:
        """Tell everybody who has subscribed by now."""
        if self._subscribers:
            event = Event(name=name, data=data)
            self._subscribers = [subscriber for subscriber in self._subscribers if subscriber.push(event)]

    @contextmanager
    def subscribe(self, unread_max: int = UNREAD_MAX) -> Iterator[Subscriber]:
        """What is published while the block runs."""
        subscriber = Subscriber(unread_max)
        if self._closed:
            subscriber.end()
        else:
            self._subscribers.append(subscriber)
        try:
            yield subscriber
        finally:
            subscriber.end()
            self._subscribers = [other for other in self._subscribers if other is not subscriber]

    def close(self) -> None:
        """Nothing is told any more: everybody's iteration ends."""
        self._closed = True
        for subscriber in self._subscribers:
            subscriber.end()
        self._subscribers = []

    def __len__(self) -> int:
        """How many listen."""
        return len(self._subscribers)
