"""Which way a voice goes, by rule and by configuration, and what may be asked of it there."""

from __future__ import annotations

from typing import Any

import pytest

from wyoming_server.engines.openspeech.routes import Api, Family, Route, capabilities, route
from wyoming_server.engines.openspeech.voices import voice_table
from wyoming_server.errors import BadSetting
from wyoming_server.models import SETTING_NAMES, SETTING_RANGES, TextFormat

SMALL, SEED_1, SEED_2, CLONE = Family.SMALL, Family.SEED_1, Family.SEED_2, Family.CLONE
V1, V3 = Api.V1, Api.V3
TTS, ICL = "volcano_tts", "volcano_icl"

VIVI_1 = "zh_female_vv_mars_bigtts"
VIVI_2 = "zh_female_vv_uranus_bigtts"
SERENA = "en_female_skye_emo_v2_mars_bigtts"
CHILD = "ICL_zh_female_huoponvhai_tob"
BV = "BV700_V2_streaming"
MINE = "S_abc1Def2G"


def way(made: Route) -> tuple[Api, str, str, Family]:
    return made.api, made.cluster, made.resource_id, made.family


# Rules


@pytest.mark.parametrize(
    ("voice_id", "expected"),
    [
        (VIVI_2, (V3, TTS, "seed-tts-2.0", SEED_2)),
        ("zh_female_xueayi_saturn_bigtts", (V3, TTS, "seed-tts-2.0", SEED_2)),
        ("saturn_zh_female_cancan_tob", (V3, TTS, "seed-tts-2.0", SEED_2)),
        ("zh_female_new_uranus_bigtts", (V3, TTS, "seed-tts-2.0", SEED_2)),
        ("saturn_zh_male_new_cs_tob", (V3, TTS, "seed-tts-2.0", SEED_2)),
        ("ICL_uranus_en_male_zayne_tob", (V3, TTS, "seed-tts-2.0", SEED_2)),
        (VIVI_1, (V3, TTS, "seed-tts-1.0", SEED_1)),
        (SERENA, (V3, TTS, "seed-tts-1.0", SEED_1)),
        ("ICL_zh_male_BV705_streaming_cs_tob", (V3, TTS, "seed-tts-1.0", SEED_1)),
        ("multi_zh_male_youyoujunzi_moon_bigtts", (V3, TTS, "seed-tts-1.0", SEED_1)),
        ("ICL_en_female_new_tob", (V3, TTS, "seed-tts-1.0", SEED_1)),
        ("zh_male_bvlazysheep", (V3, TTS, "seed-tts-1.0", SEED_1)),
        ("custom_mix_bigtts", (V3, TTS, "seed-tts-1.0", SEED_1)),
        (CHILD, (V1, TTS, "seed-tts-1.0", SEED_1)),
        (BV, (V1, TTS, "seed-tts-1.0", SMALL)),
        ("BV001_streaming", (V1, TTS, "seed-tts-1.0", SMALL)),
        ("BV001", (V1, TTS, "seed-tts-1.0", SMALL)),
        (MINE, (V3, ICL, "seed-icl-2.0", CLONE)),
        ("icl_9f3a", (V3, ICL, "seed-icl-1.0", CLONE)),
        ("DiT_9f3a", (V3, ICL, "seed-icl-1.0", CLONE)),
        ("saturn_9f3a", (V3, ICL, "seed-icl-2.0", CLONE)),
        ("grandmother", (V3, ICL, "seed-icl-2.0", CLONE)),
        ("BVgrandmother", (V3, ICL, "seed-icl-2.0", CLONE)),
        ("odd\nid", (V3, ICL, "seed-icl-2.0", CLONE)),
        ("", (V3, ICL, "seed-icl-2.0", CLONE)),
    ],
)
def test_an_id_tells_its_way(voice_id: str, expected: tuple[Api, str, str, Family]) -> None:
    assert way(route(voice_id, {})) == expected


