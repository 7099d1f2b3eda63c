"""The OpenSpeech simulator keeps the rules of v3: shown with bytes written by hand."""

from __future__ import annotations

import json
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from .checks import V1_PCM, assert_refused, audio, decoded
from .openspeech import V3, Account, Fault, OpenSpeechSimulator, Style, Told, log_id
from .openspeech.raw import (
    KEYS,
    TEXT,
    VOICE_1,
    VOICE_2,
    rest,
    v1_connection,
    v3_connection,
    v3_message,
)
from .speech.audio import Manner, speech


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (400, {key: value for key, value in KEYS.items() if key != "X-Api-Resource-Id"}),
        (401, {key: value for key, value in KEYS.items() if key != "X-Api-App-Key"}),
        (401, {key: value for key, value in KEYS.items() if key != "X-Api-App-Id"}),
        (403, KEYS | {"X-Api-Access-Key": "another"}),
        (403, {"X-Api-Key": "another", "X-Api-Resource-Id": "seed-tts-2.0"}),
        (101, {"X-Api-Key": "api-key", "X-Api-Resource-Id": "seed-tts-2.0"}),
    ],
)
async def test_v3_looks_at_the_handshake(service: OpenSpeechSimulator, status: int, headers: dict[str, str]) -> None:
    try:
        async with connect(service.url + "/api/v3/tts/bidirection", additional_headers=headers, proxy=None) as line:
            assert line.response is not None
            response = line.response
    except InvalidStatus as refused:
        response = refused.response
        assert json.loads(response.body or b"")["message"]
    assert response.status_code == status
    assert response.headers["X-Tt-Logid"] == log_id(1)


async def test_another_path_is_not_found(service: OpenSpeechSimulator) -> None:
    with pytest.raises(InvalidStatus, match="404"):
        await connect(service.url + "/api/v2/tts", proxy=None)


async def test_v3_speaks_each_sentence_as_soon_as_it_is_whole(service: OpenSpeechSimulator) -> None:
    async with v3_connection(service) as client:
        session = await client.start()
        assert (await client.receive()).number == 150
        await client.text(session, "One", " two. Thr", "ee")
        first = await client.until(351)
        await client.send(102, session)
        second = await client.until(152)
    assert [message.number for message in first] == [350, 352, 352, 351]
    assert first[0].document == {"text": "One two."}
    assert second[0].document == {"text": " Three"}
    assert second[-1].document["status_code"] == 20000000
    assert audio(first) + audio(second) == speech("One two.", Manner()) + speech(" Three", Manner())
    assert {message.name for message in first + second} == {session}


async def test_v3_holds_one_session_after_the_other(service: OpenSpeechSimulator) -> None:
    async with v3_connection(service) as client:
        assert audio(await client.speak(TEXT)) == audio(await client.speak(TEXT)) == V1_PCM
        await client.send(2)
        assert (await client.receive()).number == 52
    assert (service.counters.connections_ever, service.counters.sessions_ever) == (1, 2)
    assert service.counters.characters == 2 * len(TEXT)


@pytest.mark.parametrize("style", [Style(gzip=True), Style(extension=bytes(56))])
async def test_v3_takes_every_liberty(service: OpenSpeechSimulator, style: Style) -> None:
    service.change(style=style)
    async with v3_connection(service) as client:
        assert audio(await client.speak(TEXT)) == V1_PCM


@pytest.mark.parametrize("encoding", ["mp3", "ogg_opus"])
async def test_v3_speaks_in_the_encoding_that_was_asked_for(service: OpenSpeechSimulator, encoding: str) -> None:
    async with v3_connection(service) as client:
        encoded = audio(await client.speak(TEXT, format=encoding, sample_rate=16_000))
    assert decoded(encoded) == pytest.approx(len(TEXT) * 0.06, abs=0.1)


async def test_a_connection_on_which_nothing_happens_is_closed(service: OpenSpeechSimulator) -> None:
    service.change(idle_timeout=0.02)
    async with v1_connection(service) as line:
        assert await rest(line) == []
    assert (await service.saw("closed")).detail == {"by": "simulator", "code": 1000}


async def test_v3_tells_when_words_are_spoken_as_the_voice_can(service: OpenSpeechSimulator) -> None:
    wanted = {"enable_timestamp": True, "enable_subtitle": True}
    async with v3_connection(service) as client:
        second = [message for message in await client.speak("One.", "Two.", **wanted) if message.number in (351, 364)]
    async with v3_connection(service, X_Api_Resource_Id="seed-tts-1.0") as client:
        first = [
            message for message in await client.speak("One.", "Two.", speaker=VOICE_1, **wanted) if message.number in (351, 364)
        ]
    assert [message.number for message in second] == [364, 351, 364, 351]
    assert [message.number for message in first] == [351, 351]
    two = [{"word": "Two", "startTime": 0.24, "endTime": 0.42, "confidence": 0.9}]
    assert second[2].document["words"] == first[1].document["words"] == two


