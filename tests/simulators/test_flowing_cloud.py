"""The cloud of NLS keeps its rules: shown with messages written by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from wyoming_server.protocols.flowing import decode_server, encode_client
from wyoming_server.protocols.flowing_events import Completed, ServerEvent, Start, Subtitles, Text
from wyoming_server.protocols.flowing_settings import cloud_rate

from .checks import decoded
from .duplex.raw import Got, audio, names
from .flowing import NLS, Account, CloudSimulator, Fault, Shape, Told, cloud
from .flowing.cloud import cloud_speed
from .flowing.raw import TEXT, TOKEN, Client, client, speak
from .speech.audio import Manner, speech

RATE = 16_000
PCM = speech(TEXT, Manner(rate=RATE))


@pytest.fixture
async def service() -> AsyncIterator[CloudSimulator]:
    async with cloud() as service:
        yield service


def assert_failed(service: CloudSimulator, messages: list[Got], told: Told) -> None:
    failed = messages[-1]
    assert failed.name == "TaskFailed"
    assert failed.header["namespace"] == "Default"
    assert failed.header["status"] == told.code
    assert [entry.detail["code"] for entry in service.all("refused")] == [told.code]
    assert service.counters.sessions == 0


# who may speak ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "query", "status"),
    [(TOKEN, "", 101), ({}, "?token=nls-token", 101), ({}, "", 403), ({"X-NLS-Token": "x"}, "", 403), ({}, "?token=x", 403)],
)
async def test_a_token_comes_in_a_header_or_in_the_query(
    service: CloudSimulator, headers: dict[str, str], query: str, status: int
) -> None:
    try:
        async with client(service, headers=headers, query=query) as opened:
            assert opened.line.response is not None
            answer = opened.line.response.status_code
    except InvalidStatus as refused:
        answer = refused.response.status_code
    assert answer == status
    assert [entry.detail["code"] for entry in service.all("refused")] == [403] * (status == 403)


async def test_a_wrong_token_may_be_found_only_at_the_start(service: CloudSimulator) -> None:
    service.change(account=Account(bad_token="task"))
    async with client(service, headers={}) as opened:
        assert_failed(service, [await opened.start(), *await opened.rest()][:1], NLS["token"])


@pytest.mark.parametrize(("appkey", "name"), [(None, "appkey"), ("another", "appkey"), ("others-app-key", "account")])
async def test_the_appkey_is_looked_at(service: CloudSimulator, appkey: str | None, name: str) -> None:
    async with client(service, appkey=appkey) as opened:
        assert_failed(service, await opened.speak(TEXT), NLS[name])


async def test_the_appkey_is_in_every_message(service: CloudSimulator) -> None:
    async with client(service) as opened:
        await opened.start()
        await opened.send("RunSynthesis", {"text": TEXT}, appkey=None)
        assert_failed(service, await opened.rest(), NLS["appkey"])


async def test_there_is_a_limit_of_sessions_at_once(service: CloudSimulator) -> None:
    service.change(account=Account(parallel=1))
    async with client(service) as opened:
        await opened.start()
        [refused] = await speak(service, TEXT)
        assert refused.header["status"] == 40000005
    assert service.counters.sessions_most == 1


async def test_a_voice_must_be_known(service: CloudSimulator) -> None:
    service.change(account=Account(voices=frozenset({"longwan"})))
    assert_failed(service, await speak(service, TEXT, voice="longxiaochun"), NLS["voice"])
    assert (await speak(service, TEXT, voice="longwan"))[-1].name == "SynthesisCompleted"


# what is spoken ---------------------------------------------------------------------------------------------------------


async def test_it_buffers_fragments_and_splits_them_itself(service: CloudSimulator) -> None:
    async with client(service) as opened:
        await opened.start()
        await opened.text("One", " two. Thr", "ee")
        first = await opened.until("SentenceEnd")
        assert names(first) == ["SentenceBegin", "audio", "SentenceSynthesis", "audio", "SentenceEnd"]
        assert audio(first) == speech("One two.", Manner(rate=RATE))
        await opened.stop()
        rest = await opened.until("SynthesisCompleted")
    assert audio(rest) == speech(" Three", Manner(rate=RATE))
    assert [message.payload["index"] for message in first + rest if message.name == "SentenceBegin"] == [1, 2]
    assert {message.header["task_id"] for message in first + rest if message.document} == {opened.task_id}


@pytest.mark.parametrize("container", ["pcm", "wav", "mp3"])
@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 48_000])
async def test_format_and_rate_are_those_that_were_asked_for(service: CloudSimulator, container: str, rate: int) -> None:
    heard = audio(await speak(service, "One two. ", "Three four.", format=container, sample_rate=rate))
    spoken = speech("One two.", Manner(rate=rate)) + speech(" Three four.", Manner(rate=rate))
    if container == "mp3":
        assert decoded(heard) == pytest.approx(20 * 0.06, abs=0.4)
    else:
        assert heard[-len(spoken) :] == spoken
        assert len(heard) - len(spoken) == (44 if container == "wav" else 0)
    if container == "wav":
        assert decoded(heard) == pytest.approx(20 * 0.06, abs=0.01)


async def test_volume_speed_and_pitch_are_honoured(service: CloudSimulator) -> None:
    heard = audio(await speak(service, TEXT, volume=25, speech_rate=500, pitch_rate=500))
    assert heard == speech(TEXT, Manner(rate=RATE, loudness=0.5, speed=2, semitones=12))


@pytest.mark.parametrize("speed", [0.5, 0.8, 1, 1.25, 2])
def test_speed_is_understood_as_our_codec_writes_it(speed: float) -> None:
    assert cloud_speed(cloud_rate(speed)) == pytest.approx(speed, rel=0.002)


@pytest.mark.parametrize(("times_from", "begins"), [("session", 480), ("sentence", 0)])
async def test_subtitles_come_when_they_are_asked_for(service: CloudSimulator, times_from: Any, begins: int) -> None:
    service.change(piece=0.06, shape=Shape(times_from=times_from))
    messages = await speak(service, "One two.字。", enable_subtitle=True)
    told = [message.payload["subtitles"] for message in messages if message.name == "SentenceSynthesis"]
    assert [[word["text"] for word in words] for words in told] == [[], ["One"], ["two"], ["字"]]
    ends = [message.payload["subtitles"] for message in messages if message.name == "SentenceEnd"]
    word = {"text": "字", "begin_index": 0, "end_index": 1, "begin_time": begins, "end_time": begins + 60}
    assert ends[1] == [
        {**word, "text": "", "end_index": 2, "sentence": True, "phoneme_list": []},
        {**word, "sentence": False, "phoneme_list": []},
    ]


async def test_no_subtitles_come_unasked(service: CloudSimulator) -> None:
    messages = await speak(service, TEXT)
    assert [message.payload["subtitles"] for message in messages if "subtitles" in message.payload] == [[], []]


async def test_messages_may_look_as_they_were_seen(service: CloudSimulator) -> None:
    service.change(shape=Shape(success="status_text", has_session_id=False, first_index=0))
    messages = await speak(service, TEXT)
    assert ["payload" in message.document for message in (messages[0], messages[-1])] == [False, False]
    assert messages[1].payload == {"index": 0}
    assert messages[0].header["status_text"] == "Gateway:SUCCESS:Success."


async def test_it_agrees_with_our_codec(service: CloudSimulator) -> None:
    async with client(service) as opened:
        task_id = opened.task_id
        for event in (
            Start(task_id=task_id, payload={"enable_subtitle": True}),
            Text(task_id=task_id, text="One."),
        ):
            await opened.line.send(encode_client(event, appkey="app-key"))
            if isinstance(event, Start):
                await opened.line.recv()
        await opened.stop()
        events: list[ServerEvent] = []
        while not events or not isinstance(events[-1], Completed):
            events.append(decode_server(await opened.line.recv()))
    assert any(isinstance(event, Subtitles) and event.words for event in events)


# rules ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "name"),
    [
        ({"sample_rate": 12_000}, "parameter"),
        ({"sample_rate": "16000"}, "parameter"),
        ({"volume": 101}, "parameter"),
        ({"volume": 50.0}, "parameter"),
        ({"speech_rate": -501}, "parameter"),
        ({"pitch_rate": 501}, "parameter"),
        ({"enable_subtitle": 1}, "parameter"),
        ({"voice": 1}, "parameter"),
        ({"voice": ""}, "voice"),
        ({"format": "PCM"}, "directive"),
        ({"format": "opus"}, "directive"),
    ],
)
async def test_parameters_have_types_and_ranges(service: CloudSimulator, payload: dict[str, Any], name: str) -> None:
    async with client(service) as opened:
        failed = await opened.start(**payload)
        assert_failed(service, [failed, *await opened.rest()], NLS[name])
        assert failed.header["task_id"] == opened.task_id
    assert not service.all("session")


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ({"message_id": "short"}, "message"),
        ({"message_id": None}, "message"),
        ({"task_id": "G" * 32}, "message"),
        ({"task_id": None}, "message"),
        ({"namespace": "SpeechSynthesizer"}, "message"),
        ({"name": "CancelSynthesis"}, "directive"),
    ],
)
async def test_headers_are_looked_at(service: CloudSimulator, header: dict[str, Any], name: str) -> None:
    async with client(service) as opened:
        await opened.line.send(opened.message(**{"name": "StartSynthesis"} | header, payload={}))
        assert_failed(service, await opened.rest(), NLS[name])


@pytest.mark.parametrize("message", ["no JSON", "[]", "{}", b"binary", '{"header": 1}'])
async def test_what_is_no_message_ends_the_connection(service: CloudSimulator, message: str | bytes) -> None:
    async with client(service) as opened:
        await opened.line.send(message)
        assert_failed(service, await opened.rest(), NLS["message"])
        assert opened.line.close_code == 1000


async def _text_first(opened: Client) -> None:
    await opened.text(TEXT)


async def _text_too_early(opened: Client) -> None:
    await opened.send("StartSynthesis", {})
    await opened.text(TEXT)


async def _two_starts(opened: Client) -> None:
    await opened.start()
    await opened.send("StartSynthesis", {})


async def _text_after_stop(opened: Client) -> None:
    await opened.start()
    await opened.stop()
    await opened.text(TEXT)


async def _a_second_session(opened: Client) -> None:
    await opened.speak(TEXT)
    await opened.send("StartSynthesis", {}, task_id="0" * 32)


@pytest.mark.parametrize("act", [_text_first, _text_too_early, _two_starts, _text_after_stop, _a_second_session])
async def test_each_message_has_its_time(service: CloudSimulator, act: Any) -> None:
    service.change(latency=0.01, pace=5)
    async with client(service) as opened:
        await act(opened)
        assert_failed(service, await opened.rest(), NLS["state"])


async def test_ids_are_those_of_the_session_and_new_ones(service: CloudSimulator) -> None:
    async with client(service) as opened:
        await opened.start()
        await opened.send("RunSynthesis", {"text": TEXT}, task_id="0" * 32)
        assert_failed(service, await opened.rest(), NLS["message"])
    async with client(service) as again:
        again.task_id = opened.task_id
        assert (await again.start()).header["status"] == 40000002


@pytest.mark.parametrize("payload", [{}, {"text": ""}, {"text": 1}])
async def test_a_text_must_say_something(service: CloudSimulator, payload: dict[str, Any]) -> None:
    async with client(service) as opened:
        await opened.start()
        await opened.send("RunSynthesis", payload)
        assert_failed(service, await opened.rest(), NLS["directive"])


@pytest.mark.parametrize(("texts", "completes"), [(["字" * 1_000], True), (["字" * 1_000 + "."], False), (["字"] * 6, False)])
async def test_texts_have_a_limit_in_which_a_chinese_character_is_two(
    service: CloudSimulator, texts: list[str], completes: bool
) -> None:
    service.change(session_text_limit=2_000 if len(texts) == 1 else 10)
    async with client(service) as opened:
        await opened.start()
        with suppress(ConnectionClosed):
            await opened.text(*texts)
            await opened.stop()
        last = (await opened.until("SynthesisCompleted", "TaskFailed"))[-1]
    assert (last.name == "SynthesisCompleted") is completes
    if not completes:
        assert last.header["status"] == NLS["engine client"].code


async def test_a_silent_client_is_cut_off(service: CloudSimulator) -> None:
    service.change(idle_timeout=0.05)
    async with client(service) as opened:
        await opened.start()
        assert_failed(service, await opened.rest(), NLS["idle"])
    assert "'StartSynthesis'" in service.all("refused")[0].detail["message"]


async def test_a_client_that_pings_is_not_silent(service: CloudSimulator) -> None:
    service.change(idle_timeout=0.2)
    async with client(service) as opened:
        begun = await opened.start()
        for _ in range(40):
            await (await opened.line.ping())
            with suppress(TimeoutError):
                await service.saw("closed", within=0.01)
        assert not service.all("refused")
        await opened.text(TEXT)
        await opened.stop()
        assert audio(await opened.until("SynthesisCompleted")) == PCM
    assert begun.name == "SynthesisStarted"
    assert service.pings == 40


@pytest.mark.parametrize("name", NLS)
async def test_it_fails_with_every_status(service: CloudSimulator, name: str) -> None:
    service.faults.add(Fault(kind="error", told=NLS[name]))
    [failed] = await speak(service, TEXT)
    assert (failed.header["status"], failed.header["status_text"]) == (NLS[name].code, NLS[name].message)
    assert not service.all("refused")
