"""The examples in docs/, run as anybody would run them: as processes, here against the simulated service."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.simulators.openspeech import Fault, OpenSpeechSimulator, simulator
from wyoming_server.audio.decode import Codec, Decoder

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "docs" / "examples" / "openspeech.py"
README = SCRIPT.with_name("README.md").read_text(encoding="utf-8")
ACCOUNT = {"OPENSPEECH_APPID": "1234567890", "OPENSPEECH_TOKEN": "access-token"}
RATE = 24_000


@dataclass(frozen=True, kw_only=True)
class Ran:
    code: int
    out: str
    err: str


async def ran(command: list[str], folder: Path, **variables: str) -> Ran:
    """A Python program in `folder`, with these variables and none of the user's that it could read."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OPENSPEECH_", "HERALD_"))}
    environment |= {"PYTHONPATH": str(ROOT), "XDG_CONFIG_HOME": str(folder), "XDG_STATE_HOME": str(folder), **variables}
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, cwd=folder, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return Ran(code=process.returncode, out=out.decode(), err=err.decode())


async def example(folder: Path, sim: OpenSpeechSimulator, **variables: str) -> Ran:
    return await ran([str(SCRIPT)], folder, **{**ACCOUNT, "OPENSPEECH_HOST": sim.url, **variables})


def written(folder: Path) -> list[str]:
    """The audio files."""
    return [path.name for path in folder.iterdir() if path.suffix in {".mp3", ".wav"}]


def spoken(path: Path) -> bytes:
    """PCM of an MP3 file."""
    decoder = Decoder(Codec.MP3, RATE)
    pcm = decoder.push(path.read_bytes()) + decoder.flush()
    assert decoder.skipped == 0
    return pcm


async def test_both_operations_of_openspeech_make_the_same_speech(tmp_path: Path) -> None:
    async with simulator() as sim:
        done = await example(tmp_path, sim)
    assert (done.code, done.err) == (0, "")
    submitted, queried = tmp_path / "test_submit.mp3", tmp_path / "test_query.mp3"
    assert done.out.splitlines() == [
        f"submit: {submitted.stat().st_size} bytes in test_submit.mp3",
        f"query: {queried.stat().st_size} bytes in test_query.mp3",
    ]
    assert len(spoken(submitted)) > RATE  # half a second
    assert spoken(submitted) == spoken(queried)
    asked = [entry.detail["body"]["request"]["operation"] for entry in sim.all("request")]
    assert asked == ["submit", "query"]


async def test_a_refusal_of_openspeech_is_one_sentence_and_touches_no_file(tmp_path: Path) -> None:
    (tmp_path / "test_submit.mp3").write_bytes(b"of yesterday")
    async with simulator() as sim:
        done = await example(tmp_path, sim, OPENSPEECH_TOKEN="stale-token")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("openspeech: the service refused it with the code 3001: ")
    assert done.err.count("\n") == 1
    assert "stale-token" not in done.err
    assert written(tmp_path) == ["test_submit.mp3"]
    assert (tmp_path / "test_submit.mp3").read_bytes() == b"of yesterday"


async def test_a_cloned_voice_of_openspeech_speaks_on_its_cluster(tmp_path: Path) -> None:
    async with simulator() as sim:
        done = await example(tmp_path, sim, OPENSPEECH_CLUSTER="volcano_icl", OPENSPEECH_VOICE_TYPE="S_nLVvYpzH1")
    assert (done.code, done.err) == (0, "")
    assert [entry.detail["body"]["audio"]["voice_type"] for entry in sim.all("request")] == ["S_nLVvYpzH1"] * 2


