"""The examples of FlowingSpeechSynthesizer in docs/, as the processes that people run, against a real server and a fake chat."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import shutil
import signal
import sys
import wave
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.chat import Model, chatting
from tests.frontends.flowing_client import url
from tests.serving import TONE, ended, serving, tone, tone_of, until
from tests.simulators.flowing import Fault, local
from tests.simulators.speech.audio import Manner, speech
from wyoming_server.audio.decode import Codec, Decoder
from wyoming_server.server import Running

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "docs" / "examples"
CLIENT, CHAT = EXAMPLES / "flowing_client.py", EXAMPLES / "llm_to_speech.py"
RATE = 22_050
REAL_TIME = TONE.replace("per_character: 0.01", "per_character: 0.3, pace: 1")
"""A tone that goes on for seconds."""
KEY = "sk-of-the-test"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    async with serving(tmp_path) as server:
        yield server


@dataclass(kw_only=True)
class Run:
    """A running example."""

    process: asyncio.subprocess.Process

    async def type(self, *lines: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("".join(f"{line}\n" for line in lines).encode())
        await self.process.stdin.drain()

    async def line(self) -> str:
        """The next of its output."""
        assert self.process.stdout is not None
        async with asyncio.timeout(10):
            return (await self.process.stdout.readline()).decode()

    async def end(self) -> tuple[int, str, str]:
        """Its status, and the rest of its output and of its errors."""
        async with asyncio.timeout(8):  # less than a close that nobody answers takes
            out, err = await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode, out.decode(), err.decode()


@asynccontextmanager
async def run(folder: Path, script: Path, *options: str, programs: Path | None = None, **variables: str) -> AsyncIterator[Run]:
    """An example in `folder`; it finds no other programs than those in `programs`, and none of the user's settings."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "HERALD_"))}
    environment |= {"PATH": str(programs or folder / "nothing"), **variables}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", str(script), *options),
        cwd=folder,
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield Run(process=process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


def websocket(server: Running) -> str:
    return url(server).replace("http:", "ws:")


def frames(path: Path, rate: int = RATE) -> bytes:
    """The samples of a whole WAV file of that rate."""
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (rate, 2, 1)
        data: bytes = file.readframes(file.getnframes())
    assert path.stat().st_size == 44 + len(data)
    return data


def assert_one_sentence(err: str, *parts: str) -> None:
    assert err.count("\n") == 1
    assert err.endswith(".\n")
    assert "Traceback" not in err
    for part in parts:
        assert part in err


# The interactive client -----------------------------------------------------------------------------------------------------


@asynccontextmanager
async def typing(folder: Path, server: Running, *options: str) -> AsyncIterator[Run]:
    async with run(folder, CLIENT, "--url", websocket(server), *options) as client:
        yield client


async def test_a_line_is_spoken_before_the_next_is_typed(tmp_path: Path, server: Running) -> None:
    async with typing(tmp_path, server) as client:
        await client.type("Hello there")
        first = await client.line()
        assert re.fullmatch(
            r"1: first audio after 0\.\d{3} s, 4852 bytes, 0\.11 s of audio, real-time factor 0\.\d{3}\n", first
        ), first
        await client.type("", "How are you?", "quit", "never spoken")
        status, out, err = await client.end()
    assert (status, err) == (0, "")
    assert [line.partition(":")[0] for line in out.splitlines()] == ["2", "speech.wav"]
    assert frames(tmp_path / "speech.wav") == tone(11) + tone(12)


async def test_lines_are_typed_on_while_one_is_spoken(tmp_path: Path) -> None:
    async with serving(tmp_path, REAL_TIME) as server, typing(tmp_path, server, "-o", "mine.wav") as client:
        await client.type("One")
        await until((tmp_path / "mine.wav").exists)
        await client.type("Two")
        assert [event.what for event in tone_of(server).journal] == ["started"]
        client.process.stdin.close()  # type: ignore[union-attr]  # the end of the input ends it as well
        status, out, err = await client.end()
    assert (status, err) == (0, "")
    assert [line[:2] for line in out.splitlines()] == ["1:", "2:", "mi"]
    assert len(frames(tmp_path / "mine.wav")) == 2 * 2 * round(0.9 * RATE)


async def test_wav_is_one_file_with_one_header(tmp_path: Path, server: Running) -> None:
    async with typing(tmp_path, server, "--format", "wav", "--sample-rate", "16000", "--voice", "tone/tone") as client:
        await client.type("Hello there.", "And again.", "QUIT")
        assert (await client.end())[0] == 0
    assert len(frames(tmp_path / "speech.wav", 16_000)) == pytest.approx(2 * 16_000 * 0.22, abs=8)


async def test_other_containers_are_kept_as_they_come(tmp_path: Path, server: Running) -> None:
    async with typing(tmp_path, server, "--format", "mp3") as client:
        await client.type("Hello there. This goes on for a while.", "quit")
        status, out, _ = await client.end()
    assert status == 0
    assert "real-time factor" not in out  # nobody has decoded it
    decoder = Decoder(Codec.MP3, RATE)
    pcm = decoder.push((tmp_path / "speech.mp3").read_bytes()) + decoder.flush()
    assert decoder.skipped == 0
    assert len(pcm) == pytest.approx(2 * RATE * 0.38, rel=0.2)


@pytest.mark.parametrize("container", ["PCM", "WAV", "MP3"])
async def test_a_local_server_s_ways_are_tolerated(tmp_path: Path, container: str) -> None:
    """A whole WAV file in each message, also for MP3, and a header that claims what was asked for."""
    options = ("--format", container, "--voice", "中文女", "--sample-rate", "16000", "--native-rate", "22050")
    async with local(token="secret") as service:
        async with run(tmp_path, CLIENT, "--url", service.url, "--token", "secret", "-o", "x.wav", *options) as client:
            await client.type("字节跳动。", "语音合成。", "quit")
            status, _, err = await client.end()
        assert [entry.detail["text"] for entry in service.all("text")] == ["字节跳动。\n", "语音合成。\n"]
    assert (status, err) == (0, "")
    expected = b"".join(speech(text, Manner(rate=RATE)) for text in ("字节跳动。\n", "语音合成。\n"))
    assert frames(tmp_path / "x.wav") == expected


async def test_a_local_server_s_failure_is_told_though_it_stays_silent(tmp_path: Path) -> None:
    async with local() as service:
        service.faults.add(Fault(kind="error", on="text", where="two"))
        async with run(tmp_path, CLIENT, "--url", service.url) as client:
            await client.type("One.")
            assert (await client.line()).startswith("1: ")
            await client.type("And two.")
            status, out, err = await client.end()
    assert status == 1
    assert_one_sentence(err, "flowing_client: the server failed with the status 50000000: Server error!")
    assert out.startswith("speech.wav: ")
    assert frames(tmp_path / "speech.wav") == speech("One.\n", Manner(rate=RATE))


async def test_ctrl_c_silences_the_engine_and_keeps_what_was_heard(tmp_path: Path) -> None:
    async with serving(tmp_path, REAL_TIME) as server, typing(tmp_path, server) as client:
        await client.type("This goes on and on.")
        await until((tmp_path / "speech.wav").exists)
        client.process.send_signal(signal.SIGINT)
        status, out, err = await client.end()
        await ended(tone_of(server), "cancelled")
    assert (status, err) == (130, "")
    assert out.startswith("speech.wav: ")
    assert 0 < len(frames(tmp_path / "speech.wav")) < 2 * RATE * 5


@pytest.mark.parametrize(
    ("script", "options", "parts"),
    [
        (CLIENT, "--url ws://127.0.0.1:9", ()),
        (CLIENT, "--url http://127.0.0.1:9/ws/v1/tts", ("http://127.0.0.1:9/ws/v1/tts",)),
        (CLIENT, "--url {url} --voice nobody", ("the server failed with the status 40000001: ", "nobody")),
        (CLIENT, "--url {url} --sample-rate 12345", ("40000001", "12345")),
        (CLIENT, "--url {url}x", ("404",)),
        (CHAT, "--url ws://127.0.0.1:9", ()),
        (CHAT, "--url {url} --voice nobody", ("the server failed with the status 40000001: ", "nobody")),
    ],
)
async def test_what_cannot_be_tried_is_one_sentence(
    tmp_path: Path, server: Running, script: Path, options: str, parts: Sequence[str]
) -> None:
    words = ["Hello", "--model", "m", "--base-url", "http://127.0.0.1:9"] if script is CHAT else []
    async with run(tmp_path, script, *shlex.split(options.format(url=websocket(server))), *words) as client:
        status, out, err = await client.end()
    assert (status, out) == (1, "")
    assert_one_sentence(err, f"{script.stem}: ", *parts)
    assert not (tmp_path / "speech.wav").exists()


# The language model ---------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def answering(
    folder: Path, server: Running, model: Model, *options: str, programs: Path | None = None
) -> AsyncIterator[Run]:
    """The example, with the variables that people have set."""
    variables = {"OPENAI_BASE_URL": model.base_url, "OPENAI_API_KEY": KEY, "OPENAI_MODEL": "gpt-test"}
    async with run(folder, CHAT, "Count!", "--url", websocket(server), *options, programs=programs, **variables) as example:
        yield example


