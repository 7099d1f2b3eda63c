"""Every text in every language, by hassfest's rules; for everything that the code names, and for nothing else."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from string import Formatter
from typing import Any

import pytest

from custom_components.herald import failures, issues, players
from custom_components.herald.announcing.players.base import PlayerError, Rejected
from custom_components.herald.config_flow import HeraldConfigFlow, HeraldOptionsFlow
from custom_components.herald.flows.groups import GroupFlow
from custom_components.herald.flows.voices import VoiceFlow
from custom_components.herald.repairs import AddressRepair, CredentialsRepair, VoiceRepair

from .forms import TRANSLATIONS, translations
from .test_architecture import MODULES

LANGUAGES = ("en", "zh-Hans", "zh-Hant")
FLOWS: Mapping[str, type] = {
    "config": HeraldConfigFlow,
    "options": HeraldOptionsFlow,
    "config_subentries/voice": VoiceFlow,
    "config_subentries/announcement_group": GroupFlow,
    "issues/credentials_refused/fix_flow": CredentialsRepair,
    "issues/voice_gone/fix_flow": VoiceRepair,
    "issues/no_address/fix_flow": AddressRepair,
    "issues/untrusted_address/fix_flow": AddressRepair,
}
SILENT = {
    # where a flow begins, and what leads on at once
    *(
        "init",
        "zeroconf",
        "hassio",
        "reauth",
        "user",
        "current",
        "verify",
        "verified",
        "store_anyway",
        "finish",
        "replace",
        "remove",
    ),
    # Home Assistant's own
    *("ignore", "unignore", "system", "bluetooth", "dhcp", "discovery", "esphome", "homekit", "import", "integration_discovery"),
    *("mqtt", "ssdp", "usb"),
    # of engines, where a repair ends with them
    *("engine", "engines", "stored", "stored_untried", "accepted", "removed"),
}
"""Steps that may show nothing."""


def leaves(tree: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for key, value in tree.items():
        if isinstance(value, str):
            yield f"{path}{key}", value
        else:
            yield from leaves(value, f"{path}{key}/")


def part(path: str) -> Mapping[str, Any]:
    tree: Any = translations("en")
    for key in path.split("/"):
        tree = tree[key]
    return dict(tree)


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def constants() -> set[str]:
    """Every string of the code."""
    return {
        node.value
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def keywords(name: str, *, beside: str | None = None) -> set[str]:
    """Constants that calls of the code are given by this name; `beside`: only of calls that have that argument, too."""
    return {
        keyword.value.value
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and (beside is None or beside in {keyword.arg for keyword in node.keywords})
        for keyword in node.keywords
        if keyword.arg == name and isinstance(keyword.value, ast.Constant) and isinstance(keyword.value.value, str)
    }


def test_these_are_the_languages() -> None:
    assert {path.stem for path in TRANSLATIONS.iterdir()} == set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_every_language_has_every_text_with_the_same_placeholders(language: str) -> None:
    english, other = dict(leaves(translations("en"))), dict(leaves(translations(language)))
    assert other.keys() == english.keys()
    for path, text in english.items():
        assert placeholders(other[path]) == placeholders(text), path


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_nothing_was_left_in_english(language: str) -> None:
    for path, text in leaves(translations(language)):
        if re.sub(r"\{\w+\}|`[^`]*`|Herald|\W", "", text):
            assert re.search(r"[\u4e00-\u9fff]", text), path


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_keep_hassfests_rules(language: str) -> None:
    for path, text in leaves(translations(language)):
        assert text == text.strip() != "", path
        assert not re.search(r"https?://|www\.", text), f"{path}: addresses are placeholders"
        assert not re.search(r"</?[a-zA-Z]", text), f"{path}: no HTML"
        assert not re.search(r"""['"‘’“”「」『』]\{\w+\}|\{\w+\}['"‘’“”「」『』]""", text), f"{path}: a placeholder in quotes"
        assert "[%" not in text, f"{path}: only core's build knows references"


def test_keys_are_such_as_home_assistant_takes() -> None:
    for path, _ in leaves(translations("en")):
        assert all(re.fullmatch(r"[a-z0-9_]+", key) for key in path.split("/")), path


def test_every_exception_has_its_sentence() -> None:
    raised = keywords("translation_key", beside="translation_domain") | {key for _, key in failures.SENTENCES}
    raised |= {f"player_{kind.reason}" for kind in PlayerError.__subclasses__() if kind is not Rejected}
    assert raised == part("exceptions").keys()


def test_every_issue_has_its_text() -> None:
    told = {*issues.SERVICE_ISSUES.values(), issues.READ_ONLY, issues.WRONG_VERSION, issues.VOICE_GONE, *players.ISSUES}
    assert told == part("issues").keys()
    for name, text in part("issues").items():
        assert "title" in text
        assert ("description" in text) is not ("fix_flow" in text), name


@pytest.mark.parametrize("section", FLOWS)
def test_every_text_of_a_step_is_one_of_a_step(section: str) -> None:
    for step in part(section)["step"]:
        assert hasattr(FLOWS[section], f"async_step_{step}"), step


@pytest.mark.parametrize("section", FLOWS)
def test_every_step_that_shows_something_has_a_text(section: str) -> None:
    steps = {name.removeprefix("async_step_") for name in dir(FLOWS[section]) if name.startswith("async_step_")}
    assert steps - SILENT <= part(section)["step"].keys()


@pytest.mark.parametrize("section", FLOWS)
def test_what_a_menu_offers_is_a_step(section: str) -> None:
    for step in part(section)["step"].values():
        for option in step.get("menu_options", ()):
            assert hasattr(FLOWS[section], f"async_step_{option}"), option


@pytest.mark.parametrize("section", ["config", "options"])
def test_the_frontend_fills_in_nothing_in_the_title_of_a_menu(section: str) -> None:
    """It would show an error message in its place; of subentries it does."""
    titles = {name: step["title"] for name, step in part(section)["step"].items() if "menu_options" in step}
    assert {name: placeholders(title) for name, title in titles.items()} == {name: set() for name in titles}


@pytest.mark.parametrize("section", FLOWS)
def test_every_field_is_described(section: str) -> None:
    for step in part(section)["step"].values():
        for fields in (step, *step.get("sections", {}).values()):
            assert fields.get("data", {}).keys() == fields.get("data_description", {}).keys()


def test_every_reason_to_end_a_flow_has_a_sentence() -> None:
    told = {reason for section in FLOWS for reason in part(section).get("abort", ())}
    assert keywords("reason") <= told


@pytest.mark.parametrize("kind", ["error", "abort", "progress"])
def test_no_sentence_of_a_flow_is_left_over(kind: str) -> None:
    known = constants() | {"already_configured"}
    for section in FLOWS:
        for key in part(section).get(kind, ()):
            assert key in known or key.removesuffix("_unreachable") in known, f"{section}/{kind}/{key}"


def test_every_choice_that_is_translated_is_one_of_the_code() -> None:
    assert part("selector").keys() <= constants()
    assert keywords("translation_key") & part("selector").keys() >= {"gender"}
