"""WAVs as services write them, and rates that are known only when the audio is here."""

from __future__ import annotations

import asyncio

import pytest

from wyoming_server.engines.indextts.sentence import as_promised
from wyoming_server.engines.promise import Promises
from wyoming_server.errors import EngineError, EngineUnavailable, Unspeakable
from wyoming_server.models import AudioFormat

from .speaking import DAD, MUM, ONE, RATE, TEXT, TWO, Fault, at, how, listening, say, silence, speech

pytestmark = pytest.mark.usefixtures("nothing_is_left")


@pytest.mark.parametrize("shape", ["plain", "list chunk", "list behind", "extensible", "size 0", "endless", "odd byte"])
async def test_only_audio_is_heard_of_any_wav(shape: str) -> None:
    async with at(Fault(kind="wav", shape=shape)) as (_, engine):
        assert (await say(engine)).audio == speech(TEXT)


@pytest.mark.parametrize("shape", ["16000", "24000", "48000", "stereo"])
async def test_a_reply_keeps_the_format_that_it_was_promised(shape: str) -> None:
    async with at(Fault(kind="wav", shape=shape, where=ONE)) as (_, engine):
        utterance = how()
        assert engine.native_format(utterance) == AudioFormat(rate=RATE)
        audio = (await say(engine, ONE + TWO)).audio
        assert audio.endswith(silence() + speech(TWO))
        assert len(audio) == pytest.approx(len(speech(ONE) + silence() + speech(TWO)), abs=8)


async def test_what_was_learned_of_a_voice_is_promised_the_next_time() -> None:
    async with at(rate=24_000) as (_, engine):
        before = how()
        assert engine.native_format(before).rate == RATE
        await say(engine)
        assert engine.native_format(how()).rate == 24_000
        assert engine.native_format(before).rate == RATE, "what was promised stays promised"
        assert engine.native_format(how(DAD)).rate == RATE
        assert (await say(engine)).audio == speech(TEXT, 24_000)


async def test_a_rate_that_changes_between_sentences_changes_nothing() -> None:
    async with at(rate=24_000) as (service, engine):
        listener = listening(engine, ONE + TWO)
        await listener.until_audio()
        service.change(rate=16_000)
        audio = (await listener.end()).audio
        assert len(audio) == pytest.approx(len(speech(ONE) + silence() + speech(TWO)), abs=16)


async def test_a_long_wav_keeps_nobody_waiting_while_it_is_made_another_rate() -> None:
    seconds, turns = 10, 0
    actual, promised = AudioFormat(rate=8_000, channels=2), AudioFormat(rate=RATE)
    pcm = actual.silence(seconds)
    work = asyncio.create_task(as_promised(pcm, actual, Promises(RATE).keep(MUM, promised)))
    while not work.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns > seconds
    assert len(await work) == promised.size(seconds)


@pytest.mark.parametrize("shape", ["empty", "no bytes"])
async def test_a_sentence_without_audio_is_left_out(shape: str) -> None:
    async with at(Fault(kind="wav", shape=shape, where=ONE, times=2)) as (service, engine):
        assert (await say(engine, ONE + TWO)).audio == speech(TWO)
        assert len(service.requests) == 2
        with pytest.raises(Unspeakable, match=r"made no audio of this text \(voice mum"):
            async for _ in engine.speak_sentence(ONE, how(MUM)):
                pass


async def test_a_request_that_ends_without_a_wav_is_left_out() -> None:
    async with at(Fault(kind="missing", on="audio", where=ONE)) as (_, engine):
        assert (await say(engine, ONE + TWO)).audio == speech(TWO)


UNREADABLE = [
    ("no wav", "not WAV audio"),
    ("float", "32-bit float; only 16-bit PCM is read"),
    ("no data chunk", "ended after 36 bytes, before its audio began"),
]


@pytest.mark.parametrize(("shape", "words"), UNREADABLE)
async def test_what_is_no_wav_is_tried_once_more_and_told(shape: str, words: str) -> None:
    async with at(Fault(kind="wav", shape=shape)) as (_, engine):
        assert (await say(engine)).audio == speech(TEXT)
    async with at(Fault(kind="wav", shape=shape, times=9)) as (service, engine):
        with pytest.raises(EngineError, match=words):
            await say(engine)
        assert len(service.requests) == 2


async def test_a_wav_beyond_the_limit_is_refused_with_both_numbers() -> None:
    async with at(Fault(kind="wav", shape="oversized")) as (_, engine):
        assert (await say(engine)).audio == speech(TEXT)
    async with at(Fault(kind="wav", shape="oversized", times=9)) as (_, engine):
        with pytest.raises(EngineUnavailable, match=r"sent more than is read: .*67108910.*67108864"):
            await say(engine)
