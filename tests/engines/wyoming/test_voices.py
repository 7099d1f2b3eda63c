"""Whose voices they are: listed, named, read again, and what the server says of itself."""

from __future__ import annotations

import asyncio
import logging

import pytest

from wyoming_server.engines.wyoming import engine as engine_module
from wyoming_server.engines.wyoming.engine import WyomingEngine
from wyoming_server.errors import EngineError, EngineTimeout, EngineUnavailable, VoiceRefused
from wyoming_server.models import Voice

from ...serving import until
from ...simulators.wyoming import PIPER, Program, WyomingSimulator
from ...simulators.wyoming import Voice as Offered
from .speaking import ONE, VOICE, Fault, at_server, hear, made, pcm, simulator

pytestmark = pytest.mark.usefixtures("nothing_is_left", "no_pause")

LIBRI = Offered(name="libri", languages=("en_US",), speakers=("p225", "p226"), description="LibriTTS")
KOKORO = Program(name="kokoro", voices=(Offered(name="af_heart", languages=("en-us",)),))
SOON = 0.02
"""Seconds between readings."""


async def test_the_installed_voices_are_listed_in_the_servers_order() -> None:
    absent = Offered(name="absent", installed=False)
    async with at_server(programs=(Program(name="piper", voices=(*PIPER.voices, absent)),)) as (_, engine):
        assert await engine.voices() == [
            Voice(name=VOICE, engine="wyoming", engine_voice=VOICE, languages=("en-GB",), description="alan (medium)"),
            Voice(
                name="de_DE-thorsten-low",
                engine="wyoming",
                engine_voice="de_DE-thorsten-low",
                languages=("de-DE",),
                description="de_DE-thorsten-low",
            ),
        ]


async def test_every_speaker_is_a_voice_and_sent_as_one() -> None:
    async with at_server(programs=(Program(name="piper", voices=(LIBRI,)),)) as (service, engine):
        voices = await engine.voices()
        assert [voice.engine_voice for voice in voices] == ["libri", "libri#p225", "libri#p226"]
        assert voices[1].description == "LibriTTS, p225"
        assert (await hear(engine, ONE, voice="libri#p226")).audio == pcm(ONE)
        assert service.events("synthesize-start") == [("synthesize-start", {"voice": {"name": "libri", "speaker": "p226"}})]


async def test_a_voice_without_languages_has_one_all_the_same() -> None:
    async with at_server(programs=(Program(name="x", voices=(Offered(name="a", languages=()),)),)) as (_, engine):
        assert [voice.languages for voice in await engine.voices()] == [("en-US",)]


async def test_of_several_programs_the_first_that_is_installed_speaks() -> None:
    absent = Program(name="absent", voices=PIPER.voices, installed=False)
    async with at_server(programs=(absent, KOKORO, PIPER)) as (service, engine):
        assert [voice.name for voice in await engine.voices()] == ["af_heart"]
        await hear(engine, ONE, voice="af_heart")
        assert not service.events("select-program")


async def test_a_program_that_is_named_is_selected() -> None:
    async with at_server(programs=(KOKORO, PIPER), engine={"program": "piper"}) as (service, engine):
        assert (await engine.voices())[0].name == VOICE
        await hear(engine, ONE)
        speaking = [kind for kind, _ in service.events() if kind != "describe"]
        assert speaking[:2] == ["select-program", "synthesize-start"]
        assert service.events("select-program") == [("select-program", {"name": "piper"})]


async def test_a_program_that_is_not_there_is_told_with_those_that_are() -> None:
    async with (
        simulator(programs=(KOKORO, PIPER)) as service,
        made(uri=service.uri, program="xtts") as engine,
    ):
        with pytest.raises(EngineUnavailable, match="no installed program xtts; it has kokoro, piper"):
            await engine.voices()


def impatient(service: WyomingSimulator) -> WyomingEngine:
    """It reads again after less time than a user may say."""
    options = made(uri=service.uri).options
    return WyomingEngine("wyoming", {**options, "refresh": SOON})


async def test_a_change_of_the_voices_is_told() -> None:
    async with simulator() as service, impatient(service) as engine:
        await engine.voices()
        told = asyncio.Event()
        engine.on_voices_changed = told.set
        service.change(programs=(KOKORO,))
        async with asyncio.timeout(5):
            await told.wait()
        assert [voice.name for voice in await engine.voices()] == ["af_heart"]


