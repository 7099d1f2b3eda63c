"""Whole frames out of bytes that were cut anywhere. No format knowledge beyond the size of a frame."""

from __future__ import annotations


class WholeFrames:
    """Carries the part of a frame at the end of one push over to the next."""

    def __init__(self, frame_size: int) -> None:
        self._frame_size = frame_size
        self._carry = b""

    def push(self, data: bytes) -> bytes:
        """The whole frames in hand; the very object that was given if it is just that."""
        if self._carry:
            data = self._carry + data
            self._carry = b""
        if over := len(data) % self._frame_size:
            self._carry = data[-over:]
            return data[:-over]
        return data
