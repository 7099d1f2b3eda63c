"""The IndexTTS service as its document has it: messages, the queue, tasks, and the document's own clients."""

from __future__ import annotations

import asyncio
import re
import shutil
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from wyoming_server.audio.wav import WavReader
from wyoming_server.engines.base import EngineEvent, Utterance
from wyoming_server.frontends.indextts.tasks import KEPT
from wyoming_server.server import Running

from ..serving import serving, tone, tone_of, until
from .indextts_client import IndexClient, connected, pcm_of, url
from .indextts_serving import VOICES, alone, journal

DOCUMENT = Path(__file__).parent / "indextts_document"
EMOTIONS: dict[str, dict[str, Any]] = {
    "audio": {"emo_audio": "plain", "emo_alpha": 0.8},
    "vector": {"emo_vector": [0.8, 0, 0, 0, 0, 0, 0.2, 0]},
    "text": {"emo_text": "我太开心了！", "emo_alpha": 0.9},
}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    async with serving(tmp_path, VOICES) as server:
        yield server


@pytest.fixture
async def client(server: Running) -> AsyncIterator[IndexClient]:
    async with connected(server) as client:
        yield client


def is_uuid(text: str) -> bool:
    return str(uuid.UUID(text)) == text


# Messages


async def test_a_client_is_welcomed_with_a_session(server: Running) -> None:
    async with connected(server) as one, connected(server) as other:
        assert one.welcome == {
            "status": "success",
            "session_id": one.session_id,
            "message": "已连接到 IndexTTS WebSocket",
            "usage": '发送 {"type":"tts_stream", "text":"...", "emo_mode":"none/audio/vector/text", ...} 开始合成',
        }
        assert is_uuid(one.session_id)
        assert one.session_id != other.session_id


async def test_a_request_is_answered_in_the_documents_order(client: IndexClient) -> None:
    heard = await client.say("大家好，我现在正在体验 AI 科技！")
    assert heard.names == ["queued", "start", "audio", "end"]
    task_id = heard.messages[0]["task_id"]
    assert is_uuid(task_id)
    ids = {"task_id": task_id, "session_id": client.session_id}
    assert heard.messages == [
        {"type": "queued", **ids, "message": "任务已加入队列，等待处理"},
        {"type": "start", **ids, "message": "开始生成音频"},
        {"type": "end", **ids, "message": "生成完成"},
    ]
    assert heard.pcm


async def test_the_audio_is_one_whole_wav_of_22050_hz(client: IndexClient) -> None:
    assert (await client.say("Hello.")).pcm == tone(6)


async def test_audio_of_another_rate_is_made_22050_hz(client: IndexClient) -> None:
    assert abs(len((await client.say("a" * 100, prompt_audio="elsewhere")).pcm) - len(tone(100))) < 200


async def test_a_long_text_is_one_wav(client: IndexClient) -> None:
    heard = await client.say("A sentence. " * 500)
    reader = WavReader()
    assert len(reader.push(heard.wavs[0])) == len(heard.pcm) > len(tone(5_000))


async def test_a_text_with_nothing_to_say_is_a_wav_too(client: IndexClient) -> None:
    heard = await client.say("…")
    assert heard.names == ["queued", "start", "audio", "end"]
    assert not any(heard.pcm)


async def test_only_type_and_text_are_needed(client: IndexClient) -> None:
    await client.send(type="tts_stream", text="Hello.")
    assert (await client.heard()).pcm == tone(6)


@pytest.mark.parametrize("name", ["plain", "Plain one", "tone/tone", "asset/zero_shot_prompt.wav", "en-US", ""])
async def test_a_prompt_is_a_voice_of_the_catalogue(client: IndexClient, name: str) -> None:
    assert (await client.say("Hello.", prompt_audio=name)).pcm == tone(6)


async def test_a_connection_takes_many_requests(client: IndexClient) -> None:
    ids = set()
    for length in (3, 20, 7):
        heard = await client.say("a" * length)
        assert heard.pcm == tone(length)
        ids.add(heard.last["task_id"])
    assert len(ids) == 3


# The queue


