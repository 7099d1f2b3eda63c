"""`herald say` with the test tone in this process: what is spoken, where it goes, and how it is refused."""

from __future__ import annotations

import io
import os
import wave
from collections.abc import AsyncGenerator, Callable, Iterator
from pathlib import Path

import pytest

from wyoming_server.audio.wav import WavReader
from wyoming_server.cli import main
from wyoming_server.cli.options import parse
from wyoming_server.cli.progress import ordinal
from wyoming_server.cli.say import order
from wyoming_server.cli.setting import state_if_any
from wyoming_server.engines.base import EngineEvent, Utterance
from wyoming_server.engines.registry import ENGINES
from wyoming_server.engines.tone import ToneEngine
from wyoming_server.errors import BadSetting
from wyoming_server.models import TextFormat, VoiceSettings, Waiting

from .conftest import Ran

Herald = Callable[..., Ran]

TEXT = "Dinner is ready."
FRAMES = round(len(TEXT) * 0.01 * 22_050)


def frames(path: Path) -> int:
    """The length that a WAV's header tells; fails if that is not the file's."""
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (22_050, 1, 2)
        length: int = file.getnframes()
    assert path.stat().st_size == 44 + 2 * length
    return length


@pytest.fixture
def say(herald: Herald, tone: Path) -> Herald:
    return lambda *arguments: herald("say", "--config", str(tone), *arguments)


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Standard input is a pipe; the end to write to."""
    reading, writing = os.pipe()
    with os.fdopen(reading) as file:
        monkeypatch.setattr("sys.stdin", file)
        yield writing


def test_a_text_becomes_a_file_with_true_sizes(say: Herald) -> None:
    ran = say(TEXT, "-o", "dinner.wav")
    assert (ran.code, ran.out) == (0, "")
    assert frames(Path("dinner.wav")) == FRAMES


def test_words_without_quotes_are_one_text(say: Herald) -> None:
    assert say(*TEXT.split(), "-o", "dinner.wav").code == 0
    assert frames(Path("dinner.wav")) == FRAMES


def test_the_figures_are_told_at_the_end_unless_they_are_not_wanted(say: Herald) -> None:
    err = say(TEXT * 10, "-o", "a.wav").err
    assert err.startswith("first audio ")
    assert " ms · 1.6 s of audio in 0." in err
    assert " s · real-time factor 0." in err
    assert err.endswith(" · voice tone/tone\n")
    assert say(TEXT, "-o", "a.wav", "-q").err == ""


@pytest.mark.parametrize("words", [["-"], []])
def test_standard_input_is_spoken(say: Herald, typed: int, words: list[str]) -> None:
    os.write(typed, b"\xef\xbb\xbf" + TEXT.encode())
    os.close(typed)
    assert say(*words, "-o", "dinner.wav").code == 0
    assert frames(Path("dinner.wav")) == FRAMES


def test_a_file_as_standard_input_is_spoken(say: Herald, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("text").write_text(TEXT)
    with Path("text").open() as file:
        monkeypatch.setattr("sys.stdin", file)
        assert say("-o", "dinner.wav").code == 0
    assert frames(Path("dinner.wav")) == FRAMES


def test_a_terminal_without_a_text_is_told_what_to_type(say: Herald, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = os.openpty()
    with os.fdopen(theirs) as terminal:
        monkeypatch.setattr("sys.stdin", terminal)
        ran = say("-o", "dinner.wav")
    os.close(ours)
    assert (ran.code, ran.err) == (2, 'herald: There is no text. Try: herald say "Dinner is ready."\n')


def test_standard_output_gets_wav_without_sizes(tone: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["say", "--config", str(tone), TEXT, "-o", "-"]) == 0
    out = capfdbinary.readouterr().out
    assert out[4:8] == out[40:44] == b"\xff\xff\xff\xff"
    reader = WavReader()
    assert len(reader.push(out)) == 2 * FRAMES


def test_a_terminal_is_not_filled_with_audio(say: Herald, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    ran = say(TEXT, "-o", "-")
    assert ran.code == 2
    assert "would fill the terminal" in ran.err


def test_an_existing_file_is_overwritten_only_by_audio(say: Herald) -> None:
    Path("old.wav").write_bytes(b"precious")
    assert say(TEXT, "-o", "old.wav", "--set", "fail_at=0").code == 1
    assert Path("old.wav").read_bytes() == b"precious"
    assert say(TEXT, "-o", "old.wav").code == 0
    assert frames(Path("old.wav")) == FRAMES


def test_what_was_spoken_before_a_failure_can_be_played(say: Herald) -> None:
    ran = say(TEXT, "-o", "part.wav", "--set", "fail_at=0.1")
    assert (ran.code, ran.err) == (1, "herald: The engine tone failed at 0.10 s, as its script says.\n")
    assert frames(Path("part.wav")) == 2_205


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("folder", "folder is a directory. Name a file in it: -o folder/speech.wav"),
        ("none/x.wav", "The directory none does not exist."),
    ],
)
def test_a_file_that_cannot_be_written_is_refused_before_anything_is_spoken(say: Herald, target: str, words: str) -> None:
    Path("folder").mkdir()
    ran = say(TEXT, "-o", target)
    assert (ran.code, ran.err) == (2, f"herald: {words}\n")


def test_a_full_disk_is_told(say: Herald) -> None:
    ran = say(TEXT, "-o", "/dev/full")
    assert (ran.code, ran.err) == (1, "herald: No space left on device.\n")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--speed", "9"], "speed is a number from 0.25 to 4, not 9.0."),
        (["--pitch", "2"], "Test tone voices take no pitch"),
        (["--volume", "nan"], "volume is a number from 0 to 100, not nan."),
        (["--rate", "44"], "--rate is 8000 to 96000 Hz, not 44."),
        (["--voice", "tone/ton"], "There is no voice 'tone/ton'. Did you mean tone/tone?"),
        (["--language", "zh"], "No voice speaks 'zh'."),
        (["--ssml"], "Test tone voices take no ssml"),
        (["--set", "frequency=high"], "frequency"),
    ],
)
def test_what_a_voice_cannot_do_is_wrong_use(say: Herald, options: list[str], words: str) -> None:
    ran = say(TEXT, "-o", "no.wav", *options)
    assert ran.code == 2
    assert words in ran.err
    assert ran.err.count("\n") == 1
    assert not Path("no.wav").exists()


def test_a_wrong_configuration_is_wrong_use(herald: Herald) -> None:
    ran = herald("say", TEXT, "-o", "no.wav", "--config", "none.yaml")
    assert (ran.code, ran.err) == (2, "herald: The configuration none.yaml does not exist.\n")


def test_an_error_cannot_steer_the_terminal(herald: Herald) -> None:
    ran = herald("say", TEXT, "-o", "no.wav", "--config", "none\x1b[2J\x9b2J.yaml")
    assert ran.err == "herald: The configuration none\\x1b[2J\\x9b2J.yaml does not exist.\n"


def test_debug_says_where_an_error_arose(say: Herald) -> None:
    assert "Traceback" not in say(TEXT, "-o", "a.wav", "--voice", "none").err
    assert "Traceback" in say(TEXT, "-o", "a.wav", "--voice", "none", "--log-level", "debug").err


def test_it_speaks_where_no_state_can_be_kept(say: Herald) -> None:
    Path("file").touch()
    ran = say(TEXT, "-o", "dinner.wav", "--state", "file/state")
    assert ran.code == 0
    assert ran.err.count("WARNING") == 1
    assert "Nothing that is learned can be kept" in ran.err
    assert frames(Path("dinner.wav")) == FRAMES


def test_a_state_directory_without_permission_is_as_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert state_if_any(parse(["say"])) == tmp_path / "state" / "herald"
    monkeypatch.setattr("os.access", lambda _path, _mode: False)
    assert state_if_any(parse(["say"])) is None


def test_the_rate_is_the_one_asked_for(say: Herald) -> None:
    assert say(TEXT * 10, "-o", "a.wav", "--rate", "16000").code == 0
    with wave.open("a.wav") as file:
        assert file.getframerate() == 16_000
        assert file.getnframes() == round(len(TEXT) * 0.1 * 16_000)


def test_bytes_that_are_no_text_are_spoken_as_far_as_they_are(say: Herald) -> None:
    assert say(os.fsdecode(b"caf\xe9 au lait."), "-o", "a.wav").code == 0


def test_options_become_an_order() -> None:
    options = "--speed 1.5 --emotion sad --set pitch=2 --set style=news --rate 8000 --ssml"
    found = order(parse(["say", "x", *options.split()]))
    assert found.settings == VoiceSettings(speed=1.5, pitch=2, emotion="sad", extras={"style": "news"})
    assert (found.rate, found.text_format) == (8000, TextFormat.SSML)
    assert order(parse(["say", "x"])).settings == VoiceSettings()


def test_an_option_goes_before_the_same_setting_in_set() -> None:
    assert order(parse(["say", "x", "--set", "speed=2", "--speed", "3"])).settings.speed == 3
    with pytest.raises(BadSetting, match="speed is a number"):
        order(parse(["say", "x", "--set", "speed=fast"]))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Standard error is a terminal from now on; what it is sent."""
    screen = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stderr", screen)
    return screen


