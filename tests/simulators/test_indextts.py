"""The IndexTTS service does what it was seen to do, or what its document says: shown with messages written by hand."""

from __future__ import annotations

import asyncio
import json
import struct
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect

from .indextts import RATE, Fault, IndexttsSimulator, simulator, speech, wav
from .indextts.raw import MANNERS, REQUEST, TEXT, WHOLE, Client, client, names
from .indextts.sound import seconds


@pytest.fixture
async def service() -> AsyncIterator[IndexttsSimulator]:
    async with simulator() as service:
        yield service


@pytest.fixture
async def documented() -> AsyncIterator[IndexttsSimulator]:
    async with simulator(manner="document") as service:
        yield service


def stall(service: IndexttsSimulator, **where: Any) -> None:
    """The model, until `go_on()`."""
    service.faults.add(Fault(kind="stall", on="model", **where))


async def the_documents_client(uri: str, text: str, emo_mode: str) -> bytes | None:
    """The seed's example, without its prints and without torchaudio."""
    async with connect(uri, max_size=None) as ws:
        assert json.loads(await ws.recv())["message"] == "已连接到 IndexTTS WebSocket"
        request: dict[str, Any] = {
            "type": "tts_stream",
            "text": text,
            "prompt_audio": "asset/zero_shot_prompt.wav",
            "emo_mode": emo_mode,
            "interval_silence": 200,
            "max_tokens": 120,
            "use_random": False,
        }
        if emo_mode == "vector":
            request["emo_vector"] = [0.8, 0.0, 0.0, 0.0, 0.0, 0.0, 0.2, 0.0]
        elif emo_mode == "text":
            request["emo_text"] = "我很开心"
            request["emo_alpha"] = 0.9
        await ws.send(json.dumps(request, ensure_ascii=False))
        audio_data, task_id = None, None
        async for msg in ws:
            if isinstance(msg, bytes):
                audio_data = msg
                continue
            data = json.loads(msg)
            if data.get("type") == "queued":
                task_id = data["task_id"]
            elif data.get("type") == "end":
                assert data["task_id"] == task_id
                break
            elif data.get("status") == "error":
                raise AssertionError(data.get("message"))
        return audio_data


@pytest.mark.parametrize("manner", MANNERS)
@pytest.mark.parametrize("emo_mode", ["none", "vector", "text"])
async def test_the_documents_client_gets_its_wav(service: IndexttsSimulator, manner: str, emo_mode: str) -> None:
    service.change(manner=manner)
    assert await the_documents_client(service.url, TEXT, emo_mode) == wav(speech(TEXT))
    assert [request["emo_mode"] for request in service.requests] == [emo_mode]
    assert not service.all("refused")


@pytest.mark.parametrize("manner", MANNERS)
async def test_a_request_is_answered_in_the_documents_order_and_words(service: IndexttsSimulator, manner: str) -> None:
    service.change(manner=manner)
    async with connect(service.url) as line:
        welcome = json.loads(await line.recv())
        assert set(welcome) == {"status", "session_id", "message", "usage"}
        opened = Client(line=line)
        queued, start, audio, end = await opened.speak()
        again = await opened.speak("Two.")
    for message, words in zip((queued, start, end), ("任务已加入队列，等待处理", "开始生成音频", "生成完成"), strict=True):
        assert (message["session_id"], message["task_id"]) == (welcome["session_id"], queued["task_id"])
        assert (set(message), message["message"]) == ({"type", "task_id", "session_id", "message"}, words)
    assert audio == wav(speech(TEXT))
    assert struct.unpack_from("<I", audio, 24) == (RATE,)
    assert names(again) == WHOLE
    assert again[0]["task_id"] != queued["task_id"]
    assert [entry.task for entry in service.all("completed")] == [queued["task_id"], again[0]["task_id"]]


async def test_sound_lasts_as_long_as_its_text_and_the_model_takes_its_time(service: IndexttsSimulator) -> None:
    service.change(delay=0.02, rtf=0.05, rate=16_000)
    async with client(service.url + "/any/path?x=1") as opened:
        begin = asyncio.get_running_loop().time()
        messages = await opened.speak()
    assert asyncio.get_running_loop().time() - begin >= 0.02 + 0.05 * seconds(TEXT)
    assert len(messages[2]) == 44 + 2 * len(TEXT) * round(16_000 * 0.06)
    assert service.all("handshake")[0].detail["path"] == "/any/path?x=1"


# What the real one does -----------------------------------------------------------------------------------------------------


