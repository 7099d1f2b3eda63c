"""Audio of any encoding comes out as whole frames of PCM; what is no audio is told in words."""

from __future__ import annotations

import random
from typing import Any

import pytest

from wyoming_server.engines.base import Utterance
from wyoming_server.engines.openspeech.account import Account
from wyoming_server.engines.openspeech.job import Job
from wyoming_server.engines.openspeech.sound import Sound
from wyoming_server.models import VoiceSettings
from wyoming_server.upstream.attempts import Failed

from ...simulators.speech.audio import Manner, speech
from .speaking import SECOND, TEXT, pcm


def sound(encoding: str, rate: int | None = None) -> Sound:
    utterance = Utterance(voice=SECOND, rate=rate, settings=VoiceSettings(extras={"encoding": encoding}))
    options: dict[str, Any] = {"encoding": "pcm", "api": None, "cluster": None, "resource_id": None, "model": None}
    return Sound(Job.of("openspeech", Account(url="ws://x"), options, utterance))


def out(made: Sound, data: bytes, size: int) -> bytes:
    pieces = [piece for start in range(0, len(data), size) for piece in made.pieces(data[start : start + size])]
    assert all(pieces)
    assert all(len(piece) % 2 == 0 for piece in pieces)
    return b"".join(pieces) + made.flush()


@pytest.mark.parametrize("size", [1, 3, 480, 10**6])
def test_pcm_is_passed_on_in_whole_frames(size: int) -> None:
    assert out(sound("pcm"), pcm(TEXT), size) == pcm(TEXT)


@pytest.mark.parametrize("encoding", ["mp3", "ogg_opus"])
def test_any_cut_of_a_stream_gives_the_same(encoding: str) -> None:
    data = speech(TEXT, Manner(encoding=encoding))
    whole = out(sound(encoding), data, len(data))
    assert out(sound(encoding), data, 7) == whole
    rate = 48_000 if encoding == "ogg_opus" else 24_000
    assert len(whole) / 2 / rate == pytest.approx(len(pcm(TEXT)) / 48_000, abs=0.15)


def test_a_half_frame_at_the_end_is_dropped() -> None:
    assert out(sound("pcm"), b"123", 1) == b"12"


@pytest.mark.parametrize("encoding", ["mp3", "ogg_opus"])
@pytest.mark.parametrize("data", [bytes(5_000), random.Random(1).randbytes(5_000), b"OggS" * 1_000, b"<html>" * 500])
def test_what_is_no_audio_is_told_in_words(encoding: str, data: bytes) -> None:
    with pytest.raises(Failed, match=r"cannot be decoded.*pcm needs no decoder") as told:
        out(sound(encoding), data, 100)
    assert told.value.retries == 0
    assert SECOND in str(told.value)


@pytest.mark.parametrize("encoding", ["pcm", "mp3", "ogg_opus"])
def test_nothing_gives_nothing(encoding: str) -> None:
    made = sound(encoding)
    assert list(made.pieces(b"")) == []
    assert made.flush() == b""
    assert made.came == 0
