"""Where the speech of `herald convert` comes from: a file, or standard input as it arrives. Only its audio is given out.

What it is, its first bytes say (see `audio.files`). Whatever stands around the audio is never taken for it.
"""

from __future__ import annotations

import logging
import os
import stat
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..audio.files import HEAD, READ, FileReader, WavFile, file_reader
from ..errors import ConfigError, ProtocolError, RequestError
from ..models import AudioFormat
from .descriptors import read_bytes
from .outputs import STDOUT

_LOGGER = logging.getLogger(__name__)

STDIN = "-"


@dataclass(frozen=True, kw_only=True, slots=True)
class Recording:
    """Speech that is there, or still being made."""

    format: AudioFormat
    seconds: float | None
    """As far as that can be known before it is read."""
    pieces: AsyncGenerator[bytes, None]
    """PCM, whole frames. Raises ProtocolError."""


@contextmanager
def opened(name: str) -> Iterator[int]:
    """The descriptor of a file, or of standard input. A pipe with a name may keep waiting here."""
    if name != STDIN:
        with Path(name).open("rb", buffering=0) as file:
            yield file.fileno()
    elif sys.stdin.isatty():
        msg = "There is nothing to convert. Try: herald convert speech.wav -o other.wav --speaker NAME"
        raise RequestError(msg)
    else:
        yield sys.stdin.fileno()


def check_not_itself(descriptor: int, output: str | None) -> None:
    """Raise ConfigError where the output is the very file that is read: by its name, or behind standard output."""
    source = os.fstat(descriptor)
    if output is None or not stat.S_ISREG(source.st_mode):
        return
    streamed = output == STDOUT
    if not streamed and not Path(output).exists():
        return
    if os.path.samestat(source, os.fstat(sys.stdout.fileno()) if streamed else Path(output).stat()):
        name = "The recording" if streamed else output
        msg = f"{name} would be overwritten while it is being read. Name another file: -o FILE"
        raise ConfigError(msg)


async def recording(descriptor: int, name: str) -> Recording:
    """What is read there, once its first audio has come. Raises ProtocolError for what has none, or none that is read."""
    data = read_bytes(descriptor)
    head = await _head(data)
    reader = _reader(head, name)
    pcm = _pcm(reader, _joined(head, data))
    first = await anext(pcm, b"")
    if reader.format is None or not first:
        msg = f"There is no audio in {_called(name)}."
        raise ProtocolError(msg)
    return Recording(format=reader.format, seconds=_seconds(descriptor, reader), pieces=_joined(first, pcm))


def _reader(head: bytes, name: str) -> FileReader:
    if (reader := file_reader(head)) is not None:
        return reader
    if not head:
        msg = f"There is nothing in {_called(name)}."
        raise ProtocolError(msg)
    msg = f"There is no audio in {_called(name)} that Herald reads: {READ}. It begins with {head[:HEAD]!r}."
    raise ProtocolError(msg)


async def _head(data: AsyncIterator[bytes]) -> bytes:
    """At least the bytes that say what it is, if there are so many."""
    head = b""
    while len(head) < HEAD and (more := await anext(data, b"")):
        head += more
    return head


async def _joined(first: bytes, rest: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    async with aclosing(rest):
        yield first
        async for piece in rest:
            yield piece


async def _pcm(reader: FileReader, data: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    async with aclosing(data):
        async for read in data:
            for piece in reader.pieces(read):
                if piece:
                    yield piece
    rest = reader.flush()
    if reader.skipped:
        _LOGGER.warning("Damaged parts of the recording were left out: %d", reader.skipped)
    if rest:
        yield rest


def _seconds(descriptor: int, reader: FileReader) -> float | None:
    """Of a file that is not compressed: its size tells, all but a few milliseconds."""
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or not isinstance(reader, WavFile) or reader.format is None:
        return None
    return reader.format.seconds(found.st_size)


def _called(name: str) -> str:
    return "standard input" if name == STDIN else name
