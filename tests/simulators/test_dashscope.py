"""The DashScope simulator keeps its rules: shown with messages written by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from websockets.exceptions import InvalidStatus

from wyoming_server.protocols.dashscope import decode_server, encode_client
from wyoming_server.protocols.dashscope_task import Task
from wyoming_server.protocols.flowing_events import Completed, Finish, SentenceEnd, ServerEvent, Start, Text

from .checks import decoded
from .dashscope import DASHSCOPE, Account, DashScopeSimulator, Fault, Told, simulator
from .dashscope.raw import KEY, TEXT, client, run_payload, speak
from .duplex.raw import Got, audio, names
from .speech.audio import Manner, speech

RATE = 22_050
PCM = speech(TEXT, Manner(rate=RATE))


@pytest.fixture
async def service() -> AsyncIterator[DashScopeSimulator]:
    async with simulator() as service:
        yield service


def assert_failed(service: DashScopeSimulator, messages: list[Got], told: Told) -> None:
    failed = messages[-1]
    assert failed.name == "task-failed"
    assert failed.header["error_code"] == told.code
    assert [entry.detail["code"] for entry in service.all("refused")] == [told.code]
    assert service.counters.sessions == 0


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (KEY, 101),
        ({"Authorization": "bearer sk-api-key", "X-DashScope-WorkSpace": "ws"}, 101),
        ({}, 401),
        ({"Authorization": "sk-api-key"}, 401),
        ({"Authorization": "Bearer sk-another"}, 401),
        (KEY | {"X-DashScope-WorkSpace": "another"}, 403),
    ],
)
async def test_the_handshake_has_a_key(service: DashScopeSimulator, headers: dict[str, str], status: int) -> None:
    service.change(account=Account(workspaces=frozenset({"ws"})))
    try:
        async with client(service, headers=headers) as opened:
            assert opened.line.response is not None
            answer = opened.line.response.status_code
    except InvalidStatus as refused:
        answer = refused.response.status_code
    assert answer == status


async def test_it_buffers_fragments_and_splits_them_itself(service: DashScopeSimulator) -> None:
    async with client(service) as opened:
        await opened.start()
        await opened.text("One", " two. Thr", "ee")
        first = await opened.until("result-generated")
        assert first[0].payload["output"] == {
            "sentence": {"index": 0, "words": []},
            "type": "sentence-begin",
            "original_text": "One two.",
        }
        await opened.finish()
        rest = await opened.until("task-finished")
    assert audio(rest) == speech("One two.", Manner(rate=RATE)) + speech(" Three", Manner(rate=RATE))
    kinds = [message.payload["output"]["type"] for message in rest if message.name == "result-generated"]
    assert [kind for kind in kinds if kind != "sentence-synthesis"] == ["sentence-end", "sentence-begin", "sentence-end"]
    assert kinds.count("sentence-synthesis") == sum(message.name == "audio" for message in rest)


async def test_a_chinese_character_is_billed_twice(service: DashScopeSimulator) -> None:
    messages = await speak(service, "中A文123。字")
    assert messages[-1].payload["usage"] == {"characters": 11}
    usages = [message.payload["usage"]["characters"] for message in messages if "usage" in message.payload]
    assert usages == [9, 11, 11]


@pytest.mark.parametrize("container", ["pcm", "wav", "mp3", "opus"])
async def test_the_format_is_the_one_that_was_asked_for(service: DashScopeSimulator, container: str) -> None:
    heard = audio(await speak(service, TEXT, format=container, sample_rate=16_000))
    if container == "pcm":
        assert heard == speech(TEXT, Manner(rate=16_000))
    else:
        assert decoded(heard) == pytest.approx(len(TEXT) * 0.06, abs=0.2)


async def test_the_sdk_leaves_the_format_open(service: DashScopeSimulator) -> None:
    heard = audio(await speak(service, TEXT, format="Default", sample_rate=0))
    assert heard == speech(TEXT, Manner(encoding="mp3", rate=RATE))


async def test_volume_speed_and_pitch_are_honoured(service: DashScopeSimulator) -> None:
    heard = audio(await speak(service, TEXT, volume=100, rate=0.5, pitch=2.0))
    assert heard == speech(TEXT, Manner(rate=RATE, loudness=2, speed=0.5, semitones=12))


async def test_words_come_when_they_are_asked_for(service: DashScopeSimulator) -> None:
    messages = await speak(service, "One two.", word_timestamp_enabled=True)
    [end] = [message for message in messages if message.payload.get("output", {}).get("type") == "sentence-end"]
    two = {"text": "two", "begin_index": 4, "end_index": 7, "begin_time": 240, "end_time": 420}
    assert end.payload["output"]["sentence"]["words"][1] == two


async def test_it_agrees_with_our_codec(service: DashScopeSimulator) -> None:
    task_id = uuid4().hex
    start = Start(task_id=task_id, payload=Task(model="cosyvoice-v2", voice="longwan_v2").payload())
    events: list[ServerEvent] = []
    async with client(service) as opened:
        await opened.line.send(encode_client(start))
        await opened.line.recv()
        await opened.line.send(encode_client(Text(task_id=task_id, text="One")))
        await opened.line.send(encode_client(Text(task_id=task_id, text="")))
        while not events or not isinstance(events[-1], SentenceEnd):
            events.append(decode_server(await opened.line.recv()))
        await opened.line.send(encode_client(Finish(task_id=task_id)))
        assert decode_server(await opened.line.recv()) == Completed(task_id=task_id, characters=3)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"model": "cosyvoice-v9"}, "model"),
        ({"voice": "longwan"}, "voice"),
        ({"model": "cosyvoice-v1"}, "voice"),
        ({"model": "cosyvoice-v1", "voice": "cosyvoice-v2-me-1"}, "voice"),
        ({"voice": None}, "parameter"),
        ({"function": "SpeechRecognizer"}, "parameter"),
        ({"task": None}, "parameter"),
        ({"input": None}, "parameter"),
        ({"text_type": "Text"}, "parameter"),
        ({"sample_rate": 12_000}, "parameter"),
        ({"volume": 50.5}, "parameter"),
        ({"rate": 2.1}, "parameter"),
        ({"pitch": "1"}, "parameter"),
        ({"format": "PCM"}, "parameter"),
    ],
)
async def test_a_task_is_looked_at(service: DashScopeSimulator, changes: dict[str, Any], name: str) -> None:
    async with client(service) as opened:
        failed = await opened.start(**changes)
        assert_failed(service, [failed, *await opened.rest()], DASHSCOPE[name])
        assert failed.header["task_id"] == ("" if name == "parameter" and changes == {"input": None} else opened.task_id)


@pytest.mark.parametrize(
    ("model", "voice"), [("cosyvoice-v1", "longwan"), ("cosyvoice-v2", "cosyvoice-v2-me-1"), ("cosyvoice-v3-plus", "longanyang")]
)
async def test_a_voice_belongs_to_a_model(service: DashScopeSimulator, model: str, voice: str) -> None:
    assert (await speak(service, TEXT, model=model, voice=voice))[-1].name == "task-finished"


@pytest.mark.parametrize("header", [{"task_id": "short"}, {"streaming": "out"}, {"action": "stop-task"}])
async def test_headers_are_looked_at(service: DashScopeSimulator, header: dict[str, Any]) -> None:
    async with client(service) as opened:
        await opened.line.send(opened.message(**{"action": "run-task"} | header, payload=run_payload()))
        assert_failed(service, await opened.rest(), DASHSCOPE["parameter"])


@pytest.mark.parametrize("message", ["no JSON", "[]", "{}", b"binary"])
async def test_what_is_no_message_ends_the_connection(service: DashScopeSimulator, message: str | bytes) -> None:
    async with client(service) as opened:
        await opened.line.send(message)
        assert_failed(service, await opened.rest(), DASHSCOPE["parameter"])


async def _text_first(opened: Any) -> None:
    await opened.text(TEXT)


async def _two_tasks_at_once(opened: Any) -> None:
    await opened.start()
    await opened.send("run-task", run_payload(), task_id=str(uuid4()))


async def _a_task_twice(opened: Any) -> None:
    await opened.speak(TEXT)
    await opened.send("run-task", run_payload())


async def _a_foreign_id(opened: Any) -> None:
    await opened.start()
    await opened.send("continue-task", {"input": {"text": TEXT}}, task_id=str(uuid4()))


async def _text_after_the_end(opened: Any) -> None:
    await opened.start()
    await opened.finish()
    await opened.text(TEXT)


@pytest.mark.parametrize("act", [_text_first, _two_tasks_at_once, _a_task_twice, _a_foreign_id, _text_after_the_end])
async def test_each_message_has_its_time(service: DashScopeSimulator, act: Any) -> None:
    async with client(service) as opened:
        await act(opened)
        assert_failed(service, await opened.rest(), DASHSCOPE["client"])


async def test_a_connection_takes_one_task_after_the_other_then_closes(service: DashScopeSimulator) -> None:
    service.change(reuse=0.1)
    async with client(service) as opened:
        for _ in range(2):
            assert audio(await opened.speak(TEXT)) == PCM
        assert await opened.rest() == []
        assert opened.line.close_code == 1000
    assert (service.counters.connections_ever, service.counters.sessions_ever) == (1, 2)
    assert (await service.saw("closed")).detail["by"] == "simulator"


async def test_a_task_without_text_ends(service: DashScopeSimulator) -> None:
    service.change(text_timeout=0.05)
    async with client(service) as opened:
        await opened.start()
        await opened.text("One")
        assert_failed(service, await opened.rest(), DASHSCOPE["timeout"])
    service.change(pace=5)
    assert (await speak(service, TEXT))[-1].name == "task-finished"


@pytest.mark.parametrize(("text", "completes"), [("字" * 10_000, True), ("字" * 10_000 + "。", False), ("a" * 20_001, False)])
async def test_a_message_has_at_most_20000_characters(service: DashScopeSimulator, text: str, completes: bool) -> None:
    service.change(piece=0)
    async with client(service) as opened:
        await opened.start(format="mp3", sample_rate=8_000, rate=2)
        await opened.text(text)
        if completes:
            assert (await service.saw("text")).characters == len(text)
        else:
            assert_failed(service, await opened.rest(), DASHSCOPE["parameter"])


async def test_a_task_has_a_limit_too(service: DashScopeSimulator) -> None:
    service.change(task_text_limit=10)
    async with client(service) as opened:
        await opened.start()
        await opened.text("a" * 10, "a")
        assert_failed(service, await opened.rest(), DASHSCOPE["parameter"])


async def test_a_text_must_be_there(service: DashScopeSimulator) -> None:
    async with client(service) as opened:
        await opened.start()
        await opened.send("continue-task", {"input": {}})
        assert_failed(service, await opened.rest(), DASHSCOPE["parameter"])


async def test_there_is_a_limit_of_tasks_at_once(service: DashScopeSimulator) -> None:
    service.change(account=Account(parallel=1))
    async with client(service) as opened:
        await opened.start()
        [refused] = await speak(service, TEXT)
        assert refused.header["error_code"] == "Throttling.RateQuota"


async def test_a_cancel_ends_a_task_without_more_audio(service: DashScopeSimulator) -> None:
    service.change(pace=1)
    async with client(service) as opened:
        await opened.start()
        await opened.text(TEXT)
        await opened.until("audio")
        await opened.finish(directive="cancel")
        rest = await opened.until("task-finished")
        cancelled = await service.saw("cancelled")
        assert cancelled.characters < len(TEXT)
        assert len(audio(rest)) < len(PCM)
        service.change(pace=0)
        assert audio(await opened.speak(TEXT)) == PCM


@pytest.mark.parametrize("name", DASHSCOPE)
@pytest.mark.parametrize("closes", [True, False])
async def test_it_fails_with_every_code(service: DashScopeSimulator, name: str, closes: bool) -> None:
    service.change(closes_after_failure=closes)
    service.faults.add(Fault(kind="error", told=DASHSCOPE[name]))
    async with client(service) as opened:
        [failed] = await opened.speak(TEXT)
        assert (failed.header["error_code"], failed.header["error_message"]) == (DASHSCOPE[name].code, DASHSCOPE[name].message)
        if closes:
            assert await opened.rest() == []
        else:
            assert names(await opened.speak(TEXT))[-1] == "task-finished"
