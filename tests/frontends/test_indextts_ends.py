"""How things go wrong at the IndexTTS front end: wrong requests, engines that fail, clients that leave, servers that stop."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from wyoming_server.engines.base import EngineEvent, Utterance
from wyoming_server.errors import HeraldError
from wyoming_server.frontends.indextts import outbox, speaking
from wyoming_server.frontends.indextts.connection import BYTES_MAX, TASKS_MAX
from wyoming_server.server import Running

from ..serving import serving, tone, tone_of, until
from ..standstill import awake
from .indextts_client import REQUEST, IndexClient, connected
from .indextts_serving import VOICES, alone, journal, replace_engine


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    async with serving(tmp_path, VOICES) as server:
        yield server


@pytest.fixture
async def client(server: Running) -> AsyncIterator[IndexClient]:
    async with connected(server) as client:
        yield client


# Wrong requests

NO_EMOTION = "emo_mode text 不适用于音色 tone/tone：引擎 tone 没有情感控制，只能用 none"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"text": ""}, "缺少有效的 text"),
        ({"text": " \n"}, "缺少有效的 text"),
        ({"text": None}, "缺少有效的 text"),
        ({"text": 3}, "缺少有效的 text"),
        ({"text": "a" * 50_001}, "text 过长：50001 个字符，最多 50000 个"),
        ({"emo_mode": "loud"}, "emo_mode 必须是 none/audio/vector/text"),
        ({"emo_mode": ["none"]}, "emo_mode 必须是 none/audio/vector/text"),
        ({"emo_mode": "audio"}, "情感参考音频模式需要提供 emo_audio"),
        ({"emo_mode": "vector"}, "情感向量模式需要提供 emo_vector"),
        ({"emo_mode": "vector", "emo_vector": [1, 0]}, "emo_vector 必须是 8 个数字"),
        ({"emo_mode": "vector", "emo_vector": [2, 0, 0, 0, 0, 0, 0, 0]}, "emo_vector 的值范围是 0.0-1.0，收到 2"),
        ({"emo_mode": "text"}, "情感文本引导模式需要提供 emo_text"),
        ({"emo_mode": "text", "emo_text": "x", "emo_alpha": 2}, "emo_alpha 的值范围是 0.0-1.0，收到 2"),
        ({"emo_mode": "text", "emo_text": "x"}, NO_EMOTION),
        ({"interval_silence": -1}, "interval_silence 必须是 0 到 60000 的整数，收到 -1"),
        ({"max_tokens": "many"}, "max_tokens 必须是 1 到 10000 的整数，收到 'many'"),
        ({"use_random": 1}, "use_random 必须是 true 或 false，收到 1"),
        ({"prompt_audio": "/etc/passwd"}, "There is no voice '/etc/passwd'. `herald voices` lists them all."),
        ({"type": "tts"}, "type 必须是 tts_stream 或 task_status，收到 'tts'"),
        ({"type": None}, "type 必须是 tts_stream 或 task_status，收到 None"),
    ],
    ids=lambda value: json.dumps(value)[:50] if isinstance(value, dict) else "",
)
async def test_a_wrong_request_is_told_and_the_connection_goes_on(
    client: IndexClient, fields: dict[str, Any], words: str
) -> None:
    await client.ask(**fields)
    assert await client.failure() == words
    assert (await client.say("Hello.")).pcm == tone(6)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("", "not JSON"),
        ("nonsense", "not JSON"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "not a JSON object"),
        ("null", "not a JSON object"),
        (b"RIFF", "A binary message of 4 bytes"),
        ('{"x": "%s"}' % ("x" * (1 << 20)), "1048585 characters; 1048576 are allowed"),
        ('{"x": "%s"}' % ("好" * (1 << 20)), "1048585 characters; 1048576 are allowed"),
    ],
    ids=lambda value: repr(value)[:20],
)
async def test_a_message_that_is_none_is_told_and_the_connection_goes_on(
    client: IndexClient, message: str | bytes, words: str
) -> None:
    await client.socket.send(message)
    assert words in await client.failure()
    assert (await client.say("Hello.")).pcm == tone(6)


async def test_a_message_beyond_all_measure_closes_the_connection(server: Running, client: IndexClient) -> None:
    await client.running(prompt_audio="stalls")
    with contextlib.suppress(ConnectionClosed):  # nobody reads the rest of it
        await client.socket.send("x" * (BYTES_MAX + 1))
    assert await client.closed() == 1009
    await until(lambda: journal(tone_of(server)) == ["started", "cancelled"])


async def test_a_connection_has_only_so_many_tasks_that_have_not_ended(client: IndexClient) -> None:
    await client.running(prompt_audio="stalls")
    for _ in range(TASKS_MAX - 1):
        await client.queued()
    await client.ask()
    assert await client.failure() == "未完成的任务过多：100 个，每个连接最多 100 个"


async def test_wrong_requests_without_end_do_not_fill_the_log(client: IndexClient, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(10):
        await client.socket.send("nonsense")
        await client.failure()
    assert len([record for record in caplog.records if record.levelno >= logging.INFO]) == 1


async def test_no_text_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with serving(tmp_path, VOICES) as server, connected(server) as client:
        await client.say("Nobody may read this.", prompt_audio="fails")
        await client.ask("Nobody may read this.", emo_mode="text", emo_text="Nor this.")
        await client.failure()
    assert "fail" in caplog.text
    assert "this" not in caplog.text.replace("as its script says", "")


# Engines that fail


async def test_a_failure_says_its_task_and_the_connection_goes_on(client: IndexClient) -> None:
    heard = await client.say("a" * 50, prompt_audio="fails")
    assert heard.names == ["queued", "start", "error"]
    assert heard.last["task_id"] == heard.messages[0]["task_id"]
    assert (await client.say("Hello.")).pcm == tone(6)


async def test_an_engine_that_is_not_available_is_a_model_that_could_not_be_loaded(client: IndexClient) -> None:
    heard = await client.say(prompt_audio="unavailable")
    assert heard.last["message"] == "模型加载失败：The engine tone failed at 0.00 s, as its script says."
    assert "task_id" in heard.last


async def test_a_failure_frees_the_turn(server: Running, client: IndexClient) -> None:
    async with connected(server) as other:
        await client.ask("a" * 50, prompt_audio="fails")
        await other.ask("Hello.")
        assert (await other.heard()).pcm == tone(6)


@pytest.mark.parametrize("foreign", [ValueError, ConnectionResetError, TimeoutError, StopAsyncIteration, asyncio.CancelledError])
@pytest.mark.parametrize("after", [0, 1])
async def test_a_defect_is_a_failure_of_the_server_and_ends_the_connection(
    server: Running, client: IndexClient, monkeypatch: pytest.MonkeyPatch, foreign: type[BaseException], after: int
) -> None:
    async def speak(text: str, utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
        for _ in range(after):
            yield tone(10)
        raise foreign

    replace_engine(server, monkeypatch, speak)
    task_id = await client.running()
    async with connected(server) as other:
        message = await client.message()
        if "task_id" in message:  # the engines' base has words for it
            assert (message["status"], message["task_id"]) == ("error", task_id)
        else:
            assert message == {
                "status": "error",
                "session_id": client.session_id,
                "message": "服务器错误：Herald failed; its log says why.",
            }
            assert await client.closed() == 1000
        assert (await other.status(task_id))["status"] == "failed"


async def test_a_defect_cancels_the_connections_other_tasks_and_nobody_elses(
    server: Running, client: IndexClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def speak(text: str, utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
        yield tone(10)
        if text.startswith("a"):
            raise ZeroDivisionError

    replace_engine(server, monkeypatch, speak)
    async with connected(server) as other:
        await client.ask("a defect")
        await client.ask("b")
        await other.ask("b")
        heard = await client.heard(ends=9)
        assert heard.last["message"].startswith("服务器错误")
        assert "audio" not in heard.names
        second = [message["task_id"] for message in heard.messages if message.get("type") == "queued"][1:]
        assert (await other.heard()).pcm == tone(10)
        for task_id in second:
            assert (await other.status(task_id))["status"] == "cancelled"


@pytest.mark.parametrize("foreign", [asyncio.CancelledError, HeraldError])
async def test_a_cancellation_that_nobody_asked_for_and_an_error_without_a_meaning_are_defects(
    server: Running, client: IndexClient, monkeypatch: pytest.MonkeyPatch, foreign: type[BaseException]
) -> None:
    async def speak(text: object, utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
        yield tone(10)
        raise foreign

    monkeypatch.setattr(tone_of(server), "_speak", speak)
    heard = await client.say()
    words = "服务器错误：Herald failed; its log says why."
    assert heard.last == {"status": "error", "session_id": client.session_id, "message": words}
    assert await client.closed() == 1000


async def test_an_error_of_nobodys_is_told_to_the_server_s_log(
    server: Running, client: IndexClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def speak(text: object, utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
        yield tone(10)
        raise ZeroDivisionError

    monkeypatch.setattr(tone_of(server), "_speak", speak)
    await client.say()
    await client.closed()
    assert "ZeroDivisionError" in caplog.text


async def test_audio_beyond_the_limit_is_a_failure_with_both_numbers(
    client: IndexClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speaking, "AUDIO_MAX", 44_144)
    heard = await client.say("a" * 200)
    assert heard.names == ["queued", "start", "error"]
    assert "最多 44100 字节（1 秒）" in heard.last["message"]
    assert (await client.say("a" * 90)).pcm == tone(90)


# Clients that leave


async def leave(client: IndexClient, how: str) -> None:
    if how == "closes":
        await client.socket.close()
    elif how == "hangs up":
        client.socket.transport.abort()
    elif how == "resets":
        client.reset()
    else:
        client.socket.transport.write_eof()


@pytest.mark.parametrize("how", ["closes", "hangs up", "resets", "says no more"])
async def test_a_client_that_leaves_frees_its_turn_at_once(server: Running, how: str) -> None:
    async with connected(server) as client, connected(server) as next_one:
        await client.running(prompt_audio="stalls")
        await client.queued(prompt_audio="stalls")
        await client.queued(prompt_audio="stalls")
        await next_one.queued("Hello.")
        left = awake()
        await leave(client, how)
        assert (await next_one.heard()).pcm == tone(6)
        assert awake() - left < 0.5
        assert journal(tone_of(server)) == ["started", "cancelled", "started", "finished"]


async def test_a_client_that_leaves_while_it_waits_in_line_is_never_spoken(server: Running) -> None:
    async with connected(server) as other:
        async with connected(server) as first:
            await first.running(prompt_audio="stalls")
            async with connected(server) as leaver:
                left = await leaver.queued("b")
            while (await other.status(left))["status"] != "cancelled":
                pass
        assert (await other.say()).names[-1] == "end"
    assert journal(tone_of(server)) == ["started", "cancelled", "started", "finished"]


async def test_a_client_that_leaves_right_behind_its_requests_leaves_nothing(tmp_path: Path) -> None:
    async with alone(tmp_path) as server:
        before = asyncio.all_tasks()
        for number in range(5):
            async with connected(server.http) as client:
                for _ in range(number):
                    await client.socket.send(json.dumps(REQUEST))
        await asyncio.wait_for(server.sessions.until_idle(), 5)
        await until(lambda: asyncio.all_tasks() <= before)
        assert not list(server.sessions)


async def test_a_task_is_cancelled_at_once_though_its_engine_is_slow_to_end(
    server: Running, client: IndexClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, free = asyncio.Event(), asyncio.Event()

    async def speak(text: str, utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
        yield tone(10)
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await free.wait()

    replace_engine(server, monkeypatch, speak)
    async with connected(server) as leaver:
        task_id = await leaver.running("stay")
        await begun.wait()
        leaver.reset()
        async with asyncio.timeout(5):
            while (await client.status(task_id))["status"] != "cancelled":
                pass
        free.set()


# Clients that don't read


async def test_a_client_that_does_not_read_delays_nobody(server: Running) -> None:
    async with connected(server) as idle, connected(server) as next_one:
        idle.socket.transport.pause_reading()
        await idle.ask("a" * 100, prompt_audio="long")  # 44 MB
        await until(lambda: journal(tone_of(server)) == ["started", "finished"])
        start = awake()
        assert (await next_one.say("Hello.")).pcm == tone(6)
        assert awake() - start < 0.5


async def test_a_client_that_does_not_read_is_given_up(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with alone(tmp_path, write_timeout=0.2) as server, connected(server.http) as client:
        client.socket.transport.pause_reading()
        await client.ask("a" * 50, prompt_audio="long")
        await until(lambda: "reads no more, given up" in caplog.text, within=5)
        await until(lambda: not list(server.sessions))


async def test_for_a_client_that_does_not_read_only_so_much_is_made(tmp_path: Path) -> None:
    async with alone(tmp_path, write_timeout=2) as server, connected(server.http) as client:
        client.socket.transport.pause_reading()
        for _ in range(6):
            await client.ask("a" * 40, prompt_audio="long")  # 18 MB each
        await until(lambda: journal(server.engine).count("finished") == 1)
        async with connected(server.http) as other:
            assert (await other.say()).pcm == tone(6)
        assert journal(server.engine) == ["started", "finished"] * 2
        client.socket.transport.resume_reading()
        heard = await client.heard(ends=6)
        assert len(heard.wavs) == 6


async def test_a_client_that_asks_without_reading_is_not_read_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(outbox, "BEHIND_MAX", 100_000)
    async with alone(tmp_path, write_timeout=0.2) as server, connected(server.http) as client:
        client.socket.transport.pause_reading()
        with contextlib.suppress(Exception):  # it is cut while it writes
            async with asyncio.timeout(10):
                while True:
                    await client.socket.send("x" * 1_000)
        assert "reads no more, given up" in caplog.text


async def test_a_client_that_reads_slowly_gets_all_of_its_wav(tmp_path: Path) -> None:
    async with alone(tmp_path, write_timeout=0.15) as server, connected(server.http) as client:
        transport = client.socket.transport
        transport.pause_reading()
        await client.ask("a" * 30, prompt_audio="long")  # 13 MB
        heard = asyncio.create_task(client.heard())
        while not heard.done():
            transport.resume_reading()
            for _ in range(2):
                await asyncio.sleep(0)  # it reads once
            transport.pause_reading()
            await asyncio.sleep(0.01)
        assert (await heard).names == ["queued", "start", "audio", "end"]


async def test_a_client_that_says_good_bye_and_does_not_read_frees_its_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "BEHIND_MAX", 1 << 30)
    async with alone(tmp_path) as server, connected(server.http) as client:
        client.socket.transport.pause_reading()
        await client.ask("a" * 50, prompt_audio="long")
        await client.ask(prompt_audio="stalls")
        await until(lambda: journal(server.engine) == ["started", "finished", "started"])
        client.socket.transport.write(b"\x88\x80\0\0\0\0")
        await until(lambda: journal(server.engine)[-1] == "cancelled", within=5)


# Interrupts


async def told_of_its_end(client: IndexClient, task_id: str) -> None:
    assert await client.message() == {
        "status": "error",
        "task_id": task_id,
        "session_id": client.session_id,
        "message": "任务已取消",
    }
    status = await client.status(task_id)
    assert (status["status"], status["error_message"]) == ("cancelled", "任务已取消")


async def test_whoever_knows_a_task_can_end_it_while_it_runs(tmp_path: Path) -> None:
    async with alone(tmp_path) as server, connected(server.http) as client:
        task_id = await client.running(prompt_audio="stalls")
        await until(lambda: journal(server.engine) == ["started"])
        assert server.sessions.interrupt(task_id)
        await told_of_its_end(client, task_id)
        assert not server.sessions.interrupt(task_id)
        assert (await client.say("Hello.")).pcm == tone(6)
        assert journal(server.engine) == ["started", "cancelled", "started", "finished"]


async def test_whoever_knows_a_task_can_end_it_while_it_waits(tmp_path: Path) -> None:
    async with alone(tmp_path) as server, connected(server.http) as client:
        running = await client.running(prompt_audio="stalls")
        task_id = await client.queued()
        assert server.sessions.interrupt(task_id)
        await told_of_its_end(client, task_id)
        assert journal(server.engine) == ["started"]
        assert server.sessions.interrupt(running)
        await told_of_its_end(client, running)
        assert journal(server.engine) == ["started", "cancelled"]


async def test_a_task_that_has_ended_cannot_be_interrupted(tmp_path: Path) -> None:
    async with alone(tmp_path) as server, connected(server.http) as client:
        task_id = (await client.say()).last["task_id"]
        assert not server.sessions.interrupt(task_id)


async def test_an_engine_that_is_slow_to_end_delays_the_next_but_no_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, free = asyncio.Event(), asyncio.Event()

    async def speak(text: str, utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
        yield tone(10)
        if text == "stay":
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                await free.wait()

    async with alone(tmp_path) as server, connected(server.http) as client, connected(server.http) as other:
        monkeypatch.setattr(server.engine, "speak_sentence", speak)
        task_id = await client.running("stay")
        waiting = await other.queued("go")
        await begun.wait()
        server.sessions.interrupt(task_id)
        await told_of_its_end(client, task_id)
        assert (await other.status(waiting))["status"] == "pending"
        free.set()
        assert (await other.heard()).pcm == tone(10)


# The server's end


async def test_a_shutdown_is_told_to_whoever_waits_or_is_spoken_to(tmp_path: Path) -> None:
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving(tmp_path, VOICES))
        engine = tone_of(server)
        assert server.indextts is not None
        async with connected(server) as one, connected(server.indextts, "") as other, connected(server) as idle:
            tasks = {one: await one.running(prompt_audio="stalls"), other: await other.queued()}
            await until(lambda: journal(engine) == ["started"])
            closing = asyncio.create_task(stack.aclose())
            for client, task_id in tasks.items():
                message = await client.message()
                assert message["task_id"] == task_id
                assert message["message"] == "服务正在关闭：Herald is shutting down."
                assert await client.closed() == 1001
            assert await idle.closed() == 1001
            await asyncio.wait_for(closing, 3)
    assert journal(engine) == ["started", "cancelled"]


async def test_what_is_asked_of_a_server_that_stops_is_refused(tmp_path: Path) -> None:
    async with alone(tmp_path) as server, connected(server.http) as client:
        server.sessions.close()
        await client.ask()
        assert await client.failure() == "服务正在关闭：Herald is shutting down."
        assert len(server.tasks) == 0
