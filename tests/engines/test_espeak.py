"""The engine: voices by their tags, settings that do what they say, words and texts of every kind."""

from __future__ import annotations

import math
import re
import sys
import wave
from array import array
from collections.abc import AsyncIterator
from itertools import chain, pairwise
from pathlib import Path

import numpy as np
import pytest

from wyoming_server.engines.base import Utterance
from wyoming_server.engines.espeak import EspeakEngine
from wyoming_server.engines.espeak.engine import TEXT_LIMIT, parameters, plain, word_marks
from wyoming_server.engines.espeak.process import RATE, Word
from wyoming_server.engines.espeak.voices import ALSO, TABLE
from wyoming_server.errors import BadSetting, ConfigError, EngineUnavailable, TextTooLong, UnknownVoice, Unspeakable
from wyoming_server.models import AudioFormat, Gender, MarkKind, TextFormat, VoiceSettings

from .cases import new_engine
from .espeaking import DATA, LIBRARY, LONG, TEXT, collected, engine, seconds, spoken, utterance

TAG = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?(-[a-z0-9]{5,8})*(-x(-[a-z0-9]{1,8})+)?")
"""BCP 47 in its usual case, as far as the table uses it."""


@pytest.fixture
async def espeak() -> AsyncIterator[EspeakEngine]:
    async with engine() as made:
        yield made


def loudness(audio: bytes) -> float:
    samples = array("h", audio)
    return math.sqrt(sum(sample * sample for sample in samples) / len(samples))


def fundamental(audio: bytes) -> float:
    """Hz, of a steady voice: the lag at which the loudest stretch is most like itself."""
    samples = np.frombuffer(audio, dtype="<i2").astype(float)
    loudest = max(range(0, len(samples) - 4096, 1024), key=lambda begin: float(np.square(samples[begin : begin + 4096]).sum()))
    spectrum = np.fft.rfft(samples[loudest : loudest + 4096] * np.hanning(4096), 16384)
    likeness = np.fft.irfft(np.square(np.abs(spectrum)))
    shortest, longest = RATE // 300, RATE // 40
    return RATE / (shortest + int(np.argmax(likeness[shortest:longest])))


# Voices


async def test_every_voice_is_listed_by_its_tag(espeak: EspeakEngine) -> None:
    voices = await espeak.voices()
    assert [voice.name for voice in voices] == list(TABLE)
    assert all((voice.engine_voice, voice.language, voice.engine) == (voice.name, voice.name, "espeak") for voice in voices)
    assert all(voice.description and voice.gender is Gender.MALE for voice in voices)


def test_tags_are_as_bcp_47_wants_them_and_no_two_voices_share_one() -> None:
    tags = [*TABLE, *chain.from_iterable(ALSO.values())]
    assert [tag for tag in tags if not TAG.fullmatch(tag)] == []
    assert len({tag.casefold() for tag in tags}) == len(tags)
    assert ALSO.keys() <= TABLE.keys()


@pytest.mark.parametrize(
    ("tag", "languages"),
    [
        ("en-GB", ("en-GB", "en")),
        ("de", ("de",)),
        ("zh-CN", ("zh-CN", "cmn", "zh-TW")),
        ("zh-HK", ("zh-HK", "yue")),
        ("pt-BR", ("pt-BR",)),
        ("nb", ("nb", "no")),
    ],
)
async def test_languages_are_called_what_home_assistant_calls_them(
    espeak: EspeakEngine, tag: str, languages: tuple[str, ...]
) -> None:
    [voice] = [voice for voice in await espeak.voices() if voice.name == tag]
    assert voice.languages == languages


async def test_a_voice_that_the_data_lacks_is_not_listed(tmp_path: Path) -> None:
    (tmp_path / "lang" / "gmw").mkdir(parents=True)
    (tmp_path / "lang" / "gmw" / "de").write_text("language de")
    made = new_engine("espeak", library=str(LIBRARY), data=str(tmp_path))
    assert [voice.name for voice in await made.voices()] == ["de"]


