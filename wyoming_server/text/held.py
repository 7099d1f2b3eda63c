"""Text that waits behind a mark of which nobody knows yet whether it is mark-up."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from .pieces import HOLD, Piece


@dataclass(eq=False, slots=True)
class Held:
    """A piece in the queue."""

    piece: Piece
    """What is spoken: of a mark itself, until its partner comes."""
    size: int
    """Code points that it had when it came."""
    open: bool
    """It is a mark that waits for its partner."""


class Queue:
    """Pieces in their order: none passes an open mark, and no mark stays open with more than `HOLD` code points behind it."""

    def __init__(self) -> None:
        self.last = "\n"
        """The last character of text that was put in."""
        self._waiting: deque[Held] = deque()
        """Empty, or headed by an open mark."""
        self._size = 0
        self._ready: list[Piece] = []

    def put(self, piece: Piece) -> None:
        if isinstance(piece, str) and piece:
            self.last = piece[-1]
        if self._waiting:
            self._hold(piece, is_open=False)
        else:
            self._ready.append(piece)

    def wait(self, mark: str) -> Held:
        """A mark whose partner may come."""
        self.last = mark[-1]
        return self._hold(mark, is_open=True)

    def close(self, mark: Held) -> bool:
        """The mark is mark-up and goes. Returns whether nothing came after it."""
        is_last = self._waiting[-1] is mark
        mark.piece = ""
        self.settle(mark)
        return is_last

    def settle(self, mark: Held) -> None:
        """The mark is what it is."""
        mark.open = False
        while self._waiting and not self._waiting[0].open:
            held = self._waiting.popleft()
            self._size -= held.size
            self._ready.append(held.piece)

    def settle_all(self) -> None:
        while self._waiting:
            self.settle(self._waiting[0])

    def take(self) -> list[Piece]:
        ready, self._ready = self._ready, []
        return ready

    def _hold(self, piece: Piece, *, is_open: bool) -> Held:
        held = Held(piece, len(piece) if isinstance(piece, str) else 1, is_open)
        self._waiting.append(held)
        self._size += held.size
        while self._size > HOLD:
            self.settle(self._waiting[0])
        return held
