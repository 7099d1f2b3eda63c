"""Speech for machines as WAV files, good ones and odd ones: the same bytes for the same text every time."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping

import numpy as np

from ..common.faults import noise
from ..duplex.sound import ENDLESS, riff
from ..speech.audio import WIDTH, Manner, pcm

RATE = 22_050
"""Hz, of the service."""
OVERSIZED = (64 << 20) + WIDTH
"""Bytes of audio: more than anybody should take."""
INFO = b"INFOISFT\x0e\x00\x00\x00Lavf60.16.100\x00"
"""What FFmpeg writes into a LIST chunk."""


def speech(text: str, rate: int = RATE) -> bytes:
    """s16, mono: a tone a character."""
    return pcm(text, Manner(rate=rate))


def seconds(text: str) -> float:
    """Of a text's speech."""
    return len(text) * Manner().character


def wav(samples: bytes, rate: int = RATE) -> bytes:
    """A plain file: a header of 44 bytes, then s16, mono."""
    return riff(rate, len(samples)) + samples


def _file(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"".join(name + struct.pack("<I", len(data)) + data + bytes(len(data) % 2) for name, data in chunks)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WAVE" + body


def _form(rate: int, *, tag: int = 1, channels: int = 1, width: int = WIDTH) -> bytes:
    return struct.pack("<HHIIHH", tag, channels, rate, rate * channels * width, channels * width, 8 * width)


PCM_GUID = bytes.fromhex("0100000000001000800000aa00389b71")


def _extensible(rate: int) -> bytes:
    return _form(rate, tag=0xFFFE) + struct.pack("<HHI", 22, 16, 4) + PCM_GUID


def _sized(size: int) -> Shape:
    """Both sizes claim this."""

    def make(text: str, rate: int) -> bytes:
        whole = bytearray(wav(speech(text, rate), rate))
        whole[4:8] = whole[40:44] = struct.pack("<I", size)
        return bytes(whole)

    return make


def _at(rate: int) -> Shape:
    return lambda text, _: wav(speech(text, rate), rate)


def _stereo(text: str, rate: int) -> bytes:
    """Both sides say the same."""
    both = np.repeat(np.frombuffer(speech(text, rate), "<i2"), 2).tobytes()
    return _file((b"fmt ", _form(rate, channels=2)), (b"data", both))


def _float(text: str, rate: int) -> bytes:
    samples = (np.frombuffer(speech(text, rate), "<i2") / 32768).astype("<f4").tobytes()
    return _file((b"fmt ", _form(rate, tag=3, width=4)), (b"data", samples))


def _odd(text: str, rate: int) -> bytes:
    samples = speech(text, rate)
    return riff(rate, len(samples) + 1) + samples + b"\x7f"


def _truncated(text: str, rate: int) -> bytes:
    return wav(speech(text, rate), rate)[: -len(speech(text, rate)) // 2]


Shape = Callable[[str, int], bytes]
"""A text's file, at a rate."""
SHAPES: Mapping[str, Shape] = {
    "plain": lambda text, rate: wav(speech(text, rate), rate),
    "list chunk": lambda text, rate: _file((b"fmt ", _form(rate)), (b"LIST", INFO), (b"data", speech(text, rate))),
    "list behind": lambda text, rate: _file((b"fmt ", _form(rate)), (b"data", speech(text, rate)), (b"LIST", INFO)),
    "extensible": lambda text, rate: _file((b"fmt ", _extensible(rate)), (b"data", speech(text, rate))),
    "size 0": _sized(0),
    "endless": _sized(ENDLESS),
    "16000": _at(16_000),
    "24000": _at(24_000),
    "48000": _at(48_000),
    "stereo": _stereo,
    "float": _float,
    "odd byte": _odd,
    "truncated": _truncated,
    "empty": lambda text, rate: wav(b"", rate),
    "no data chunk": lambda text, rate: _file((b"fmt ", _form(rate))),
    "no bytes": lambda text, rate: b"",
    "no wav": lambda text, rate: b"\xff\xfb" + noise(997),
    "oversized": lambda text, rate: wav(bytes(OVERSIZED), rate),
}
