"""An engine writes plain voluptuous; its users read sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest
import voluptuous as vol

from wyoming_server.engines.registry import ENGINES
from wyoming_server.engines.tone import ToneEngine
from wyoming_server.errors import ConfigError

from .loading import load, wrong


class ShapesEngine(ToneEngine):
    """Options of every shape."""

    options_schema: ClassVar[Mapping[Any, Any]] = {
        **ToneEngine.options_schema,
        vol.Required("region"): vol.In(["eu", "cn"]),
        vol.Optional("names"): [str],
        vol.Optional("sizes"): [vol.All(int, vol.Range(min=1))],
        vol.Optional("mixed"): [int, str],
        vol.Optional("title"): vol.All(str, vol.Length(min=2, max=5)),
        vol.Optional("factor"): vol.All(vol.Coerce(float), vol.Range(max=1.5)),
        vol.Optional("either"): vol.Any(bool, str),
        vol.Optional("address"): vol.Url(),
        vol.Optional("limits", default={}): {vol.Optional("calls", default=3): int},
        vol.Optional("headers"): {str: str},
        vol.Inclusive("user", "account", msg="needs both user and password, or neither"): str,
        vol.Inclusive("password", "account", msg="needs both user and password, or neither"): str,
    }

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        super().__init__(name, options)
        if options["pace"] > options["delay"]:
            raise ConfigError("Pace is beyond delay.")


@pytest.fixture(autouse=True)
def shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENGINES, "tone", f"{__name__}:ShapesEngine")


def options(yaml: str) -> dict[str, Any]:
    known = load(f"engines: {{tone: {{region: eu, {yaml}}}}}").engines["tone"].options
    return {key: value for key, value in known.items() if key not in ToneEngine.options_schema and key != "region"}


GOOD = {
    "names: [a, 1, no]": {"names": ["a", "1", "no"]},
    "names: 'a, b'": {"names": ["a", "b"]},
    "names: []": {"names": []},
    "sizes: [1, 2_0]": {"sizes": [1, 20]},
    "mixed: [1, x]": {"mixed": [1, "x"]},
    "title: 12": {"title": "12"},
    "factor: 1": {"factor": 1.0},
    "either: yes": {"either": True},
    "either: 'yes'": {"either": "yes"},
    "limits: {calls: 5}": {"limits": {"calls": 5}},
    "headers: {X-Any: 7}": {"headers": {"X-Any": "7"}},
}


@pytest.mark.parametrize(("yaml", "found"), GOOD.items())
def test_values_get_the_type_that_the_engine_asks_for(yaml: str, found: dict[str, Any]) -> None:
    assert options(yaml) == {"limits": {"calls": 3}} | found


WRONG = {
    "region: us": 'engines.tone.region must be one of eu, cn, not "us".',
    "names: {a: b}": "engines.tone.names must be a list, or text with commas, not a mapping.",
    "names: [a, [b]]": "engines.tone.names must be text, not a list.",
    "sizes: [1, 0]": "engines.tone.sizes must be a whole number of at least 1, not 0.",
    "mixed: [1, {}]": "engines.tone.mixed must be a list, each a whole number or text, not a list.",
    "title: x": 'engines.tone.title must be text of 2 to 5 characters, not "x".',
    "factor: 2": "engines.tone.factor must be a number of at most 1.5, not 2.",
    "factor: yes": "engines.tone.factor must be a number of at most 1.5, not yes.",
    "either: [x]": "engines.tone.either must be true or false or text, not a list.",
    "address: x": "engines.tone.address is not valid: expected a URL.",
    "limits: 5": "engines.tone.limits must hold keys of its own, not a single value.",
    "limits: {calls: x}": 'engines.tone.limits.calls must be a whole number, not "x".',
    "limits: {calls: yes}": "engines.tone.limits.calls must be a whole number, not yes.",
    "delay: on": "engines.tone.delay must be a number from 0 to 3600, not on.",
    "limits: {cals: 5}": "engines.tone.limits.cals is not a key here. Did you mean calls?",
    "headers: {X: []}": "engines.tone.headers.X must be text, not a list.",
}


@pytest.mark.parametrize(("yaml", "sentence"), WRONG.items())
def test_mistakes_are_told_in_words(yaml: str, sentence: str) -> None:
    region = "" if yaml.startswith("region") else "region: eu, "
    assert wrong(f"engines: {{tone: {{{region}{yaml}}}}}") == [f"herald.yaml line 1: {sentence}"]


def test_a_missing_option_is_told_with_what_it_must_be() -> None:
    assert wrong("log: {}\nengines:\n  tone:\n    rate: 8000") == [
        "herald.yaml line 3: engines.tone.region is missing; it must be one of eu, cn."
    ]


def test_options_that_do_not_go_together_are_told_at_the_engine() -> None:
    assert wrong("engines:\n  tone: {region: eu, user: me}") == [
        "herald.yaml line 2: engines.tone needs both user and password, or neither."
    ]
    assert wrong("engines:\n  tone: {region: eu, pace: 1}") == [
        "herald.yaml line 2: engines.tone does not go together: Pace is beyond delay."
    ]
