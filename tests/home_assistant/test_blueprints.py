"""Blueprints are such as Home Assistant takes, and do with the actions what they say."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import Context, HomeAssistant, ServiceCall, ServiceResponse, SupportsResponse
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.herald.services import ANNOUNCE_SCHEMA, INTERRUPT_SCHEMA

from .test_architecture import PACKAGE

ROOT = PACKAGE.parents[1]
BLUEPRINTS = ROOT / "blueprints"
FILES = sorted(path.relative_to(BLUEPRINTS).as_posix() for path in BLUEPRINTS.rglob("*.yaml"))
HOME = "https://github.com/wyoming-herald/herald/blob/main/blueprints/"
PAGES = [(ROOT / "docs" / f"announcements{name}.md").read_text(encoding="utf-8") for name in ("", ".zh-CN")]
HALL = "assist_satellite.hall"
EVERYTHING: Mapping[str, Any] = {}


@pytest.fixture
async def announced(hass: HomeAssistant, hass_config_dir: str) -> list[ServiceCall]:
    """What is announced; the blueprints are there."""
    shutil.copytree(BLUEPRINTS, Path(hass_config_dir, "blueprints"))
    assert await async_setup_component(hass, "homeassistant", {})
    calls: list[ServiceCall] = []

    async def announce(call: ServiceCall) -> ServiceResponse:
        calls.append(call)
        return {"session_id": "an id", "targets": {}}

    hass.services.async_register("herald", "announce", announce, ANNOUNCE_SCHEMA, SupportsResponse.OPTIONAL)
    return calls


@pytest.fixture
def interrupted(hass: HomeAssistant, announced: list[ServiceCall]) -> list[ServiceCall]:
    calls: list[ServiceCall] = []
    hass.services.async_register("herald", "interrupt", calls.append, INTERRUPT_SCHEMA)
    return calls


async def automate(hass: HomeAssistant, name: str, **told: Any) -> None:
    use = {"path": f"herald/{name}", "input": told}
    assert await async_setup_component(hass, "automation", {"automation": [{"alias": "It", "use_blueprint": use}]})
    await hass.async_block_till_done()
    state = hass.states.get("automation.it")
    assert state is not None
    assert state.state == "on"


@pytest.mark.parametrize("file", FILES)
def test_each_tells_where_it_is_and_both_pages_offer_it(file: str) -> None:
    text = (BLUEPRINTS / file).read_text(encoding="utf-8")
    assert f"source_url: {HOME}{file}\n" in text
    assert file.startswith(f"{yaml.safe_load(text.replace('!input', ''))['blueprint']['domain']}/herald/")
    link = f"https://my.home-assistant.io/redirect/blueprint_import/?blueprint_url={HOME}{file}"
    for page in PAGES:
        assert link in page


async def test_a_doorbell_is_announced_at_once(hass: HomeAssistant, announced: list[ServiceCall]) -> None:
    bell = [{"trigger": "event", "event_type": "ring"}]
    where = {"entity_id": [HALL], "area_id": "kitchen"}
    await automate(hass, "doorbell.yaml", bell=bell, where=where, message="It is {{ 1 + 1 }}.", voice="tts.butler")
    hass.bus.async_fire("ring")
    await hass.async_block_till_done()
    (call,) = announced
    assert call.data["message"] == "It is 2."
    assert (call.data["mode"], call.data["priority"], call.data["voice"]) == ("interrupt", 10, "tts.butler")
    assert call.data["chime"] is not None
    assert (call.data["entity_id"], call.data["area_id"]) == ([HALL], ["kitchen"])


async def test_nobody_need_choose_a_voice(hass: HomeAssistant, announced: list[ServiceCall]) -> None:
    bell = [{"trigger": "event", "event_type": "ring"}]
    await automate(hass, "doorbell.yaml", bell=bell, where={"entity_id": [HALL]}, chime=False)
    hass.bus.async_fire("ring")
    await hass.async_block_till_done()
    (call,) = announced
    assert "voice" not in call.data
    assert call.data["chime"] is None


@pytest.fixture
async def hall(hass: HomeAssistant) -> Mapping[str, str]:
    """A satellite in an area: both, as a conversation is told of them."""
    entry = MockConfigEntry()
    entry.add_to_hass(hass)
    area = ar.async_get(hass).async_create("Hall")
    device = dr.async_get(hass).async_get_or_create(config_entry_id=entry.entry_id, identifiers={("test", "hall")})
    dr.async_get(hass).async_update_device(device.id, area_id=area.id)
    made = er.async_get(hass).async_get_or_create("assist_satellite", "test", "hall", device_id=device.id)
    er.async_get(hass).async_update_entity(made.entity_id, new_entity_id=HALL)
    return {"device_id": device.id, "satellite_id": HALL, "area_id": area.id}


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        *(("stop_talking.yaml", sentence) for sentence in ("Be quiet please", "Please be quiet", "stop talking")),
        *(("stop_talking.zh-CN.yaml", sentence) for sentence in ("别说了", "好了不要再说了", "请安静")),
    ],
)
@pytest.mark.parametrize(
    ("where", "key"), [("satellite", "entity_id"), ("room", "area_id"), ("everywhere", None)], ids=["satellite", "room", "all"]
)
async def test_a_sentence_is_silence(  # noqa: PLR0913, PLR0917  # fixtures
    hass: HomeAssistant,
    interrupted: list[ServiceCall],
    hall: Mapping[str, str],
    name: str,
    sentence: str,
    where: str,
    key: str | None,
) -> None:
    assert await async_setup_component(hass, "conversation", {})
    await automate(hass, name, where=where)
    assert await said(hass, sentence, hall) == ""
    (call,) = interrupted
    expected = {"entity_id": [HALL], "area_id": [hall["area_id"]]}
    assert call.data == ({key: expected[key]} if key else {})


async def test_who_writes_it_means_everybody(hass: HomeAssistant, interrupted: list[ServiceCall]) -> None:
    assert await async_setup_component(hass, "conversation", {})
    await automate(hass, "stop_talking.yaml", answer="As you wish.")
    assert await said(hass, "quit talking", {}) == "As you wish."
    (call,) = interrupted
    assert call.data == EVERYTHING


async def said(hass: HomeAssistant, sentence: str, where: Mapping[str, str]) -> str:
    """What is answered."""
    from homeassistant.components.conversation import async_converse  # noqa: PLC0415  # it loads much

    told = await async_converse(
        hass,
        sentence,
        None,
        Context(),
        language="zh-CN" if sentence > "z" else "en",
        device_id=where.get("device_id"),
        satellite_id=where.get("satellite_id"),
    )
    speech: str = told.response.speech["plain"]["speech"]
    return speech


@pytest.mark.parametrize(
    ("at", "priority", "volume"),
    [("12:00", 0, None), ("06:59", 10, 0.25), ("23:00", 11, 0.25), ("07:00", 0, None), ("21:59", -1, None)],
)
async def test_what_matters_is_said_softly_in_the_quiet_hours(  # noqa: PLR0913, PLR0917  # fixtures
    hass: HomeAssistant,
    announced: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
    at: str,
    priority: int,
    volume: float | None,
) -> None:
    told = await scripted(hass, freezer, at, priority=priority)
    (call,) = announced
    assert (call.data["message"], call.data["priority"], call.data.get("volume")) == ("Dinner is ready.", priority, volume)
    assert call.data["entity_id"] == [HALL]
    assert told == {"session_id": "an id", "targets": {}}


@pytest.mark.parametrize("at", ["22:00", "00:00", "06:59"])
async def test_nothing_else_is_said_then(
    hass: HomeAssistant, announced: list[ServiceCall], freezer: FrozenDateTimeFactory, at: str
) -> None:
    assert await scripted(hass, freezer, at, priority=9) == {"session_id": None, "targets": {}}
    assert announced == []


async def scripted(hass: HomeAssistant, freezer: FrozenDateTimeFactory, at: str, **said: Any) -> Any:
    """What the script answers, at that time of the day."""
    await hass.config.async_set_time_zone("UTC")
    freezer.move_to(datetime.fromisoformat(f"2026-11-22T{at}:00+00:00"))
    use = {"path": "herald/quiet_hours.yaml", "input": {"where": {"entity_id": HALL}}}
    assert await async_setup_component(hass, "script", {"script": {"tell": {"use_blueprint": use}}})
    return await hass.services.async_call(
        "script", "tell", {"message": "Dinner is ready.", **said}, blocking=True, return_response=True
    )