def test_a_long_text_on_a_terminal_has_a_progress_bar(say: Herald, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    assert say("One more sentence. " * 40, "-o", "a.wav").code == 0
    assert "Speaking" in screen.getvalue()
    screen.truncate(0)
    assert say(TEXT, "-o", "a.wav").code == 0
    assert "Speaking" not in screen.getvalue()


class BusyEngine(ToneEngine):
    """Every sentence stands in line first."""

    async def speak_sentence(self, text: str, utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
        for position in (2, 1):
            yield Waiting(position=position)
        async for event in super().speak_sentence(text, utterance):
            yield event


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENGINES, "tone", f"{__name__}:BusyEngine")
    monkeypatch.setenv("HERALD_CACHE__ENABLED", "false")  # of two places told at one moment it would hand on the newer


@pytest.mark.usefixtures("busy")
def test_a_place_in_line_is_one_line_for_people(say: Herald) -> None:
    ran = say(TEXT, TEXT, "-o", "a.wav")
    assert (ran.code, ran.out) == (0, "")
    first, figures = ran.err.splitlines()
    assert first == "Waiting for tone: 2nd in line."
    assert figures.startswith("first audio ")
    assert say(TEXT, "-o", "a.wav", "-q").err == ""
    assert frames(Path("a.wav")) == FRAMES


@pytest.mark.usefixtures("busy")
def test_a_place_in_line_stands_in_the_progress_bar(say: Herald, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    assert say("One more sentence. " * 40, "-o", "a.wav").code == 0
    for words in ("Waiting for tone: 2nd in line.", "Waiting for tone: 1st in line.", "Speaking"):
        assert words in screen.getvalue()
    assert "in line.\n" not in screen.getvalue()


def test_places_are_ordinals() -> None:
    told = {1: "1st", 2: "2nd", 3: "3rd", 4: "4th", 11: "11th", 12: "12th", 13: "13th", 21: "21st", 102: "102nd", 111: "111th"}
    assert {number: ordinal(number) for number in told} == told


FAILING = """
engines: {bad: {type: tone, fail_at: 0, fail_with: quota_exceeded}, tone: {per_character: 0.01}}
voices: {lead: {engine: bad, voice: tone, language: en, fallback: [tone/tone]}}
default_voice: lead
"""


def test_who_spoke_instead_and_why_is_told(herald: Herald, tmp_path: Path) -> None:
    config = tmp_path / "failing.yaml"
    config.write_text(FAILING)
    done = herald("say", "--config", str(config), "Hello", "-o", str(tmp_path / "out.wav"))
    assert done.code == 0
    assert done.err.count("The voice lead failed: ") == 1
    assert "tone/tone" in done.err.splitlines()[-1]


def test_nobody_else_speaks_where_that_is_not_wanted(herald: Herald, tmp_path: Path) -> None:
    config = tmp_path / "failing.yaml"
    config.write_text(FAILING)
    done = herald("say", "--config", str(config), "--no-fallback", "Hello", "-o", str(tmp_path / "out.wav"))
    assert done.code != 0
    assert "The engine bad failed" in done.err