def player(folder: Path, name: str, script: str) -> Path:
    """A folder with that program in it."""
    folder = folder / "programs"
    folder.mkdir()
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return folder


SPOKEN = tone(14) + tone(14)
"""One two three. And four five."""


async def test_the_first_sentence_is_played_before_the_last_token_is_there(tmp_path: Path, server: Running) -> None:
    heard = tmp_path / "heard.pcm"
    programs = player(tmp_path, "aplay", f'echo "$@" > options; exec {shutil.which("cat")} > {heard}')
    async with chatting(Model()) as model, answering(tmp_path, server, model, programs=programs) as example:
        await until(lambda: heard.exists() and heard.stat().st_size >= len(tone(14)))
        assert not model.gate.is_set()
        model.gate.set()
        status, out, err = await example.end()
    assert (status, out) == (0, "")
    assert heard.read_bytes() == SPOKEN
    assert "-f S16_LE -r 22050 -c 1" in (tmp_path / "options").read_text()
    answer, times = err.splitlines()
    assert answer == "One two three. And four five."
    assert re.fullmatch(r"first token after \d\.\d{3} s, first audio 0\.\d{3} s later; 7 tokens, 0\.28 s of audio", times), times
    [asked] = model.asked
    assert (asked["model"], asked["stream"]) == ("gpt-test", True)
    assert [message["role"] for message in asked["messages"]] == ["system", "user"]
    assert asked["messages"][1]["content"] == "Count!"
    assert model.keys == [f"Bearer {KEY}"]