async def test_while_the_model_works_nobody_is_heard(service: IndexttsSimulator) -> None:
    stall(service)
    async with client(service.url) as speaker, client(service.url) as asker:
        await speaker.ask()
        queued, _ = await speaker.until("start")
        await asker.ask_status(queued["task_id"])
        pong = await asker.line.ping()
        third = asyncio.create_task(_welcomed(service))
        await service.saw("connected", 3)
        answer = asyncio.create_task(asker.receive())
        done, waiting = await asyncio.wait([third, answer, asyncio.ensure_future(pong)], timeout=0.05)
        assert (len(done), len(waiting)) == (0, 3)
        assert (len(service.all("handshake")), service.all("status"), service.pings) == (2, [], 0)
        service.faults.go_on()
        assert (await answer)["status"] == "completed"
        await pong
        assert (await third)["status"] == "success"


async def _welcomed(service: IndexttsSimulator) -> Any:
    async with client(service.url, is_welcome=False) as opened:
        return await opened.receive()


async def test_queued_comes_right_before_start(service: IndexttsSimulator) -> None:
    stall(service)
    async with client(service.url) as first, client(service.url) as second:
        await first.ask("One.")
        await first.until("start")
        await second.ask("Two.")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await second.line.recv()
        service.faults.go_on()
        assert names(await second.until("end")) == WHOLE
    order = [(entry.what, entry.connection) for entry in service.journal if entry.what in ("queued", "start", "completed")]
    steps = ("queued", "start", "completed")
    assert order == [*((what, 1) for what in steps), *((what, 2) for what in steps)]


async def test_a_request_runs_on_for_nobody_and_delays_the_next(service: IndexttsSimulator) -> None:
    stall(service)
    async with client(service.url) as first, client(service.url) as second, client(service.url) as third:
        await first.ask("One.")
        await first.until("start")
        await second.ask("Two.")
        await third.ask("Three.")
        first.vanish()
        second.vanish()
        await service.saw("closed", 2)
        assert [entry.what for entry in service.journal].count("start") == 1
        service.faults.go_on()
        assert names(await third.until("end")) == WHOLE
    [nobody], [completed] = service.all("for nobody"), service.all("completed")
    assert (nobody.connection, completed.connection) == (1, 3)
    assert [entry.connection for entry in service.all("dropped")] == [2]
    assert {job.text: job.status for job in service.jobs.values()}["One."] == "completed"
    assert len(service.all("start")) == 2


async def test_a_close_frame_is_answered_only_when_the_model_has_finished(service: IndexttsSimulator) -> None:
    stall(service)
    async with client(service.url) as opened:
        await opened.ask()
        await opened.until("start")
        closing = asyncio.create_task(opened.line.close())
        done, _ = await asyncio.wait([closing], timeout=0.05)
        assert not done
        service.faults.go_on()
        await closing
    assert (await service.saw("closed")).detail == {"by": "close frame", "code": 1000}
    assert service.all("for nobody") or service.all("completed")


# What its document says -----------------------------------------------------------------------------------------------------


async def test_the_documents_queue_is_told_at_once_and_its_status_is_live(documented: IndexttsSimulator) -> None:
    stall(documented)
    async with client(documented.url) as first, client(documented.url) as second:
        await first.ask("One.")
        running = (await first.until("start"))[0]["task_id"]
        await second.ask("Two.")
        pending = (await second.until("queued"))[0]["task_id"]
        statuses = {}
        for task_id in (running, pending):
            await second.ask_status(task_id)
            statuses[task_id] = await second.receive()
        assert [status["status"] for status in statuses.values()] == ["running", "pending"]
        assert set(statuses[running]) == set("type session_id task_id status created_at completed_at error_message".split())
        assert (statuses[running]["completed_at"], statuses[running]["error_message"]) == (None, None)
        assert datetime.fromisoformat(statuses[running]["created_at"]).tzinfo is None
        await (await second.line.ping())
        documented.faults.go_on()
        assert names(await second.until("end")) == WHOLE[1:]
        await second.ask_status(pending)
        assert (await second.receive())["status"] == "completed"


async def test_one_connection_may_ask_for_several_things_at_once(documented: IndexttsSimulator) -> None:
    stall(documented)
    async with client(documented.url) as opened:
        for text in ("One.", "Two.", "Three."):
            await opened.ask(text)
        await documented.saw("queued", 3)
        documented.faults.go_on()
        messages = [message for _ in range(3) for message in await opened.until("end")]
    assert [message for message in messages if isinstance(message, bytes)] == [wav(speech(t)) for t in ("One.", "Two.", "Three.")]


async def test_the_document_cancels_what_nobody_waits_for(documented: IndexttsSimulator) -> None:
    stall(documented)
    async with client(documented.url) as first, client(documented.url) as second, client(documented.url) as third:
        await first.ask("One.")
        await first.until("start")
        await second.ask("Two.")
        await second.until("queued")
        await third.ask("Three.")
        second.vanish()
        await documented.saw("cancelled")
        first.vanish()
        assert names(await third.until("end")) == WHOLE
    assert [(job.text, job.status) for job in documented.jobs.values()] == [
        ("One.", "cancelled"),
        ("Two.", "cancelled"),
        ("Three.", "completed"),
    ]


