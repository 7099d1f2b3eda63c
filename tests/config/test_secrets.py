"""The value of a secret is in no error, wherever the mistake is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
import voluptuous as vol

from wyoming_server.engines.registry import ENGINES
from wyoming_server.engines.tone import ToneEngine

from .loading import load, wrong

SECRET = "hunter2"


def _well_formed(value: str) -> str:
    if not value.startswith("ok-"):
        raise vol.Invalid(f"{value} does not begin with ok-")
    return value


class CloudEngine(ToneEngine):
    """An engine with credentials."""

    options_schema: ClassVar[Mapping[Any, Any]] = {
        **ToneEngine.options_schema,
        vol.Optional("access_key"): int,
        vol.Optional("token"): vol.All(str, _well_formed),
        vol.Optional("auth"): {vol.Optional("password"): vol.All(str, vol.Length(min=8))},
    }
    extras_schema: ClassVar[Mapping[Any, Any]] = {vol.Optional("voice_key"): int}


@pytest.fixture(autouse=True)
def cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENGINES, "tone", f"{__name__}:CloudEngine")


def test_the_value_of_a_secret_key_is_not_told() -> None:
    assert wrong(f"""\
        engines:
          tone:
            access_key: {SECRET}
            token: {SECRET}
            auth: {{password: {SECRET}}}
        voices: {{a: {{engine: tone, voice_key: {SECRET}}}}}
        """) == [
        "herald.yaml line 3: engines.tone.access_key must be a whole number (what stands there is not shown).",
        "herald.yaml line 4: engines.tone.token is not valid (what stands there is not shown).",
        "herald.yaml line 5: engines.tone.auth.password must be text of at least 8 characters (what stands there is not shown).",
        "herald.yaml line 6: voices.a.voice_key must be a whole number (what stands there is not shown).",
    ]


def test_an_engines_own_words_are_told_for_what_is_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CloudEngine, "options_schema", {vol.Optional("region"): vol.All(str, _well_formed)})
    assert wrong("engines: {tone: {region: eu}}") == [
        "herald.yaml line 1: engines.tone.region is not valid: eu does not begin with ok-."
    ]


def test_nothing_from_a_secret_file_is_told(folder: Path) -> None:
    (folder / "secret").write_text(SECRET)
    assert wrong("", {"HERALD_WYOMING__RATE_FILE": "secret"}) == [
        "HERALD_WYOMING__RATE_FILE: wyoming.rate must be a whole number from 8000 to 96000 (Hz) (what stands there is not shown)."
    ]


@pytest.mark.parametrize(
    "text",
    [
        f"engines: {{tone: {SECRET}}}",
        f"engines: {{tone: {{token: *{SECRET}}}}}",
        f"engines: {{tone: {{token: !{SECRET}}}}}",
        f"engines: {{tone: {{token: !{SECRET}!x y}}}}",
        f"engines: {{tone: {{token: &{SECRET}}}}}",
        f"engines: {{tone: {{token: &{SECRET}! a}}}}",
        f'engines: {{tone: {{token: "\\{SECRET}"}}}}',
        f"engines: {{tone: {{token: '{SECRET}}}}}",
        f"engines: {{tone: {{token: @{SECRET}}}}}",
        f"engines: {{tone: {{token: [{SECRET}]}}}}",
        f"engines: {{tone: {{token: {{{SECRET}: {SECRET}}}}}}}",
        f"engines:\n  tone:\n    token: {SECRET}: {SECRET}",
        f"engines:\n  tone:\n    token: {SECRET}\n     more: {SECRET}",
        f"engines:\n  tone:\n    token: {SECRET}\n    token: {SECRET}",
    ],
)
def test_no_mistake_around_a_secret_tells_it(text: str) -> None:
    assert SECRET not in "\n".join(wrong(text))


def test_a_good_secret_is_taken() -> None:
    engine = load("engines: {tone: {token: ok-1, access_key: 12}}").engines["tone"]
    assert (engine.options["token"], engine.options["access_key"]) == ("ok-1", 12)
