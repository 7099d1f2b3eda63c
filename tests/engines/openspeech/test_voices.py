"""The shipped table, whole, and what is made of ids that are not in it."""

from __future__ import annotations

import re
from importlib import resources

import pytest

from wyoming_server.engines.openspeech.voices import is_listed, listed, needs_consent, unlisted, voice_table
from wyoming_server.models import Gender, Voice

TAG = re.compile(r"[a-z]{2}-[A-Z]{2}")
# The vendor's page on voices, "emotion": those of its Chinese and of its English voices that the table needs.
CHINESE = {"happy", "sad", "angry", "surprised", "fear", "hate", "excited", "coldness", "neutral", "depressed"}
ENGLISH = {"neutral", "happy", "angry", "sad", "excited", "chat", "ASMR", "warm", "affectionate", "authoritative"}

CANDICE = "en_female_candice_emo_v2_mars_bigtts"
HARMONY = "zh_male_jingqiangkanye_moon_bigtts"
VIVI_2 = "zh_female_vv_uranus_bigtts"


# The table


def test_the_package_contains_the_table() -> None:
    text = resources.files("wyoming_server.engines.openspeech").joinpath("voices.csv").read_text(encoding="utf-8")
    header, *rows = text.splitlines()
    assert header == "voice_type,name,languages,resource_id,scene,emotions,abilities"
    assert len(rows) == len(voice_table()) == 363


def test_every_row_says_who_speaks_which_languages_on_which_licence() -> None:
    for voice_id, facts in voice_table().items():
        assert facts.voice_type == voice_id
        assert facts.name
        assert facts.languages
        assert all(TAG.fullmatch(tag) for tag in facts.languages), voice_id
        assert len(set(facts.languages)) == len(facts.languages)
        assert facts.resource_id in {"seed-tts-1.0", "seed-tts-2.0"}
        assert facts.gender is not None
    assert [facts.voice_type for facts in voice_table().values() if not facts.scene] == [
        "en_female_nadia_poetry_emo_v2_mars_bigtts"
    ]


def test_every_emotion_is_one_that_the_vendor_has_for_that_language() -> None:
    emotional = [facts for facts in voice_table().values() if facts.emotions]
    assert len(emotional) == 23
    for facts in emotional:
        assert set(facts.emotions) <= (ENGLISH if facts.languages[0].startswith("en") else CHINESE), facts.voice_type
        assert len(set(facts.emotions)) == len(facts.emotions)


def test_voices_2_have_abilities_and_no_emotion() -> None:
    second = [facts for facts in voice_table().values() if facts.resource_id == "seed-tts-2.0"]
    assert len(second) == 16
    for facts in second:
        assert not facts.emotions
        assert "指令遵循" in facts.abilities


@pytest.mark.parametrize(
    ("voice_id", "languages", "emotions", "abilities"),
    [
        (VIVI_2, ("zh-CN", "en-US"), (), ("情感变化", "指令遵循", "ASMR")),
        (CANDICE, ("en-US",), ("affectionate", "angry", "ASMR", "chat", "excited", "happy", "neutral", "warm"), ()),
        ("zh_male_guangzhoudege_emo_mars_bigtts", ("zh-CN",), ("angry", "fear", "neutral"), ()),
        (HARMONY, ("zh-CN", "en-US"), (), ("北京口音",)),
        ("zh_female_wanwanxiaohe_moon_bigtts", ("zh-TW",), (), ("台湾口音",)),
        ("zh_female_wanqudashu_moon_bigtts", ("zh-CN",), (), ("广东口音",)),
        ("zh_female_kefunvsheng_mars_bigtts", ("zh-CN",), (), ("仅中文",)),
        ("en_male_jason_conversation_wvae_bigtts", ("zh-CN",), (), ()),
        ("multi_female_shuangkuaisisi_moon_bigtts", ("ja-JP", "es-ES"), (), ()),
        ("en_female_sarah_mars_bigtts", ("en-AU",), (), ()),
    ],
)
def test_a_row_keeps_what_the_vendor_says(
    voice_id: str, languages: tuple[str, ...], emotions: tuple[str, ...], abilities: tuple[str, ...]
) -> None:
    facts = voice_table()[voice_id]
    assert (facts.languages, facts.emotions, facts.abilities) == (languages, emotions, abilities)


def test_nobody_changes_the_table() -> None:
    with pytest.raises(TypeError):
        voice_table()["x"] = voice_table()[CANDICE]  # type: ignore[index]
    assert voice_table() is voice_table()


# What the engine offers


def test_a_listed_voice_is_offered_with_everything_that_is_known() -> None:
    voices = {voice.name: voice for voice in listed("volc")}
    assert list(voices) == list(voice_table())
    assert voices[CANDICE] == Voice(
        name=CANDICE,
        engine="volc",
        engine_voice=CANDICE,
        languages=("en-US",),
        description="Candice",
        gender=Gender.FEMALE,
        scene="多情感",
        emotions=("affectionate", "angry", "ASMR", "chat", "excited", "happy", "neutral", "warm"),
    )


def test_a_listed_voice_is_known_by_its_bare_id_too() -> None:
    assert unlisted("volc", CANDICE) == next(voice for voice in listed("volc") if voice.name == CANDICE)


@pytest.mark.parametrize(
    ("voice_id", "languages", "gender"),
    [
        ("zh_female_tvbnv_uranus_bigtts", ("zh-CN",), Gender.FEMALE),
        ("en_male_tim_uranus_bigtts", ("en-US",), Gender.MALE),
        ("ICL_zh_male_new_tob", ("zh-CN",), Gender.MALE),
        ("ICL_uranus_en_female_charlie_tob", ("en-US",), Gender.FEMALE),
        ("saturn_zh_female_qingyingduoduo_cs_tob", ("zh-CN",), Gender.FEMALE),
        ("multi_zh_male_new_moon_bigtts", ("ja-JP", "es-ES"), Gender.MALE),
        ("zh_male_en_bigtts", ("zh-CN",), Gender.MALE),
        ("zh_a_b_en_bigtts", ("zh-CN",), None),
        ("BV700_V2_streaming", ("zh-CN",), None),
        ("S_abc1Def2G", ("zh-CN",), None),
        ("my.own-voice", ("zh-CN",), None),
        ("x" * 128, ("zh-CN",), None),
    ],
)
def test_an_unlisted_id_tells_its_language_and_gender(voice_id: str, languages: tuple[str, ...], gender: Gender | None) -> None:
    voice = unlisted("volc", voice_id)
    assert voice == Voice(
        name=voice_id, engine="volc", engine_voice=voice_id, languages=languages, description=voice_id, gender=gender
    )


@pytest.mark.parametrize("voice_id", ["", "x" * 129, "S_a b", "S_a\n", "../voices", "音色", 'S_"', "S_a/b", "S_\u0661"])
def test_what_looks_like_no_id_is_no_voice(voice_id: str) -> None:
    assert unlisted("volc", voice_id) is None


def test_whatever_the_vendor_does_not_list_needs_consent() -> None:
    assert not any(needs_consent(voice_id) for voice_id in voice_table())
    for voice_id in ("S_abc1Def2G", "icl_9f3a", "BV700_streaming", "zh_female_tvbnv_uranus_bigtts", CANDICE.upper(), ""):
        assert not is_listed(voice_id)
        assert needs_consent(voice_id)


def test_consent_is_never_given_by_the_table() -> None:
    assert not any(voice.consent for voice in listed("volc"))
    clone = unlisted("volc", "S_abc1Def2G")
    assert clone is not None
    assert not clone.consent
