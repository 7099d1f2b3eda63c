"""API v3: marks tie what the service tells of its sentences and words to the text; the same for every encoding."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from wyoming_server.engines.base import Utterance
from wyoming_server.errors import CredentialsRefused, EngineError, EngineUnavailable, VoiceRefused
from wyoming_server.models import AudioFormat, Mark, MarkKind
from wyoming_server.protocols.openspeech_v3 import Event

from ...simulators.openspeech import Account, Fault
from ...simulators.openspeech import session as simulated
from ...simulators.openspeech.v3 import V3
from ...simulators.speech.audio import SECONDS_A_CHARACTER, timings
from .hearing import ENGLISH, Heard, hear, how, speaking
from .speaking import BIG, SECOND, pcm

pytestmark = pytest.mark.usefixtures("nothing_is_left")

TEXT = "The kettle is boiling now. Take 5 cups, please!  Thank you."
SENTENCES = ["The kettle is boiling now.", "Take 5 cups, please!", "Thank you."]
CHINESE = "水开了。请拿五个杯子！“谢谢。”"


def times(heard: Heard, kind: MarkKind) -> list[float]:
    return [mark.time for mark in heard.marks if mark.kind is kind]


def check(heard: Heard, text: str, rate: int = 24_000) -> None:
    """What every reply owes."""
    marks = heard.marks
    length = AudioFormat(rate=rate).seconds(len(heard.audio))
    assert [mark.time for mark in marks] == sorted(mark.time for mark in marks)
    assert all(text[mark.start : mark.end] == mark.text != "" for mark in marks)
    assert len(heard.texts()) == len(heard.texts(MarkKind.SENTENCE_END))
    assert marks[-1].kind is MarkKind.SENTENCE_END
    assert marks[-1].time == pytest.approx(length, abs=0.001)
    inside: Mark | None = None
    for mark in marks:
        if mark.kind is MarkKind.SENTENCE_START:
            assert inside is None
            inside = mark
        else:
            assert inside is not None
            assert inside.start <= mark.start < mark.end <= inside.end
            inside = None if mark.kind is MarkKind.SENTENCE_END else inside


# Sentences


async def test_sentences_are_marked_where_they_begin_and_end() -> None:
    async with speaking() as (_, engine):
        heard = await hear(engine, TEXT)
        check(heard, TEXT)
        assert heard.texts() == SENTENCES
        ends = [SECONDS_A_CHARACTER * end for end in (26, 47, len(TEXT))]  # the simulator speaks white space, too
        assert times(heard, MarkKind.SENTENCE_END) == pytest.approx(ends, abs=0.001)
        assert times(heard, MarkKind.SENTENCE_START) == pytest.approx([0, *ends[:-1]], abs=0.001)


@pytest.mark.parametrize(
    "telling",
    [
        str.strip,
        lambda text: " ".join(text.split()) + " \n",
        lambda text: text.replace(" ", "  "),
        lambda text: "".join(filter(lambda char: char.isalnum() or char == " ", text)),
        lambda text: text.replace("5", "five"),
        lambda text: "Something else that is quite a bit longer than what was sent.",
        lambda text: "",
    ],
    ids=["stripped", "white space", "more white space", "no punctuation", "normalised", "other words", "nothing"],
)
@pytest.mark.parametrize("parts", [[TEXT], [f"{word} " for word in TEXT.split(" ")]], ids=["whole", "words"])
async def test_sentences_are_found_though_they_are_told_in_other_words(telling: Any, parts: list[str]) -> None:
    async with speaking(telling=telling) as (_, engine):
        heard = await hear(engine, *parts)
        text = "".join(parts)
        check(heard, text)
        assert heard.texts() == SENTENCES


async def test_without_a_word_about_sentences_all_text_is_marked_all_the_same() -> None:
    async with speaking(telling=None) as (_, engine):
        for parts in ([TEXT], [f"{word} " for word in TEXT.split(" ")], [TEXT, "", TEXT]):
            heard = await hear(engine, *parts)
            check(heard, "".join(parts))
            assert "".join("".join(heard.texts()).split()) == "".join("".join(parts).split())


async def test_chinese_sentences_with_quotation_marks() -> None:
    async with speaking() as (_, engine):
        heard = await hear(engine, CHINESE)
        check(heard, CHINESE)
        assert "".join(heard.texts()).startswith("水开了。请拿五个杯子！“谢谢。")


# Words


@pytest.mark.parametrize("voice", [SECOND, BIG], ids=["subtitles", "timestamps"])
async def test_words_are_marked_inside_their_sentences(voice: str) -> None:
    async with speaking() as (_, engine):
        heard = await hear(engine, TEXT, utterance=how(voice, timestamps=True))
        check(heard, TEXT)
        words = [mark for mark in heard.marks if mark.kind is MarkKind.WORD]
        assert [mark.text for mark in words] == "The kettle is boiling now Take 5 cups please Thank you".split()
        assert [mark.time for mark in words] == pytest.approx([mark.start * SECONDS_A_CHARACTER for mark in words], abs=0.002)
        assert len({mark.start for mark in words}) == len(words)


async def test_words_that_count_from_their_sentence_are_right_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulated, "timings", lambda text, manner, keys, begin, **extra: timings(text, manner, keys, **extra))
    async with speaking() as (_, engine):
        heard = await hear(engine, TEXT, "", TEXT, utterance=how(timestamps=True))
        check(heard, TEXT * 2)
        words = [mark for mark in heard.marks if mark.kind is MarkKind.WORD]
        assert [mark.time for mark in words] == pytest.approx([mark.start * SECONDS_A_CHARACTER for mark in words], abs=0.002)


@pytest.mark.parametrize("later", [0, 1], ids=["behind its end", "behind the next one's begin"])
async def test_a_subtitle_that_comes_late_does_no_harm(later: int, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[dict[str, Any]] = []

    async def answer(self: V3, event: Event, name: str, payload: Any) -> None:
        if event is Event.SUBTITLE:
            held.append(payload)
            return
        await whole(self, event, name, payload)
        if event is (Event.SENTENCE_START if later else Event.SENTENCE_END) and held:
            await whole(self, Event.SUBTITLE, name, held.pop())

    whole = V3.answer
    monkeypatch.setattr(V3, "answer", answer)
    async with speaking() as (_, engine):
        heard = await hear(engine, TEXT, utterance=how(timestamps=True))
        check(heard, TEXT)
        assert heard.texts() == SENTENCES
        words = [mark for mark in heard.marks if mark.kind is MarkKind.WORD]
        assert len(words) == (0 if later else 11)


@pytest.mark.parametrize("words", [None, [], "words", [1, {}, {"word": 5, "startTime": 1}, {"word": "The", "startTime": "soon"}]])
async def test_words_that_make_no_sense_do_no_harm(words: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulated, "timings", lambda *_, **__: words)
    async with speaking() as (_, engine):
        heard = await hear(engine, TEXT, utterance=how(timestamps=True))
        check(heard, TEXT)
        assert heard.texts() == SENTENCES


@pytest.mark.parametrize("begin", [-5, 99, float("nan"), 1e308, True])
async def test_times_that_make_no_sense_are_kept_in_order(begin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        simulated, "timings", lambda *_, **__: [{"word": "kettle", "startTime": begin}, {"word": "is", "startTime": 0.5}]
    )
    async with speaking() as (_, engine):
        check(await hear(engine, TEXT, utterance=how(timestamps=True)), TEXT)


# Encodings


@pytest.mark.parametrize(("encoding", "rate"), [("pcm", 24_000), ("mp3", 24_000), ("ogg_opus", 48_000)])
@pytest.mark.parametrize("timestamps", [False, True])
async def test_every_encoding_brings_the_same_marks(encoding: str, rate: int, timestamps: bool) -> None:
    utterance = how(encoding=encoding, timestamps=timestamps)
    async with speaking() as (_, engine):
        assert engine.native_format(utterance) == AudioFormat(rate=rate)
        heard = await hear(engine, TEXT, "", ENGLISH, utterance=utterance)
        check(heard, TEXT + ENGLISH, rate)
        assert heard.texts() == [*SENTENCES, "The kettle is boiling now.", "Somebody should take it off the stove."]
        assert AudioFormat(rate=rate).seconds(len(heard.audio)) == pytest.approx(len(pcm(TEXT + ENGLISH)) / 48_000, abs=0.6)
        # an encoder adds some silence to each stream, and a sentence begins where its first bytes are decoded
        starts = [SECONDS_A_CHARACTER * start for start in (0, 26, 47)]
        assert times(heard, MarkKind.SENTENCE_START)[:3] == pytest.approx(starts, abs=0.001 if encoding == "pcm" else 0.2)


@pytest.mark.parametrize("encoding", ["mp3", "ogg_opus"])
async def test_audio_that_is_none_is_told_in_words(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.simulators.speech.audio._encoded", lambda *_: bytes(4_000))
    async with speaking() as (_, engine):
        with pytest.raises(EngineError, match=r"cannot be decoded.*pcm needs no decoder"):
            await hear(engine, f"Nothing as {encoding}.", utterance=how(encoding=encoding))
        assert (await hear(engine, TEXT)).texts() == SENTENCES


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100, 48_000])
async def test_the_rate_is_the_one_that_is_wanted(rate: int) -> None:
    utterance = Utterance(voice=SECOND, rate=rate)
    async with speaking(split=777) as (_, engine):  # odd, so that samples are cut in two
        heard = await hear(engine, TEXT, utterance=utterance)
        check(heard, TEXT, rate)
        assert len(heard.audio) == pytest.approx(len(TEXT) * SECONDS_A_CHARACTER * rate * 2, rel=0.001)
        assert all(len(event) % 2 == 0 for _, event in heard.events if isinstance(event, bytes))


# Trying the credentials


async def test_good_credentials_cost_nothing() -> None:
    async with speaking() as (service, engine):
        for voice in (None, SECOND, BIG):
            assert "accepted by ws://127.0.0.1" in await engine.verify(voice)
        assert service.counters.characters == 0
        assert not service.all("text")
        for number in range(3):
            assert (await service.saw("closed", number + 1, within=5)).detail["by"] == "close frame"
        assert service.counters.connections == 0
        assert not service.all("refused")


async def test_bad_credentials_are_told_in_words() -> None:
    async with speaking(engine={"token": "wrong"}) as (service, engine):
        with pytest.raises(CredentialsRefused, match="check appid and access token"):
            await engine.verify()
        assert service.counters.connections_ever == 0


@pytest.mark.parametrize("stage", ["connection", "start"])
async def test_credentials_that_are_refused_later_are_told_too(stage: Any) -> None:
    async with speaking() as (service, engine):
        service.faults.add(Fault(kind="error", code=45000010, message="invalid auth token", on=stage))
        with pytest.raises(CredentialsRefused):
            await engine.verify()
        await service.saw("closed", within=5)
        assert service.counters.connections == 0


async def test_a_voice_that_is_not_granted_is_told_in_words() -> None:
    async with speaking(account=Account(resources=frozenset({"seed-tts-1.0"}))) as (service, engine):
        assert "accepted" in await engine.verify()
        assert "may not use the voice" in await engine.verify()
        with pytest.raises(VoiceRefused, match="may not use the voice"):
            await engine.verify(SECOND)
        await service.saw("closed", 3, within=5)
        assert service.counters.connections == 0


async def test_a_service_that_does_not_answer_is_told_within_the_time() -> None:
    async with speaking(engine={"first_audio_timeout": 0.2}) as (service, engine):
        for stage in ("handshake", "connection", "start"):
            service.faults.add(Fault(kind="stall", on=stage))
            with pytest.raises(EngineError, match=r"within 0\.2 s"):
                await asyncio.wait_for(engine.verify(), 5)
            service.faults.go_on()
        with pytest.raises(EngineUnavailable, match="cannot be reached"):
            async with speaking(engine={"url": "ws://127.0.0.1:1"}) as (_, nobody):
                await nobody.verify()