async def test_english_and_mandarin_speak_for_a_plausible_time(espeak: EspeakEngine) -> None:
    assert 2 < seconds((await spoken(espeak, TEXT))[0]) < 4
    assert 1.5 < seconds((await spoken(espeak, "晚饭做好了，快来吃吧。", "zh-CN"))[0]) < 4


async def test_a_variant_is_accepted_in_any_case_and_speaks_differently(espeak: EspeakEngine) -> None:
    voice = espeak.unlisted_voice("en-gb+F3")
    assert voice is not None
    assert (voice.name, voice.engine_voice, voice.languages) == ("en-GB+f3", "en-GB+f3", ("en-GB", "en"))
    assert voice.gender is Gender.FEMALE
    assert voice not in await espeak.voices()
    plain_voice, variant = [(await spoken(espeak, "aaah", name, intonation=0))[0] for name in ("en-GB", "en-gb+F3")]
    assert fundamental(variant) > 1.5 * fundamental(plain_voice)


async def test_every_variant_of_the_data_speaks(espeak: EspeakEngine) -> None:
    names = sorted(path.name for path in (DATA / "voices" / "!v").iterdir())
    assert "Mr serious" in names
    for name in names:
        assert espeak.unlisted_voice(f"de+{name}") is not None
        assert any((await spoken(espeak, "Hallo", f"de+{name}"))[0]), name


def test_names_without_a_voice_before_the_plus_are_nobody() -> None:
    espeak = EspeakEngine("espeak", {"workers": 1})
    assert [espeak.unlisted_voice(name) for name in ("en-GB", "en", "xx+f3", "+f3", "")] == [None] * 5


@pytest.mark.parametrize("variant", ["nobody", "", "../!v/f3", "/etc/passwd", "f3+f4"])
async def test_a_variant_that_is_not_there_is_told_with_those_that_are(espeak: EspeakEngine, variant: str) -> None:
    with pytest.raises(UnknownVoice, match=r"no variant .* It has .*f3"):
        espeak.unlisted_voice(f"en-GB+{variant}")
    with pytest.raises(UnknownVoice, match="no variant"):
        await spoken(espeak, TEXT, f"en-GB+{variant}")


async def test_a_voice_that_is_not_there_is_told(espeak: EspeakEngine) -> None:
    with pytest.raises(UnknownVoice, match="'gmw/en'"):
        await spoken(espeak, TEXT, "gmw/en")


# Settings


@pytest.mark.parametrize("speed", [0.5, 2, 4])
async def test_speed_is_a_factor(espeak: EspeakEngine, speed: float) -> None:
    normal, other = [seconds((await spoken(espeak, TEXT * 3, speed=factor))[0]) for factor in (1, speed)]
    assert normal / other == pytest.approx(speed, rel=0.08)


@pytest.mark.parametrize("pitch", [-8, -4, 4, 9])
async def test_pitch_is_in_semitones(espeak: EspeakEngine, pitch: float) -> None:
    normal, other = [fundamental((await spoken(espeak, "aaah", intonation=0, pitch=shift))[0]) for shift in (0, pitch)]
    assert 12 * math.log2(other / normal) == pytest.approx(pitch, abs=1)


async def test_volume_is_half_at_half_and_silent_at_nothing(espeak: EspeakEngine) -> None:
    normal, half, none = [loudness((await spoken(espeak, TEXT, volume=volume))[0]) for volume in (50, 25, 0)]
    assert half == pytest.approx(normal / 2, rel=0.05)
    assert none == 0


async def test_a_word_gap_is_a_pause_after_every_word(espeak: EspeakEngine) -> None:
    normal, gaps = [seconds((await spoken(espeak, "one two three four five", word_gap=gap))[0]) for gap in (0, 50)]
    assert gaps - normal == pytest.approx(5 * 0.5, abs=0.4)


