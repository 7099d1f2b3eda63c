"""The SAMI service's rules: what it refuses, and with which code."""

from __future__ import annotations

import json
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from wyoming_server.models import AudioFormat

from .sami import SAMI, SPEAKERS, Account, SamiSimulator, Told, simulator
from .sami.raw import SECOND, SOURCE, TARGET, WHO, Client, Got, audio, client, payload


@pytest.fixture
async def service() -> AsyncIterator[SamiSimulator]:
    async with simulator() as service:
        yield service


def assert_refused(service: SamiSimulator, messages: list[Got], told: Told) -> None:
    failed = messages[-1]
    assert (failed.name, failed.status) == ("TaskFailed", told.code)
    assert failed.document["status_text"].startswith(told.message)
    assert [entry.detail["code"] for entry in service.all("refused")] == [told.code]


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"speaker": "zh_female_nobody"}, "speaker"),
        ({"speaker": None}, "illegal payload"),
        ({"speaker": ""}, "illegal payload"),
        ({"speaker": 7}, "illegal payload"),
        ({"audio_info": None}, "illegal payload"),
        ({"audio_config": None}, "illegal payload"),
        ({"audio_info": []}, "illegal payload"),
        ({"audio_info": audio(SOURCE, sample_rate=7_999)}, "illegal payload"),
        ({"audio_config": audio(TARGET, sample_rate=48_001)}, "illegal payload"),
        ({"audio_config": audio(TARGET, sample_rate=24_000.0)}, "illegal payload"),
        ({"audio_info": audio(SOURCE, format="wav")}, "illegal payload"),
        ({"audio_info": audio(SOURCE, channel=3)}, "illegal payload"),
        ({"audio_info": audio(SOURCE, channel=True)}, "illegal payload"),
        ({"audio_info": audio(SOURCE, width=2)}, "illegal payload"),
        ({"extra": {"downstream_align": 1}}, "illegal payload"),
        ({"extra": {"align": True}}, "illegal payload"),
        ({"pitch": 2}, "illegal payload"),
    ],
)
async def test_a_payload_is_looked_at(service: SamiSimulator, changes: dict[str, Any], name: str) -> None:
    async with client(service) as opened:
        assert_refused(service, [await opened.start(**changes), *await opened.rest()], SAMI[name])
        assert opened.line.close_code == 1000


@pytest.mark.parametrize(
    ("message", "name"),
    [
        ("no JSON", "invalid data"),
        ("[]", "invalid data"),
        ("{}", "invalid data"),
        (json.dumps({**WHO, "namespace": "TTS", "event": "StartTask"}), "invalid data"),
        (json.dumps({**WHO, "event": "StopTask"}), "invalid data"),
        (json.dumps({**WHO, "event": "FinishTask"}), "invalid data"),
        (json.dumps({**WHO, "event": "StartTask", "voice": "x"}), "invalid data"),
        (json.dumps({**WHO, "event": "StartTask"}), "empty payload"),
        (json.dumps({**WHO, "event": "StartTask", "payload": "{"}), "invalid payload"),
        (json.dumps({**WHO, "event": "StartTask", "payload": payload()}), "invalid data"),
        (json.dumps({**WHO, "data": "AA*="}), "illegal data"),
        (json.dumps({**WHO, "data": "AAAA"}), "illegal data"),
        (bytes(320), "illegal data"),
        (json.dumps({**WHO, "appkey": "another", "event": "StartTask"}), "appkey"),
        (json.dumps({**WHO, "token": "", "event": "StartTask"}), "no token"),
        (json.dumps({**WHO, "token": "another", "event": "StartTask"}), "token"),
    ],
)
async def test_a_first_message_is_looked_at(service: SamiSimulator, message: str | bytes, name: str) -> None:
    async with client(service) as opened:
        await opened.line.send(message)
        assert_refused(service, await opened.rest(), SAMI[name])


async def test_a_service_that_is_not_paid_serves_nobody(service: SamiSimulator) -> None:
    service.change(account=Account(is_open=False))
    async with client(service) as opened:
        assert_refused(service, [await opened.start()], SAMI["arrears"])


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"", "empty data"),
        (bytes(3_201), "illegal data"),
        (bytes((64 << 10) + 2), "size"),
        (b"RIFF" + bytes(3_196), "illegal data"),
    ],
)
async def test_audio_is_looked_at(service: SamiSimulator, data: bytes, name: str) -> None:
    async with client(service) as opened:
        await opened.start()
        await opened.line.send(data)
        assert_refused(service, await opened.rest(), SAMI[name])