def test_the_rules_agree_with_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    by_table = {voice_id: way(route(voice_id, {})) for voice_id in voice_table()}
    assert {resource for _, _, resource, _ in by_table.values()} == {"seed-tts-1.0", "seed-tts-2.0"}
    monkeypatch.setattr("wyoming_server.engines.openspeech.routes.voice_table", dict)
    assert {voice_id: way(route(voice_id, {})) for voice_id in by_table} == by_table


def test_the_voices_that_bidirection_lacks_are_the_vendors_own() -> None:
    by_v1 = [facts.name for voice_id, facts in voice_table().items() if route(voice_id, {}).api is V1]
    assert sorted(by_v1) == sorted(["病弱少女", "活泼女孩", "和蔼奶奶", "邻居阿姨"])


# What the configuration says instead


@pytest.mark.parametrize(
    ("voice_id", "overrides", "expected"),
    [
        (VIVI_1, {"api": "v1"}, (V1, TTS, "seed-tts-1.0", SEED_1)),
        (VIVI_1, {"api": None, "cluster": None, "resource_id": None, "url": "wss://x"}, (V3, TTS, "seed-tts-1.0", SEED_1)),
        (VIVI_1, {"resource_id": "seed-tts-1.0-concurr"}, (V3, TTS, "seed-tts-1.0-concurr", SEED_1)),
        (VIVI_1, {"resource_id": "volc.service_type.10029"}, (V3, TTS, "volc.service_type.10029", SEED_1)),
        (VIVI_2, {"api": "v3"}, (V3, TTS, "seed-tts-2.0", SEED_2)),
        (CHILD, {"api": "v3"}, (V3, TTS, "seed-tts-1.0", SEED_1)),
        (BV, {"api": "v1", "cluster": "mine"}, (V1, "mine", "seed-tts-1.0", SMALL)),
        (BV, {"resource_id": "seed-tts-2.0"}, (V1, TTS, "seed-tts-2.0", SMALL)),
        (MINE, {"api": "v1"}, (V1, ICL, "seed-icl-2.0", CLONE)),
        (MINE, {"resource_id": "seed-icl-1.0"}, (V3, ICL, "seed-icl-1.0", CLONE)),
        (MINE, {"cluster": "volcano_mega"}, (V1, "volcano_mega", "seed-icl-2.0", CLONE)),
        (MINE, {"cluster": "volcano_mega", "api": "v3"}, (V3, "volcano_mega", "seed-icl-2.0", CLONE)),
        (VIVI_2, {"cluster": "volcano_tts"}, (V3, TTS, "seed-tts-2.0", SEED_2)),
        (VIVI_1, {"operation": "query"}, (V1, TTS, "seed-tts-1.0", SEED_1)),
        ("brand_new", {"resource_id": "seed-tts-2.0"}, (V3, TTS, "seed-tts-2.0", SEED_2)),
        ("zh_female_mine_tob", {"resource_id": "seed-icl-2.0"}, (V3, ICL, "seed-icl-2.0", CLONE)),
        ("S_x", {"resource_id": "volc.megatts.default"}, (V3, ICL, "volc.megatts.default", CLONE)),
        ("S_x", {"resource_id": "something.else"}, (V3, ICL, "something.else", CLONE)),
    ],
)
def test_the_configuration_overrides_every_rule(
    voice_id: str, overrides: dict[str, Any], expected: tuple[Api, str, str, Family]
) -> None:
    assert way(route(voice_id, overrides)) == expected


@pytest.mark.parametrize(
    ("voice_id", "overrides", "says"),
    [
        (VIVI_2, {"api": "v1"}, "speaks only API v3, not v1"),
        ("brand_new", {"api": "v1", "resource_id": "seed-tts-2.0"}, "speaks only API v3, not v1"),
        (BV, {"api": "v3"}, "speaks only API v1, not v3"),
        (MINE, {"api": "v2"}, "api is v1 or v3, not 'v2'."),
    ],
)
def test_an_api_that_cannot_speak_a_voice_is_refused_in_words(voice_id: str, overrides: dict[str, Any], says: str) -> None:
    with pytest.raises(BadSetting) as caught:
        route(voice_id, overrides)
    assert says in str(caught.value)


