"""The environment over the file."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_server.config.environment import SECRET_SIZE_MAX
from wyoming_server.config.schema import ENGINE, SECTIONS, TOP_KEYS, VOICE
from wyoming_server.engines.registry import ENGINES, engine_class
from wyoming_server.errors import ConfigError

from .loading import load, wrong

VOICES = "engines: {my-beeps: {type: tone}}\nvoices: {Xiao-he: {engine: espeak, speed: 2}}\nwyoming: {rate: 8000}"


def test_a_variable_beats_the_file() -> None:
    assert load(VOICES, {"HERALD_WYOMING__RATE": "16000"}).wyoming.rate == 16_000


def test_lists_come_with_commas_and_words_get_their_type_from_the_key() -> None:
    config = load(
        "",
        {
            "HERALD_WYOMING__URI": "tcp://127.0.0.1:1, unix:///run/x",
            "HERALD_WYOMING__ALLOW": "loopback,10.0.0.0/8",
            "HERALD_WYOMING__ZEROCONF": "yes",
            "HERALD_HTTP__ENABLED": "false",
            "HERALD_DEFAULT_VOICE": "no",
        },
    )
    assert config.wyoming.uri == ("tcp://127.0.0.1:1", "unix:///run/x")
    assert config.wyoming.allow.words == ("loopback", "10.0.0.0/8")
    assert (config.wyoming.zeroconf, config.http.enabled, config.default_voice) == (True, False, "no")


def test_names_are_found_whatever_their_case_and_hyphens() -> None:
    config = load(VOICES, {"HERALD_VOICES__XIAO_HE__SPEED": "0.5", "herald_engines__my_beeps__rate": "16000"})
    assert config.voices["Xiao-he"].settings.speed == 0.5
    assert config.engines["my-beeps"].options["rate"] == 16_000


def test_variables_alone_make_engines_voices_and_aliases() -> None:
    config = load(
        "",
        {
            "HERALD_ENGINES__TONE__RATE": "16000",
            "HERALD_VOICES__BEEP__ENGINE": "tone",
            "HERALD_VOICES__BEEP__FREQUENCY": "880",
            "HERALD_ALIASES__ALLOY": "beep",
        },
    )
    assert config.engines["tone"].options["rate"] == 16_000
    assert config.voices["beep"].settings.extras == {"frequency": 880}
    assert config.aliases == {"alloy": "beep"}


def test_an_empty_variable_says_nothing() -> None:
    names = ("HERALD_WYOMING__RATE", "HERALD_FOO__BAR", "LOG_LEVEL", "HERALD_DEFAULT_VOICE", "HERALD_WYOMING__RATE_FILE")
    assert load(VOICES, dict.fromkeys(names, "")) == load(VOICES)


def test_variables_of_scripts_are_left_alone() -> None:
    names = (
        "HERALD_PYTHON",
        "HERALD_CONFIG",
        "HERALD_STATE",
        "HERALD_TOKEN",
        "HERALD_TOKEN_FILE",
        "HERALD",
        "HOME",
        "MY_HERALD__X",
    )
    assert load(VOICES, dict.fromkeys(names, "x")) == load(VOICES)


def test_log_level_is_the_last_of_its_names_and_beats_the_file() -> None:
    file = "log: {level: error}"
    assert load(file, {"LOG_LEVEL": "DEBUG"}).log.level == "debug"
    assert load(file, {"LOG_LEVEL": "debug", "HERALD_LOG__LEVEL": "warning"}).log.level == "warning"
    assert wrong(file, {"LOG_LEVEL": "loud"}) == ['LOG_LEVEL: log.level must be one of debug, info, warning, error, not "loud".']


def test_a_file_gives_the_value_without_its_line_breaks(folder: Path) -> None:
    (folder / "voice").write_bytes(b"\xef\xbb\xbfen-GB\r\n\n")
    assert load("", {"HERALD_DEFAULT_VOICE_FILE": str(folder / "voice")}).default_voice == "en-GB"


def test_mistakes_are_told_with_the_variable_after_those_of_the_file() -> None:
    assert wrong(
        "http: {port: x}",
        {
            "HERALD_WYOMING__RATE": "22k",
            "HERALD_WYOMNG__RATE": "8000",
            "HERALD_WYOMING__RAT": "8000",
            "HERALD_WYOMING__ALLOW__0": "any",
            "HERALD_LOG": "debug",
            "HERALD_VOICES__X__SPEED": "1",
            "HERALD_HTTP__PORT__X": "1",
        },
    ) == [
        'herald.yaml line 1: http.port must be a whole number from 0 to 65535, not "x".',
        'HERALD_HTTP__PORT__X: http.port holds no keys, so there is no "x" in it.',
        "HERALD_LOG: log must hold keys of its own, not a single value.",
        "HERALD_VOICES__X__SPEED: voices.x.engine is missing; it must be the name of an engine.",
        "HERALD_WYOMING__ALLOW__0: wyoming.allow must be a list, or text with commas, not a mapping.",
        "HERALD_WYOMING__RAT: wyoming.rat is not a key here. Did you mean rate?",
        'HERALD_WYOMING__RATE: wyoming.rate must be a whole number from 8000 to 96000 (Hz), not "22k".',
        "HERALD_WYOMNG__RATE: wyomng is not a key here. Did you mean wyoming?",
    ]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("HERALD_WYOMING__RATE", "HERALD_WYOMING__RATE_FILE"),
        ("HERALD_WYOMING__RATE", "herald_wyoming__rate"),
        ("HERALD_VOICES__XIAO_HE__SPEED", "HERALD_VOICES__XIAO-HE__SPEED"),
    ],
)
def test_two_variables_for_one_key_are_an_error(first: str, second: str, folder: Path) -> None:
    (folder / "2").write_text("2")
    first, second = sorted((first, second))
    assert f"{second}: {first} sets the same key; keep one of them." in wrong(VOICES, {first: "2", second: "2"})


def test_a_file_that_cannot_be_read_is_told_without_its_name(folder: Path) -> None:
    variable = "HERALD_DEFAULT_VOICE_FILE"
    assert wrong("", {variable: "missing"}) == [f"{variable}: names a file that cannot be read: No such file or directory."]
    assert wrong("", {variable: str(folder)}) == [f"{variable}: names a file that cannot be read: Is a directory."]
    (folder / "big").write_bytes(b"x" * (SECRET_SIZE_MAX + 1))
    assert wrong("", {variable: "big"}) == [f"{variable}: names a file of 65537 bytes; 65536 are allowed."]
    (folder / "bytes").write_bytes(b"\xff")
    assert wrong("", {variable: "bytes"}) == [f"{variable}: is not UTF-8 text."]


def test_a_value_that_was_not_utf8_is_told() -> None:
    assert wrong("", {"HERALD_DEFAULT_VOICE": "\udcff"}) == ["HERALD_DEFAULT_VOICE: is not UTF-8 text."]


def test_a_bad_value_in_the_file_is_still_wrong_under_a_variable_below_it() -> None:
    assert wrong("wyoming: 5", {"HERALD_WYOMING__RATE": "8000"})[0].startswith("herald.yaml line 1: wyoming must hold keys")
    assert wrong("[]", {"HERALD_WYOMING__RATE": "8000"}) == [
        "herald.yaml line 1: the file must hold keys of its own, not a list."
    ]


def test_no_key_ends_in_file_or_holds_two_underscores() -> None:
    """Else its variable would mean something else."""
    keys = {*TOP_KEYS, *ENGINE, *map(str, VOICE), *(key for section in SECTIONS.values() for key in section)}
    for engine_type in ENGINES:
        engine = engine_class(engine_type)
        keys |= {str(key) for key in (*engine.options_schema, *engine.extras_schema)}
    assert not [key for key in keys if key.endswith("_file") or "__" in key or key != key.lower()]


NAMES = st.sampled_from(("WYOMING", "ENGINES", "VOICES", "ALIASES", "TONE", "RATE", "X", "", "FILE", "_FILE", "é", "ß"))


@given(
    st.dictionaries(
        st.lists(NAMES, min_size=1, max_size=4).map("__".join),
        st.text(max_size=8).map(lambda text: text.replace("\0", "")),
        max_size=4,
    )
)
def test_any_variables_load_or_are_told(variables: dict[str, str]) -> None:
    with suppress(ConfigError):
        load(VOICES, {f"HERALD_{name}": value for name, value in variables.items()})