async def test_requests_at_the_same_time_are_spoken_in_order(server: Running, client: IndexClient) -> None:
    texts = ["a" * length for length in (50, 10, 30)]
    for text in texts:
        await client.ask(text, prompt_audio="slow")
    heard = await client.heard(ends=3)
    assert heard.names[:1] == ["queued"]
    assert [pcm_of(wav) for wav in heard.wavs] == [tone(len(text)) for text in texts]
    queued = [message["task_id"] for message in heard.messages if message["type"] == "queued"]
    for step in ("start", "end"):
        assert [message["task_id"] for message in heard.messages if message["type"] == step] == queued
    assert journal(tone_of(server)) == ["started", "finished"] * 3


async def test_all_are_queued_at_once_while_one_is_spoken(client: IndexClient) -> None:
    await client.running(prompt_audio="stalls")
    for _ in range(5):
        await client.queued()


async def test_twenty_clients_are_served_one_at_a_time_first_come_first_served(server: Running) -> None:
    served: list[int] = []

    async def listen(client: IndexClient, number: int) -> None:
        assert (await client.heard()).pcm == tone(10 + number)
        served.append(number)

    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(connected(server)) for _ in range(20)]
        for number, client in enumerate(clients):
            await client.queued("a" * (10 + number), prompt_audio="slow")
        await asyncio.gather(*(listen(client, number) for number, client in enumerate(clients)))
    assert served == list(range(20))
    assert journal(tone_of(server)) == ["started", "finished"] * 20