async def test_what_stays_the_same_is_not_told() -> None:
    async with simulator() as service, impatient(service) as engine:
        await engine.voices()
        told: list[str] = []
        engine.on_voices_changed = lambda: told.append("changed")
        await service.journal.saw("event", "describe", count=4)
        assert told == []
        service.change(streaming=False)
        await service.journal.saw("event", "describe", count=7)
        assert told == ["changed"]
        assert engine.capabilities.streaming_text is False


async def test_a_server_that_comes_later_brings_its_voices() -> None:
    async with simulator() as service:
        await service.down()
        engine = impatient(service)
        told = asyncio.Event()
        engine.on_voices_changed = told.set
        async with engine:
            with pytest.raises(EngineUnavailable, match="Is it running there"):
                await engine.voices()
            await service.up()
            async with asyncio.timeout(5):
                await told.wait()
            assert (await engine.voices())[0].name == VOICE


async def test_a_server_that_goes_keeps_its_voices(caplog: pytest.LogCaptureFixture) -> None:
    async with simulator() as service:
        engine = impatient(service)
        async with engine:
            voices = await engine.voices()
            await service.down()
            await until(lambda: "does not tell what it offers" in caplog.text)
            assert await engine.voices() == voices


async def test_a_voice_that_is_new_since_the_last_reading_speaks_at_once() -> None:
    async with at_server() as (service, engine):
        service.change(programs=(KOKORO,))
        assert (await hear(engine, ONE, voice="af_heart")).audio == pcm(ONE)


async def test_a_server_that_came_just_now_speaks_at_once() -> None:
    async with simulator() as service:
        await service.down()
        async with made(uri=service.uri) as engine:
            with pytest.raises(EngineUnavailable):
                await engine.voices()
            await service.up()
            assert (await hear(engine, ONE)).audio == pcm(ONE)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault(kind="hang up", on="describe"), "closed the connection before the end"),
        (Fault(kind="reset", on="describe"), "The connection to .* broke|closed the connection"),
        (Fault(kind="garbage", on="describe"), "cannot be read: The header of an event is not JSON"),
        (Fault(kind="error", on="describe", text="Go away.", code="access_denied"), "does not let this machine in.*Go away"),
        (Fault(kind="error", on="describe", text="Oh.", code="config"), "The server failed; see its own words.*Oh"),
    ],
    ids=["hang up", "reset", "garbage", "refused", "error"],
)
async def test_a_server_that_does_not_tell_is_an_error_of_the_engine(fault: Fault, words: str) -> None:
    async with simulator(fault) as service, made(uri=service.uri) as engine:
        with pytest.raises(EngineError, match=words):
            await engine.voices()


async def test_a_server_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "ANSWER_WITHIN", 0.05)
    async with simulator(Fault(kind="stall", on="describe")) as service, made(uri=service.uri) as engine:
        with pytest.raises(EngineTimeout, match="Is it a Wyoming server"):
            await engine.voices()


@pytest.mark.parametrize(("count", "listed"), [(10_000, 5_000), (20_000, 5_000)])
async def test_ten_thousand_voices_are_too_many(count: int, listed: int, caplog: pytest.LogCaptureFixture) -> None:
    voices = [{"name": f"voice-{number}", "languages": ["en"]} for number in range(count)]
    async with at_server(info={"tts": [{"name": "x", "voices": voices}]}) as (_, engine):
        assert len(await engine.voices()) == listed
        assert f"{count - listed} voices of" in caplog.text
        assert [record.levelno for record in caplog.records] == [logging.WARNING]


async def test_an_info_beyond_all_measure_is_refused() -> None:
    voices = [{"name": f"voice-{number}", "description": "x" * 1_000} for number in range(5_000)]
    async with simulator(info={"tts": [{"name": "x", "voices": voices}]}) as service, made(uri=service.uri) as engine:
        with pytest.raises(EngineError, match=r"data_length of \d+ bytes; 4194304 are allowed"):
            await engine.voices()


async def test_verify_tells_who_is_there() -> None:
    async with at_server() as (service, engine):
        assert await engine.verify() == f"{service.uri} is piper 2.5.2, which has 2 voices and takes text streams."
        assert "2 voices" in await engine.verify(VOICE)
        with pytest.raises(VoiceRefused, match=f"offers no voice en_GB-alan-low. Did you mean {VOICE}"):
            await engine.verify("en_GB-alan-low")


async def test_no_voice_is_a_persons_and_none_is_unlisted() -> None:
    async with at_server() as (_, engine):
        assert not engine.needs_consent(VOICE)
        assert engine.unlisted_voice("anything") is None
