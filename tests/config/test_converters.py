"""The section `converters`, a voice's `converter`, and what is said of mistakes in them: each at its own line."""

from __future__ import annotations

from pathlib import Path

import pytest

from wyoming_server.models import ConverterChoice, OnFailure

from .loading import load, wrong

SAMI = "converters: {sami: {appkey: a, token: hunter2}}\n"
GAIN = "engines: {tone: }\nconverters: {gain: }\n"


def voiced(choice: str) -> str:
    """Line 3 is the voice."""
    return f"{GAIN}voices: {{a: {{engine: tone, converter: {choice}}}}}"


def test_without_the_section_there_is_none() -> None:
    config = load("")
    assert config.converters == {}
    assert load("engines: {tone: }\nvoices: {a: {engine: tone, converter: }}").voices["a"].converter is None


def test_a_converter_has_its_own_keys_with_their_defaults() -> None:
    config = load(SAMI + "  ")
    sami = config.converters["sami"]
    assert (sami.name, sami.type) == ("sami", "sami")
    assert (sami.options["appkey"], sami.options["output_rate"]) == ("a", 24_000)
    assert "type" not in sami.options
    assert "hunter2" not in repr(config)


def test_converters_have_names_and_types() -> None:
    config = load("converters: {first: {type: gain, rate: 16000}, gain: {channels: 2}}")
    assert [(one.name, one.type, one.options["rate"]) for one in config.converters.values()] == [
        ("first", "gain", 16_000),
        ("gain", "gain", None),
    ]


def test_a_voice_has_a_converter_with_its_settings() -> None:
    voice = load(voiced("{type: gain, speaker: half, on_failure: fail, consent: true, delay: 0.5}")).voices["a"]
    assert voice.converter == ConverterChoice(
        converter="gain", speaker="half", on_failure=OnFailure.FAIL, consent=True, settings={"delay": 0.5}
    )


def test_by_default_it_is_passed_by_and_nobody_agreed() -> None:
    assert load(voiced("{type: gain, speaker: half}")).voices["a"].converter == ConverterChoice(converter="gain", speaker="half")


@pytest.mark.parametrize(
    ("section", "sentence"),
    [
        ("{other: }", "converters.other.type is missing; it must be one of gain, sami."),
        ("{other: {type: wrong}}", "converters.other.type must be one of gain, sami, not 'wrong'."),
        ("{gain: {twirl: 1}}", "converters.gain.twirl is not a key here. "),
        ("{gain: {rate: 7}}", "converters.gain.rate must be "),
        ("{gain: 3}", "converters.gain must hold keys of its own, not "),
        ("[gain]", "converters must hold keys of its own, not "),
        ("{Gain!: }", "converters.'Gain!' must be a name of small letters"),
        ("{sami: {url: 'ftp://x'}}", "converters.sami does not go together: "),
    ],
)
def test_what_is_wrong_with_a_converter_is_told_with_its_line(section: str, sentence: str) -> None:
    (told,) = wrong(f"# nothing\nconverters: {section}")
    assert told.replace('"', "'").startswith(f"herald.yaml line 2: {sentence}")


@pytest.mark.parametrize(
    ("choice", "sentences"),
    [
        ("half", ["converter must hold keys of its own, not "]),
        ("{speaker: half}", ["converter.type is missing; it must be the name of a converter."]),
        ("{type: gain}", ["converter.speaker is missing; it must be the converter's id of a speaker."]),
        ("{type: gain, speaker: ''}", ["converter.speaker must be the converter's id of a speaker"]),
        ("{type: gain, speaker: half, on_failure: shrug}", ["converter.on_failure must be one of bypass, fail, not 'shrug'."]),
        ("{type: gain, speaker: half, consent: perhaps}", ["converter.consent must be true or false, not 'perhaps'."]),
        ("{type: gain, speaker: half, twirl: 1}", ["converter.twirl is not a key here. "]),
        ("{type: gain, speaker: half, delay: -1}", ["converter.delay must be a number from 0 to 3600, not -1."]),
        (
            "{type: gian, speaker: half}",
            ["converter.type names the converter 'gian', which is not configured. Did you mean 'gain'?"],
        ),
        (
            "{type: sami, speaker: half, downstream_align: true}",
            ["converter.type names the converter 'sami', which is not configured. The converters are gain."],
        ),
        ("{type: gain, speaker: somebody}", ["converter.consent must be true: this speaker may be a real person."]),
    ],
)
def test_what_is_wrong_with_a_voices_converter_is_told_with_its_line(choice: str, sentences: list[str]) -> None:
    told = wrong(voiced(choice))
    assert len(told) == len(sentences)
    for line, sentence in zip(told, sentences, strict=True):
        assert line.replace('"', "'").startswith(f"herald.yaml line 3: voices.a.{sentence}")


