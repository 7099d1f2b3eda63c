"""WAV (RIFF) headers, read from a stream and written to one. 16-bit PCM only; numpy is not imported here.

Sizes are honoured where they are true (metadata after the audio is not audio) and read as "until the end" where a server that
streams could not know them: 0, and 0x7FFFFFFF or more.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import BinaryIO, Self

from ..errors import ProtocolError, TooLarge
from ..models import RATE_MAX, RATE_MIN, AudioFormat
from .frames import WholeFrames

MAX_HEADER = 65_536
"""Bytes before the first sample; the usual header has 44."""

_OPEN_SIZE = 0xFFFF_FFFF
"""Written for a size that is not known yet."""
_UNKNOWN_FROM = 0x7FFF_FFFF
"""A size from here on means "until the end"."""

_RIFF = struct.Struct("<4sI4s")
_CHUNK = struct.Struct("<4sI")
_FORMAT = struct.Struct("<HHIIHH")
_SUBFORMAT = struct.Struct("<H")
_SUBFORMAT_AT = 24

_PCM, _EXTENSIBLE = 0x0001, 0xFFFE
_CODECS = {_PCM: "PCM", 0x0002: "ADPCM", 0x0003: "float", 0x0006: "A-law", 0x0007: "mu-law", 0x0011: "ADPCM", 0x0055: "MP3"}


class WavReader:
    """A WAV stream in pieces of any size: PCM in whole frames out.

    Raises ProtocolError for what is not 16-bit mono or stereo WAV, TooLarge for a header without an end.
    """

    def __init__(self, *, max_header: int = MAX_HEADER) -> None:
        self.format: AudioFormat | None = None
        """Known before the first PCM is given out."""
        self.ignored = 0
        """Bytes that came after the end of the audio and were left out."""
        self._max_header = max_header
        self._begin()

    def push(self, data: bytes) -> bytes:
        """The PCM in the next bytes of a stream that has one header."""
        if self._read is None:
            return self._audio(data)
        self._buffer += data
        while self._read is not None:
            if len(self._buffer) < self._need:
                return b""
            part = bytes(self._buffer[: self._need])
            del self._buffer[: self._need]
            self._read(part)
        audio = bytes(self._buffer)
        self._buffer.clear()
        return self._audio(audio)

    def frame(self, data: bytes) -> bytes:
        """The PCM in one whole message, for peers that may begin any of their messages with a header of its own."""
        if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
            self._begin()
        return self.push(data)

    def flush(self) -> bytes:
        """The stream has ended. Never brings PCM; raises ProtocolError if it ended inside the header."""
        if self._read is not None and (self._header_size > self._need or self._buffer):
            came = self._header_size - self._need + len(self._buffer)
            msg = f"The WAV stream ended after {came} bytes, before its audio began."
            raise ProtocolError(msg)
        return b""

    def _begin(self) -> None:
        self._buffer = bytearray()
        self._header_size = 0
        self._left: int | None = None
        self._expect(_RIFF.size, self._read_riff)

    def _expect(self, size: int, read: Callable[[bytes], None]) -> None:
        """Let `read` have the next `size` bytes of the header."""
        self._header_size += size
        if self._header_size > self._max_header:
            msg = f"The WAV header takes at least {self._header_size} bytes; at most {self._max_header} are allowed."
            raise TooLarge(msg)
        self._need = size
        self._read: Callable[[bytes], None] | None = read

    def _read_riff(self, part: bytes) -> None:
        magic, _, form = _RIFF.unpack(part)
        if magic != b"RIFF" or form != b"WAVE":
            msg = f"This is not WAV audio: it begins with {part!r}."
            raise ProtocolError(msg)
        self._expect(_CHUNK.size, self._read_chunk)

    def _read_chunk(self, part: bytes) -> None:
        name, size = _CHUNK.unpack(part)
        if name == b"data":
            self._start_audio(size)
        else:
            self._expect(size + size % 2, self._read_format if name == b"fmt " else self._skip)

    def _skip(self, _part: bytes) -> None:
        self._expect(_CHUNK.size, self._read_chunk)

    def _read_format(self, part: bytes) -> None:
        found = _parse_format(part)
        if self.format not in (None, found):
            msg = f"The WAV audio changes from {_described(self.format)} to {_described(found)} on the way."
            raise ProtocolError(msg)
        self.format = found
        self._expect(_CHUNK.size, self._read_chunk)

    def _start_audio(self, size: int) -> None:
        if self.format is None:
            msg = "The WAV audio begins before its format is told."
            raise ProtocolError(msg)
        self._left = size if 0 < size < _UNKNOWN_FROM else None
        self._frames = WholeFrames(self.format.frame_size)
        self._read = None

    def _audio(self, data: bytes) -> bytes:
        if self._left is not None:
            self.ignored += max(0, len(data) - self._left)
            data = data[: self._left]
            self._left -= len(data)
        return self._frames.push(data)


def _parse_format(part: bytes) -> AudioFormat:
    """The format in a `fmt ` chunk."""
    if len(part) < _FORMAT.size:
        msg = f"The WAV format takes {len(part)} bytes; at least {_FORMAT.size} are needed."
        raise ProtocolError(msg)
    codec, channels, rate, _, _, bits = _FORMAT.unpack_from(part)
    if codec == _EXTENSIBLE and len(part) >= _SUBFORMAT_AT + _SUBFORMAT.size:
        (codec,) = _SUBFORMAT.unpack_from(part, _SUBFORMAT_AT)
    if (codec, bits) != (_PCM, 16):
        msg = f"The WAV audio is {bits}-bit {_CODECS.get(codec, f'codec {codec:#06x}')}; only 16-bit PCM is read."
        raise ProtocolError(msg)
    if channels not in (1, 2):
        msg = f"The WAV audio has {channels} channels; only 1 or 2 are read."
        raise ProtocolError(msg)
    if not RATE_MIN <= rate <= RATE_MAX:
        msg = f"The WAV audio has a rate of {rate} Hz; only {RATE_MIN} to {RATE_MAX} Hz are read."
        raise ProtocolError(msg)
    return AudioFormat(rate=rate, channels=channels)


def _described(audio: AudioFormat | None) -> str:
    return f"{audio.rate} Hz with {audio.channels} channel{'s' * (audio.channels > 1)}" if audio else "nothing"


def wav_header(audio: AudioFormat, *, data_size: int | None) -> bytes:
    """The 44 bytes before `data_size` bytes of PCM; `None`, or more than the field can tell: until the end."""
    known = data_size is not None and data_size < _UNKNOWN_FROM - 36
    riff, data = (36 + data_size, data_size) if known and data_size is not None else (_OPEN_SIZE, _OPEN_SIZE)
    layout = _FORMAT.pack(_PCM, audio.channels, audio.rate, audio.rate * audio.frame_size, audio.frame_size, audio.width * 8)
    return b"".join(
        (_RIFF.pack(b"RIFF", riff, b"WAVE"), _CHUNK.pack(b"fmt ", len(layout)), layout, _CHUNK.pack(b"data", data)),
    )


class WavWriter:
    """Writes PCM as WAV to an open binary file, which stays the caller's to close.

    The sizes are put right at `close` where the file can go back; a pipe keeps "until the end".
    """

    def __init__(self, file: BinaryIO, audio: AudioFormat) -> None:
        self._file = file
        self._format = audio
        self._start = file.tell() if file.seekable() else None
        self._size = 0
        file.write(wav_header(audio, data_size=None))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def write(self, pcm: bytes) -> None:
        self._file.write(pcm)
        self._size += len(pcm)

    def close(self) -> None:
        """Put the sizes right. Twice is fine."""
        if self._start is None:
            return
        end = self._file.tell()
        self._file.seek(self._start)
        self._file.write(wav_header(self._format, data_size=self._size))
        self._file.seek(end)
