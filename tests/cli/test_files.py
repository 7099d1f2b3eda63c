"""What `herald say -o` writes: as the file's name ends."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from wyoming_server.audio.decode import Codec, Decoder
from wyoming_server.cli.outputs import ENCODED_ENDS

from .conftest import Ran

Herald = Callable[..., Ran]

TEXT = "Dinner is ready " * 6
SECONDS = len(TEXT.strip()) * 0.01
SETTLING = 0.12
"""Seconds that a codec adds at the ends."""
RATE = 22_050
CODECS = {".mp3": Codec.MP3, ".flac": Codec.FLAC, ".ogg": Codec.OGG_OPUS, ".opus": Codec.OGG_OPUS, ".OPUS": Codec.OGG_OPUS}


@pytest.fixture
def say(herald: Herald, tone: Path) -> Herald:
    return lambda *arguments: herald("say", "--config", str(tone), TEXT, "-q", *arguments)


def seconds(path: Path) -> float:
    decoder = Decoder(CODECS[path.suffix], RATE)
    pcm = decoder.push(path.read_bytes()) + decoder.flush()
    assert decoder.decoded
    assert decoder.skipped == 0
    return len(pcm) / (2 * RATE)


@pytest.mark.parametrize("end", CODECS)
def test_the_end_of_the_name_says_what_is_written(say: Herald, end: str) -> None:
    path = Path(f"dinner{end}")
    assert say("-o", str(path)) == Ran(code=0, out="", err="")
    assert seconds(path) == pytest.approx(SECONDS, abs=SETTLING)


@pytest.mark.parametrize("end", ["", ".wav", ".WAV"])
def test_without_an_end_it_is_wav(say: Herald, end: str) -> None:
    path = Path(f"dinner{end}")
    assert say("-o", str(path)).code == 0
    assert path.read_bytes().startswith(b"RIFF")


def test_what_was_spoken_before_a_failure_can_be_played_compressed_too(say: Herald) -> None:
    assert say("-o", "part.mp3", "--set", "fail_at=0.5").code == 1
    assert 0.4 < seconds(Path("part.mp3")) < 0.5 + SETTLING


def test_an_end_that_nobody_knows_is_refused_before_anything_is_spoken(say: Herald) -> None:
    ran = say("-o", "dinner.m4a")
    assert (ran.code, ran.err) == (
        2,
        "herald: dinner.m4a cannot be written: the end .m4a is none of .wav, .mp3, .flac, .ogg, .opus.\n",
    )
    assert not Path("dinner.m4a").exists()


def test_a_rate_that_the_codec_does_not_have_is_told(say: Herald) -> None:
    ran = say("-o", "dinner.mp3", "--rate", "23000")
    assert ran.code == 2
    assert ran.err.startswith("herald: mp3 has no rate of 23000 Hz")
    assert not Path("dinner.mp3").exists()


def test_a_full_disk_is_told_for_compressed_audio(say: Herald) -> None:
    Path("full.mp3").symlink_to("/dev/full")
    ran = say("-o", "full.mp3")
    assert (ran.code, ran.err) == (1, "herald: No space left on device.\n")


def test_the_help_lists_the_ends(herald: Herald) -> None:
    text = herald("say", "--help").out
    assert [end for end in ENCODED_ENDS if end not in text] == []