async def test_what_openspeech_told_before_it_failed_can_be_played(tmp_path: Path) -> None:
    async with simulator() as sim:
        sim.faults.add(Fault(kind="error", on="audio", after=0.3, code=3030))
        done = await example(tmp_path, sim)
    assert (done.code, done.out) == (1, "")
    assert "with the code 3030: " in done.err
    assert spoken(tmp_path / "test_submit.mp3")
    assert not (tmp_path / "test_query.mp3").exists()


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"OPENSPEECH_TOKEN": ""}, "openspeech: set OPENSPEECH_APPID and OPENSPEECH_TOKEN: "),
        ({"OPENSPEECH_HOST": "ws://127.0.0.1:9"}, "openspeech: "),
        ({"OPENSPEECH_HOST": "127.0.0.1:9"}, "openspeech: "),
        ({"OPENSPEECH_HOST": "http://127.0.0.1:9"}, "openspeech: "),
    ],
)
async def test_what_cannot_be_tried_is_one_sentence(tmp_path: Path, variables: dict[str, str], words: str) -> None:
    done = await ran([str(SCRIPT)], tmp_path, **{**ACCOUNT, **variables})
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(words)
    assert done.err.count("\n") == 1


async def herald(folder: Path, sim: OpenSpeechSimulator, command: str, **variables: str) -> Ran:
    return await ran(
        ["-m", "wyoming_server", *shlex.split(command)], folder, **{**ACCOUNT, "OPENSPEECH_HOST": sim.url, **variables}
    )


async def test_herald_say_does_the_same_with_the_variables_alone(tmp_path: Path) -> None:
    commands = [line.removeprefix("herald ") for line in README.splitlines() if line.startswith("herald say")]
    voice = {"OPENSPEECH_VOICE_TYPE": "zh_female_wanwanxiaohe_moon_bigtts"}
    async with simulator() as sim:
        done = [await herald(tmp_path, sim, f"{command} -q", **voice) for command in commands]
    assert done == [Ran(code=0, out="", err="")] * 2
    asked = [entry.detail["body"] for entry in sim.all("request")]
    assert [body["request"]["operation"] for body in asked] == ["submit", "query"]
    assert {(body["audio"]["encoding"], body["audio"]["voice_type"]) for body in asked} == {("mp3", *voice.values())}
    submitted, queried = spoken(tmp_path / "test_submit.mp3"), spoken(tmp_path / "test_query.mp3")
    assert len(submitted) == len(queried) > RATE // 2


async def test_a_cloned_voice_needs_consent_in_the_environment_or_on_the_command_line(tmp_path: Path) -> None:
    clone = {"OPENSPEECH_VOICE_TYPE": "S_nLVvYpzH1", "OPENSPEECH_CLUSTER": "volcano_icl"}
    async with simulator() as sim:
        refused = await herald(tmp_path, sim, "say x -o x.wav", **clone)
        assert (sim.counters.connections_ever, written(tmp_path)) == (0, [])
        stated = await herald(tmp_path, sim, "say 你好。 -o x.wav", **clone, OPENSPEECH_CONSENT="true")
        typed = await herald(tmp_path, sim, "say 你好。 -o x.wav --consent", **clone)
    assert refused.code == 2
    assert refused.err.endswith("If that person agreed, set OPENSPEECH_CONSENT=true.\n")
    assert (stated.code, typed.code) == (0, 0)


async def test_herald_check_tells_good_credentials_from_bad_and_is_charged_nothing(tmp_path: Path) -> None:
    async with simulator() as sim:
        good = await herald(tmp_path, sim, "check openspeech")
        bad = await herald(tmp_path, sim, "check openspeech", OPENSPEECH_TOKEN="stale-token")
        quiet = sim.counters.connections_ever
        unasked = await herald(tmp_path, sim, "check", OPENSPEECH_TOKEN="stale-token")
        assert sim.counters.connections_ever == quiet
        assert sim.counters.characters == 0
    assert good.code == 0
    assert "\nCredentials    accepted by ws://" in good.out
    assert bad.code == 1
    assert "\nCredentials    WRONG: The credentials are wrong or have expired: " in bad.out
    assert "stale-token" not in bad.out + bad.err
    assert unasked.code == 0