@pytest.mark.parametrize(
    ("told", "start"),
    [
        (V3["mismatch"], {"speaker": VOICE_1}),
        (V3["mismatch"], {"speaker": "nobody"}),
        (V3["invalid"], {"speaker": ""}),
        (V3["invalid"], {"format": "wav"}),
        (V3["invalid"], {"sample_rate": 11_025}),
        (V3["invalid"], {"speech_rate": 101}),
        (V3["invalid"], {"additions": {"silence_duration": 0}}),
        (V3["invalid"], {"additions": '{"post_process": {"pitch": 13}}'}),
    ],
)
async def test_v3_refuses_a_session_and_keeps_the_connection(
    service: OpenSpeechSimulator, told: Told, start: dict[str, Any]
) -> None:
    async with v3_connection(service) as client:
        [failed] = await client.speak(TEXT, **start)
        assert (failed.kind, failed.number, failed.name) == (9, 153, client.sessions[0])
        assert failed.document["status_code"] == told.code
        assert failed.document["message"].startswith(told.message)
        assert audio(await client.speak(TEXT, additions='{"silence_duration": 0}')) == V1_PCM


async def test_v3_refuses_what_the_account_has_not(service: OpenSpeechSimulator) -> None:
    service.change(account=Account(voices=frozenset({VOICE_1}), parallel=0))
    async with v3_connection(service) as client:
        [denied] = await client.speak(TEXT)
        service.change(account=Account(parallel=0))
        [full] = await client.speak(TEXT)
        service.change(account=Account(resources=frozenset()))
        [ungranted] = await client.speak(TEXT)
    documents = [message.document for message in (denied, full, ungranted)]
    assert [(document["status_code"], document["message"]) for document in documents] == [
        (45000000, "speaker permission denied"),
        (45000000, "quota exceeded for types: concurrency"),
        (45000030, "requested resource not granted"),
    ]


async def test_v3_refuses_a_session_id_that_it_has_seen_on_any_connection(service: OpenSpeechSimulator) -> None:
    start = {"req_params": {"speaker": VOICE_2}}
    for number in (150, 153):
        async with v3_connection(service) as client:
            await client.send(100, "again", start)
            assert (await client.receive()).number == number


async def test_v3_has_one_session_at_a_time(service: OpenSpeechSimulator) -> None:
    async with v3_connection(service) as client:
        first = await client.start()
        assert (await client.receive()).number == 150
        second = await client.start()
        refused = await client.receive()
        assert (refused.number, refused.name) == (153, second)
        await client.text(first, TEXT)
        await client.send(102, first)
        assert audio(await client.until(152)) == V1_PCM


async def test_v3_stays_silent_when_text_comes_before_the_session_started(service: OpenSpeechSimulator) -> None:
    service.faults.add(Fault(kind="stall"))
    async with v3_connection(service) as client:
        session = await client.start()
        await client.text(session, TEXT)
        await service.saw("refused")
        service.faults.go_on()
        assert (await client.receive()).number == 150
        await client.send(102, session)
        assert [message.number for message in await client.until(152)] == [152]


async def test_v3_ends_a_session_whose_text_is_missing(service: OpenSpeechSimulator) -> None:
    async with v3_connection(service) as client:
        session = await client.start()
        assert (await client.receive()).number == 150
        await client.send(200, session, {"text": TEXT})
        failed = await client.receive()
        assert (failed.number, failed.document["status_code"]) == (153, 45000001)
        assert audio(await client.speak(TEXT)) == V1_PCM


@pytest.mark.parametrize(
    "message",
    [
        "text",
        v3_message(100, "early"),
        v3_message(352, "up"),
        b"\x11\x10" + v3_message(1)[2:],
        b"\x11\x14\x00" + v3_message(1)[3:],
        v3_message(1) + b"\x00",
        v3_message(1)[:-1],
    ],
)
async def test_v3_ends_a_connection_that_begins_wrongly(service: OpenSpeechSimulator, message: bytes | str) -> None:
    async with connect(service.url + "/api/v3/tts/bidirection", additional_headers=KEYS, proxy=None) as line:
        await line.send(message)
        assert_refused(service, await rest(line), V3["invalid"])


async def test_v3_stops_at_once_when_a_session_is_cancelled(service: OpenSpeechSimulator) -> None:
    service.change(pace=1)
    async with v3_connection(service) as client:
        session = await client.start()
        await client.until(150)
        await client.text(session, TEXT * 10)
        await client.send(102, session)
        await client.until(352)
        await client.send(101, session)
        await client.until(151)
        cancelled = await service.saw("cancelled")
        assert cancelled.detail["by"] == "CancelSession"
        assert cancelled.characters == service.counters.characters < len(TEXT)
        service.change(pace=0)
        assert audio(await client.speak(TEXT)) == V1_PCM
    assert not service.all("refused")
