"""Audio events, one by one, with all that servers leave out or put in."""

from __future__ import annotations

from typing import Any

import pytest
from wyoming.event import Event

from wyoming_server.engines.promise import Promises
from wyoming_server.engines.wyoming.sound import Sound
from wyoming_server.errors import ProtocolError
from wyoming_server.models import AudioFormat

FORMAT: dict[str, Any] = {"rate": 22_050, "width": 2, "channels": 1}
START, STOP = Event("audio-start", FORMAT), Event("audio-stop")


def chunk(payload: bytes | None, **data: Any) -> Event:
    return Event("audio-chunk", {**FORMAT, **data}, payload)


def heard(*events: Event) -> tuple[bytes, Sound]:
    sound = Sound(Promises(22_050), "alan", AudioFormat(rate=22_050), "piper")
    return b"".join(pcm for event in events for pcm in sound.pcm(event)), sound


def test_a_cycle_is_its_chunks() -> None:
    pcm, sound = heard(START, chunk(b"abcd"), chunk(b"ef"), STOP)
    assert (pcm, sound.heard, sound.whole) == (b"abcdef", True, True)


def test_half_a_frame_at_the_end_of_a_cycle_is_not_the_begin_of_the_next() -> None:
    assert heard(START, chunk(b"abc"), STOP, START, chunk(b"def"), chunk(b"g"), STOP)[0] == b"abdefg"


def test_it_is_whole_only_behind_an_audio_stop() -> None:
    assert not heard()[1].whole
    assert not heard(START, chunk(b"ab"))[1].whole
    assert not heard(START, STOP, START)[1].whole
    assert heard(STOP)[1].whole


def test_a_start_ends_the_cycle_before() -> None:
    assert heard(START, chunk(b"abc"), START, chunk(b"de"), STOP)[0] == b"abde"


def test_a_cycle_may_begin_with_a_chunk() -> None:
    assert heard(chunk(b"ab"), STOP)[0] == b"ab"


def test_chunks_without_audio_are_not_heard() -> None:
    pcm, sound = heard(START, chunk(None), chunk(b""), STOP)
    assert (pcm, sound.heard, sound.whole) == (b"", False, True)


def test_a_chunk_may_differ_from_its_start() -> None:
    pcm, _ = heard(START, chunk(b"abcd" * 1_000, channels=2), STOP)
    assert len(pcm) == 2_000


def test_a_long_chunk_comes_out_in_pieces() -> None:
    sound = Sound(Promises(22_050), "alan", AudioFormat(rate=22_050), "piper")
    assert [len(pcm) for pcm in sound.pcm(chunk(bytes(150_000)))] == [65_536, 65_536, 18_928]


@pytest.mark.parametrize(
    "wrong", [{"rate": "fast"}, {"rate": None}, {"rate": True}, {"width": 1}, {"channels": 0}, {"channels": "1"}]
)
def test_a_format_that_is_not_understood_is_an_error(wrong: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError, match="only 16-bit mono or stereo of 8000 to 96000 Hz"):
        heard(Event("audio-start", {**FORMAT, **wrong}))
    with pytest.raises(ProtocolError, match="piper sends audio of"):
        heard(START, chunk(b"ab", **wrong))
