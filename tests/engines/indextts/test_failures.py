"""The service's errors, in their three shapes and in words for the user, without the text that was to be spoken."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from wyoming_server.engines.indextts.failures import failed, refused
from wyoming_server.errors import (
    BadSetting,
    CredentialsRefused,
    EngineBusy,
    EngineError,
    EngineUnavailable,
    HeraldError,
    Unspeakable,
    VoiceRefused,
)
from wyoming_server.protocols.indextts import BAD_MODE, NO_EMO_AUDIO, NO_EMO_TEXT, NO_EMO_VECTOR, NO_TEXT, Request
from wyoming_server.protocols.indextts import Failed as Told
from wyoming_server.upstream.failures import Asked
from wyoming_server.upstream.websocket import HandshakeRefused

from .speaking import ONE, TEXT, TWO, Fault, at, listening, say, speech

pytestmark = pytest.mark.usefixtures("nothing_is_left")

ASKED = Asked(peer="The IndexTTS service", voice="mum", how="emo_mode none")
WORDS: list[tuple[str, type[HeraldError], str, float]] = [
    (NO_TEXT, Unspeakable, "nothing to speak", 0),
    (BAD_MODE, BadSetting, "does not take this emotion mode", 0),
    (NO_EMO_AUDIO, BadSetting, "does not take this emotion mode", 0),
    (NO_EMO_VECTOR, BadSetting, "does not take this emotion mode", 0),
    (NO_EMO_TEXT, BadSetting, "does not take this emotion mode", 0),
    ("模型加载失败: models/IndexTTS-2", EngineUnavailable, "could not load its model: check the path", 0),
    ("合成失败: CUDA out of memory. Tried to allocate 2.00 GiB", EngineBusy, "not enough memory", 1),
    ("[Errno 2] No such file or directory: 'voices/mum.wav'", VoiceRefused, "cannot find a recording: check the path of mum", 0),
    ("Error opening 'voices/mum.wav': System error.", VoiceRefused, "cannot find a recording", 0),
    ("Error opening 'x.wav': Format not recognised.", VoiceRefused, "recording", 0),
    ("[Errno 13] Permission denied: 'voices/mum.wav'", VoiceRefused, "cannot read a recording", 0),
    ("need at least one array to concatenate", Unspeakable, "nothing in this text that the voice mum can say", 0),
    ("服务器错误: list index out of range", EngineUnavailable, "failed inside", 1),
    ("服务器错误: [Errno 2] No such file or directory: 'voices/mum.wav'", VoiceRefused, "cannot find a recording", 0),
    ("a word of a later version", EngineError, "its own log says more", 0),
]


@pytest.mark.parametrize(("message", "error", "words", "retries"), WORDS)
def test_an_error_is_told_with_the_services_own_words(message: str, error: type[HeraldError], words: str, retries: float) -> None:
    found = failed(Told(message=message), ASKED, Request(text=TEXT))
    assert type(found.error) is error
    assert words in str(found.error)
    assert f"The IndexTTS service said: {message!r} (voice mum, emo_mode none)." in str(found.error)
    assert found.retries == retries


STATUSES = [
    (200, EngineUnavailable, "no such service at this address"),
    (301, EngineUnavailable, "no such service at this address"),
    (404, EngineUnavailable, "no such service at this address"),
    (426, EngineUnavailable, "no such service at this address"),
    (401, CredentialsRefused, "wants credentials"),
    (403, CredentialsRefused, "wants credentials"),
    (429, EngineBusy, "too much to do"),
    (503, EngineBusy, "too much to do"),
    (502, EngineUnavailable, "not there just now"),
]


@pytest.mark.parametrize(("status", "error", "words"), STATUSES)
def test_a_refused_handshake_is_told(status: int, error: type[EngineError], words: str) -> None:
    found = refused(HandshakeRefused(status, "nginx", {}), ASKED)
    assert type(found.error) is error
    assert words in str(found.error)
    assert f"said: {status} 'nginx'" in str(found.error)


@pytest.mark.parametrize("on", ["queued", "start", "model", "audio"])
@pytest.mark.parametrize("kind", ["error", "bare error", "server error"])
async def test_an_error_of_any_shape_at_any_time_ends_the_wait(kind: Any, on: Any) -> None:
    async with at(Fault(kind=kind, on=on, message="bad luck", times=9)) as (service, engine):
        with pytest.raises(EngineError, match="bad luck"):
            await say(engine)
        assert len(service.requests) == (2 if kind == "server error" else 1)
        service.faults.clear()
        assert (await say(engine)).audio == speech(TEXT)


@pytest.mark.parametrize("kind", ["error", "bare error", "server error"])
async def test_an_error_that_may_pass_is_tried_again_unheard(kind: Any) -> None:
    async with at(Fault(kind=kind, on="model", message="CUDA out of memory")) as (service, engine):
        assert (await say(engine)).audio == speech(TEXT)
        assert len(service.requests) == 2


async def test_a_service_that_is_busy_for_a_moment_is_asked_again() -> None:
    async with at(Fault(kind="refuse", on="handshake", status=503)) as (_, engine):
        assert (await say(engine)).audio == speech(TEXT)


async def test_a_sentence_that_the_service_cannot_speak_is_left_out() -> None:
    async with at(Fault(kind="bare error", on="queued", message=NO_TEXT, where=ONE)) as (_, engine):
        assert (await say(engine, ONE + TWO)).audio == speech(TWO)


async def test_an_error_after_a_sentence_was_heard_leaves_that_sentence() -> None:
    async with at(Fault(kind="error", on="model", where=TWO, message="bad luck")) as (_, engine):
        listener = listening(engine, ONE + TWO)
        with pytest.raises(EngineError, match="bad luck"):
            await listener.end()
        assert listener.heard.audio == speech(ONE)


async def test_a_recording_that_the_service_does_not_have_is_told() -> None:
    async with at(prompts=["moods/joy.wav"]) as (_, engine):
        with pytest.raises(VoiceRefused, match=r"check the path of mum in `prompts`.*task id"):
            await say(engine)


@pytest.mark.parametrize("on", ["queued", "start", "audio"])
@pytest.mark.parametrize("kind", ["garbage text", "no object"])
async def test_what_is_not_the_protocol_is_tried_once_more_and_told(kind: Any, on: Any) -> None:
    async with at(Fault(kind=kind, on=on)) as (_, engine):
        assert (await say(engine)).audio == speech(TEXT)
    async with at(Fault(kind=kind, on=on, times=9)) as (service, engine):
        with pytest.raises(EngineError, match="cannot be read"):
            await say(engine)
        assert len(service.requests) == 2


@pytest.mark.parametrize("kind", ["error", "bare error", "server error"])
async def test_the_text_is_neither_told_nor_logged(kind: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    mood = "我非常非常开心，今天是我的生日"
    message = f"合成失败: 文本 {{text}} 情感 {mood}"
    async with at(Fault(kind=kind, on="model", message=message, times=9)) as (_, engine):
        with pytest.raises(EngineError, match="合成失败") as told:
            await say(engine, emo_text=mood)
        for words in (TEXT, mood):
            assert words not in str(told.value) + caplog.text
