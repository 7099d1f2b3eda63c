"""What comes piece by piece, when a test says so: text for an engine, speech for a converter."""

from __future__ import annotations

from typing import Generic, TypeVar

from wyoming_server.channel import Channel

T = TypeVar("T", str, bytes)


class Writer(Generic[T]):
    """Who has written some of it."""

    def __init__(self, *parts: T) -> None:
        self._parts: Channel[T] = Channel()
        self.write(*parts)

    def write(self, *parts: T) -> None:
        for part in parts:
            self._parts.push(part)

    def end(self, error: BaseException | None = None) -> None:
        self._parts.end(error)

    def __aiter__(self) -> Channel[T]:
        return self._parts


def written(*parts: T) -> Writer[T]:
    """All of it at once."""
    writer = Writer(*parts)
    writer.end()
    return writer
