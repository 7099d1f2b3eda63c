"""Every entity has an icon, of its own or of its device class, and there is none for what does not exist."""

from __future__ import annotations

import json

import pytest
from homeassistant.config_entries import ConfigSubentryData
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity_registry import RegistryEntry

from .conftest import paired
from .forms import translations
from .servers import Herald
from .test_architecture import PACKAGE

pytestmark = pytest.mark.usefixtures("enable_custom_integrations")

SUBENTRIES = [
    ConfigSubentryData(
        data={"voice": "tone/tone", "settings": {}, "fallback": True}, subentry_type="voice", title="Butler", unique_id=None
    ),
    ConfigSubentryData(
        data={"voice": None, "targets": [], "chime": None}, subentry_type="announcement_group", title="Everywhere", unique_id=None
    ),
]


@pytest.fixture
async def entities(hass: HomeAssistant, server: Herald) -> list[RegistryEntry]:
    """One of each kind, at least."""
    entry = await paired(hass, server, subentries=SUBENTRIES)
    return er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)


def icons() -> dict[str, dict[str, dict[str, str]]]:
    told: dict[str, dict[str, dict[str, str]]] = json.loads((PACKAGE / "icons.json").read_text())["entity"]
    return told


async def test_every_entity_has_an_icon(entities: list[RegistryEntry]) -> None:
    for entity in entities:
        if entity.original_device_class is None:
            assert entity.translation_key in icons()[entity.domain], entity.entity_id


async def test_every_icon_is_an_entitys(entities: list[RegistryEntry]) -> None:
    there = {(entity.domain, entity.translation_key) for entity in entities}
    for platform, keys in icons().items():
        for key, told in keys.items():
            assert (platform, key) in there
            assert all(icon.startswith("mdi:") for icon in told.values())


async def test_every_entity_has_a_name_or_is_called_as_its_device(entities: list[RegistryEntry]) -> None:
    named = {(platform, key) for platform, keys in translations("en")["entity"].items() for key in keys}
    for entity in entities:
        is_main = not entity.original_name
        assert is_main is ((entity.domain, entity.translation_key) not in named), entity.entity_id
    assert named <= {(entity.domain, entity.translation_key) for entity in entities}