def test_settings_beyond_the_library_are_refused_and_for_a_fallback_the_nearest() -> None:
    espeak = EspeakEngine("espeak", {"workers": 1})
    for settings in ({"speed": 0.25}, {"pitch": -12}, {"pitch": 24}, {"word_gap": 101}, {"intonation": -1}, {"emotion": "happy"}):
        with pytest.raises(BadSetting):
            espeak.check_request(VoiceSettings.parse(settings), TextFormat.TEXT)
    espeak.check_request(VoiceSettings.parse({"speed": 4, "pitch": 10, "volume": 100, "word_gap": 100}), TextFormat.SSML)
    low = parameters(VoiceSettings(speed=0.25, pitch=-24, volume=0))
    high = parameters(VoiceSettings(speed=4, pitch=24, volume=100))
    assert low == {"rate": 80, "volume": 0, "pitch": 0, "range": 12, "word_gap": 0}
    assert high == {"rate": 700, "volume": 200, "pitch": 99, "range": 99, "word_gap": 0}
    assert parameters(VoiceSettings()) == {"rate": 175, "volume": 100, "pitch": 50, "range": 50, "word_gap": 0}


# Words


@pytest.mark.parametrize(
    ("text", "voice"),
    [
        (TEXT, "en-GB"),
        ("It costs $3.14, or 1,000,000 yen; don't e-mail me@example.org.", "en-US"),
        ("naïve café 😀, 𝔘nicode and e\u0301te\u0301", "fr-FR"),
        ("  two\n\nparagraphs\r\nand a line  ", "en-GB"),
        ("你好，今天天气很好。Hello, 123!", "zh-CN"),
        ("こんにちは、漢字です。", "ja"),
    ],
)
async def test_words_are_marked_in_order_where_they_stand(espeak: EspeakEngine, text: str, voice: str) -> None:
    audio, marks = await spoken(espeak, text, voice)
    assert len(marks) >= 2
    assert {mark.kind for mark in marks} == {MarkKind.WORD}
    assert all(text[mark.start : mark.end] == mark.text == mark.text.strip() != "" for mark in marks)
    assert all(one.end <= other.start and one.time <= other.time for one, other in pairwise(marks))
    assert marks[-1].time < seconds(audio)


def test_words_that_overlap_or_are_blank_are_no_marks() -> None:
    words = [Word(0, 0, 4), Word(50, 1, 4), Word(60, 4, 1), Word(RATE, 4, 6), Word(RATE, 10, 1)]
    marks = list(word_marks("3.14 pies ", words, 0))
    assert [(mark.text, mark.start, mark.end, mark.time) for mark in marks] == [("3.14", 0, 4, 0), ("pies", 5, 9, 1)]
    assert list(word_marks("3.14 pies ", words, 9)) == []


# Texts


async def test_text_is_no_markup(espeak: EspeakEngine) -> None:
    _, marks = await spoken(espeak, "a <b>bold</b> [[h@l'oU]] &amp; word")
    words = [mark.text for mark in marks if mark.text.isalpha()]
    assert words == ["a", "b", "bold", "b", "h", "l", "U", "amp", "word"]


async def test_ssml_breaks_and_its_words_count_from_the_source(espeak: EspeakEngine) -> None:
    source = "<speak>Before <break time='{}'/> <emphasis>after</emphasis></speak>"
    short, marks = await spoken(espeak, source.format("1ms"), ssml=True)
    long, _ = await spoken(espeak, source.format("2s"), ssml=True)
    assert seconds(long) - seconds(short) == pytest.approx(2, abs=0.2)
    assert [mark.text for mark in marks] == ["Before", "after"]
    assert marks[1].start == source.format("1ms").index("after")


async def test_ssml_reads_no_file_of_this_machine(espeak: EspeakEngine, tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "secret.wav"), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(b"\x00\x40" * RATE * 5)
    audio, _ = await spoken(espeak, f"<speak>One <audio src='{tmp_path}/secret.wav'/> two</speak>", ssml=True)
    assert seconds(audio) < 3


