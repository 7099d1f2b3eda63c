"""When chunks go out and how large they are, on a clock that the test holds."""

from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_server.audio.chunks import ChunkPolicy
from wyoming_server.models import AudioFormat

AUDIO = AudioFormat(rate=16_000)
MS = AUDIO.size(0.001)


def milliseconds(chunks: list[bytes]) -> list[float]:
    return [len(chunk) / MS for chunk in chunks]


def pcm(ms: float) -> bytes:
    return bytes(round(ms * MS))


class Run:
    """Feeds a policy and calls `due` at its deadlines, as a sender does."""

    def __init__(self, audio: AudioFormat = AUDIO) -> None:
        self.audio = audio
        self.policy = ChunkPolicy(audio)
        self.sent: list[tuple[float, bytes]] = []

    def push(self, data: bytes, now: float) -> list[bytes]:
        while (deadline := self.policy.deadline) is not None and deadline <= now:
            self.take(self.policy.due(deadline), deadline)
        return self.take(self.policy.push(data, now), now)

    def take(self, chunks: list[bytes], now: float) -> list[bytes]:
        self.sent += [(now, chunk) for chunk in chunks]
        return chunks


def test_the_first_chunk_is_small_and_goes_at_once() -> None:
    assert milliseconds(ChunkPolicy(AUDIO).push(pcm(20), 5.0)) == [20]
    assert milliseconds(ChunkPolicy(AUDIO).push(pcm(500), 5.0)) == [40, 250, 210]


def test_audio_in_real_time_goes_out_as_it_comes() -> None:
    run = Run()
    sizes = [milliseconds(run.push(pcm(20), turn * 0.02)) for turn in range(500)]
    assert sizes == [[20]] * 500
    assert run.policy.pending == 0


def test_a_source_at_five_times_real_time_soon_travels_in_large_chunks() -> None:
    run = Run()
    for turn in range(500):
        run.push(pcm(20), turn * 0.004)
    sizes = milliseconds([chunk for _, chunk in run.sent])
    assert sizes[:3] == [20, 20, 20]
    assert sizes[-20:] == [250] * 20
    assert len(sizes) < 60


def test_without_a_clock_at_all_a_whole_reply_takes_few_chunks() -> None:
    policy = ChunkPolicy(AUDIO)
    chunks = [chunk for _ in range(500) for chunk in policy.push(pcm(20), 1.0)] + policy.flush()
    assert len(b"".join(chunks)) == 10_000 * MS
    assert len(chunks) < 50


def test_audio_is_held_until_half_the_lead_is_used_up_and_not_longer() -> None:
    policy = ChunkPolicy(AUDIO)
    policy.push(pcm(290), 0.0)
    assert policy.deadline is None
    assert policy.push(pcm(30), 0.05) == []
    assert policy.pending == 30 * MS
    assert policy.deadline == pytest.approx(0.145)
    assert policy.due(0.144) == []
    assert milliseconds(policy.due(0.146)) == [30]
    assert policy.deadline is None


def test_a_push_after_the_deadline_takes_along_what_was_held() -> None:
    policy = ChunkPolicy(AUDIO)
    policy.push(pcm(290), 0.0)
    policy.push(pcm(30), 0.05)
    assert milliseconds(policy.push(pcm(20), 0.15)) == [50]


def test_audio_goes_out_when_it_reaches_half_the_lead() -> None:
    policy = ChunkPolicy(AUDIO)
    policy.push(pcm(100), 0.0)
    assert [milliseconds(policy.push(pcm(20), 0.0)) for _ in range(3)] == [[], [], [60]]


def test_a_listener_that_ran_dry_gets_audio_at_once_again() -> None:
    policy = ChunkPolicy(AUDIO)
    policy.push(pcm(290), 0.0)
    assert milliseconds(policy.push(pcm(20), 3.0)) == [20]
    assert milliseconds(policy.push(pcm(20), 3.02)) == [20]


def test_its_lead_counts_from_the_end_of_the_gap() -> None:
    policy = ChunkPolicy(AUDIO)
    policy.push(pcm(290), 0.0)
    policy.push(pcm(200), 3.0)
    assert policy.push(pcm(20), 3.0) == []
    assert policy.deadline == pytest.approx(3.1)


def test_a_flush_gives_what_is_held() -> None:
    policy = ChunkPolicy(AUDIO)
    policy.push(pcm(290), 0.0)
    policy.push(pcm(30), 0.01)
    assert milliseconds(policy.flush()) == [30]
    assert policy.flush() == []
    assert (policy.pending, policy.deadline) == (0, None)


def test_a_piece_that_goes_at_once_is_not_copied() -> None:
    piece = pcm(20)
    assert ChunkPolicy(AUDIO).push(piece, 0.0)[0] is piece


def test_parts_of_frames_wait_for_their_rest() -> None:
    policy = ChunkPolicy(AudioFormat(rate=16_000, channels=2))
    assert [policy.push(piece, 0.0) for piece in (b"12", b"34", b"5")] == [[], [b"1234"], []]
    assert policy.deadline is None
    assert policy.push(b"678", 1.0) == [b"5678"]
    assert policy.push(b"9", 2.0) == []
    assert policy.flush() == []


STEPS = st.lists(st.tuples(st.sampled_from([0.0, 0.001, 0.004, 0.02, 0.021, 0.3, 2.0]), st.integers(0, 20_000)), max_size=60)
"""Seconds since the last push, and bytes."""


@given(steps=STEPS, channels=st.integers(1, 2))
def test_whatever_comes_nothing_is_lost_and_the_limits_hold(steps: list[tuple[float, int]], channels: int) -> None:
    audio = AudioFormat(rate=16_000, channels=channels)
    run = Run(audio)
    times = list(accumulate(wait for wait, _ in steps))
    given = bytes(index % 251 for index in range(sum(size for _, size in steps)))
    start = 0
    for now, (_, size) in zip(times, steps, strict=True):
        run.push(given[start : start + size], now)
        start += size
        assert run.policy.pending <= audio.size(0.25)
    chunks = [chunk for _, chunk in run.sent] + run.policy.flush()
    assert b"".join(chunks) == given[: len(given) - len(given) % audio.frame_size]
    assert all(len(chunk) <= audio.size(0.25) and len(chunk) % audio.frame_size == 0 for chunk in chunks)
    assert all(chunks)


@given(steps=STEPS)
def test_holding_back_never_lets_the_listener_run_dry(steps: list[tuple[float, int]]) -> None:
    """Against a sender that holds nothing back: the player never waits longer."""
    run = Run()
    now, direct_dry, direct_gap = 0.0, None, 0.0
    for wait, samples in steps:
        now += wait
        direct_gap += max(0.0, now - direct_dry) if direct_dry is not None and samples else 0.0
        direct_dry = (max(now, direct_dry) if direct_dry is not None else now) + samples / 16_000 if samples else direct_dry
        run.push(bytes(2 * samples), now)
    held_dry, held_gap = None, 0.0
    for sent, chunk in run.sent:
        held_gap += max(0.0, sent - held_dry) if held_dry is not None else 0.0
        held_dry = (max(sent, held_dry) if held_dry is not None else sent) + AUDIO.seconds(len(chunk))
    assert held_gap <= direct_gap + 1e-9
