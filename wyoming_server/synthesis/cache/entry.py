"""A finished reply as bytes, and back: a head in JSON, then the audio in blocks, each packed by itself: the first is soon heard.

The spoken text is not in it: whoever asks again has it, and marks say where in it they stand. Only a mark whose words are the
engine's own (`two` for `2`) has them here. Pure; that the bytes are what was written, others have checked.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias

from ...errors import ProtocolError
from ...models import AudioFormat, Mark, MarkKind

MAGIC = b"HRLD1"
BLOCK_SECONDS = 0.5
"""Audio that is packed at once, and unpacked in 0.2 ms."""
HEAD_MAX = 1 << 20
"""Bytes."""

OBJECT = 1 << 10
"""Bytes that an entry takes beside its audio."""

_LENGTH = 4
"""Bytes of the head's length."""

HeardEvent: TypeAlias = bytes | Mark


class Replay(Protocol):
    """A reply that can be heard again."""

    @property
    def format(self) -> AudioFormat: ...

    def events(self, text: str) -> Iterator[HeardEvent]:
        """It, with its marks at their places. `text`: what is spoken."""


class Placed(NamedTuple):
    """A mark, and how many bytes of audio were told before it."""

    offset: int
    mark: Mark


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """A reply that came to its end, in native form."""

    format: AudioFormat
    pcm: bytes
    marks: Sequence[Placed]

    @property
    def seconds(self) -> float:
        return self.format.seconds(len(self.pcm))

    def events(self, text: str) -> Iterator[HeardEvent]:  # its marks have their words
        """As an Entry tells it."""
        step = self.format.size(BLOCK_SECONDS)
        blocks = (self.pcm[start : start + step] for start in range(0, len(self.pcm), step))
        return _told(blocks, self.marks)


def pack(reply: Finished, text: str) -> bytes:
    """`text`: what was spoken."""
    from ...audio import lossless  # noqa: PLC0415  # numpy

    step, channels = reply.format.size(BLOCK_SECONDS), reply.format.channels
    blocks = [lossless.pack(reply.pcm[start : start + step], channels) for start in range(0, len(reply.pcm), step)]
    head = json.dumps(
        {
            "rate": reply.format.rate,
            "channels": channels,
            "size": len(reply.pcm),
            "step": step,
            "blocks": [len(block) for block in blocks],
            "marks": [_written(placed, text) for placed in reply.marks],
        }
    ).encode()
    return b"".join((MAGIC, len(head).to_bytes(_LENGTH, "big"), head, *blocks))


class Entry:
    """One that was read. Raises ProtocolError for what `pack` did not make."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        try:
            self._read(data)
        except (ValueError, KeyError, TypeError, IndexError) as error:
            msg = f"This is no kept reply: {error!r}."
            raise ProtocolError(msg) from error
        self._first = self._unpacked(0) if self._blocks else b""

    @property
    def seconds(self) -> float:
        return self.format.seconds(self._size)

    @property
    def size(self) -> int:
        """Bytes of memory, roughly."""
        return OBJECT + len(self._data) + len(self._first) + OBJECT // 4 * (len(self._marks) + len(self._blocks))

    def events(self, text: str) -> Iterator[HeardEvent]:
        """The reply again, its marks where they were. `text`: what is spoken."""
        blocks = (self._unpacked(number) if number else self._first for number in range(len(self._blocks)))
        return _told(blocks, [_read_mark(written, text) for written in self._marks])

    def _read(self, data: bytes) -> None:
        begin = len(MAGIC) + _LENGTH
        end = begin + int.from_bytes(data[len(MAGIC) : begin], "big")
        if not data.startswith(MAGIC) or end - begin > HEAD_MAX:
            msg = "it begins otherwise"
            raise ValueError(msg)
        head = json.loads(data[begin:end])
        self.format: AudioFormat = AudioFormat(rate=head["rate"], channels=head["channels"])
        self._size, self._step = int(head["size"]), int(head["step"])
        self._marks: list[list[Any]] = head["marks"]
        self._blocks: list[tuple[int, int]] = []
        for size in head["blocks"]:
            self._blocks.append((end, end + size))
            end += size
        if end != len(data):
            msg = f"it has {len(data)} bytes, not {end}"
            raise ValueError(msg)

    def _unpacked(self, number: int) -> bytes:
        from ...audio import lossless  # noqa: PLC0415  # numpy

        begin, end = self._blocks[number]
        size = min(self._step, self._size - number * self._step)
        return lossless.unpack(self._data[begin:end], self.format.channels, size)


def _told(blocks: Iterable[bytes], marks: Sequence[Placed]) -> Iterator[HeardEvent]:
    """The audio, with each mark at its place."""
    offset, due = 0, [*reversed(marks)]
    for block in blocks:
        end, done = offset + len(block), 0
        while due and due[-1].offset < end:
            if (at := due[-1].offset - offset) > done:
                yield block[done:at]
                done = at
            yield due.pop().mark
        yield block[done:]
        offset = end
    while due:
        yield due.pop().mark


def _written(placed: Placed, text: str) -> list[Any]:
    mark = placed.mark
    own = None if mark.text == text[mark.start : mark.end] else mark.text
    return [placed.offset, mark.kind, mark.time, mark.start, mark.end, own]


def _read_mark(written: list[Any], text: str) -> Placed:
    offset, kind, time, start, end, own = written
    words = text[start:end] if own is None else own
    return Placed(offset, Mark(kind=MarkKind(kind), time=time, start=start, end=end, text=words))
