"""One answer's body → PCM. What it is, its first bytes say: servers mislabel, and answer otherwise than they were asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import NamedTuple, Protocol, TypeAlias

from ...audio.frames import WholeFrames
from ...audio.wav import WavReader
from ...errors import ProtocolError
from ...models import RATE_MAX, RATE_MIN, AudioFormat
from ..promise import Keeper
from .events import EventReader
from .failures import BODY_MAX

HEAD = 16
"""Bytes by which a body is known; one that is shorter is known at its end."""

Pcm: TypeAlias = tuple[bytes, AudioFormat]


class NotAudio(Exception):
    """Words came instead; `body` is what there is of them."""

    def __init__(self, body: bytes) -> None:
        super().__init__("No audio.")
        self.body = body


class Expected(NamedTuple):
    """What is known of a body before it comes."""

    content_type: str
    """As the server told it; may be empty."""
    format: str
    """That was asked for, as in FORMATS."""
    rate: int
    """Hz, of PCM that does not tell its own."""
    in_messages: bool = False
    """Each piece is one whole message, and may have a header of its own."""


class _Reader(Protocol):
    def pieces(self, data: bytes) -> Iterator[Pcm]: ...

    def flush(self) -> Iterator[Pcm]: ...


class Sound:
    """The audio of one answer, made what the reply was promised. Raises NotAudio, Told, ProtocolError and TooLarge."""

    def __init__(self, expected: Expected, keeper: Keeper) -> None:
        self._expected = expected
        self._keeper = keeper
        self._head = b""
        self._reader: _Reader | None = None

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """The PCM that can be told now, bit by bit. Never an empty piece."""
        if self._reader is None:
            data = self._head = self._head + data
            if len(data) < HEAD:
                return
            self._reader = reader_of(data, self._expected)
        yield from self._kept(self._reader.pieces(data))

    def flush(self) -> Iterator[bytes]:
        """The rest, at the end of the body."""
        if self._reader is None and self._head:
            self._reader = reader_of(self._head, self._expected)
            yield from self._kept(self._reader.pieces(self._head))
        if self._reader is not None:
            yield from self._kept(self._reader.flush())
        if rest := self._keeper.flush():
            yield rest

    def _kept(self, found: Iterator[Pcm]) -> Iterator[bytes]:
        for pcm, actual in found:
            if pcm and (kept := self._keeper.push(pcm, actual)):
                yield kept


class _Wav:
    def __init__(self, *, in_messages: bool) -> None:
        self._wav = WavReader()
        self._read = self._wav.frame if in_messages else self._wav.push

    def pieces(self, data: bytes) -> Iterator[Pcm]:
        pcm = self._read(data)
        if self._wav.format is not None:
            yield pcm, self._wav.format

    def flush(self) -> Iterator[Pcm]:
        self._wav.flush()  # raises where the header did not come whole
        return iter(())


class _Raw:
    """PCM without a header, in mono."""

    def __init__(self, rate: int) -> None:
        self._format = AudioFormat(rate=rate)
        self._frames = WholeFrames(self._format.frame_size)

    def pieces(self, data: bytes) -> Iterator[Pcm]:
        yield self._frames.push(data), self._format

    def flush(self) -> Iterator[Pcm]:
        return iter(())


class _Coded:
    """Compressed audio; `codec` as in `audio.decode`."""

    def __init__(self, codec: str) -> None:
        from ...audio.decode import Codec, Decoder  # noqa: PLC0415  # PyAV: 30 MB

        self._codec = codec
        self._decoder = Decoder(Codec(codec), None)

    def pieces(self, data: bytes) -> Iterator[Pcm]:
        for pcm in self._decoder.pieces(data):
            if self._decoder.format is not None:
                yield pcm, self._decoder.format

    def flush(self) -> Iterator[Pcm]:
        rest = self._decoder.flush()
        if self._decoder.format is None:
            msg = f"There is no audio in what looks like {self._codec}."
            raise ProtocolError(msg)
        yield rest, self._decoder.format


class _Events:
    """Audio in events; what it is, its own first bytes say."""

    def __init__(self, expected: Expected) -> None:
        self._events = EventReader()
        self._expected = Expected("", expected.format, expected.rate, in_messages=True)
        self._head = b""
        self._reader: _Reader | None = None

    def pieces(self, data: bytes) -> Iterator[Pcm]:
        for audio in self._events.push(data):
            yield from self._read(audio)

    def flush(self) -> Iterator[Pcm]:
        for audio in self._events.flush():
            yield from self._read(audio)
        if self._reader is None and self._head:
            self._reader = reader_of(self._head, self._expected)
            yield from self._reader.pieces(self._head)
        if self._reader is not None:
            yield from self._reader.flush()

    def _read(self, audio: bytes) -> Iterator[Pcm]:
        if self._reader is None:
            audio = self._head = self._head + audio
            if len(audio) < HEAD:
                return
            self._reader = reader_of(audio, self._expected)
        yield from self._reader.pieces(audio)


class _Words:
    """No audio at all: collected, to be told."""

    def __init__(self) -> None:
        self._body = b""

    def pieces(self, data: bytes) -> Iterator[Pcm]:
        self._body += data
        if len(self._body) >= BODY_MAX:
            raise NotAudio(self._body[:BODY_MAX])
        return iter(())

    def flush(self) -> Iterator[Pcm]:
        raise NotAudio(self._body)


def reader_of(head: bytes, expected: Expected) -> _Reader:
    """By the first bytes of a body. Raises ProtocolError for what cannot be read."""
    kind = expected.content_type.partition(";")[0].strip().lower()
    for sign, make in _SIGNS:
        if sign.match(head):
            return make(expected)
    if kind not in _RAW_TYPES and (expected.format != "pcm" or kind in _CODED_TYPES):
        for sign, codec in _SYNCS:
            if sign.match(head):
                return _Coded(codec)
    if kind in _WORDS_TYPES:
        return _Words()
    if kind == _EVENTS_TYPE and not expected.in_messages:
        return _Events(expected)
    if kind in _RAW_TYPES or (expected.format == "pcm" and kind not in _CODED_TYPES):
        return _Raw(_told_rate(expected.content_type) or expected.rate)
    msg = f"It is no audio that Herald reads: content type {kind[:100] or 'none'}, first bytes {head[:8]!r}."
    raise ProtocolError(msg)


_SIGNS: tuple[tuple[re.Pattern[bytes], Callable[[Expected], _Reader]], ...] = (
    (re.compile(rb"RIFF"), lambda expected: _Wav(in_messages=expected.in_messages)),
    (re.compile(rb"OggS"), lambda _: _Coded("ogg_opus")),
    (re.compile(rb"fLaC"), lambda _: _Coded("flac")),
    (re.compile(rb"ID3"), lambda _: _Coded("mp3")),
    (re.compile(rb"\s*(data|event|id|retry):|:\s"), _Events),
    (re.compile(rb'\s*[{\[]\s*["{}\]]|\s*<[!?a-zA-Z]'), lambda _: _Words()),
)
"""What cannot be anything else."""
_SYNCS = (
    (re.compile(rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb]"), "mp3"),
    (re.compile(rb"\xff[\xf0\xf1\xf8\xf9]"), "aac"),
)
"""What may be PCM, too."""
_RAW_TYPES = frozenset({"audio/pcm", "audio/raw", "audio/l16", "audio/x-raw", "audio/x-pcm"})
_CODED_TYPES = frozenset(
    {"audio/mpeg", "audio/mp3", "audio/aac", "audio/wav", "audio/x-wav", "audio/flac", "audio/opus", "audio/ogg"}
)
_EVENTS_TYPE = "text/event-stream"
_WORDS_TYPES = frozenset({"application/json", "application/problem+json", "text/html", "text/plain"})


def _told_rate(content_type: str) -> int | None:
    """`audio/L16; rate=24000` tells it."""
    found = re.search(r";\s*rate=(\d{4,6})\b", content_type, re.IGNORECASE)
    return rate if found and RATE_MIN <= (rate := int(found[1])) <= RATE_MAX else None


def load_decoder() -> None:
    """Import now what the first compressed audio would wait for, and everybody with it."""
    import_module(f"{__package__.rpartition('.engines')[0]}.audio.ffmpeg")
