"""`herald convert`: what is read, what comes out, and how it is refused; by the test gain, and at SAMI's simulator."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import struct
import wave
from array import array
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from wyoming_server.audio.encode import Container, Encoder
from wyoming_server.audio.wav import wav_header
from wyoming_server.cli.convert import convert
from wyoming_server.cli.options import parse
from wyoming_server.cli.recording import opened
from wyoming_server.config import load_config
from wyoming_server.converters.base import Conversion
from wyoming_server.converters.gain import GainConverter
from wyoming_server.engines.espeak.engine import EspeakEngine
from wyoming_server.errors import EngineUnavailable, VoiceRefused
from wyoming_server.models import AudioFormat

from ..converters.speech import speech
from ..simulators.sami import Fault, SamiSimulator, simulator
from ..simulators.sami import converted as inverted
from .conftest import Ran
from .processes import start

Herald = Callable[..., Ran]

GAIN = "converters: {gain: }\n"
SOURCE = AudioFormat(rate=16_000)
SPEAKER = "zh_female_qingxin_stream"
TO = ("-o", "out.wav", "--speaker")


def pcm(seconds: float = 1.0, audio: AudioFormat = SOURCE) -> bytes:
    return speech(seconds, audio)


def record(data: bytes, audio: AudioFormat = SOURCE, *, name: str = "in.wav", after: bytes = b"") -> None:
    """A WAV file, with `after` behind the audio."""
    Path(name).write_bytes(wav_header(audio, data_size=len(data)) + data + after)


def played(name: str = "out.wav") -> tuple[AudioFormat, bytes]:
    """What a WAV's header tells; fails if that is not the file."""
    with wave.open(name) as file:
        audio, found = AudioFormat(rate=file.getframerate(), channels=file.getnchannels()), file.readframes(file.getnframes())
    assert Path(name).stat().st_size == 44 + len(found)
    return audio, found


def new_player(script: str) -> None:
    path = Path("bin/aplay")
    path.parent.mkdir()
    path.write_text(f"#!/bin/sh\n{script}")
    path.chmod(0o755)


def opposite(data: bytes) -> bytes:
    return array("h", (-sample for sample in array("h", data))).tobytes()


