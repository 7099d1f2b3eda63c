"""The examples of the seed's own document, as they stand there. Only its ports are ours, and its /tmp a folder of the test."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from wyoming_server.audio.encode import Container
from wyoming_server.models import AudioFormat
from wyoming_server.server import Running

from ..audio.containers import read_back
from ..serving import TONE, ended, serving, tone_of
from .openai_serving import http_of

CURL = """\
# 启动流式合成，并写入 out.mp3
curl --no-buffer -X POST \\
  http://localhost:8000/api/tts/stream \\
  -H 'Content-Type: application/json' \\
  -d '{"text":"字节跳动语音合成。","session_id":"demo"}' \\
  --output out.mp3

# 在生成过程中打断
curl -X POST http://localhost:8000/api/tts/interrupt \\
  -H 'Content-Type: application/json' \\
  -d '{"session_id":"demo"}'

# 使用相同 session_id 重新开始新任务（会自动打断旧任务）
curl --no-buffer -X POST \\
  http://localhost:8000/api/tts/stream \\
  -H 'Content-Type: application/json' \\
  -d '{"text":"新的文本","session_id":"demo"}' \\
--output out2.mp3
"""
LONG_TEXT = """\
# 长文本（英文）流式合成，并写入到 output/long_stream_1.mp3
BODY='{"text":"This is a test content used to test the technological breakthroughs and specific implementation of artificial intelligence in the field of sound cloning. The technical content includes streaming, interruption and restart, etc.", "session_id":"session-long-1"}'
curl --no-buffer -D /tmp/headers_long.txt \\
  -o output/long_stream_1.mp3 \\
  -X POST 'http://127.0.0.1:8013/api/tts/stream' \\
  -H 'Content-Type: application/json' \\
  --data "$BODY"

# 后台启动长文本流式请求，2 秒后打断并检查文件大小
BODY='{"text":"This is a test content used to test the technological breakthroughs and specific implementation of artificial intelligence in the field of sound cloning. The technical content includes streaming, interruption and restart, etc.", "session_id":"session-long-2sec"}'
(curl -sS -o output/long_stream_2sec.mp3 -X POST 'http://127.0.0.1:8013/api/tts/stream' -H 'Content-Type: application/json' --data "$BODY" & echo $! > /tmp/stream_pid.txt)
sleep 2
curl -sS -X POST 'http://127.0.0.1:8013/api/tts/interrupt' -H 'Content-Type: application/json' --data '{"session_id":"session-long-2sec"}'
ls -lh output/long_stream_2sec.mp3
"""  # noqa: E501  # as it stands there
PYTHON = """\
import requests

url = 'http://localhost:8000/api/tts/stream'
payload = {"text": "流式音频测试", "session_id": "demo"}
with requests.post(url, json=payload, stream=True) as r:
    r.raise_for_status()
    sid = r.headers.get('X-Session-Id')
    print('session id:', sid)
    with open('out.mp3', 'wb') as f:
        for chunk in r.iter_content(chunk_size=8192):
            if chunk:
                f.write(chunk)

# 打断当前任务
requests.post('http://localhost:8000/api/tts/interrupt', json={"session_id": "demo"})
"""
HALF_WAY = "# 后台启动长文本流式请求"
"""Where the second half of the long-text example begins."""
REAL_TIME = TONE.replace("per_character: 0.01", "per_character: 0.06, pace: 1")
"""As slow as somebody who speaks: a long text takes a quarter of a minute."""
FAILING = TONE.replace("per_character: 0.01", "per_character: 0.1, fail_at: 0.3")
BROKEN_BY_CURL = {18, 56}
"""A partial file; a failure in receiving."""


@dataclass(frozen=True, kw_only=True)
class Ran:
    code: int
    out: str
    err: str


async def start(server: Running, folder: Path, program: str, example: str) -> asyncio.subprocess.Process:
    """An example that talks to this server, in a folder of its own."""
    port = http_of(server).urls[0].rpartition(":")[2]
    (folder / "output").mkdir(exist_ok=True)
    ours = re.sub(r":(8000|8013)\b", f":{port}", example).replace("/tmp/", f"{folder}/")
    return await asyncio.create_subprocess_exec(
        program,
        "-c",
        ours,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONIOENCODING": "utf-8", "no_proxy": "*"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def run(server: Running, folder: Path, program: str, example: str) -> Ran:
    return await outcome(await start(server, folder, program, example))


async def outcome(process: asyncio.subprocess.Process) -> Ran:
    async with asyncio.timeout(30):
        out, err = await process.communicate()
    assert process.returncode is not None
    return Ran(code=process.returncode, out=out.decode(), err=err.decode())


def seconds(file: Path) -> float:
    """Of a whole MP3."""
    read = read_back(file.read_bytes(), Container.MP3, AudioFormat(rate=22_050))
    return read.frames / read.rate


def blocks(example: str) -> list[str]:
    return example.strip().split("\n\n")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The client's, beside the server's."""
    folder = tmp_path / "client"
    folder.mkdir()
    return folder


async def test_the_commands_one_after_the_other(server: Running, folder: Path) -> None:
    ran = await run(server, folder, "bash", CURL)
    assert ran.code == 0
    assert json.loads(ran.out)["code"] == "unknown_session"  # a text this short was spoken already
    assert seconds(folder / "out.mp3") == pytest.approx(0.09, abs=0.1)
    assert seconds(folder / "out2.mp3") > 0


