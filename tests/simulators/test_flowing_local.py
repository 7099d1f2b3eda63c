"""The local server does what it was seen to do, and each habit can be switched off: shown with messages written by hand."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession

from .checks import decoded
from .duplex.raw import Got, audio, names
from .flowing import CLONE_RATE, PRESET_RATE, Habits, LocalSimulator, VoiceFacts, local
from .flowing.raw import TEXT, client, speak
from .speech.audio import Manner, speech

PCM = speech(TEXT, Manner(rate=PRESET_RATE))


@pytest.fixture
async def service() -> AsyncIterator[LocalSimulator]:
    async with local() as service:
        yield service


def rate_of(wave: bytes) -> int:
    assert wave.startswith(b"RIFF")
    [rate] = struct.unpack_from("<I", wave, 24)
    assert isinstance(rate, int)
    return rate


def frames(messages: list[Got]) -> list[bytes]:
    return [message.data for message in messages if message.name == "audio"]


async def test_audio_has_the_models_rate_whatever_was_asked(service: LocalSimulator) -> None:
    assert audio(await speak(service, TEXT, sample_rate=8_000)) == PCM
    service.change(voices={"clone": VoiceFacts()})
    assert audio(await speak(service, TEXT, voice="clone")) == speech(TEXT, Manner(rate=CLONE_RATE))
    service.change(native_rate=16_000)
    assert audio(await speak(service, TEXT, voice="clone")) == speech(TEXT, Manner(rate=16_000))
    service.change(habits=Habits(keeps_own_rate=False))
    assert audio(await speak(service, TEXT, voice="clone", sample_rate=8_000)) == speech(TEXT, Manner(rate=8_000))


@pytest.mark.parametrize("container", ["WAV", "MP3", "wav"])
async def test_each_frame_of_wav_and_mp3_is_a_file_that_claims_the_asked_rate(service: LocalSimulator, container: str) -> None:
    files = frames(await speak(service, TEXT, format=container, sample_rate=8_000))
    assert len(files) > 1
    assert {rate_of(file) for file in files} == {8_000}
    assert [len(file) - 8 for file in files] == [struct.unpack_from("<I", file, 4)[0] for file in files]
    assert b"".join(file[44:] for file in files) == PCM


async def test_headers_may_tell_the_truth_and_come_once(service: LocalSimulator) -> None:
    service.change(habits=Habits(claims_asked_rate=False, header_in_every_frame=False))
    [first, *others] = frames(await speak(service, TEXT, format="WAV", sample_rate=8_000))
    assert rate_of(first) == PRESET_RATE
    assert first[44:] + b"".join(others) == PCM
    assert decoded(audio(await speak(service, TEXT, format="MP3"))) == pytest.approx(9 * 0.06, abs=0.2)


async def test_volume_and_pitch_are_ignored_and_speed_is_not(service: LocalSimulator) -> None:
    settings = {"volume": 10, "pitch_rate": 500, "speech_rate": 250}
    assert audio(await speak(service, TEXT, **settings)) == speech(TEXT, Manner(rate=PRESET_RATE, speed=1.5))
    service.change(habits=Habits(ignores_volume=False, ignores_pitch=False))
    manner = Manner(rate=PRESET_RATE, speed=1.5, loudness=0.2, semitones=12)
    assert audio(await speak(service, TEXT, **settings)) == speech(TEXT, manner)


async def test_each_run_is_one_sentence_spoken_at_once(service: LocalSimulator) -> None:
    async with client(service, appkey=None) as opened:
        await opened.start()
        await opened.text("One. Two")
        first = await opened.until("SentenceEnd")
        await opened.text(", three")
        second = await opened.until("SentenceEnd")
    assert names(first)[:2] == ["SentenceBegin", "audio"]
    assert audio(first) == speech("One. Two", Manner(rate=PRESET_RATE))
    assert audio(second) == speech(", three", Manner(rate=PRESET_RATE))
    assert first[-1].payload["subtitles"][0]["end_time"] == 8 * 200


async def test_stop_drains_then_completes_then_closes(service: LocalSimulator) -> None:
    service.change(pace=20)
    async with client(service) as opened:
        await opened.start()
        await opened.text(TEXT, TEXT)
        await opened.stop()
        messages = await opened.rest()
        assert opened.line.close_code == 1000
    assert audio(messages) == PCM + PCM
    assert messages[-1].name == "SynthesisCompleted"
    assert service.all("closed")[0].detail["by"] == "simulator"


async def test_a_failed_start_has_a_foreign_task_id_and_may_be_tried_again(service: LocalSimulator) -> None:
    async with client(service) as opened:
        failed = await opened.start(sample_rate=11_025)
        assert failed.header["status"] == 40000000
        assert failed.header["task_id"] != opened.task_id
        assert (await opened.speak(TEXT))[-1].name == "SynthesisCompleted"
    service.change(habits=Habits(foreign_task_id=False, one_status=False, stays_open=False))
    async with client(service) as opened:
        failed = await opened.start(format="OGG")
        assert (failed.header["status"], failed.header["task_id"]) == (40000001, opened.task_id)
        assert await opened.rest() == []


@pytest.mark.parametrize(("voice", "text"), [("nobody", TEXT), ("中文女", "…！"), ("中文女", "😀")])
async def test_an_unknown_voice_and_symbols_fail_only_when_they_are_spoken(
    service: LocalSimulator, voice: str, text: str
) -> None:
    async with client(service) as opened:
        assert (await opened.start(voice=voice)).name == "SynthesisStarted"
        await opened.text(text)
        messages = await opened.until("TaskFailed")
        assert names(messages) == ["SentenceBegin", "TaskFailed"]
        assert (messages[-1].header["status"], messages[-1].header["task_id"]) == (40000000, opened.task_id)
        await opened.stop()
        assert (await opened.receive()).name == "SynthesisCompleted"
    assert not service.counters.characters


async def test_an_unknown_voice_and_symbols_may_be_treated_as_documented(service: LocalSimulator) -> None:
    service.change(habits=Habits(takes_any_voice=False, fails_on_symbols=False))
    [failed] = await speak(service, TEXT, voice="nobody")
    assert failed.name == "TaskFailed"
    assert not any(audio(await speak(service, "…！")))


async def _foreign_id(opened: Any) -> None:
    await opened.start()
    await opened.send("RunSynthesis", {"text": TEXT}, task_id="0" * 32)


async def _text_first(opened: Any) -> None:
    await opened.text(TEXT)


async def _no_json(opened: Any) -> None:
    await opened.line.send("no JSON")


async def _unknown(opened: Any) -> None:
    await opened.send("CancelSynthesis")


async def _no_text(opened: Any) -> None:
    await opened.start()
    await opened.send("RunSynthesis", {})


async def _two_starts(opened: Any) -> None:
    await opened.start()
    await opened.send("StartSynthesis", {})


@pytest.mark.parametrize("act", [_foreign_id, _text_first, _no_json, _unknown, _no_text, _two_starts])
@pytest.mark.parametrize("stays_open", [True, False])
async def test_after_a_failure_the_connection_stays_open_and_silent(service: LocalSimulator, act: Any, stays_open: bool) -> None:
    service.change(habits=Habits(stays_open=stays_open))
    async with client(service) as opened:
        await act(opened)
        assert (await opened.receive()).header["status"] == 40000000
        if stays_open:
            await (await opened.line.ping())
        else:
            assert await opened.rest() == []


@pytest.mark.parametrize(
    ("headers", "query", "header_only", "is_let_in"),
    [
        ({}, "", True, False),
        ({"X-NLS-Token": "x"}, "", True, False),
        ({}, "?token=t", True, False),
        ({}, "?token=t", False, True),
        ({"X-NLS-Token": "t"}, "", True, True),
    ],
)
async def test_the_token_counts_only_in_the_header(
    service: LocalSimulator, headers: dict[str, str], query: str, header_only: bool, is_let_in: bool
) -> None:
    service.change(token="t", habits=Habits(header_only=header_only))
    async with client(service, headers=headers, query=query) as opened:
        if is_let_in:
            assert (await opened.start()).name == "SynthesisStarted"
        else:
            assert names(await opened.rest()) == ["TaskFailed"]


async def test_a_binary_message_ends_the_connection(service: LocalSimulator) -> None:
    async with client(service) as opened:
        await opened.line.send(b"binary")
        assert names(await opened.rest()) == ["TaskFailed"]


async def test_another_path_is_not_found(service: LocalSimulator) -> None:
    async with ClientSession() as session, session.get(f"{service.http_url}/voices") as answer:
        assert answer.status == 404
    assert [entry.detail["code"] for entry in service.all("refused")] == [404]


async def test_it_lists_its_voices(service: LocalSimulator) -> None:
    service.change(voices=dict(service.options.voices) | {"me": VoiceFacts(description="a clone")}, token="t")
    async with ClientSession(headers={"X-NLS-Token": "t"}) as session:
        names = await (await session.get(service.voices_url)).json()
        facts = await (await session.get(f"{service.voices_url}/info")).json()
    assert (names["total"], names["voices"][0], names["voices"][-1]) == (8, "中文女", "me")
    assert facts["voices"]["me"]["sample_rate"] == CLONE_RATE
    assert facts["voices"]["英文男"] | {"description": ""} == {
        "type": "preset",
        "language": "en-US",
        "gender": "male",
        "description": "",
        "sample_rate": PRESET_RATE,
        "available": True,
    }
    async with ClientSession() as session, session.get(service.voices_url) as answer:
        assert answer.status == 401
    assert service.all("request")[0].detail["path"] == "/stream/v1/tts/voices"