@pytest.mark.parametrize(
    ("options", "name", "end"), [((), "speech.wav", "data: [DONE]\n\n"), (("-o", "mine.wav", "--system", ""), "mine.wav", "")]
)
async def test_without_a_player_or_at_wish_it_is_a_file(
    tmp_path: Path, server: Running, options: tuple[str, ...], name: str, end: str
) -> None:
    """The file is begun before the last token as well. A stream may end without saying so."""
    async with chatting(Model(end=end)) as model, answering(tmp_path, server, model, *options) as example:
        await until((tmp_path / name).exists)
        model.gate.set()
        status, out, err = await example.end()
    assert (status, out) == (0, "")
    assert f"\n{name} was written\n" in err
    assert frames(tmp_path / name) == SPOKEN
    assert len(model.asked[0]["messages"]) == (1 if "--system" in options else 2)


async def test_ctrl_c_ends_the_model_and_the_speech(tmp_path: Path) -> None:
    heard = tmp_path / "heard.pcm"
    programs = player(tmp_path, "paplay", f"exec {shutil.which('cat')} > {heard}")
    async with (
        serving(tmp_path, REAL_TIME) as server,
        chatting(Model()) as model,
        answering(tmp_path, server, model, programs=programs) as example,
    ):
        await until(lambda: heard.exists() and heard.stat().st_size > 0)
        example.process.send_signal(signal.SIGINT)
        status, out, err = await example.end()
        await ended(tone_of(server), "cancelled")
        await until(lambda: model.left)
    assert (status, out, err) == (130, "", "One two three. \n")
    assert heard.stat().st_size < len(tone(14)) * 30


