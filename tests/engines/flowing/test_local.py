"""Local servers over CosyVoice: one sentence, one session, one connection, and all that they do otherwise than they say."""

from __future__ import annotations

from typing import Any

import pytest

from wyoming_server.engines.flowing import engine as engine_module
from wyoming_server.errors import (
    CredentialsRefused,
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    Unspeakable,
    VoiceRefused,
)
from wyoming_server.models import AudioFormat

from ...simulators.duplex.sound import riff
from ...simulators.flowing import CLONE_RATE, PRESET_RATE, PRESETS, Habits, Told, VoiceFacts
from .speaking import (
    COMPLETED,
    ENGLISH,
    LOCAL_VOICE,
    LONG,
    TEXT,
    Fault,
    Listener,
    answering,
    at_local,
    hear,
    how,
    local,
    made,
    pcm,
    say,
    starts,
    texts,
    told,
    until,
    written,
)

pytestmark = pytest.mark.usefixtures("nothing_is_left", "no_pause")

CLONE = "grandma"
VOICES = {**PRESETS, CLONE: VoiceFacts(language="de-DE", gender="female", description="Grandma")}


# Sentences


async def test_every_sentence_is_one_piece_of_one_session_of_one_connection() -> None:
    async with at_local() as (service, engine):
        heard = await hear(engine, "One is ", "here. Two is there.", utterance=how(LOCAL_VOICE))
        assert texts(service) == ["One is here.", "Two is there."]
        assert [entry.connection for entry in service.all("session")] == [1, 2]
        assert heard.audio == pcm("One is here.", rate=PRESET_RATE) + pcm("Two is there.", rate=PRESET_RATE)
        assert heard.texts() == ["One is here.", "Two is there."]


async def test_text_without_words_is_never_sent() -> None:
    async with at_local() as (service, engine):
        heard = await say(engine, "… — !!! One is here. *** ")
        assert [text.strip("… —!") for text in texts(service)] == ["One is here."]
        assert heard.audio
        assert not (await say(engine, "… — *** ")).audio
        assert len(service.all("session")) == 1


async def test_a_sentence_that_the_server_finds_nothing_in_is_left_out() -> None:
    fault = Fault(
        kind="error", on="sentence", where="Two", told=Told(code=40000000, message="need at least one array to concatenate")
    )
    async with at_local(fault) as (_, engine):
        heard = await say(engine, "One is here. Two is there. Three is gone.")
        assert heard.texts() == ["One is here.", "Three is gone."]


async def test_the_next_sentence_is_asked_for_while_one_plays_and_no_more() -> None:
    async with at_local() as (service, engine):
        listener = Listener(engine, written(LONG), how(LOCAL_VOICE))
        await listener.until_audio()
        await service.saw("session", 2)
        await listener.stop()
        assert len(texts(service)) < 15


# Their audio


RATES: list[tuple[dict[str, Any], str, int]] = [
    ({}, LOCAL_VOICE, PRESET_RATE),
    ({}, CLONE, CLONE_RATE),
    ({}, "unheard-of", CLONE_RATE),
    ({"voices": {LOCAL_VOICE: {"native_rate": 24_000}}}, LOCAL_VOICE, 24_000),
    ({"voices": {CLONE: {"native_rate": 16_000}}}, CLONE, 16_000),
]


@pytest.mark.parametrize(("options", "voice", "rate"), RATES, ids=str)
@pytest.mark.parametrize("asked", [True, False], ids=["asked for voices", "not asked"])
async def test_the_audio_is_taken_for_what_it_is(options: dict[str, Any], voice: str, rate: int, *, asked: bool) -> None:
    voices = {**VOICES, "unheard-of": VoiceFacts()}
    async with at_local(engine=options, voices=voices, native_rate=rate) as (service, engine):
        if asked:
            await engine.voices()
        utterance = how(voice, rate=48_000)
        assert engine.native_format(utterance) == AudioFormat(rate=rate)
        assert (await hear(engine, TEXT, utterance=utterance)).audio == pcm(rate=rate)
        assert starts(service)[0]["sample_rate"] == rate


