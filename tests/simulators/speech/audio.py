"""Speech for machines: a tone a character, the same bytes for the same text every time; made once, then kept."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import pi, tau
from typing import Any, cast

import av
import numpy as np
from av.audio.stream import AudioStream

SECONDS_A_CHARACTER = 0.06
AMPLITUDE = 6000
"""Of 32768, at loudness 1."""
WIDTH = 2
"""Bytes of a sample."""
LOWEST = 110.0
"""Hz of the deepest character."""
PITCHES = 24
"""Different tones, a semitone apart."""
OPUS_RATE = 48_000
CODECS = {"mp3": ("mp3", "libmp3lame"), "ogg_opus": ("ogg", "libopus"), "wav": ("wav", "pcm_s16le")}
"""Container and codec of each encoding but pcm."""
CONTAINER_OPTIONS = {"mp3": {"write_xing": "0", "id3v2_version": "0"}}
"""As a stream: nothing that only a finished file can have."""
BIT_RATE = 64_000


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How a text is spoken."""

    encoding: str = "pcm"
    rate: int = 24_000
    speed: float = 1.0
    """Times normal."""
    loudness: float = 1.0
    """Times normal."""
    semitones: int = 0

    @property
    def character(self) -> float:
        """Seconds."""
        return SECONDS_A_CHARACTER / self.speed


@dataclass(frozen=True, kw_only=True)
class Piece:
    """The audio of one message."""

    audio: memoryview
    seconds: float
    """How long it plays."""
    characters: int
    """That end in it."""


@lru_cache(maxsize=1024)
def tone(step: int | None, rate: int, seconds: float, loudness: float) -> bytes:
    """One character: two harmonics under half a sine, so that it begins and ends in silence. No step is a pause."""
    count = round(rate * seconds)
    if step is None:
        return bytes(WIDTH * count)
    time = np.arange(count) / rate
    frequency = LOWEST * 2 ** (step / 12)
    wave = np.sin(pi * time / seconds) * (np.sin(tau * frequency * time) + 0.5 * np.sin(2 * tau * frequency * time)) / 1.5
    return np.rint(np.clip(wave * AMPLITUDE * loudness, -32768, 32767)).astype("<i2").tobytes()


def pcm(text: str, manner: Manner) -> bytes:
    """s16, mono."""
    steps = (ord(character) % PITCHES + manner.semitones if character.isalnum() else None for character in text)
    return b"".join(tone(step, manner.rate, manner.character, manner.loudness) for step in steps)


@lru_cache(maxsize=4096)
def speech(text: str, manner: Manner) -> bytes:
    """A text as the bytes of its encoding, a stream of its own."""
    samples = pcm(text, manner)
    return samples if manner.encoding == "pcm" else _encoded(samples, manner)


def _encoded(samples: bytes, manner: Manner) -> bytes:
    container_name, codec = CODECS[manner.encoding]
    rate = OPUS_RATE if manner.encoding == "ogg_opus" else manner.rate
    file = io.BytesIO()
    with av.open(file, "w", format=container_name, container_options=CONTAINER_OPTIONS.get(manner.encoding, {})) as container:
        stream = cast("AudioStream", container.add_stream(codec, rate=rate, layout="mono"))
        if manner.encoding != "wav":
            stream.bit_rate = BIT_RATE
        resampler = av.AudioResampler(format=stream.format.name, layout="mono", rate=rate, frame_size=stream.frame_size or 0)
        frame = av.AudioFrame.from_ndarray(np.frombuffer(samples, "<i2").reshape(1, -1), format="s16", layout="mono")
        frame.rate = manner.rate
        for part in (frame, None):
            for ready in resampler.resample(part):
                container.mux(stream.encode(ready))
        container.mux(stream.encode(None))
    return file.getvalue()


def pieces(text: str, manner: Manner, seconds: float) -> Iterator[Piece]:
    """A text in messages of so many seconds; 0 is all in one. Encoded audio is cut by its share of the bytes."""
    data = memoryview(speech(text, manner))
    duration = len(text) * manner.character
    count = max(1, round(duration / seconds)) if seconds else 1
    align = WIDTH if manner.encoding == "pcm" else 1
    ends = [len(data) // align * number // count * align for number in range(count)] + [len(data)]
    spoken = [len(text) * number // count for number in range(count + 1)]
    for number in range(count):
        yield Piece(
            audio=data[ends[number] : ends[number + 1]],
            seconds=duration / count,
            characters=spoken[number + 1] - spoken[number],
        )


def words(text: str) -> Iterator[tuple[str, int, int]]:
    """Each word with where it begins and ends: runs of letters, and each character of a script without spaces by itself."""
    begin = 0
    for index, character in enumerate(text + " "):
        joins = character.isascii() and (character.isalnum() or character == "'")
        if joins:
            continue
        if begin < index:
            yield text[begin:index], begin, index
        if index < len(text) and character.isalnum():
            yield character, index, index + 1
        begin = index + 1


def timings(text: str, manner: Manner, names: tuple[str, str, str], offset: float = 0.0, **extra: Any) -> list[dict[str, Any]]:
    """The words of a text; `names` of the keys for word, start and end; times in seconds from `offset` on."""
    word_key, start_key, end_key = names
    return [
        {
            word_key: word,
            start_key: round(offset + begin * manner.character, 3),
            end_key: round(offset + end * manner.character, 3),
            **extra,
        }
        for word, begin, end in words(text)
    ]


def compact(value: object) -> bytes:
    """JSON as the service writes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
