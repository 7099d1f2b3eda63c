"""What the frontend is told of the actions is what they take, in every language, and Home Assistant can read it."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import pytest
import yaml
from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.service import async_get_all_descriptions

from custom_components.herald import chimes
from custom_components.herald.announcing.model import Mode
from custom_components.herald.const import DOMAIN
from custom_components.herald.services import ANNOUNCE_SCHEMA, INTERRUPT_SCHEMA, TARGETS

from .conftest import paired
from .forms import translations
from .servers import Herald
from .test_architecture import PACKAGE

FIELDS = {
    "announce": {"message", "voice", "options", "chime", "volume", "mode", "priority", "expires", "session_id", "wait"},
    "interrupt": {"session_id"},
}


def described() -> dict[str, Any]:
    told: dict[str, Any] = yaml.safe_load((PACKAGE / "services.yaml").read_text())
    return told


def fields(action: Mapping[str, Any]) -> dict[str, Any]:
    """Those in sections, too."""
    found: dict[str, Any] = {}
    for name, field in action["fields"].items():
        found |= field.get("fields", {name: field})
    return found


def sections(action: Mapping[str, Any]) -> set[str]:
    return {name for name, field in action["fields"].items() if "fields" in field}


def test_every_field_is_described_and_no_other() -> None:
    assert {name: set(fields(action)) for name, action in described().items()} == FIELDS


@pytest.mark.parametrize("language", ["en", "zh-Hans", "zh-Hant"])
def test_every_action_and_field_has_its_text(language: str) -> None:
    told = translations(language)["services"]
    assert {name: set(text["fields"]) for name, text in told.items()} == FIELDS
    for name, action in described().items():
        assert {"name", "description"} <= told[name].keys()
        assert set(told[name].get("sections", ())) == sections(action)
        assert all(text.keys() == {"name", "description"} for text in told[name]["fields"].values())


def test_every_action_has_an_icon() -> None:
    told = json.loads((PACKAGE / "icons.json").read_text())["services"]
    assert told.keys() == FIELDS.keys()
    for name, action in described().items():
        assert set(told[name].get("sections", ())) == sections(action)


def test_every_mode_can_be_chosen_and_has_a_name() -> None:
    options = fields(described()["announce"])["mode"]["selector"]["select"]["options"]
    assert set(options) == set(Mode) == translations("en")["selector"]["mode"]["options"].keys()


def test_the_defaults_that_are_shown_are_those_that_count() -> None:
    shown = {name: field["default"] for name, field in fields(described()["announce"]).items() if "default" in field}
    taken = ANNOUNCE_SCHEMA({"entity_id": "media_player.kitchen", "message": "Hello"})
    assert shown == {name: taken[name] for name in shown}
    assert shown.keys() == {"mode", "priority", "wait"}


def test_targets_are_home_assistants() -> None:
    assert set(TARGETS) == {"entity_id", "device_id", "area_id", "floor_id", "label_id"}
    for name in TARGETS:
        assert INTERRUPT_SCHEMA({name: ["one.thing"]})[name] == ["one.thing"]


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        (True, chimes.OWN),
        (False, None),
        (None, None),
        ("none", None),
        ("media-source://ding", "media-source://ding"),
        ({"media_content_id": "media-source://ding", "media_content_type": "audio/wav", "metadata": {}}, "media-source://ding"),
    ],
)
def test_a_chime_is_home_assistants_own_a_media_id_or_none(said: object, taken: str | None) -> None:
    assert ANNOUNCE_SCHEMA({"entity_id": "media_player.kitchen", "message": "Hello", "chime": said})["chime"] == taken


async def test_an_action_in_yaml_is_one(hass: HomeAssistant) -> None:
    cv.SERVICE_SCHEMA({"action": "herald.announce", "target": {"area_id": "kitchen"}, "data": {"message": "{{ 1 + 1 }}"}})


@pytest.mark.usefixtures("enable_custom_integrations")
async def test_home_assistant_reads_all_of_it(hass: HomeAssistant, server: Herald, monkeypatch: pytest.MonkeyPatch) -> None:
    camera = ModuleType("turbojpeg")  # every entity's features are looked up, and cameras want it
    monkeypatch.setattr(camera, "TurboJPEG", object, raising=False)
    monkeypatch.setitem(sys.modules, "turbojpeg", camera)
    await paired(hass, server)
    told = (await async_get_all_descriptions(hass))[DOMAIN]
    assert told.keys() == FIELDS.keys()
    for name, action in told.items():
        assert set(fields(action)) == FIELDS[name]
        assert action["response"] == {"optional": True}
        assert "entity" in action["target"]