def test_each_mistake_stands_at_its_own_line() -> None:
    told = wrong("""\
        engines: {tone: }
        converters: {gain: }
        voices:
          a:
            engine: tone
            converter:
              type: gain
              speaker: half
              delay: -1
              twirl: 2
          b:
            engine: tone
            converter:
              type: gain
              speaker: somebody
        """)
    assert [line.partition(": ")[0] for line in told] == [f"herald.yaml line {number}" for number in (9, 10, 13)]


def test_a_person_who_agreed_may_be_imitated() -> None:
    choice = load(voiced("{type: gain, speaker: somebody, consent: true}")).voices["a"].converter
    assert choice is not None
    assert choice.consent


def test_a_voices_own_consent_is_not_its_converters() -> None:
    text = f"{GAIN}voices: {{a: {{engine: tone, consent: true, converter: {{type: gain, speaker: somebody}}}}}}"
    assert "voices.a.converter.consent must be true" in wrong(text)[0]


def test_a_converter_that_is_switched_off_is_not_there() -> None:
    off = "converters: {gain: {enabled: false, twirl: 1}}\n"
    assert load(off).converters == {}
    assert wrong(f"{off}engines: {{tone: }}\nvoices: {{a: {{engine: tone, converter: {{type: gain, speaker: half}}}}}}") == [
        'herald.yaml line 3: voices.a.converter.type names the converter "gain", which is switched off (enabled: false).'
    ]


def test_where_the_converter_itself_is_wrong_its_settings_are_nobodys_mistake() -> None:
    """That the converter is wrong is said once; which settings it has, nobody knows."""
    text = "engines: {tone: }\nconverters: {mine: {rate: 16000}}\n"
    text += "voices: {a: {engine: tone, converter: {type: mine, speaker: half, delay: 1}}}"
    assert wrong(text) == ["herald.yaml line 2: converters.mine.type is missing; it must be one of gain, sami."]


# The environment


def test_a_converter_of_the_environment_needs_no_file() -> None:
    config = load("", {"HERALD_CONVERTERS__SAMI__APPKEY": "1234567890123456789012", "HERALD_CONVERTERS__SAMI__TOKEN": "t"})
    options = config.converters["sami"].options
    assert (options["appkey"], options["token"]) == ("1234567890123456789012", "t")


def test_the_environment_beats_the_file_and_finds_names_with_hyphens(folder: Path) -> None:
    (folder / "token").write_text("from the file\n")
    config = load(
        "converters: {my-sami: {type: sami, appkey: a, token: old}}",
        {"HERALD_CONVERTERS__MY_SAMI__TOKEN_FILE": "token", "HERALD_CONVERTERS__MY_SAMI__OUTPUT_RATE": "16000"},
    )
    options = config.converters["my-sami"].options
    assert (options["appkey"], options["token"], options["output_rate"]) == ("a", "from the file", 16_000)


def test_a_voices_converter_may_come_from_the_environment() -> None:
    config = load(
        GAIN + "voices: {a: {engine: tone}}",
        {
            "HERALD_VOICES__A__CONVERTER__TYPE": "gain",
            "HERALD_VOICES__A__CONVERTER__SPEAKER": "somebody",
            "HERALD_VOICES__A__CONVERTER__CONSENT": "true",
            "HERALD_VOICES__A__CONVERTER__ON_FAILURE": "fail",
            "HERALD_VOICES__A__CONVERTER__DELAY": "0.5",
        },
    )
    assert config.voices["a"].converter == ConverterChoice(
        converter="gain", speaker="somebody", consent=True, on_failure=OnFailure.FAIL, settings={"delay": 0.5}
    )


@pytest.mark.parametrize("key", ["appkey", "token", "access_key", "secret_key"])
def test_the_value_of_a_credential_is_not_told(key: str) -> None:
    assert "hunter2" not in "".join(wrong(f"converters: {{sami: {{{key}: [hunter2]}}}}"))
    assert "hunter2" not in "".join(wrong("", {f"HERALD_CONVERTERS__SAMI__{key.upper()}": "hunter2" * 1_000}))


def test_an_environments_mistake_names_the_variable() -> None:
    (told,) = wrong(SAMI, {"HERALD_CONVERTERS__SAMI__OUTPUT_RATE": "7"})
    assert told.startswith("HERALD_CONVERTERS__SAMI__OUTPUT_RATE: converters.sami.output_rate must be a whole number from 8000")
    (told,) = wrong(GAIN, {"HERALD_CONVERTERS__GAIN__TWIRL": "7"})
    assert told.startswith("HERALD_CONVERTERS__GAIN__TWIRL: converters.gain.twirl is not a key here")
