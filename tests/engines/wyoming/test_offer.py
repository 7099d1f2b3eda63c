"""What `info` may say, and what is made of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_server.engines.wyoming.offer import DESCRIPTION_MAX, NAME_MAX, VOICES_MAX, Offer, OfferedVoice, read_offer
from wyoming_server.errors import EngineUnavailable, ProtocolError


def offer(*voices: Any, **program: Any) -> Offer:
    return read_offer({"tts": [{"name": "piper", "voices": [*voices], **program}]}, who="here")


def names(*voices: Any) -> list[str]:
    return [voice.id for voice in offer(*voices).voices]


def test_a_program_is_read() -> None:
    told = {
        "name": "alan",
        "languages": ["en_GB", "cy"],
        "description": "Alan",
        "attribution": {"name": "rhasspy", "url": "x"},
        "installed": True,
        "news": 1,
    }
    assert offer(told, version="1.0", supports_synthesize_streaming=True) == Offer(
        program="piper",
        version="1.0",
        streaming_text=True,
        voices=(OfferedVoice(name="alan", languages=("en-GB", "cy"), description="Alan", maker="rhasspy"),),
    )


def test_speakers_come_behind_their_voice() -> None:
    assert names({"name": "a", "speakers": [{"name": "1"}, {"name": "2"}]}, {"name": "b"}) == ["a", "a#1", "a#2", "b"]


def test_of_two_with_one_name_the_first_counts() -> None:
    (first, _) = offer({"name": "a", "description": "1"}, {"name": "a", "description": "2"}, {"name": "b"}).voices
    assert first.description == "1"


BAD_NAMES = [None, 5, "", " a", "a\n", "a\x00b", "a\u202eb", "\ud800", "a" * (NAME_MAX + 1), ["a"], {"a": 1}]


@pytest.mark.parametrize("name", BAD_NAMES, ids=repr)
def test_an_entry_that_is_no_voice_costs_nobody_else(name: Any) -> None:
    found = offer({"name": name}, {"name": "good"}, {"name": "b", "speakers": [{"name": name}, name, {"name": "x"}]})
    assert [voice.id for voice in found.voices] == ["good", "b", "b#x"]
    assert found.left_out == 1


@pytest.mark.parametrize("entry", [None, 5, "alan", ["alan"], {}])
def test_an_entry_of_another_kind_is_left_out(entry: Any) -> None:
    assert (names(entry, {"name": "good"}), offer(entry).left_out) == (["good"], 1)


def test_names_with_signs_of_any_script_are_names() -> None:
    assert names({"name": "中文女"}, {"name": "tone/tone"}, {"name": "en-GB+f3"}, {"name": "a#1"}) == [
        "中文女",
        "tone/tone",
        "en-GB+f3",
        "a#1",
    ]


def test_descriptions_are_one_line_and_short() -> None:
    (voice,) = offer({"name": "a", "description": "A\nB\x1b[31m\t C" + "x" * 1_000}).voices
    assert voice.description.startswith("A B [31m Cx")
    assert len(voice.description) <= DESCRIPTION_MAX


@pytest.mark.parametrize(
    ("told", "languages"),
    [
        (["en_GB"], ("en-GB",)),
        (["en", "en", "de"], ("en", "de")),
        (["zh_Hans_CN"], ("zh-Hans-CN",)),
        (["", "english", "e", 5, None, "en GB", "x" * 100], ()),
        ("en", ()),
        (None, ()),
        ({"en": 1}, ()),
    ],
)
def test_languages_are_tags(told: Any, languages: tuple[str, ...]) -> None:
    (voice,) = offer({"name": "a", "languages": told}).voices
    assert voice.languages == languages


def test_there_is_a_limit_to_voices_and_to_speakers() -> None:
    many = offer(*({"name": str(number)} for number in range(VOICES_MAX + 7)))
    assert (len(many.voices), many.left_out) == (VOICES_MAX, 7)
    crowd = offer({"name": "a", "speakers": [{"name": str(number)} for number in range(2 * VOICES_MAX)]}, {"name": "b"})
    assert len(crowd.voices) == VOICES_MAX


def test_streaming_is_what_says_true() -> None:
    assert [offer(supports_synthesize_streaming=told).streaming_text for told in (True, False, None, "yes", 1)] == [
        True,
        False,
        False,
        False,
        False,
    ]


@pytest.mark.parametrize("info", [{}, {"tts": []}, {"tts": None}, {"tts": [{"name": "x", "installed": False, "voices": []}]}])
@pytest.mark.parametrize("program", [None, "piper"])
def test_a_server_without_programs_offers_no_speech(info: dict[str, Any], program: str | None) -> None:
    with pytest.raises(EngineUnavailable, match="The Wyoming server at here offers no text-to-speech"):
        read_offer(info, who="here", program=program)


@pytest.mark.parametrize(
    "info", [{"tts": "x"}, {"tts": [5]}, {"tts": {"a": 1}}, {"tts": [{"name": "x"}]}, {"tts": [{"voices": 5}]}]
)
def test_what_is_no_info_is_told(info: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError, match="is not as Wyoming has it"):
        read_offer(info, who="here")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)
KEYS = st.sampled_from(["name", "voices", "speakers", "languages", "installed", "description", "attribution", "version", "tts"])
INFO = st.recursive(JSON, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6), max_leaves=15)


@given(st.lists(st.dictionaries(KEYS, INFO, max_size=6), max_size=4) | INFO)
def test_whatever_a_server_tells_is_read_or_refused(tts: Any) -> None:
    try:
        found = read_offer({"tts": tts}, who="here")
    except (ProtocolError, EngineUnavailable):
        return
    ids = [voice.id for voice in found.voices]
    assert len(set(ids)) == len(ids)
    assert all(name.isprintable() for name in ids)
    assert json.dumps(ids, ensure_ascii=False).encode()