@pytest.fixture
def converted(herald: Herald) -> Herald:
    """Converts with the test gain, in this process."""
    Path("gain.yaml").write_text(GAIN)
    return lambda *arguments: herald("convert", "--config", "gain.yaml", *arguments)


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Standard input is a pipe; the end to write to."""
    reading, writing = os.pipe()
    with os.fdopen(reading) as file:
        monkeypatch.setattr("sys.stdin", file)
        yield writing


# What is read, and what comes out


@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (16_000, 1), (44_100, 2), (96_000, 1)])
def test_every_sample_comes_out_once_and_nothing_else(converted: Herald, rate: int, channels: int) -> None:
    audio = AudioFormat(rate=rate, channels=channels)
    data = pcm(1.2345, audio)
    record(data, audio)
    ran = converted("in.wav", *TO, "inverted")
    assert (ran.code, ran.out) == (0, "")
    assert played() == (audio, opposite(data))


def test_what_stands_around_the_audio_is_not_converted(converted: Herald) -> None:
    data, layout = pcm(0.3), struct.pack("<HHIIHH", 1, 1, 16_000, 32_000, 2, 16)
    before = b"LIST" + struct.pack("<I", 300) + b"INFO" + b"\x11" * 296
    chunks = (
        before + b"fmt " + struct.pack("<I", 16) + layout + b"data" + struct.pack("<I", len(data)) + data + b"id3 \x04\0\0\0AAAA"
    )
    Path("in.wav").write_bytes(b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks)
    assert converted("in.wav", *TO, "same").code == 0
    assert played() == (SOURCE, data)


def test_the_figures_are_told_unless_they_are_not_wanted(converted: Herald) -> None:
    record(pcm(2))
    err = converted("in.wav", *TO, "same").err
    assert err.startswith("first audio ")
    assert " ms · 2.0 s of audio in 0." in err
    assert err.endswith(" · speaker gain/same\n")
    assert converted("in.wav", *TO, "same", "-q") == Ran(code=0, out="", err="")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_has_a_bar_with_seconds_of_seconds(converted: Herald, given: int, monkeypatch: pytest.MonkeyPatch) -> None:
    record(data := pcm(2))
    screen = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stderr", screen)
    assert converted("in.wav", *TO, "same").code == 0
    assert "Converting" in screen.getvalue()
    assert "2.0 of 2.0 s" in screen.getvalue()
    os.write(given, wav_header(SOURCE, data_size=None) + data[:32_000])
    os.close(given)
    screen.truncate(0)
    assert converted("-", *TO, "same").code == 0
    assert "1.0 s" in screen.getvalue()
    assert " of " not in screen.getvalue().partition("first audio")[0]


@pytest.mark.parametrize("words", [["-"], []])
def test_standard_input_is_converted(converted: Herald, given: int, words: list[str]) -> None:
    data = pcm(0.5)
    os.write(given, wav_header(SOURCE, data_size=None) + data)
    os.close(given)
    assert converted(*words, *TO, "inverted").code == 0
    assert played() == (SOURCE, opposite(data))


@pytest.mark.parametrize("container", [Container.MP3, Container.FLAC, Container.OGG_OPUS, Container.AAC])
def test_compressed_speech_is_known_by_its_first_bytes(converted: Herald, container: Container) -> None:
    encoder = Encoder(container, AudioFormat(rate=48_000))
    data = pcm(1, AudioFormat(rate=48_000))
    Path("in.audio").write_bytes(encoder.push(data) + encoder.flush())
    assert converted("in.audio", *TO, "same").code == 0
    audio, found = played()
    assert audio.seconds(len(found)) == pytest.approx(1, abs=0.12)
    if container is Container.FLAC:
        assert (audio, found) == (AudioFormat(rate=48_000), data)


def test_damaged_parts_are_told(converted: Herald) -> None:
    encoder = Encoder(Container.AAC, SOURCE)
    frames = bytearray(encoder.push(pcm(2)) + encoder.flush())
    rate = frames.rindex(frames[:3]) + 2
    frames[rate] = frames[rate] & 0xC3 | 12 << 2  # the last frame says 7350 Hz
    Path("in.aac").write_bytes(frames)
    ran = converted("in.aac", *TO, "same")
    assert ran.code == 0
    assert "Damaged parts of the recording were left out: 1" in ran.err


def test_rate_and_container_of_the_output_are_chosen_freely(converted: Herald) -> None:
    record(pcm(1, AudioFormat(rate=22_050)), AudioFormat(rate=22_050))
    assert converted("in.wav", *TO, "same", "--rate", "48000").code == 0
    audio, found = played()
    assert audio.rate == 48_000
    assert len(found) // 2 == pytest.approx(48_000, abs=2)
    assert converted("in.wav", "-o", "out.flac", "--speaker", "same").code == 0
    assert Path("out.flac").read_bytes().startswith(b"fLaC")


def test_settings_are_the_converters(converted: Herald) -> None:
    record(data := pcm(0.2))
    assert converted("in.wav", *TO, "half", "--set", "factor=-1").code == 0
    assert played()[1] == opposite(data)
    ran = converted("in.wav", *TO, "half", "--set", "volume=2")
    assert ran.code == 2
    assert "volume" in ran.err


# Whom, and by which converter


def test_speakers_are_listed(converted: Herald, herald: Herald, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = converted("--list")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[:2] == ["gain\tsame\t\t\tSamples times 1", "gain\thalf\t\t\tSamples times 0.5"]
    Path("two.yaml").write_text("converters: {gain: , sami: }\n")
    both = herald("convert", "--config", "two.yaml", "--list").out.splitlines()
    assert f"sami\t{SPEAKER}\tzh-CN\tfemale\t清新女声" in both
    assert len(both) == 16
    assert len(herald("convert", "--config", "two.yaml", "--list", "--converter", "sami").out.splitlines()) == 10
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")
    assert converted("--list").out.splitlines()[1].split() == ["Converter", "Speaker", "Language", "Gender", "Description"]


def test_without_a_speaker_they_are_named(converted: Herald) -> None:
    record(pcm(0.1))
    ran = converted("in.wav", "-o", "out.wav")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("herald: --speaker says as whom. The speakers are same (Samples times 1), half (")


def test_a_wrong_speaker_is_told_with_the_right_ones_and_may_be_a_person(converted: Herald) -> None:
    record(pcm(0.1))
    ran = converted("in.wav", *TO, "halv")
    assert ran.code == 2
    assert "Test gain lists no speaker halv. Did you mean half? The speakers are same (" in ran.err
    assert ran.err.endswith("Anybody else may be a real person: if that person agreed, add --consent.\n")
    assert converted("in.wav", *TO, "grandma", "--set", "factor=1", "--consent").code == 0


def test_a_converter_is_found_by_name_or_because_it_is_alone_or_sami(herald: Herald) -> None:
    record(pcm(0.1))
    Path("two.yaml").write_text("converters: {loud: {type: gain, factor: 2}, quiet: {type: gain, factor: 0.5}}\n")
    two = ("convert", "--config", "two.yaml", "in.wav", *TO, "same")
    assert herald(*two).err == "herald: There are several converters: loud, quiet. Name one: --converter loud\n"
    assert herald(*two, "--converter", "quite").err.startswith("herald: There is no converter quite. Did you mean quiet? ")
    assert herald(*two, "--converter", "quiet").err.endswith(" · speaker quiet/same\n")
    assert herald(*two[:-2], "--converter", "quiet/half").err.endswith(" · speaker quiet/half\n")
    Path("two.yaml").write_text("converters: {gain: , sami: {type: gain}}\n")
    assert herald(*two).err.endswith(" · speaker sami/same\n")


def test_no_converter_is_told_with_how_to(herald: Herald) -> None:
    record(pcm(0.1))
    ran = herald("convert", "in.wav", *TO, SPEAKER)
    assert (ran.code, ran.out) == (2, "")
    assert "converters: {sami: {appkey: …, token: …}}" in ran.err
    assert "HERALD_CONVERTERS__SAMI__APPKEY" in ran.err


def test_no_engine_is_started(converted: Herald, monkeypatch: pytest.MonkeyPatch) -> None:
    async def start(_engine: EspeakEngine) -> None:
        raise AssertionError

    monkeypatch.setattr(EspeakEngine, "start", start)
    record(pcm(0.1))
    assert converted("in.wav", *TO, "same").code == 0


def test_a_converter_that_cannot_start_says_why(converted: Herald, monkeypatch: pytest.MonkeyPatch) -> None:
    async def start(_converter: GainConverter) -> None:
        raise EngineUnavailable("The amplifier is missing.")

    monkeypatch.setattr(GainConverter, "start", start)
    record(pcm(0.1))
    assert converted("in.wav", *TO, "same") == Ran(code=1, out="", err="herald: The amplifier is missing.\n")


# What is refused, and what is left of the output


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "There is nothing in in.wav."),
        (b"Dinner is ready.", "There is no audio in in.wav that Herald reads: WAV, MP3, FLAC, Opus in Ogg or AAC."),
        (wav_header(SOURCE, data_size=0), "There is no audio in in.wav."),
        (wav_header(SOURCE, data_size=0)[:30], "The WAV stream ended after 30 bytes, before its audio began."),
        (wav_header(SOURCE, data_size=2).replace(b"\x10\0data", b"\x18\0data") + b"\0\0", "only 16-bit PCM is read."),
        (b"\xff\xfb" + bytes(500), "There is no audio in in.wav."),
    ],
)
def test_what_is_no_speech_is_refused_before_the_converter_hears_of_it(
    converted: Herald, monkeypatch: pytest.MonkeyPatch, data: bytes, words: str
) -> None:
    def begin(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(GainConverter, "_convert", begin)
    Path("in.wav").write_bytes(data)
    ran = converted("in.wav", *TO, "same")
    assert ran.code in (1, 2)
    assert words in ran.err
    assert not Path("out.wav").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["none.wav", *TO, "same"], "none.wav: No such file or directory."),
        (["in.wav", "-o", "in.wav", "--speaker", "same"], "in.wav would be overwritten while it is being read."),
        (["in.wav", "-o", "link.wav", "--speaker", "same"], "link.wav would be overwritten while it is being read."),
        (["in.wav", "-o", "none/x.wav", "--speaker", "same"], "The directory none does not exist."),
        (["in.wav", "-o", "x.m4a", "--speaker", "same"], "the end .m4a is none of"),
        (["in.wav", *TO, "same", "--rate", "100"], "--rate is 8000 to 96000 Hz, not 100."),
    ],
)
def test_what_cannot_work_is_refused_and_the_recording_is_safe(converted: Herald, arguments: list[str], words: str) -> None:
    record(pcm(0.1))
    Path("link.wav").symlink_to("in.wav")
    before = Path("in.wav").read_bytes()
    ran = converted(*arguments)
    assert ran.code in (1, 2)
    assert words in ran.err
    assert Path("in.wav").read_bytes() == before
    assert not Path("out.wav").exists()


def test_nothing_on_a_terminal_is_told_with_what_to_type(converted: Herald, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    ran = converted(*TO, "same")
    assert ran.code == 2
    assert "There is nothing to convert. Try: herald convert speech.wav" in ran.err


def test_a_terminal_is_not_filled_with_audio(converted: Herald, monkeypatch: pytest.MonkeyPatch) -> None:
    record(pcm(0.1))
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    ran = converted("in.wav", "-o", "-", "--speaker", "same")
    assert ran.code == 2
    assert "herald convert -o - … | …" in ran.err


def test_an_existing_file_is_overwritten_only_by_audio_and_a_part_can_be_played(converted: Herald) -> None:
    record(data := pcm(3, SOURCE))
    Path("out.wav").write_bytes(b"precious")
    assert converted("in.wav", *TO, "same", "--set", "fail_at=0").code == 1
    assert Path("out.wav").read_bytes() == b"precious"
    ran = converted("in.wav", *TO, "same", "--set", "fail_at=0.1")
    assert ran.code == 1
    assert "as its script says" in ran.err
    part = played()[1]
    assert 0 < len(part) < len(data)
    assert data.startswith(part)


def test_a_converter_that_makes_nothing_is_an_error(converted: Herald, monkeypatch: pytest.MonkeyPatch) -> None:
    async def swallow(_self: GainConverter, speech: AsyncIterable[bytes], _how: Conversion) -> AsyncGenerator[bytes, None]:
        async for _ in speech:
            continue
        if False:
            yield b""

    monkeypatch.setattr(GainConverter, "_convert", swallow)
    record(pcm(0.1))
    assert converted("in.wav", *TO, "same") == Ran(code=1, out="", err="herald: Test gain made no audio of this.\n")
    assert not Path("out.wav").exists()


def test_a_full_disk_is_told(converted: Herald) -> None:
    record(pcm(1))
    ran = converted("in.wav", "-o", "/dev/full", "--speaker", "same")
    assert (ran.code, ran.err) == (1, "herald: No space left on device.\n")


# At SAMI's


def configure(url: str) -> None:
    keys = f"{{appkey: sami-appkey, token: sami-token, output_rate: 16000, url: '{url}'}}"
    Path("sami.yaml").write_text(f"converters: {{sami: {keys}}}\n")


@asynccontextmanager
async def at_sami(**habits: Any) -> AsyncIterator[tuple[SamiSimulator, Callable[..., Any]]]:
    """The service, and the command against it, in one loop."""
    async with simulator(**habits) as service:
        configure(service.url)

        async def run(*words: str) -> None:
            arguments = parse(["convert", "--config", "sami.yaml", "in.wav", *words])
            with opened(arguments.input) as descriptor:
                await convert(load_config(arguments.config, {}), arguments, descriptor)

        yield service, run


@pytest.mark.parametrize("last", ["in TaskFinished", "before"])
async def test_the_whole_recording_comes_back_inverted_with_its_tail(last: str) -> None:
    data = pcm(3.21)
    record(data, after=b"LIST\x04\0\0\0INFO")
    async with at_sami(last=last, hold=0.4, splits_samples=True) as (service, run):
        await run(*TO, SPEAKER, "-q")
    [task] = service.tasks
    assert (task.speaker, task.end) == (SPEAKER, "TaskFinished")
    assert bytes(task.heard) == data  # no header, nothing twice, no tail lost
    assert not service.all("refused")
    assert not service.habits
    assert played() == (SOURCE, opposite(data))


async def test_stereo_of_another_rate_is_sent_as_the_service_wants_it() -> None:
    audio = AudioFormat(rate=44_100, channels=2)
    record(pcm(1, audio), audio)
    async with at_sami() as (service, run):
        await run(*TO, SPEAKER, "-q")
    [task] = service.tasks
    assert task.source == SOURCE
    assert len(task.heard) // 2 == pytest.approx(16_000, abs=2)
    assert played() == (SOURCE, inverted(bytes(task.heard), SOURCE, SOURCE))


async def test_a_speaker_that_the_service_does_not_have_is_told_in_words() -> None:
    record(pcm(0.2))
    async with at_sami() as (service, run):
        with pytest.raises(VoiceRefused, match="no speaker nobody"):
            await run(*TO, "nobody", "--consent")
    assert not service.all("audio")


async def test_a_failure_on_the_way_leaves_a_part_that_plays() -> None:
    data = pcm(5)
    record(data)
    async with at_sami() as (service, run):
        service.faults.add(Fault(kind="drop", on="output", after=1))
        with pytest.raises(EngineUnavailable):
            await run(*TO, SPEAKER)
    part = played()[1]
    assert 0 < len(part) < len(data)
    assert opposite(data).startswith(part)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_a_signal_ends_the_conversion_upstream_and_leaves_what_was_heard(number: signal.Signals, status: int) -> None:
    data = pcm(1)
    async with at_sami() as (service, _):
        command = ("convert", "--config", "sami.yaml", "-", *TO, SPEAKER, "--play")
        new_player(f"/usr/bin/head -c 3200 >/dev/null\nkill -{number.name[3:]} $PPID\nexec /bin/sleep 60\n")
        with start(*command, stdin=-1) as process:
            assert process.stdin is not None
            process.stdin.write(wav_header(SOURCE, data_size=None) + data)  # and never its end
            process.stdin.flush()
            closed = await service.saw("closed")
            _, err = await asyncio.to_thread(process.communicate, timeout=10)
    assert (process.returncode, err) == (status, b"")
    assert (closed.detail["by"], closed.detail["during"]) == ("close frame", "audio")
    part = played()[1]
    assert len(part) >= 3200
    assert opposite(data).startswith(part)
