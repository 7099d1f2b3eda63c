"""What a call may say of its voice's converter: the forms, what the voice itself adds, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from wyoming_server.converters.choice import NAME_MAX, read_choice
from wyoming_server.errors import BadSetting
from wyoming_server.models import ConverterChoice, OnFailure

OWN = ConverterChoice(
    converter="sami", speaker="zh_one", settings={"downstream_align": True}, on_failure=OnFailure.FAIL, consent=True
)
BOTH = ("gain", "sami")


def chosen(given: Any, own: ConverterChoice | None = None, converters: tuple[str, ...] = BOTH) -> ConverterChoice | None:
    return read_choice(given, own, converters)


def a(converter: str, speaker: str, **more: Any) -> ConverterChoice:
    return ConverterChoice(converter=converter, speaker=speaker, **more)


def test_who_says_nothing_gets_the_voices_own() -> None:
    assert chosen(None, OWN) is OWN
    assert chosen(None) is None


@pytest.mark.parametrize("given", ["none", False])
def test_none_is_the_engines_own_voice(given: Any) -> None:
    assert chosen(given, OWN) is None
    assert chosen(given, converters=()) is None


@pytest.mark.parametrize("given", ["sami/zh_two", {"type": "sami", "speaker": "zh_two"}])
def test_a_converter_and_its_speaker(given: Any) -> None:
    assert chosen(given) == a("sami", "zh_two")
    assert chosen(given, a("gain", "half", consent=True, settings={"delay": 1})) == a("sami", "zh_two")


def test_only_the_first_slash_parts() -> None:
    assert chosen("sami/a/b") == a("sami", "a/b")


@pytest.mark.parametrize("given", ["zh_two", {"speaker": "zh_two"}])
def test_a_speaker_alone_is_one_of_the_voices_own_converter_or_of_the_only_one(given: Any) -> None:
    assert chosen(given, a("sami", "zh_one")) == a("sami", "zh_two")
    assert chosen(given, converters=("sami",)) == a("sami", "zh_two")
    with pytest.raises(BadSetting, match="gain, sami"):
        chosen(given)


@pytest.mark.parametrize("given", ["zh_two", "sami/zh_two", {"speaker": "zh_two"}, {"type": "sami", "speaker": "zh_two"}])
def test_another_speaker_of_the_own_converter_keeps_its_settings_and_not_the_consent(given: Any) -> None:
    assert chosen(given, OWN) == a("sami", "zh_two", settings=OWN.settings, on_failure=OnFailure.FAIL)


@pytest.mark.parametrize("given", ["zh_one", "sami/zh_one", {}, {"type": "sami"}, {"speaker": "zh_one"}])
def test_the_own_speaker_is_the_own_choice(given: Any) -> None:
    assert chosen(given, OWN) == OWN


def test_settings_of_a_call_go_over_the_voices_own() -> None:
    found = chosen({"on_failure": "bypass", "downstream_align": False, "more": 1}, OWN)
    assert found == a("sami", "zh_one", settings={"downstream_align": False, "more": 1}, consent=True)
    assert OWN.settings == {"downstream_align": True}


def test_what_is_given_stays_as_it_is() -> None:
    given = {"type": "sami", "speaker": "zh_two", "on_failure": "fail"}
    chosen(given)
    assert given == {"type": "sami", "speaker": "zh_two", "on_failure": "fail"}


@pytest.mark.parametrize("consent", [True, False, "yes"])
def test_consent_is_not_a_calls_to_state(consent: Any) -> None:
    with pytest.raises(BadSetting, match="gave consent is not a call"):
        chosen({"type": "sami", "speaker": "somebody", "consent": consent}, OWN)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (True, "not True"),
        (7, "not 7"),
        (["sami/zh_two"], "CONVERTER/SPEAKER"),
        ("other/zh_two", "no converter 'other'. The converters are gain, sami"),
        ({"type": 1, "speaker": "a"}, "type of a converter is a name, not 1"),
        ({"type": "sami", "speaker": ["a"]}, "speaker of a converter is a name"),
        ({"type": "sami", "speaker": "a", "on_failure": []}, r"on_failure is bypass or fail, not \[\]"),
        ("sami/" + "a" * (NAME_MAX + 1), f"{NAME_MAX + 1} characters; {NAME_MAX} are allowed"),
    ],
)
def test_anything_else_is_refused_in_words(given: Any, words: str) -> None:
    with pytest.raises(BadSetting, match=words):
        chosen(given)


def test_a_long_name_is_shortened_in_the_words() -> None:
    with pytest.raises(BadSetting) as raised:
        chosen("x" * 10_000 + "/a")
    assert len(str(raised.value)) < 200


def test_a_speaker_alone_without_any_converter_to_be_meant_says_how_to_name_both() -> None:
    with pytest.raises(BadSetting, match="CONVERTER/SPEAKER"):
        chosen("half")