def frames(count: int, *, rate: int = 8_000) -> list[bytes]:
    """A header before each, which tells another rate than the voice's."""
    return [riff(rate, 100) + bytes([number]) * 100 for number in range(1, count + 1)]


async def test_a_header_before_every_message_is_no_audio() -> None:
    async with answering(*frames(3), COMPLETED) as engine:
        assert (await say(engine)).audio == b"\x01" * 100 + b"\x02" * 100 + b"\x03" * 100


async def test_one_header_without_a_size_is_no_audio() -> None:
    async with answering(riff(24_000) + b"\x01" * 100, b"\x02" * 101, b"\x02" * 99, COMPLETED) as engine:
        assert (await say(engine)).audio == b"\x01" * 100 + b"\x02" * 200


async def test_audio_of_another_shape_is_refused() -> None:
    stereo = bytearray(frames(1)[0])
    stereo[22], stereo[32] = 2, 4
    async with answering(bytes(stereo), COMPLETED) as engine:
        with pytest.raises(EngineError, match="2 channels; 1 was asked for"):
            await say(engine)


@pytest.mark.parametrize(("speed", "rate"), [(1.0, 0), (2.0, 500), (0.5, -250), (1.2, 100), (None, 0)])
async def test_speed_is_asked_for_as_these_servers_count_it(speed: float | None, rate: int) -> None:
    async with at_local() as (service, engine):
        settings: dict[str, Any] = {} if speed is None else {"speed": speed}
        await say(engine, **settings)
        assert starts(service)[0] == {
            "voice": LOCAL_VOICE,
            "format": "PCM",
            "sample_rate": PRESET_RATE,
            "speech_rate": rate,
            "pitch_rate": 0,
            "volume": 50,
            "enable_subtitle": False,
        }


async def test_sessions_are_pinged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "PING_EVERY", 0.01)
    async with at_local(Fault(kind="stall", on="sentence")) as (service, engine):
        listener = Listener(engine, written(TEXT), how(LOCAL_VOICE))
        await until(lambda: service.pings >= 3)
        service.faults.go_on()
        assert (await listener.end()).audio == pcm(rate=PRESET_RATE)


# Their failures


async def test_a_connection_that_a_failure_leaves_open_is_closed() -> None:
    fault = Fault(kind="error", told=Told(code=40000000, message="Synthesis failed: CUDA out of memory"))
    async with at_local(fault) as (service, engine):
        with pytest.raises(EngineError, match=r"The CosyVoice server said: 40000000 'Synthesis failed: CUDA out of memory'"):
            await say(engine)
        closed = await service.saw("closed", within=5)
        assert closed.detail["by"] == "close frame"


@pytest.mark.parametrize("foreign", [True, False])
async def test_a_failure_with_a_strangers_task_id_counts(*, foreign: bool) -> None:
    async with at_local(Fault(kind="error"), habits=Habits(foreign_task_id=foreign), engine={"first_audio_timeout": 0.3}) as (
        _,
        engine,
    ):
        assert (await say(engine)).audio


async def test_a_failure_with_a_strangers_task_id_is_told_in_words() -> None:
    async with answering(told("TaskFailed", "f" * 32, 40_000_000, "bad parameter")) as engine:
        with pytest.raises(EngineError, match="bad parameter"):
            await say(engine)


async def test_what_is_told_of_another_session_is_ignored() -> None:
    async with answering(told("SynthesisCompleted", "f" * 32), b"\x01\x00" * 50, COMPLETED) as engine:
        assert (await say(engine)).audio == b"\x01\x00" * 50


async def test_a_voice_that_the_server_has_not_is_told() -> None:
    async with at_local() as (_, engine):
        with pytest.raises(VoiceRefused, match=r"has no voice nobody.*herald voices"):
            await hear(engine, TEXT, utterance=how("nobody"))


