"""One request through the pipeline: what Herald does to an engine's audio and text, and that it stops when it is told to."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wyoming_server.engines.base import EngineEvent, Utterance
from wyoming_server.engines.sentences import SentenceEngine
from wyoming_server.engines.tone import ToneEngine
from wyoming_server.errors import BadSetting, ConsentRequired, EngineError, EngineUnavailable, Unspeakable
from wyoming_server.models import (
    PAUSE,
    AudioFormat,
    Capabilities,
    ConverterChoice,
    FormatWish,
    Mark,
    MarkKind,
    OnFailure,
    ReplyStart,
    SynthesisRequest,
    TextFormat,
    Voice,
    VoiceSettings,
    Waiting,
)
from wyoming_server.roster import Roster
from wyoming_server.synthesis import ReplyEvent, Synthesizer
from wyoming_server.synthesis.loudness import LoudnessStore
from wyoming_server.synthesis.sources import Sources

from ..converters.cases import new_converter
from ..engines.cases import new_engine

RATE = 24_000
SILENCE = 0.3
"""Seconds before each sentence of the player."""


class Player(SentenceEngine):
    """An engine for speech that plays a quiet sine of one second behind some silence, and notes what it was given."""

    type = "player"
    title = "Player"
    capabilities = Capabilities(settings=frozenset({"speed"}))
    amplitude = 0.05

    def __init__(self) -> None:
        super().__init__("player", {})
        self.given: list[str] = []

    async def voices(self) -> Sequence[Voice]:
        return [VOICE]

    def native_format(self, utterance: Utterance) -> AudioFormat:
        return AudioFormat(rate=RATE)

    async def speak_sentence(self, text: str, utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
        self.given.append(text)
        if "???" in text:
            raise Unspeakable
        yield AudioFormat(rate=RATE).silence(SILENCE)
        yield Mark(kind=MarkKind.WORD, time=SILENCE, start=0, end=1, text=text[0])
        times = np.arange(RATE) / RATE
        yield (np.sin(2 * np.pi * 1000 * times) * self.amplitude * 32767).astype("<i2").tobytes()


VOICE = Voice(name="p", engine="player", engine_voice="p", languages=("en-US",))
TONE = Voice(name="t", engine="tone", engine_voice="tone", languages=("en-US",))


async def text_of(parts: Iterable[str]) -> AsyncIterator[str]:
    for part in parts:
        yield part


def synthesizer(*engines: Any, path: Path | None = None) -> Synthesizer:
    return Synthesizer(Roster.of({engine.name: engine for engine in engines}), LoudnessStore(path), Roster.of({}))


async def reply(synth: Synthesizer, request: SynthesisRequest, *parts: str) -> tuple[ReplyStart, bytes, list[Mark]]:
    events = [event async for event in synth.speak(request, text_of(parts))]
    start = events[0]
    assert isinstance(start, ReplyStart)
    audio = b"".join(event for event in events if isinstance(event, bytes))
    return start, audio, [event for event in events if isinstance(event, Mark)]


def peak(pcm: bytes) -> float:
    return float(np.abs(np.frombuffer(pcm, "<i2")).max()) / 32767


async def test_the_silence_before_the_first_sound_goes_and_marks_move_with_it() -> None:
    _, audio, marks = await reply(synthesizer(Player()), SynthesisRequest(voice=VOICE), "One. Two.")
    seconds = AudioFormat(rate=RATE).seconds(len(audio))
    assert seconds == pytest.approx(2 * (1 + SILENCE) - (SILENCE - 0.02), abs=0.002)
    words = [mark.time for mark in marks if mark.kind is MarkKind.WORD]
    assert words == pytest.approx([0.02, 1.02 + SILENCE], abs=0.002)


async def test_marks_that_come_before_the_silence_is_gone_stay_in_order() -> None:
    class Early(Player):
        async def speak_sentence(self, text: str, utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
            yield Mark(kind=MarkKind.WORD, time=SILENCE, start=0, end=1, text=text[0])
            async for event in super().speak_sentence(text, utterance):
                yield event

    _, _, marks = await reply(synthesizer(Early()), SynthesisRequest(voice=VOICE), "One. Two.")
    assert [mark.time for mark in marks] == sorted(mark.time for mark in marks)
    assert marks[1].time == pytest.approx(0.02, abs=0.002)


async def test_a_volume_of_heralds_own_does_not_keep_a_voice_from_being_learned() -> None:
    synth, request = synthesizer(Player()), SynthesisRequest(voice=VOICE, settings=VoiceSettings(volume=50))
    _, first, _ = await reply(synth, request, "One. Two. Three. Four.")
    _, second, _ = await reply(synth, request, "One.")
    assert peak(second) > 2 * peak(first)


async def test_a_voice_may_keep_its_silence() -> None:
    voice = Voice(name="p", engine="player", engine_voice="p", languages=("en",), trim_silence=False, even_loudness=False)
    _, audio, _ = await reply(synthesizer(Player()), SynthesisRequest(voice=voice), "One.")
    assert AudioFormat(rate=RATE).seconds(len(audio)) == 1 + SILENCE


async def test_a_quiet_voice_is_raised_once_enough_of_it_was_heard(tmp_path: Path) -> None:
    path = tmp_path / "loudness.json"
    request = SynthesisRequest(voice=VOICE)
    synth = synthesizer(Player(), path=path)
    _, first, _ = await reply(synth, request, "One. Two. Three. Four.")
    _, second, _ = await reply(synth, request, "One.")
    assert peak(first) == pytest.approx(0.05, rel=0.01)
    assert peak(second) > 2 * peak(first)
    _, after_restart, _ = await reply(synthesizer(Player(), path=path), request, "One.")
    assert peak(after_restart) == pytest.approx(peak(second), rel=0.05)


async def test_markup_is_not_read_aloud_unless_the_voice_wants_it() -> None:
    player = Player()
    await reply(synthesizer(player), SynthesisRequest(voice=VOICE), "**Hello** `you`.")
    raw = Voice(name="p", engine="player", engine_voice="p", languages=("en",), speakable_text=False)
    await reply(synthesizer(player), SynthesisRequest(voice=raw), "**Hello** `you`.")
    assert player.given == ["Hello you.", "**Hello** `you`."]


async def test_a_sentence_that_cannot_be_spoken_is_left_out() -> None:
    _, audio, marks = await reply(synthesizer(Player()), SynthesisRequest(voice=VOICE), "One. Two???\nThree.")
    assert AudioFormat(rate=RATE).seconds(len(audio)) == pytest.approx(2 * (1 + SILENCE) - (SILENCE - 0.02), abs=0.002)
    assert [mark.text for mark in marks if mark.kind is MarkKind.SENTENCE_START] == ["One.", "Three."]


async def test_places_in_line_come_before_the_audio_they_delay_and_are_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    class Busy(Player):
        async def speak_sentence(self, text: str, utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
            for position in (2, 1):
                yield Waiting(position=position)
            async for event in super().speak_sentence(text, utterance):
                yield event

    caplog.set_level(logging.INFO)
    request = SynthesisRequest(voice=VOICE, format=FormatWish(rate=16_000))
    events = [event async for event in synthesizer(Busy()).speak(request, text_of(["One. Two."]))]
    assert events[1:3] == [Waiting(position=2), Waiting(position=1)]
    assert [event for event in events if not isinstance(event, Waiting)] == [
        event async for event in synthesizer(Player()).speak(request, text_of(["One. Two."]))
    ]
    assert caplog.messages == ["A reply waits for the engine player, as number 2 in line."]


async def test_an_engine_with_one_turn_speaks_two_replies_whole() -> None:
    synth = synthesizer(new_engine("tone", per_character=0.01, concurrency=1))
    request = SynthesisRequest(voice=TONE)
    alone = await reply(synth, request, "One sentence. Another.")
    assert await asyncio.gather(*(reply(synth, request, "One sentence. Another.") for _ in range(5))) == [alone] * 5


@pytest.mark.parametrize(("rate", "channels"), [(16_000, 1), (22_050, 2), (48_000, 1)])
async def test_the_reply_has_the_format_that_was_wished(rate: int, channels: int) -> None:
    tone = new_engine("tone", per_character=0.1)
    request = SynthesisRequest(voice=TONE, format=FormatWish(rate=rate, channels=channels))
    start, audio, _ = await reply(synthesizer(tone), request, "Ten chars.")
    assert start.format == AudioFormat(rate=rate, channels=channels)
    assert len(audio) == start.format.size(1)


async def test_nothing_to_say_is_a_moment_of_silence_in_the_wished_format() -> None:
    request = SynthesisRequest(voice=VOICE, format=FormatWish(rate=16_000))
    _, audio, marks = await reply(synthesizer(Player()), request, "😀")
    assert (audio, marks) == (AudioFormat(rate=16_000).silence(0.02), [])


@pytest.mark.parametrize(
    ("settings", "text_format"),
    [({"emotion": "sad"}, TextFormat.TEXT), ({"twirl": 3}, TextFormat.TEXT), ({}, TextFormat.SSML)],
)
async def test_what_the_engine_does_not_take_is_refused_before_it_is_asked(
    settings: dict[str, Any], text_format: TextFormat
) -> None:
    player = Player()
    request = SynthesisRequest(voice=VOICE, settings=VoiceSettings.parse(settings), text_format=text_format)
    with pytest.raises(BadSetting, match="Player voices take no"):
        await reply(synthesizer(player), request, "Hello.")
    assert player.given == []


async def test_a_voice_without_its_engine_is_refused_in_words() -> None:
    with pytest.raises(EngineUnavailable, match="needs the engine tone, which is not configured"):
        await reply(synthesizer(Player()), SynthesisRequest(voice=TONE), "Hello.")


async def test_an_engine_that_goes_between_a_request_and_its_begin_is_told_of_in_words() -> None:
    """As it may for a share, which begins in a task of its own."""
    events = Sources(Roster.of({}), Roster.of({})).events(SynthesisRequest(voice=TONE), text_of(["Hello."]), lambda _: None)
    with pytest.raises(EngineUnavailable, match="needs the engine tone, which is not configured"):
        await anext(events)


async def test_a_failure_comes_after_the_audio_before_it() -> None:
    tone = new_engine("tone", per_character=0.01)
    request = SynthesisRequest(voice=TONE, settings=VoiceSettings.parse({"fail_at": 0.05}))
    events = synthesizer(tone).speak(request, text_of(["A" * 10]))
    audio: list[bytes] = []
    with pytest.raises(EngineError):
        await collect(events, audio)
    assert len(b"".join(audio)) == AudioFormat(rate=22_050).size(0.02) * 3


async def collect(events: AsyncGenerator[ReplyEvent, None], audio: list[bytes]) -> None:
    async for event in events:
        audio += [event] if isinstance(event, bytes) else []


async def test_the_next_sentence_is_asked_for_while_one_plays_and_no_more() -> None:
    tone = new_engine("tone", per_character=0.01)
    assert isinstance(tone, ToneEngine)
    sentence = "A" * 99 + ". "
    events = synthesizer(tone).speak(SynthesisRequest(voice=TONE), text_of([sentence * 10]))
    async with aclosing(events):
        async for event in events:
            if isinstance(event, bytes):
                break
        for _ in range(200):
            await asyncio.sleep(0)
        assert [event.what for event in tone.journal] == ["started", "started"]
    assert [event.what for event in tone.journal] == ["started", "started", "cancelled", "cancelled"]


async def test_a_pause_of_the_writer_is_no_look_ahead() -> None:
    tone = new_engine("tone", per_character=0.01, look_ahead=0.5)
    assert isinstance(tone, ToneEngine)

    async def text() -> AsyncIterator[str]:
        yield "A" * 29 + ". "
        yield PAUSE
        await asyncio.sleep(0.4)
        yield ("B" * 29 + ". ") * 20

    audio: list[bytes] = []
    async with aclosing(synthesizer(tone).speak(SynthesisRequest(voice=TONE), text())) as events:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(collect(events, audio), 0.6)
    assert AudioFormat(rate=22_050).seconds(len(b"".join(audio))) < 2


async def test_closing_the_engine_ends_a_reply_that_waits_for_real_time() -> None:
    tone = new_engine("tone", per_character=0.01, look_ahead=0)
    audio: list[bytes] = []
    events = synthesizer(tone).speak(SynthesisRequest(voice=TONE), text_of(["A" * 99 + ". "] * 10))
    reading = asyncio.create_task(collect(events, audio))
    await asyncio.sleep(0.1)
    await tone.aclose()
    with pytest.raises(EngineUnavailable):
        await asyncio.wait_for(reading, 5)


async def test_no_sentence_is_asked_for_beyond_the_look_ahead() -> None:
    tone = new_engine("tone", per_character=0.01, look_ahead=2.5)
    assert isinstance(tone, ToneEngine)
    events = synthesizer(tone).speak(SynthesisRequest(voice=TONE), text_of(["A" * 99 + ". "] * 10))
    audio: list[bytes] = []
    async with aclosing(events):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(collect(events, audio), 0.2)
    assert 2.5 < AudioFormat(rate=22_050).seconds(len(b"".join(audio))) < 5
    assert sum(event.what == "started" for event in tone.journal) <= 5


async def test_herald_sees_to_the_speed_where_the_engine_has_only_one() -> None:
    request = SynthesisRequest(voice=TONE, settings=VoiceSettings(speed=2.0))
    synth = synthesizer(new_engine("tone", per_character=0.1))
    start, audio, marks = await reply(synth, request, "Ten chars. And ten.")
    length = start.format.seconds(len(audio))
    assert length == pytest.approx(1.9 / 2, abs=0.06)
    assert [mark.kind for mark in marks] == [MarkKind.SENTENCE_START, MarkKind.SENTENCE_END] * 2
    assert marks[-1].time == pytest.approx(length, abs=0.06)
    spectrum = np.abs(np.fft.rfft(np.frombuffer(audio, "<i2")))
    assert np.argmax(spectrum) * start.format.rate / (len(audio) // 2) == pytest.approx(440, abs=5)


# What a call asks for

HALF = ConverterChoice(converter="gain", speaker="half")
AS_HALF = Voice(name="h", engine="tone", engine_voice="tone", languages=("en-US",), converter=HALF)


def converting(*converters: str) -> Synthesizer:
    """The test tone, and test gains of these names."""
    found = {name: new_converter("gain") for name in converters or ("gain",)}
    return Synthesizer(Roster.of({"tone": new_engine("tone")}), LoudnessStore(), Roster.of(found))


@pytest.mark.parametrize(
    ("voice", "given", "choice"),
    [
        (TONE, "gain/half", HALF),
        (TONE, "half", HALF),
        (TONE, {"type": "gain", "speaker": "half"}, HALF),
        (TONE, {"speaker": "half"}, HALF),
        (TONE, None, None),
        (TONE, "none", None),
        (AS_HALF, None, HALF),
        (AS_HALF, "none", None),
        (AS_HALF, False, None),
        (AS_HALF, "loud", ConverterChoice(converter="gain", speaker="loud")),
        (
            AS_HALF,
            {"on_failure": "fail", "delay": 0.5},
            ConverterChoice(converter="gain", speaker="half", on_failure=OnFailure.FAIL, settings={"delay": 0.5}),
        ),
    ],
)
def test_a_call_may_say_as_whom_its_voice_is_heard(voice: Voice, given: Any, choice: ConverterChoice | None) -> None:
    options = {} if given is None else {"converter": given}
    request = converting().request(voice, {**options, "speed": 2, "delay": 1})
    assert request.voice.converter == choice
    assert request.settings == VoiceSettings(speed=2.0, extras={"delay": 1})


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("other/half", "no converter 'other'. The converters are gain"),
        ({"type": "gain"}, "Test gain needs a speaker: same, half, quiet, loud, inverted, silent"),
        ({"type": "gain", "speaker": "half", "delay": -1}, "Test gain: .*delay"),
        ({"type": "gain", "speaker": "half", "twirl": 1}, "Test gain takes no 'twirl'"),
        ({"speaker": "half", "on_failure": "shrug"}, "on_failure is bypass or fail, not 'shrug'"),
        (3, "not 3"),
    ],
)
def test_what_a_converter_does_not_take_is_refused_in_words(given: Any, words: str) -> None:
    with pytest.raises(BadSetting, match=words):
        converting().request(TONE, {"converter": given})


def test_without_any_converter_there_is_none_to_ask_for() -> None:
    with pytest.raises(BadSetting, match="None is configured"):
        synthesizer(new_engine("tone")).request(TONE, {"converter": "gain/half"})


def test_a_voice_whose_converter_is_not_there_says_so_unless_it_is_not_wanted() -> None:
    synth = synthesizer(new_engine("tone"))
    with pytest.raises(EngineUnavailable, match="The voice h needs the converter gain, which is not configured"):
        synth.request(AS_HALF, {})
    assert synth.request(AS_HALF, {"converter": "none"}).voice.converter is None


def test_a_speaker_who_may_be_real_needs_the_operators_word_and_no_clients_counts() -> None:
    synth = converting()
    with pytest.raises(ConsentRequired, match="The speaker somebody of gain may be a real person"):
        synth.request(TONE, {"converter": "gain/somebody"})
    with pytest.raises(BadSetting, match="consent"):
        synth.request(TONE, {"converter": {"type": "gain", "speaker": "somebody", "consent": True}})
    choice = synth.request(TONE, {"converter": "gain/somebody"}, consent=True).voice.converter
    assert choice == ConverterChoice(converter="gain", speaker="somebody", consent=True)


def test_a_voices_consent_is_for_its_own_speaker_alone() -> None:
    own = ConverterChoice(converter="gain", speaker="somebody", consent=True)
    voice = Voice(name="s", engine="tone", engine_voice="tone", languages=("en-US",), converter=own, consent=True)
    synth = converting()
    assert synth.request(voice, {}).voice.converter == own
    assert synth.request(voice, {"converter": "gain/somebody"}).voice.converter == own
    for other in ("gain/else", "else", {"speaker": "else"}):
        with pytest.raises(ConsentRequired, match="The speaker else of gain"):
            synth.request(voice, {"converter": other})


def test_the_option_is_one_of_every_voice() -> None:
    assert "converter" in converting().setting_names(TONE)


async def test_a_request_that_nobody_checked_is_checked_when_it_is_spoken() -> None:
    voice = Voice(
        name="x",
        engine="tone",
        engine_voice="tone",
        languages=("en-US",),
        converter=ConverterChoice(converter="gain", speaker="somebody"),
    )
    with pytest.raises(ConsentRequired):
        await reply(converting(), SynthesisRequest(voice=voice), "Hello.")
