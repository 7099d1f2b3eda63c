"""Sentences, turns and interrupts: one request after the other, and nothing of one reply in another."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from wyoming_server.errors import EngineUnavailable, VoiceRefused
from wyoming_server.models import MarkKind

from .speaking import (
    DAD,
    MUM,
    ONE,
    TEXT,
    THREE,
    TWO,
    Fault,
    at,
    how,
    listening,
    made,
    say,
    silence,
    simulator,
    speech,
    texts,
    written,
)

pytestmark = pytest.mark.usefixtures("nothing_is_left")


async def test_a_request_is_the_documents() -> None:
    async with at(manner="document") as (service, engine):
        heard = await say(engine)
        assert heard.audio == speech(TEXT)
        assert service.requests == [
            {
                "type": "tts_stream",
                "text": TEXT,
                "prompt_audio": "voices/mum.wav",
                "emo_mode": "none",
                "interval_silence": 200,
                "max_tokens": 120,
                "use_random": False,
            }
        ]


async def test_sentences_are_requests_one_after_the_other_with_silence_between() -> None:
    async with at() as (service, engine):
        heard = await say(engine, ONE + TWO + THREE)
        assert heard.audio == speech(ONE) + silence() + speech(TWO) + silence() + speech(THREE)
        assert heard.texts(MarkKind.SENTENCE_START) == texts(service) == [ONE, TWO, THREE]
        order = [entry.what for entry in service.journal if entry.what in ("request", "completed")]
        assert order == ["request", "completed"] * 3
        assert len(service.all("connected")) == 1
        assert service.pings == 0


@pytest.mark.parametrize("milliseconds", [0, 500])
async def test_the_silence_between_sentences_is_the_voices_own(milliseconds: int) -> None:
    async with at() as (service, engine):
        heard = await say(engine, ONE + TWO, interval_silence=milliseconds)
        assert heard.audio == speech(ONE) + silence(milliseconds / 1000) + speech(TWO)
        assert {request["interval_silence"] for request in service.requests} == {milliseconds}


async def test_a_long_sentence_is_several_requests() -> None:
    async with at() as (service, engine):
        text = "我们今天一起去公园散步" * 30
        await say(engine, text)
        assert "".join(texts(service)) == text
        assert max(map(len, texts(service))) <= 120


async def test_the_next_sentence_is_asked_for_while_the_first_is_listened_to() -> None:
    async with at() as (service, engine), aclosing(engine.speak(aiter(written(ONE + TWO)), how())) as events:
        async for event in events:
            if isinstance(event, bytes):
                break
        await service.saw("completed", 2)
        assert texts(service) == [ONE, TWO]


async def test_a_turn_is_given_back_when_the_wav_is_here_not_when_it_was_listened_to() -> None:
    async with at() as (service, engine), aclosing(engine.speak(aiter(written(ONE)), how())) as slow:
        await anext(slow)
        assert (await say(engine, TWO)).audio == speech(TWO)
        assert texts(service) == [ONE, TWO]


async def test_engines_at_one_service_are_one_line() -> None:
    async with at(Fault(kind="stall", on="model")) as (service, engine), made(url=f"http:{service.url[3:]}/") as other:
        first = listening(engine, ONE)
        await service.saw("start")
        second = listening(other, TWO)
        await second.moved.wait()
        assert second.heard.places == [1]
        assert len(service.all("connected")) == 1
        service.faults.go_on()
        assert (await first.end()).audio == speech(ONE)
        assert (await second.end()).audio == speech(TWO)


async def test_waiting_in_line_is_not_counted() -> None:
    async with at(engine={"first_audio_timeout": 0.1, "stall_timeout": 0.1}) as (service, engine):
        assert engine.turns is not None
        with engine.turns.ask(object()):
            listener = listening(engine, TEXT)
            with pytest.raises(TimeoutError):
                await service.saw("connected", within=0.2)
        assert (await listener.end()).audio == speech(TEXT)


# Interrupts


@pytest.mark.parametrize("manner", ["real", "document"])
async def test_an_interrupt_closes_the_connection_at_once_and_waits_for_nobody(manner: str) -> None:
    async with at(Fault(kind="stall", on="model"), manner=manner) as (service, engine):
        listener = listening(engine, ONE)
        await service.saw("start")
        assert await listener.stop() < 0.09
        await service.saw("closed", within=5)


async def test_an_interrupt_while_the_handshake_waits_leaves_it() -> None:
    async with at(Fault(kind="stall", on="handshake")) as (service, engine):
        listener = listening(engine, ONE)
        await service.saw("handshake")
        assert await listener.stop() < 0.09
        await service.saw("closed", within=5)
        assert (await say(engine, TWO)).audio == speech(TWO)


async def test_nothing_of_an_interrupted_reply_is_heard_in_the_next() -> None:
    async with at(Fault(kind="stall", on="model")) as (service, engine):
        first = listening(engine, ONE)
        await service.saw("start")
        await first.stop()
        second = listening(engine, TWO, voice=DAD)
        await service.saw("connected", 2)
        service.faults.go_on()
        assert (await second.end()).audio == speech(TWO)
        await service.saw("for nobody")
        assert [entry.connection for entry in service.all("request")] == [1, 2]


async def test_an_interrupt_in_line_asks_the_service_nothing() -> None:
    async with at(Fault(kind="stall", on="model")) as (service, engine):
        first = listening(engine, ONE)
        await service.saw("start")
        second = listening(engine, TWO)
        await second.moved.wait()
        await second.stop()
        service.faults.go_on()
        assert (await first.end()).audio == speech(ONE)
        assert texts(service) == [ONE]


async def test_an_interrupt_while_it_is_listened_to_keeps_the_connection() -> None:
    async with at() as (service, engine):
        async with aclosing(engine.speak(aiter(written(ONE)), how())) as events:
            async for event in events:
                if isinstance(event, bytes):
                    break
        assert (await say(engine, TWO)).audio == speech(TWO)
        assert len(service.all("connected")) == 1


async def test_the_engine_can_be_closed_at_every_step_of_a_reply() -> None:
    """Also when the last of its tasks ends while it is told to."""
    for steps in range(40):
        async with at() as (_, engine):
            listener = listening(engine, ONE + TWO)
            for _ in range(steps):
                await asyncio.sleep(0)
            if listener.task.done():
                break
            await engine.aclose()
            with pytest.raises(EngineUnavailable):
                await listener.task


async def test_closing_the_engine_ends_a_reply_that_waits_for_the_service() -> None:
    async with at(Fault(kind="stall", on="model")) as (service, engine):
        listener = listening(engine, ONE)
        await service.saw("start")
        await engine.aclose()
        with pytest.raises(EngineUnavailable, match="closed"):
            await listener.task
        await service.saw("closed", within=5)


# Voices


async def test_the_voices_are_the_prompts() -> None:
    voices = {voice.engine_voice: voice for voice in await made().voices()}
    assert set(voices) == {MUM, DAD}
    assert (voices[MUM].languages, voices[MUM].gender, voices[MUM].consent) == (("zh-CN",), None, False)
    assert (voices[DAD].languages, voices[DAD].gender, voices[DAD].consent) == (("en-US",), "male", True)
    assert "melancholic" in voices[MUM].emotions


def test_a_prompt_needs_consent_where_it_does_not_tell_it() -> None:
    engine = made()
    assert engine.needs_consent(MUM)
    assert not engine.needs_consent(DAD)
    assert engine.needs_consent("voices/mum.wav")
    assert engine.unlisted_voice("voices/mum.wav") is None


async def test_without_prompts_there_is_one_voice_that_sends_none() -> None:
    async with at(engine={"prompts": {}, "language": "en-US, zh-CN"}) as (service, engine):
        (voice,) = await engine.voices()
        assert (voice.engine_voice, voice.languages) == ("default", ("en-US", "zh-CN"))
        assert not engine.needs_consent("default")
        assert (await say(engine, voice="default")).audio == speech(TEXT)
        assert "prompt_audio" not in service.requests[0]


async def test_a_path_is_no_voice() -> None:
    async with at() as (service, engine):
        with pytest.raises(VoiceRefused, match=r"no prompt '/etc/passwd' among `prompts`.*they are dad, mum\."):
            await say(engine, voice="/etc/passwd")
        with pytest.raises(VoiceRefused, match="no prompt"):
            async for _ in engine.speak_sentence(TEXT, how("/etc/passwd")):
                pass
        assert not service.all("connected")


# Tried


async def test_a_service_is_tried_without_a_request() -> None:
    async with at() as (service, engine):
        assert await engine.verify() == f"none are needed: {service.url} takes connections and said welcome."
        assert await engine.verify(DAD)
        assert not service.requests
        with pytest.raises(VoiceRefused, match="no prompt 'nobody'"):
            await engine.verify("nobody")


async def test_a_service_without_a_welcome_is_tried_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wyoming_server.engines.indextts.engine.WELCOME_WITHIN", 0.1)
    async with at(Fault(kind="missing", on="welcome")) as (service, engine):
        assert (await engine.verify()).startswith(f"none are needed: {service.url} takes connections. It said no welcome")


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault(kind="bare error", on="welcome", message="模型加载失败"), "could not load its model"),
        (Fault(kind="garbage text", on="welcome"), "not JSON"),
        (Fault(kind="drop", on="welcome"), "closed the connection"),
    ],
    ids=str,
)
async def test_what_is_wrong_with_a_service_is_told_when_it_is_tried(fault: Fault, words: str) -> None:
    async with at(fault) as (_, engine):
        with pytest.raises(Exception, match=words):
            await engine.verify()


async def test_a_service_that_is_not_there_is_told_when_it_is_tried() -> None:
    async with simulator(is_open=False) as gone, made(url=gone.url) as engine:
        with pytest.raises(EngineUnavailable, match=r"cannot be reached.*Is it started\? Its port opens only when its model"):
            await engine.verify()