def test_control_characters_become_blanks_and_nothing_moves() -> None:
    assert plain("a\x01\x00b\tc\n\x1f", ssml=False) == "a  b\tc\n "
    assert plain("&#1;&#65;", ssml=False) == "&#1;&#65;"
    source = "&#1;a&#x01;b&#65;&#x1F600;&#10;&#4294967297;&#1f;&#99999999999999999999;&lt;&amp;#1;"
    clean = plain(source, ssml=True)
    assert len(clean) == len(source)
    assert clean.split() == ["a", "b&#65;&#x1F600;&#10;", "&lt;&amp;#1;"]


async def test_a_control_character_cannot_change_the_voice(espeak: EspeakEngine) -> None:
    one, other = [seconds((await spoken(espeak, text))[0]) for text in ("a  99S slow b", "a \x0199S slow b")]
    assert one == pytest.approx(other, rel=0.02)


@pytest.mark.parametrize("text", ["", "   ", "...", "—", "\u200b", "。"])
async def test_text_with_nothing_to_say_is_unspeakable(espeak: EspeakEngine, text: str) -> None:
    with pytest.raises(Unspeakable, match=str(len(text))):
        await spoken(espeak, text)
    assert any((await spoken(espeak, "go on"))[0])


async def test_silence_that_was_asked_for_stays_before_the_first_word(espeak: EspeakEngine) -> None:
    audio, [mark] = await spoken(espeak, "<speak><break time='1s'/>word</speak>", ssml=True)
    assert mark.time == pytest.approx(1, abs=0.5)
    assert not any(audio[: int(RATE * mark.time) * 2 - 2000])
    assert any(audio)


async def test_letters_that_are_none_are_no_hindrance(espeak: EspeakEngine) -> None:
    audio, marks = await spoken(espeak, "half \ud83d a smile")
    assert any(audio)
    assert [mark.text for mark in marks][-2:] == ["a", "smile"]


async def test_five_thousand_characters_in_one_reply_or_in_one_sentence(espeak: EspeakEngine) -> None:
    async def text() -> AsyncIterator[str]:
        yield LONG

    reply, marks = await collected(espeak.speak(text(), utterance()))
    sentence, words = await spoken(espeak, LONG)
    assert seconds(reply) == pytest.approx(seconds(sentence), rel=0.05)
    assert sum(mark.kind is MarkKind.WORD for mark in marks) == len(words) == len(LONG.split())
    assert [mark.time for mark in marks] == sorted(mark.time for mark in marks)


async def test_too_much_text_at_once_is_refused_with_both_numbers(espeak: EspeakEngine) -> None:
    with pytest.raises(TextTooLong, match=rf"{TEXT_LIMIT} bytes .* not {TEXT_LIMIT + 2}"):
        await spoken(espeak, "é" * (TEXT_LIMIT // 2 + 1))


# The life cycle


async def test_a_format_is_promised_without_a_process() -> None:
    espeak = EspeakEngine("espeak", {"workers": 1})
    assert espeak.native_format(Utterance(voice="en-GB")) == AudioFormat(rate=22_050, width=2, channels=1)
    await espeak.aclose()


async def test_without_the_wheel_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    espeak = new_engine("espeak")
    for step in (espeak.start, espeak.voices):
        with pytest.raises(EngineUnavailable, match=r"espeakng-loader.*library.*data"):
            await step()
    await espeak.aclose()


async def test_another_espeak_ng_is_named_by_both_its_halves(tmp_path: Path) -> None:
    for half in ({"library": str(LIBRARY)}, {"data": str(DATA)}):
        with pytest.raises(ConfigError, match="both, or neither"):
            new_engine("espeak", **half)
    async with engine(library=str(LIBRARY), data=str(DATA)) as espeak:
        assert any((await spoken(espeak, TEXT))[0])
    with pytest.raises(EngineUnavailable, match=r"there is no .*nowhere"):
        await new_engine("espeak", library=str(LIBRARY), data=str(tmp_path / "nowhere")).start()