async def test_the_commands_at_the_same_time(tmp_path: Path, folder: Path) -> None:
    speak, interrupt, anew = blocks(CURL)
    async with serving(tmp_path, REAL_TIME.replace("0.06", "0.5")) as server:
        speaking = await start(server, folder, "bash", speak)
        await ended(tone_of(server), "started", within=10)
        assert json.loads((await run(server, folder, "bash", interrupt)).out) == {"ok": True}
        assert (await outcome(speaking)).code == 0
        assert seconds(folder / "out.mp3") < 4
        again = await start(server, folder, "bash", speak)
        await ended_twice(server, "started")
        assert (await run(server, folder, "bash", anew)).code == 0
        assert (await outcome(again)).code == 0
    assert seconds(folder / "out.mp3") < 4
    assert seconds(folder / "out2.mp3") == pytest.approx(2, abs=0.1)


async def ended_twice(server: Running, what: str) -> None:
    """The journal tells it a second time."""
    journal = tone_of(server).journal
    async with asyncio.timeout(10):
        while [event.what for event in journal].count(what) < 2:  # noqa: ASYNC110  # there is nothing else to wait for
            await asyncio.sleep(0.01)


async def test_the_long_text_is_saved_whole(server: Running, folder: Path) -> None:
    whole, _, _ = LONG_TEXT.partition(HALF_WAY)
    ran = await run(server, folder, "bash", whole)
    assert ran.code == 0
    assert seconds(folder / "output" / "long_stream_1.mp3") == pytest.approx(0.01 * len(spoken(whole)), abs=0.2)
    headers = (folder / "headers_long.txt").read_text().lower()
    assert headers.startswith("http/1.1 200 ok")
    assert "content-type: audio/mpeg" in headers
    assert "x-session-id: session-long-1" in headers


async def test_the_long_text_is_interrupted_after_two_seconds(tmp_path: Path, folder: Path) -> None:
    _, comment, delayed = LONG_TEXT.partition(HALF_WAY)
    async with serving(tmp_path, REAL_TIME) as server:
        ran = await run(server, folder, "bash", comment + delayed)
        await ended(tone_of(server), "cancelled")
    assert ran.code == 0
    answer, listing = ran.out.strip().split("}", 1)
    assert json.loads(answer + "}") == {"ok": True}
    assert listing.endswith("output/long_stream_2sec.mp3")
    assert 1 < seconds(folder / "output" / "long_stream_2sec.mp3") < 4


def spoken(example: str) -> str:
    """The text of its request."""
    text: str = json.loads(example.partition("BODY='")[2].partition("'")[0])["text"]
    return text


async def test_the_python_client(server: Running, folder: Path) -> None:
    ran = await run(server, folder, sys.executable, PYTHON)
    assert (ran.code, ran.out, ran.err) == (0, "session id: demo\n", "")
    assert seconds(folder / "out.mp3") == pytest.approx(0.06, abs=0.1)


# What the seed's service did wrong


async def test_curl_tells_a_failure_in_the_middle(tmp_path: Path, folder: Path) -> None:
    async with serving(tmp_path, FAILING) as server:
        ran = await run(server, folder, "bash", blocks(CURL)[0])
    assert ran.code in BROKEN_BY_CURL
    assert (folder / "out.mp3").stat().st_size > 0


async def test_the_python_client_raises_on_a_failure_in_the_middle(tmp_path: Path, folder: Path) -> None:
    async with serving(tmp_path, FAILING) as server:
        ran = await run(server, folder, sys.executable, PYTHON)
    assert ran.code == 1
    assert "requests.exceptions.ChunkedEncodingError" in ran.err


async def test_the_python_client_raises_on_a_failure_before_any_audio(tmp_path: Path, folder: Path) -> None:
    async with serving(tmp_path, FAILING.replace("0.3", "0")) as server:
        ran = await run(server, folder, sys.executable, PYTHON)
    assert ran.code == 1
    assert "requests.exceptions.HTTPError: 502" in ran.err


async def test_a_stalled_engine_is_interrupted_all_the_same(tmp_path: Path, folder: Path) -> None:
    speak, interrupt, _ = blocks(CURL)
    async with serving(tmp_path, TONE.replace("0.01", "1, stall_at: 0.5")) as server:
        speaking = await start(server, folder, "bash", speak)
        await ended(tone_of(server), "started", within=10)
        assert json.loads((await run(server, folder, "bash", interrupt)).out) == {"ok": True}
        assert (await outcome(speaking)).code == 0
        await ended(tone_of(server), "cancelled")
    assert seconds(folder / "out.mp3") < 1


async def test_an_interrupt_after_a_restart_silences_the_new_one(tmp_path: Path, folder: Path) -> None:
    speak, interrupt, anew = blocks(CURL)
    async with serving(tmp_path, TONE.replace("0.01", "1, stall_at: 0.5")) as server:
        first = await start(server, folder, "bash", speak)
        await ended(tone_of(server), "started", within=10)
        second = await start(server, folder, "bash", anew)
        await ended_twice(server, "started")
        assert (await outcome(first)).code == 0
        assert json.loads((await run(server, folder, "bash", interrupt)).out) == {"ok": True}
        assert (await outcome(second)).code == 0
    assert seconds(folder / "out2.mp3") < 1
