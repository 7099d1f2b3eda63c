"""What the tests of the simulators look for."""

from __future__ import annotations

import io

import av

from .openspeech import OpenSpeechSimulator, Told
from .openspeech.raw import (
    TEXT,
    Got,
)
from .speech.audio import Manner, speech

V1_PCM = speech(TEXT, Manner())


def audio(messages: list[Got]) -> bytes:
    return b"".join(message.payload for message in messages if message.kind == 0xB)


def decoded(data: bytes) -> float:
    """Seconds of audio in a file's bytes."""
    with av.open(io.BytesIO(data), "r") as container:
        return sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))


def assert_refused(service: OpenSpeechSimulator, messages: list[Got], told: Told) -> None:
    [message] = messages
    assert (message.kind, message.number) == (0xF, told.code)
    assert told.message in message.payload.decode()
    assert [entry.detail["code"] for entry in service.all("refused")] == [told.code]
    assert not service.counters.characters