async def test_stereo_has_frames_of_four_bytes(service: SamiSimulator) -> None:
    async with client(service) as opened:
        await opened.start(audio_info=audio(AudioFormat(rate=16_000, channels=2)))
        await opened.line.send(bytes(3_202))
        assert_refused(service, await opened.rest(), SAMI["illegal data"])


async def _audio_before_the_start_is_told(opened: Client, service: SamiSimulator) -> None:
    service.change(latency=60)
    await opened.send("StartTask", payload=json.dumps(payload()))
    await opened.give(SECOND[:3_200])


async def _audio_after_the_end(opened: Client, service: SamiSimulator) -> None:
    await opened.start()
    await opened.finish()
    await opened.give(SECOND[:3_200])


async def _two_tasks(opened: Client, service: SamiSimulator) -> None:
    await opened.convert(SECOND)
    await opened.start()


async def _the_end_twice(opened: Client, service: SamiSimulator) -> None:
    await opened.start()
    await opened.finish()
    await opened.finish()


@pytest.mark.parametrize(
    ("act", "name"),
    [
        (_audio_before_the_start_is_told, "illegal data"),
        (_audio_after_the_end, "illegal data"),
        (_two_tasks, "invalid data"),
        (_the_end_twice, "invalid data"),
    ],
)
async def test_each_message_has_its_time(service: SamiSimulator, act: Any, name: str) -> None:
    async with client(service) as opened:
        await act(opened, service)
        await service.saw("refused")
        await opened.rest()
    assert [entry.detail["code"] for entry in service.all("refused")] == [SAMI[name].code]


async def test_a_task_has_a_longest_duration(service: SamiSimulator) -> None:
    service.change(duration_max=0.5)
    async with client(service) as opened:
        await opened.start()
        await opened.give(SECOND)
        assert_refused(service, await opened.rest(), SAMI["duration"])


@pytest.mark.parametrize("how", ["failed", "status", "body"])
async def test_a_wrong_speaker_is_told_in_one_of_three_ways(service: SamiSimulator, how: str) -> None:
    service.change(invalid_speaker=how)
    async with client(service) as opened:
        told = await opened.start(speaker="zh_nobody")
        assert await opened.rest() == []
    assert (told.name, told.status) == ({"failed": "TaskFailed", "status": "TaskStarted", "body": ""}[how], 40_000_022)
    assert told.document["status_text"] == "IllegalPayload:InvalidSpeaker"
    assert not service.all("started")


@pytest.mark.parametrize("speaker", SPEAKERS)
async def test_the_pages_ten_are_known(service: SamiSimulator, speaker: str) -> None:
    async with client(service) as opened:
        assert (await opened.start(speaker=speaker)).name == "TaskStarted"


@pytest.mark.parametrize(("headers", "status"), [({"SAMI-Token": "sami-token"}, 101), ({}, 401), ({"SAMI-Token": "x"}, 401)])
async def test_the_handshake_may_want_the_token(service: SamiSimulator, headers: dict[str, str], status: int) -> None:
    service.change(bad_token="handshake")
    body = b""
    try:
        async with client(service, additional_headers=headers) as opened:
            assert opened.line.response is not None
            answer = opened.line.response.status_code
    except InvalidStatus as refused:
        answer, body = refused.response.status_code, bytes(refused.response.body or b"")
    assert answer == status
    assert answer == 101 or json.loads(body)["status_code"] == SAMI["token"].code


async def test_there_is_one_path(service: SamiSimulator) -> None:
    with pytest.raises(InvalidStatus, match="404"):
        await connect(service.url + "/more")


async def test_a_file_sent_with_its_header_is_noticed(service: SamiSimulator, tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "in.wav"), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(SECOND)
    async with client(service) as opened:
        await opened.start()
        await opened.give((tmp_path / "in.wav").read_bytes()[:3_200])
        assert_refused(service, await opened.rest(), SAMI["illegal data"])
