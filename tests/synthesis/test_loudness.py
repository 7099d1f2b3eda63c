"""The learned loudness: when it counts, that it is kept, and that a broken file only means learning anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from wyoming_server.synthesis.loudness import MAX_VOICES, LoudnessStore


def test_a_voice_is_left_alone_until_enough_was_heard() -> None:
    store = LoudnessStore()
    store.learn("v", -24, 2.9)
    assert store.gain("v") == 1
    store.learn("v", -24, 0.2)
    assert store.gain("v") == pytest.approx(10 ** (6 / 20))


def test_replies_count_by_their_length_and_power() -> None:
    store = LoudnessStore()
    store.learn("v", -18, 10)
    store.learn("v", -28, 10)
    assert store.gain("v") == pytest.approx(10 ** (2.596 / 20), rel=0.001)


def test_a_known_voice_is_measured_no_more() -> None:
    store = LoudnessStore()
    assert store.learning("v")
    store.learn("v", -20, 61)
    assert not store.learning("v")


def test_silence_teaches_nothing() -> None:
    store = LoudnessStore()
    store.learn("v", None, 10)
    assert store.gain("v") == 1


def test_what_was_learned_outlives_the_process(tmp_path: Path) -> None:
    path = tmp_path / "loudness.json"
    LoudnessStore(path).learn("v", -24, 10)
    assert LoudnessStore(path).gain("v") == pytest.approx(10 ** (6 / 20))
    assert [file.name for file in tmp_path.iterdir()] == ["loudness.json"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"v": 1}',
        b'{"v": {"lufs": "loud"}}',
        b'{"v": {"lufs": NaN, "seconds": 9}}',
        b"\xff",
        b"{}" + b" " * (2 << 20),
    ],
)
def test_a_broken_file_is_learned_anew(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "loudness.json"
    path.write_bytes(content)
    store = LoudnessStore(path)
    store.learn("v", -24, 10)
    assert LoudnessStore(path).gain("v") == pytest.approx(10 ** (6 / 20))


def test_no_more_voices_are_remembered_than_a_file_holds(tmp_path: Path) -> None:
    store = LoudnessStore(tmp_path / "loudness.json")
    for number in range(MAX_VOICES + 5):
        store.learn(f"v{number}", -24, 10)
    assert store.gain("v4") == 1
    assert store.gain("v5") != 1


def test_a_folder_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    store = LoudnessStore(tmp_path / "missing" / "loudness.json")
    store.learn("v", -24, 10)
    assert store.gain("v") == pytest.approx(10 ** (6 / 20))