async def test_a_client_with_many_requests_is_not_served_before_one_that_came_in_between(server: Running) -> None:
    order: list[str] = []
    async with connected(server) as many, connected(server) as one:
        await many.running(prompt_audio="slow")
        await many.queued("b" * 11)
        await one.queued("c" * 12)
        await many.ask("d" * 13)

        async def listen(client: IndexClient, ends: int) -> None:
            for _ in range(ends):
                heard = await client.heard()
                order.extend(str(len(pcm_of(wav)) // len(tone(1))) for wav in heard.wavs)

        await asyncio.gather(listen(many, 3), listen(one, 1))
    assert order.index("11") < order.index("12") < order.index("13")


async def test_each_engine_has_a_queue_of_its_own(client: IndexClient) -> None:
    await client.running(prompt_audio="stalls elsewhere")
    assert (await client.say("Hello.")).pcm == tone(6)


async def test_an_audio_is_followed_by_its_own_end(client: IndexClient) -> None:
    await client.ask("a" * 40, prompt_audio="slow")
    await client.ask("b" * 40, prompt_audio="elsewhere")
    heard = await client.heard(ends=2)
    assert all(heard.names[place + 1] == "end" for place, name in enumerate(heard.names) if name == "audio")


# Tasks


async def test_a_task_is_pending_then_running_then_completed(client: IndexClient) -> None:
    first = await client.running(prompt_audio="slower")
    second = await client.queued()
    pending, running = await client.status(second), await client.status(first)
    assert (pending["status"], running["status"]) == ("pending", "running")
    await client.heard(ends=2)
    completed = await client.status(first)
    assert completed == {
        "type": "task_status",
        "session_id": client.session_id,
        "task_id": first,
        "status": "completed",
        "created_at": running["created_at"],
        "completed_at": completed["completed_at"],
        "error_message": None,
    }
    assert running["completed_at"] is None


async def test_times_are_local_with_microseconds_and_without_a_zone(client: IndexClient) -> None:
    status = await client.status((await client.say()).last["task_id"])
    for name in ("created_at", "completed_at"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}", status[name])
        assert abs(datetime.fromisoformat(status[name]) - datetime.now()) < timedelta(seconds=30)  # noqa: DTZ005
    assert status["created_at"] <= status["completed_at"]


async def test_a_task_that_failed_says_why(client: IndexClient) -> None:
    heard = await client.say("a" * 50, prompt_audio="fails")
    assert heard.names == ["queued", "start", "error"]
    assert heard.last == {
        "status": "error",
        "task_id": heard.messages[0]["task_id"],
        "session_id": client.session_id,
        "message": "The engine tone failed at 0.02 s, as its script says.",
    }
    status = await client.status(heard.last["task_id"])
    assert (status["status"], status["error_message"]) == ("failed", heard.last["message"])
    assert status["completed_at"] is not None
    assert (await client.say()).names[-1] == "end"


async def test_the_task_of_a_client_that_left_is_cancelled(server: Running, client: IndexClient) -> None:
    async with connected(server) as other:
        running = await other.running(prompt_audio="stalls")
        pending = await other.queued()
    await until(lambda: journal(tone_of(server)) == ["started", "cancelled"])
    for task_id in (running, pending):
        status = await client.status(task_id)
        assert (status["status"], status["error_message"]) == ("cancelled", "任务已取消")


async def test_a_status_is_told_at_once_while_a_synthesis_stalls(server: Running, client: IndexClient) -> None:
    task_id = await client.running(prompt_audio="stalls")
    async with connected(server) as other:
        for asking in (client, other):
            times = []
            for _ in range(5):
                start = time.perf_counter()
                assert (await asking.status(task_id))["status"] == "running"
                times.append(time.perf_counter() - start)
            assert min(times) < 0.02


async def test_a_status_is_told_while_an_engine_that_never_waits_pours_out_audio(
    server: Running, client: IndexClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def speak(text: object, utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
        for _ in range(20_000):
            yield tone(10)

    monkeypatch.setattr(tone_of(server), "_speak", speak)
    task_id = await client.running()
    assert (await client.status(task_id))["status"] == "running"


@pytest.mark.parametrize(("task_id", "words"), [("7c9e6679-7425", "任务不存在或已清理：7c9e6679-7425"), ("", "缺少 task_id")])
async def test_an_unknown_task_is_an_error(client: IndexClient, task_id: str, words: str) -> None:
    await client.send(type="task_status", task_id=task_id)
    assert await client.failure() == words


async def test_a_task_is_forgotten_five_minutes_after_its_end(tmp_path: Path) -> None:
    async with alone(tmp_path) as server, connected(server.http) as client:
        task_id = (await client.say()).last["task_id"]
        server.clock.seconds += KEPT - 1
        assert (await client.status(task_id))["status"] == "completed"
        server.clock.seconds += 1
        await client.send(type="task_status", task_id=task_id)
        assert "任务不存在" in await client.failure()
        assert len(server.tasks) == 0


async def test_a_task_that_still_runs_is_never_forgotten(tmp_path: Path) -> None:
    async with alone(tmp_path) as server, connected(server.http) as client:
        task_id = await client.running(prompt_audio="stalls")
        server.clock.seconds += 10 * KEPT
        assert (await client.status(task_id))["status"] == "running"


# The document's own clients


@pytest.mark.parametrize("mode", ["none", "vector", "text"])
async def test_the_documents_python_client_works_as_printed(
    tmp_path: Path, server: Running, mode: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert server.indextts is not None
    code = (DOCUMENT / "python_client.txt").read_text(encoding="utf-8")
    assert "ws://127.0.0.1:8770" in code
    module: dict[str, Any] = {"__name__": "document"}
    exec(compile(code.replace("ws://127.0.0.1:8770", url(server.indextts, "")), "document", "exec"), module)  # noqa: S102
    audio = await module["synthesize"]("大家好！", mode)
    said = capsys.readouterr().out
    assert "连接成功: 已连接到 IndexTTS WebSocket" in said
    if mode == "none":
        assert pcm_of(audio) == tone(4)
        assert said.splitlines()[-1] == "生成完成"
        assert "任务已排队" in said
    else:
        assert "错误: emo_mode" in said  # the test tone feels nothing


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node")
async def test_the_documents_javascript_client_works_as_printed(tmp_path: Path, server: Running) -> None:
    assert server.indextts is not None
    code = (DOCUMENT / "javascript_client.txt").read_text(encoding="utf-8")
    script = tmp_path / "client.js"
    script.write_text(code.replace("ws://127.0.0.1:8770", url(server.indextts, "")), encoding="utf-8")
    node = await asyncio.create_subprocess_exec(
        "node", "--experimental-websocket", script, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = (text.decode() for text in await asyncio.wait_for(node.communicate(), 30))
    if "experimental-websocket" in err or "WebSocket is not defined" in err:
        pytest.skip("this Node has no WebSocket")
    assert node.returncode == 0, err
    for words in ("连接成功", "任务已排队", "开始生成音频", "收到完整音频", "生成完成"):
        assert words in out
