"""Edges of the voice-conversion stage: a converter that says nothing, rates on both sides of it, cancels that come twice."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from wyoming_server.audio.decode import Codec, Decoder
from wyoming_server.audio.wav import wav_header
from wyoming_server.engines.base import EngineEvent, Utterance
from wyoming_server.errors import EngineError
from wyoming_server.models import AudioFormat, FormatWish, Notice, OnFailure
from wyoming_server.roster import Roster
from wyoming_server.synthesis import Synthesizer
from wyoming_server.synthesis.loudness import LoudnessStore

from ..converters.cases import new_converter
from ..frontends.openai_serving import client_of
from ..frontends.test_converter_option import GAIN
from ..serving import serving
from .converting import SAME, TEN, Scripted, pcm, stage, start, text_of, through, tone
from .test_synthesis import RATE, VOICE, Player

# A converter that says nothing


async def _listens_only(pcm: AsyncIterable[bytes]) -> AsyncGenerator[bytes, None]:
    async for _ in pcm:
        pass
    return
    yield b""


async def _leaves_at_once(pcm: AsyncIterable[bytes]) -> AsyncGenerator[bytes, None]:
    return
    yield b""


@pytest.mark.parametrize("play", [_listens_only, _leaves_at_once])
async def test_a_converter_that_makes_nothing_of_speech_is_passed_by(play: Any) -> None:
    notice, *told = await through(stage(Scripted(play), "somebody"), tone(0.1), tone(0.1, start=0.1))
    assert isinstance(notice, Notice)
    assert pcm(told) == tone(0.2)


@pytest.mark.parametrize("play", [_listens_only, _leaves_at_once])
async def test_where_it_must_not_be_passed_by_silence_is_an_error(play: Any) -> None:
    with pytest.raises(EngineError, match="no audio"):
        await through(stage(Scripted(play), "somebody", on_failure=OnFailure.FAIL), tone(0.1))


async def _leaves_after_the_first(pcm: AsyncIterable[bytes]) -> AsyncGenerator[bytes, None]:
    async for piece in pcm:
        yield piece
        return


async def test_a_converter_that_leaves_the_rest_of_the_speech_is_told_of() -> None:
    with pytest.raises(EngineError, match="Script ended before the speech did"):
        await through(stage(Scripted(_leaves_after_the_first), "somebody"), tone(0.1), tone(0.1, start=0.1))


# Cancelled twice


async def test_a_second_cancel_leaves_nothing_behind() -> None:
    """As where a client interrupts, and goes while the engine still says goodbye."""
    closing, closed = asyncio.Event(), False

    async def slow_to_end() -> AsyncGenerator[bytes, None]:
        nonlocal closed
        try:
            yield tone(0.1)
            await asyncio.Event().wait()
        finally:
            try:
                closing.set()
                await asyncio.Event().wait()
            finally:
                closed = True

    async def listen() -> None:
        async with aclosing(stage(Scripted(_listens_only), "somebody").events(slow_to_end())) as events:
            async for _ in events:
                pass

    before = asyncio.all_tasks()
    listener = asyncio.create_task(listen())
    for _ in range(20):
        await asyncio.sleep(0)
    listener.cancel()
    await closing.wait()
    listener.cancel()
    async with asyncio.timeout(5):
        await asyncio.wait([listener])
    assert listener.cancelled()
    assert closed
    assert asyncio.all_tasks() == before


# Rates on both sides


class _AtAnyRate(Player):
    """An engine that can choose its rate, and notes for which it is asked."""

    def native_format(self, utterance: Utterance) -> AudioFormat:
        return AudioFormat(rate=utterance.rate or RATE)

    async def speak_sentence(self, text: str, utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
        self.given.append(str(self.native_format(utterance).rate))
        yield self.native_format(utterance).silence(0.1)


@pytest.mark.parametrize(("wanted", "made"), [(16_000, 16_000), (None, RATE)])
async def test_the_engine_is_asked_for_the_converters_rate_not_for_the_listeners(wanted: int | None, made: int) -> None:
    engine, converter = _AtAnyRate(), new_converter("gain", rate=wanted)
    async with engine, converter:
        synthesizer = Synthesizer(Roster.of({"player": engine}), LoudnessStore(), Roster.of({"gain": converter}))
        request = synthesizer.request(VOICE, {"converter": SAME}, wish=FormatWish(rate=8_000))
        events = [event async for event in synthesizer.speak(request, text_of(["Ten chars."]))]
    assert start(events).format == AudioFormat(rate=8_000)
    assert engine.given == [str(made)]


async def test_a_container_gets_a_rate_that_it_can_have_whatever_the_converters_is(tmp_path: Path) -> None:
    """MP3 knows the engine's own, and not the converter's."""
    yaml = GAIN.replace("gain: ", "gain: {rate: 30000}")
    async with serving(tmp_path, yaml) as server:
        options = {"response_format": "mp3", "extra_body": {"options": {"converter": SAME}}}
        async with client_of(server) as client:
            answer = await client.audio.speech.create(model="tts-1", voice="tone/tone", input=TEN, **options)  # type: ignore[arg-type]
    assert Decoder(Codec.MP3, None).push(answer.content)


# A recording


def test_a_recording_that_is_also_standard_output_is_not_added_to(tmp_path: Path) -> None:
    path, yaml = tmp_path / "in.wav", tmp_path / "gain.yaml"
    path.write_bytes(wav_header(AudioFormat(rate=16_000), data_size=3200) + tone(0.1)[:3200])
    yaml.write_text("converters: {gain: }\n")
    before = path.read_bytes()
    words = ["convert", "--config", str(yaml), str(path), "-o", "-", "--speaker", "same"]
    with path.open("ab") as output:
        ran = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "wyoming_server", *words], stdout=output, stderr=subprocess.PIPE, text=True, check=False
        )
    assert path.read_bytes() == before
    assert ran.returncode == 2
    assert "would be overwritten" in ran.stderr