async def test_ctrl_c_waits_for_no_audio_that_is_on_its_way(tmp_path: Path) -> None:
    """A player takes no more, the connection is full, the engine waits."""
    programs = player(tmp_path, "paplay", f"exec {shutil.which('sleep')} 60")
    yaml = TONE.replace("per_character: 0.01", "per_character: 0.25")
    async with (
        serving(tmp_path, yaml) as server,
        chatting(Model(before=["A sentence of many seconds. "] * 200)) as model,
        answering(tmp_path, server, model, programs=programs) as example,
    ):
        await ended(tone_of(server), "finished")  # more than the player and the example hold
        example.process.send_signal(signal.SIGINT)
        status, out, _ = await example.end()
        await ended(tone_of(server), "cancelled")
    assert (status, out) == (130, "")


@pytest.mark.parametrize(
    ("says", "part"),
    [
        ({"status": 401}, "the language model answered with the status 401: No such key: Bearer … Try another."),
        ({"end": 'data: {"error": {"message": "overloaded"}}\n\n'}, "the language model failed: overloaded"),
        ({"end": "data: nonsense\n\n"}, "is no event of an OpenAI-compatible chat"),
        ({"end": f"data: {'x' * 3_000_000}\n\n"}, " bytes and more; 1048576 are allowed"),
        ({"before": (), "after": ()}, "the language model said nothing"),
    ],
    ids=["refused", "failed", "nonsense", "endless", "nothing"],
)
async def test_a_model_that_fails_is_told_in_one_sentence(
    tmp_path: Path, server: Running, says: dict[str, Any], part: str
) -> None:
    async with chatting(Model(**says)) as model, answering(tmp_path, server, model, "-o", "x.wav") as example:
        model.gate.set()
        status, out, err = await example.end()
    assert (status, out) == (1, "")
    assert part in err
    assert_one_sentence(err.splitlines(keepends=True)[-1], "llm_to_speech: ")
    assert KEY not in err


async def test_a_server_that_fails_while_it_speaks_ends_the_model_too(tmp_path: Path) -> None:
    yaml = TONE.replace("per_character: 0.01", "per_character: 0.01, fail_at: 0.05")
    async with (
        serving(tmp_path, yaml) as server,
        chatting(Model()) as model,
        answering(tmp_path, server, model) as example,
    ):
        status, out, err = await example.end()
        await until(lambda: model.left)
    assert (status, out) == (1, "")
    assert "llm_to_speech: the server failed with the status " in err


async def test_a_player_that_fails_is_told(tmp_path: Path, server: Running) -> None:
    programs = player(tmp_path, "ffplay", "exec false")
    async with chatting(Model()) as model, answering(tmp_path, server, model, programs=programs) as example:
        model.gate.set()
        status, _, err = await example.end()
    assert status == 1
    assert err.endswith("llm_to_speech: the player ffplay failed; -o FILE writes a file instead.\n")


async def test_a_model_must_be_named(tmp_path: Path) -> None:
    async with run(tmp_path, CHAT, "Hello") as example:
        assert await example.end() == (1, "", "llm_to_speech: name a model: --model, or the variable OPENAI_MODEL.\n")


# What is said about them ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("script", [CLIENT, CHAT], ids=lambda script: script.name)
async def test_help_and_the_page_know_every_option(tmp_path: Path, script: Path) -> None:
    page = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    [section] = [part for part in page.split("\n## ") if part.startswith(f"`{script.name}`")]
    async with run(tmp_path, script, "--help") as example:
        status, out, err = await example.end()
    assert (status, err) == (0, "")
    assert set(re.findall(r"--[a-z]+(?:-[a-z]+)*", section)) == set(re.findall(r"--[a-z]+(?:-[a-z]+)*", out)) - {
        "--help",
        "--output",
    }