def test_a_refusal_never_repeats_a_long_id() -> None:
    with pytest.raises(BadSetting) as caught:
        route(f"zh_{'x' * 10_000}_uranus_bigtts", {"api": "v1"})
    assert len(str(caught.value)) < 200


# What may be asked


@pytest.mark.parametrize(
    ("voice_id", "overrides", "settings", "ranges"),
    [
        (VIVI_2, {}, {"speed", "pitch", "instructions"}, {"speed": (0.5, 2), "pitch": (-12, 12)}),
        (SERENA, {}, {"speed", "pitch", "emotion", "emotion_scale"}, {"speed": (0.5, 2), "pitch": (-12, 12)}),
        (VIVI_1, {}, {"speed", "pitch"}, {"speed": (0.5, 2), "pitch": (-12, 12)}),
        (
            "zh_female_new_emo_mars_bigtts",
            {},
            {"speed", "pitch", "emotion", "emotion_scale"},
            {"speed": (0.5, 2), "pitch": (-12, 12)},
        ),
        (SERENA, {"api": "v1"}, {"speed", "emotion", "emotion_scale"}, {"speed": (0.25, 2)}),
        (VIVI_1, {"api": "v1"}, {"speed"}, {"speed": (0.25, 2)}),
        (BV, {}, {"speed", "pitch", "emotion"}, {"speed": (0.25, 3), "pitch": (-24, 19)}),
        (MINE, {}, {"speed", "pitch", "instructions"}, {"speed": (0.5, 2), "pitch": (-12, 12)}),
        (MINE, {"api": "v1"}, {"speed"}, {"speed": (0.25, 2)}),
        (
            MINE,
            {"resource_id": "seed-icl-1.0"},
            {"speed", "pitch", "emotion", "emotion_scale"},
            {"speed": (0.5, 2), "pitch": (-12, 12)},
        ),
        (MINE, {"api": "v1", "resource_id": "seed-icl-1.0"}, {"speed", "emotion", "emotion_scale"}, {"speed": (0.25, 2)}),
    ],
)
def test_a_way_tells_its_settings(
    voice_id: str, overrides: dict[str, Any], settings: set[str], ranges: dict[str, tuple[float, float]]
) -> None:
    can = capabilities(route(voice_id, overrides))
    assert can.settings == settings
    assert can.ranges == ranges


@pytest.mark.parametrize("voice_id", [VIVI_1, VIVI_2, SERENA, CHILD, BV, MINE])
def test_capabilities_stay_within_heralds_own(voice_id: str) -> None:
    can = capabilities(route(voice_id, {}))
    assert can.settings <= set(SETTING_NAMES) - {"volume"}
    assert can.look_ahead == 10
    assert set(can.ranges) <= can.settings
    for name, (low, high) in can.ranges.items():
        assert SETTING_RANGES[name].low <= low < high <= SETTING_RANGES[name].high


def test_v3_takes_fragments_and_v1_takes_ssml() -> None:
    by_v3, by_v1 = (capabilities(route(VIVI_1, {"api": api})) for api in ("v3", "v1"))
    assert by_v3.streaming_text
    assert by_v3.text_formats == {TextFormat.TEXT}
    assert not by_v1.streaming_text
    assert by_v1.text_formats == {TextFormat.TEXT, TextFormat.SSML}


@pytest.mark.parametrize(
    ("voice_id", "overrides", "second"),
    [(VIVI_1, {}, False), (VIVI_2, {}, True), (BV, {}, False), (MINE, {}, True), (MINE, {"resource_id": "seed-icl-1.0"}, False)],
)
def test_a_way_knows_its_generation(voice_id: str, overrides: dict[str, Any], second: bool) -> None:
    assert route(voice_id, overrides).second is second
