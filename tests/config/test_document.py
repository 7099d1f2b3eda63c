"""Bytes that are not YAML, or too much of it: plain words, a place, and bounded work."""

from __future__ import annotations

from contextlib import suppress
from time import monotonic

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_server.config.document import SIZE_MAX, VALUES_MAX
from wyoming_server.errors import ConfigError

from .loading import load, wrong

SYNTAX = {
    "wyoming:\n\trate: 8000": "line 2, column 1: a tab; YAML is indented with spaces.",
    "log: level: debug": "line 1, column 11: a colon where no key can be: check the indentation, or put the text in quotes.",
    "log:\n  level: info\n  format\n": "line 3, column 3: a key without its colon, or text that goes on too far to the left.",
    "wyoming:\n    rate: 8000\n  allow: any": "line 3, column 3: this line is indented differently from those it belongs to.",
    "wyoming:\n  allow: [any\nlog: {}": "line 2, column 10: a list that opens with [ here has no comma or ] where one must be.",
    "log: {level: info": "line 1, column 6: a mapping that opens with { here has no comma or } where one must be.",
    "default_voice: 'en": "line 1, column 16: a quote that opens here is never closed.",
    'default_voice: "\\d"': "line 1, column 18: a backslash inside double quotes: double it, or use single quotes.",
    "default_voice: @a": ("line 1, column 16: text begins with a character that YAML keeps for itself; put it in quotes."),
    "default_voice: *a": (
        "line 1, column 16: text that begins with * needs quotes (without them, it refers to an & that is not there)."
    ),
    "default_voice: !secret a": (
        "line 1: default_voice begins with !, which means nothing here; text that begins with ! needs quotes."
    ),
    "default_voice: !!python/name:os.system": (
        "line 1: default_voice begins with !, which means nothing here; text that begins with ! needs quotes."
    ),
    "log: {}\n---\nlog: {}": "line 2, column 1: a second document begins (---); only one is read.",
    "log:\n  level: info\n  level: debug": "line 3: log.level stands here a second time; the first is on line 2.",
    "? [a]\n: b": "line 1: the file holds a key that is not text.",
    'default_voice: "\\ud83d"': "line 1: default_voice holds half a character: a \\u escape whose second half is missing.",
    "wyoming: &a {}\nhttp: &a {}": "line 2, column 7: the same & name stands here a second time.",
    "default_voice: &! x": "line 1, column 17: text that begins with & or * needs quotes.",
    "log: {level: !a!b c}": "line 1, column 14: text that begins with ! needs quotes.",
    "default_voice: a\0b": "line 1: the character U+0000 is not allowed in YAML.",
}


@pytest.mark.parametrize(("text", "sentence"), SYNTAX.items())
def test_bad_yaml_is_told_in_plain_words(text: str, sentence: str) -> None:
    assert wrong(text)[0] == f"herald.yaml {sentence}"


def test_bytes_that_are_not_utf8_are_told_with_their_line() -> None:
    assert wrong(b"log: {}\n# gr\xfc\xdfe\n") == ["herald.yaml line 2: is not UTF-8 text. Save the file as UTF-8."]


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "\n".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (BOMB, f"herald.yaml line 1, column 32: the file holds more than {VALUES_MAX} keys and values."),
        (
            "- x\n" * (VALUES_MAX + 1),
            f"herald.yaml line {VALUES_MAX}, column 3: the file holds more than {VALUES_MAX} keys and values.",
        ),
        ("[" * 100_000, "herald.yaml line 1, column 21: the file goes more than 20 levels deep."),
        ("{a: " * 100_000, "herald.yaml line 1, column 78: the file goes more than 20 levels deep."),
        ("- " * 100_000, "herald.yaml line 1, column 41: the file goes more than 20 levels deep."),
        ("wyoming: &a {rate: *a}", "herald.yaml line 1, column 10: the file goes more than 20 levels deep."),
    ],
    ids=["bomb", "values", "lists", "mappings", "items", "itself"],
)
def test_too_much_is_refused_before_it_costs_much(text: str, sentence: str) -> None:
    begin = monotonic()
    assert wrong(text)[0] == sentence
    assert monotonic() - begin < 20


def test_a_file_beyond_its_limit_is_refused_with_both_numbers() -> None:
    assert wrong(b"#" * (SIZE_MAX + 1)) == [f"The configuration herald.yaml has {SIZE_MAX + 1} bytes; {SIZE_MAX} are allowed."]
    assert load(b"#" * SIZE_MAX).voices == {}


KEYS = (
    "wyoming",
    "http",
    "log",
    "engines",
    "voices",
    "aliases",
    "default_voice",
    "espeak",
    "tone",
    "engine",
    "type",
    "speed",
    "uri",
    "rate",
)
WORDS = st.sampled_from(
    (*KEYS, "yes", "1", "-0.5", "~", "tone/tone", "*a", "&a", "!x", "<<", "a\nb", "tcp://[::", "[", "{", '"\\ud800"')
)
VALUES = st.recursive(
    WORDS | st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


def flow(value: object) -> str:
    """A value as YAML that is nearly always good."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key if key in KEYS else repr(key)}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    return "null" if value is None else str(value)


@given(st.binary(max_size=200))
def test_any_bytes_load_or_are_told(data: bytes) -> None:
    with suppress(ConfigError):
        load(data)


@given(st.text(alphabet="abe:- []{}\"'\\|>#&*!%@~\n\t1.,?", max_size=80))
def test_any_punctuation_loads_or_is_told(text: str) -> None:
    with suppress(ConfigError):
        load(text)


@given(st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=4))
def test_any_values_load_or_are_told(values: dict[str, object]) -> None:
    with suppress(ConfigError):
        load(flow(values).encode("utf-8", "replace"))