async def test_only_the_document_needs_a_prompt(service: IndexttsSimulator) -> None:
    async with client(service.url) as opened:
        assert names(await opened.speak(prompt_audio=None, emo_mode=None)) == WHOLE
    service.change(manner="document")
    async with client(service.url) as opened:
        assert "prompt_audio" in (await opened.speak(prompt_audio=None))[0]["message"]


# What it refuses ------------------------------------------------------------------------------------------------------------

ROWS = [
    ({"text": None}, "缺少有效的 text"),
    ({"text": "  "}, "缺少有效的 text"),
    ({"text": 5}, "缺少有效的 text"),
    ({"emo_mode": "joy"}, "emo_mode 必须是 none/audio/vector/text"),
    ({"emo_mode": "audio"}, "情感参考音频模式需要提供 emo_audio"),
    ({"emo_mode": "vector"}, "情感向量模式需要提供 emo_vector"),
    ({"emo_mode": "text"}, "情感文本引导模式需要提供 emo_text"),
    ({"type": "speak"}, "type"),
    ({"task_id": "mine"}, "task_id"),
    ({"emo_alpha": 1.0}, "emo_alpha"),
    ({"emo_mode": "vector", "emo_vector": [0.1] * 8, "emo_alpha": 1.0}, "emo_alpha"),
    ({"emo_mode": "vector", "emo_vector": [0.1] * 7}, "eight"),
    ({"emo_mode": "vector", "emo_vector": [0.1] * 7 + [1.1]}, "eight"),
    ({"emo_mode": "vector", "emo_vector": [0.1] * 7 + [True]}, "eight"),
    ({"emo_mode": "audio", "emo_audio": "a.wav", "emo_text": "x"}, "emo_text"),
    ({"emo_mode": "text", "emo_text": "x", "emo_alpha": 1.5}, "emo_alpha"),
    ({"interval_silence": "200"}, "interval_silence"),
    ({"interval_silence": 200.0}, "interval_silence"),
    ({"max_tokens": True}, "max_tokens"),
    ({"max_tokens": 0}, "max_tokens"),
    ({"use_random": 0}, "use_random"),
    ({"prompt_audio": 7}, "prompt_audio"),
]


@pytest.mark.parametrize(("changed", "words"), ROWS)
async def test_a_broken_rule_is_told_and_stands_in_the_journal(
    service: IndexttsSimulator, changed: dict[str, Any], words: str
) -> None:
    async with client(service.url) as opened:
        [refused] = await opened.speak(**{"text": TEXT, **changed})
        assert (refused["status"], words in refused["message"]) == ("error", True)
        assert "task_id" not in refused
        assert names(await opened.speak()) == WHOLE
    assert len(service.all("refused")) == 1
    assert service.requests == [REQUEST]


@pytest.mark.parametrize("message", ["no JSON", "[]", b"binary", '{"type": "task_status"}', '{"type": null}'])
async def test_what_is_no_message_is_refused_and_the_connection_goes_on(service: IndexttsSimulator, message: str | bytes) -> None:
    async with client(service.url) as opened:
        await opened.line.send(message)
        assert (await opened.receive())["status"] == "error"
        assert names(await opened.speak()) == WHOLE


async def test_an_unknown_file_fails_the_task(service: IndexttsSimulator) -> None:
    service.change(prompts=["dad.wav"])
    async with client(service.url) as opened:
        queued, _, error = await opened.speak()
        assert error["task_id"] == queued["task_id"]
        assert "asset/zero_shot_prompt.wav" in error["message"]
        assert names(await opened.speak(prompt_audio="dad.wav", emo_mode="audio", emo_audio="sad.wav")) == [
            "queued",
            "start",
            "error",
        ]
        assert names(await opened.speak(prompt_audio="dad.wav")) == WHOLE
        await opened.ask_status(queued["task_id"])
        status = await opened.receive()
        assert (status["status"], status["error_message"]) == ("failed", error["message"])
        await opened.ask_status("nobody's")
        assert (await opened.receive())["task_id"] == "nobody's"


async def test_it_runs_as_a_process_of_its_own() -> None:
    root = Path(__file__).parents[2]
    arguments = ["-m", "tests.simulators.indextts", "--delay", "0.01", "--rate", "16000"]
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, cwd=root, stdin=PIPE, stdout=PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    port = int(await process.stdout.readline())
    async with client(f"ws://127.0.0.1:{port}") as opened:
        assert names(await opened.speak()) == WHOLE
    process.stdin.close()
    journal = [json.loads(line)["what"] async for line in process.stdout]
    assert await process.wait() == 0
    steps = ["connected", "handshake", "opened", "request", "queued", "start", "audio", "completed", "closed"]
    assert journal == steps