@pytest.mark.parametrize("token", [None, "wrong"])
async def test_a_token_that_the_server_refuses_is_told(token: str | None) -> None:
    async with at_local(token="secret-token", engine={"token": token}) as (_, engine):
        with pytest.raises(CredentialsRefused, match="APPTOKEN") as refused:
            await say(engine)
        assert "wrong" not in str(refused.value)
        with pytest.raises(CredentialsRefused, match="APPTOKEN"):
            await engine.verify()


async def test_the_token_goes_in_a_header() -> None:
    async with at_local(token="secret-token", engine={"token": "secret-token"}) as (service, engine):
        assert (await say(engine)).audio
        assert service.all("handshake")[0].detail["path"] == "/ws/v1/tts"


async def test_a_server_that_is_silent_or_gone_is_told() -> None:
    async with at_local(Fault(kind="stall", on="sentence", times=9), engine={"first_audio_timeout": 0.2}) as (_, engine):
        with pytest.raises(EngineTimeout, match=r"The CosyVoice server sent no audio within 0.2 s"):
            await say(engine)
    async with local() as gone:
        pass
    async with made(url=gone.url) as engine:
        with pytest.raises(EngineUnavailable, match="cannot be reached"):
            await say(engine)


async def test_a_session_without_audio_is_left_out() -> None:
    async with answering(COMPLETED) as engine:
        assert not (await say(engine)).audio
        with pytest.raises(Unspeakable):
            async for _ in engine.speak_sentence(TEXT, how(LOCAL_VOICE)):
                pass


async def test_an_interrupt_closes_the_connection_at_once() -> None:
    async with at_local(pace=1) as (service, engine):
        listener = Listener(engine, written(ENGLISH), how(LOCAL_VOICE))
        await listener.until_audio()
        assert await listener.stop() < 0.05
        await service.saw("cancelled", within=5)
        await until(lambda: service.counters.connections == 0)


# Their voices


async def test_the_server_is_asked_for_its_voices() -> None:
    async with at_local(voices=VOICES) as (_, engine):
        voices = {voice.engine_voice: voice for voice in await engine.voices()}
        assert set(voices) == set(VOICES)
        assert voices[CLONE].languages == ("de-DE",)
        assert voices[CLONE].gender == "female"
        assert voices[CLONE].description == "Grandma"
        assert voices["英文男"].languages == ("en-US",)


async def test_what_the_user_says_of_a_voice_counts_first_and_adds_voices() -> None:
    said = {CLONE: {"language": ["fr-FR"], "description": "Mamie"}, "own": {"language": ["en-GB"], "gender": "male"}}
    async with at_local(voices=VOICES, engine={"voices": said}) as (_, engine):
        voices = {voice.engine_voice: voice for voice in await engine.voices()}
        assert set(voices) == {*VOICES, "own"}
        assert (voices[CLONE].languages, voices[CLONE].description) == (("fr-FR",), "Mamie")
        assert (voices["own"].languages, voices["own"].gender) == (("en-GB",), "male")


async def test_the_presets_stand_in_for_a_server_that_does_not_answer(caplog: pytest.LogCaptureFixture) -> None:
    async with local() as gone:
        pass
    async with made(url=gone.url) as engine:
        assert [voice.engine_voice for voice in await engine.voices()] == list(PRESETS)
        assert "does not tell its voices" in caplog.text


async def test_everybody_but_the_presets_may_be_a_real_person() -> None:
    async with at_local(voices=VOICES) as (_, engine):
        await engine.voices()
        assert not any(engine.needs_consent(voice) for voice in PRESETS)
        assert engine.needs_consent(CLONE)
        assert engine.needs_consent("unheard-of")


async def test_a_server_is_tried_by_its_list_of_voices() -> None:
    async with at_local(voices=VOICES) as (service, engine):
        assert await engine.verify() == f"accepted by {service.url}, which has 8 voices."
        assert await engine.verify(CLONE)
        with pytest.raises(VoiceRefused, match="does not list the voice nobody"):
            await engine.verify("nobody")
        assert not service.all("handshake")
