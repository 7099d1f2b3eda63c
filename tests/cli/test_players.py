"""Playing: which program is taken, what it is fed, and what happens when it fails. The programs are small scripts."""

from __future__ import annotations

import wave
from collections.abc import Callable
from pathlib import Path

import pytest

from wyoming_server.audio.wav import WavReader
from wyoming_server.cli.players import PLAYERS

from .conftest import Ran

Herald = Callable[..., Ran]

TEXT = "Dinner is ready."
SIZE = 2 * round(len(TEXT) * 0.01 * 22_050)
RECORD = '#!/bin/sh\necho "$@" >options\nexec /bin/cat >heard\n'
FAIL = "#!/bin/sh\necho No sound card. >&2\nexit 3\n"
LEAVE = "#!/bin/sh\nexec 0</dev/null\n"


@pytest.fixture
def say(herald: Herald, tone: Path) -> Herald:
    return lambda *arguments: herald("say", "--config", str(tone), *arguments)


def install(name: str, script: str) -> None:
    path = Path("bin") / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(script)
    path.chmod(0o755)


@pytest.mark.parametrize("player", PLAYERS, ids=lambda player: player.name)
def test_a_player_gets_all_of_the_audio_in_the_form_it_takes(say: Herald, player: object) -> None:
    name, wav = player.name, player.wav  # type: ignore[attr-defined]
    install(name, RECORD)
    assert say(TEXT).code == 0
    heard = Path("heard").read_bytes()
    assert len(WavReader().push(heard) if wav else heard) == SIZE
    assert wav or "22050" in Path("options").read_text()
    assert "{" not in Path("options").read_text()


def test_the_first_player_of_the_table_is_taken(say: Herald) -> None:
    install(PLAYERS[-1].name, FAIL)
    install(PLAYERS[0].name, RECORD)
    assert say(TEXT, "--play").code == 0
    assert Path("heard").stat().st_size == SIZE


def test_it_is_played_and_written_if_both_are_asked_for(say: Herald) -> None:
    install("aplay", RECORD)
    assert say(TEXT, "--play", "-o", "dinner.wav").code == 0
    assert Path("dinner.wav").read_bytes()[44:] == Path("heard").read_bytes()


def test_it_is_not_played_when_only_a_file_is_asked_for(say: Herald) -> None:
    install("aplay", RECORD)
    assert say(TEXT, "-o", "dinner.wav").code == 0
    assert not Path("heard").exists()


@pytest.mark.parametrize("text", [TEXT, TEXT * 500])
def test_a_player_that_fails_is_told_with_its_own_words(say: Herald, text: str) -> None:
    install("aplay", FAIL)
    ran = say(text, "--play", "-o", "dinner.wav")
    assert ran.code == 1
    assert ran.err == "herald: The player aplay failed (No sound card.). Write a file instead: -o speech.wav\n"
    with wave.open("dinner.wav"):
        pass


def test_a_player_that_is_closed_early_is_told(say: Herald) -> None:
    install("aplay", LEAVE)
    ran = say(TEXT * 500)
    assert (ran.code, ran.err) == (1, "herald: The player aplay was closed before everything was heard.\n")


def test_without_a_player_a_file_is_written_and_named_and_none_overwritten(say: Herald) -> None:
    first, second = say(TEXT), say(TEXT)
    assert (first.code, second.code) == (0, 0)
    assert first.err.startswith("No player was found (paplay, aplay, ")
    assert "Writing speech.wav." in first.err
    assert "Writing speech-2.wav." in second.err
    assert Path("speech.wav").stat().st_size == Path("speech-2.wav").stat().st_size == 44 + SIZE


def test_a_player_that_is_demanded_but_missing_is_a_failure(say: Herald) -> None:
    ran = say(TEXT, "--play")
    assert ran.code == 1
    assert ran.err.endswith("Install one, or write a file: -o speech.wav\n")
    assert not Path("speech.wav").exists()
