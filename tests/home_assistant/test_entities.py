"""The entities of a server: which there are, what they show, who may use them, and that they come and go with engines."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from homeassistant.auth.const import GROUP_ID_USER
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import ATTR_ENTITY_ID, STATE_OFF, STATE_ON, STATE_UNAVAILABLE
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, Unauthorized
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.icon import async_get_icons
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser
from syrupy.assertion import SnapshotAssertion

from custom_components import herald
from custom_components.herald.api import Kind, State

from .conftest import paired
from .servers import Herald
from .speaking import entity_id, following, say, state_of, until

ENGINES = """
engines:
  tone: {per_character: 0.02, characters_per_month: 5000}
  broken: {type: tone, fail_at: 0, fail_with: quota_exceeded}
  openspeech: {}
  espeak: {enabled: false}
default_voice: tone/tone
"""
MINE = ("binary_sensor", "button", "event", "sensor")


@pytest.fixture
async def server(socket_enabled: None, tmp_path: Path) -> AsyncIterator[Herald]:
    """One engine that works, one whose quota is used up as soon as it is asked, and one without credentials."""
    async with Herald(tmp_path, ENGINES).running() as server:
        yield server


@pytest.fixture
def entity_registry_enabled_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("homeassistant.helpers.entity.Entity.entity_registry_enabled_default", property(lambda _: True))


def translated(language: str) -> dict[str, Any]:
    """As it is written: Home Assistant would fill gaps with English."""
    file = Path(herald.__file__).parent / "translations" / f"{language}.json"
    texts: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))["entity"]
    return texts


async def press(hass: HomeAssistant, button: str, user: MockUser | None = None) -> None:
    context = None if user is None else Context(user_id=user.id)
    await hass.services.async_call("button", "press", {ATTR_ENTITY_ID: button}, blocking=True, context=context)


async def test_these_are_the_entities(
    hass: HomeAssistant,
    entity_registry_enabled_by_default: None,
    entry: ConfigEntry,
    server: Herald,
    snapshot: SnapshotAssertion,
) -> None:
    for one in er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id):
        if one.domain in MINE:
            state = hass.states.get(one.entity_id)
            assert state is not None
            told = {
                "unique_id": one.unique_id.replace(server.id, "SERVER"),
                "name": one.original_name,
                "translation_key": one.translation_key,
                "category": one.entity_category,
                "device_class": one.original_device_class,
                "state": state.state,
                "attributes": dict(state.attributes) | ({"last_reset": "MONTH"} if "last_reset" in state.attributes else {}),
            }
            assert told == snapshot(name=one.entity_id)


@pytest.mark.parametrize("language", ["en", "zh-Hans", "zh-Hant"])
async def test_each_has_a_name_in_every_language_and_an_icon(
    hass: HomeAssistant, entity_registry_enabled_by_default: None, entry: ConfigEntry, language: str
) -> None:
    texts = translated(language)
    icons = (await async_get_icons(hass, "entity", {"herald"}))["herald"]
    told = {"event_types", "friendly_name", "last_reset"}
    for one in er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id):
        if one.domain in MINE:
            text = texts[one.domain][one.translation_key]
            state = hass.states.get(one.entity_id)
            assert state is not None
            assert text["name"]
            assert one.original_device_class == "problem" or icons[one.domain][one.translation_key]["default"]
            own = {*state.attributes} - told - {"device_class", "event_type", "state_class", "unit_of_measurement"}
            assert all(text["state_attributes"][attribute]["name"] for attribute in own)
    reasons = {state.value for state in State if state not in (State.READY, State.UNTRIED)}
    assert reasons == texts["binary_sensor"]["problem"]["state_attributes"]["reason"]["state"].keys()


async def test_numbers_are_there_for_those_who_want_them(hass: HomeAssistant, entry: ConfigEntry) -> None:
    entries = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    disabled = {one.domain for one in entries if one.domain in MINE and one.disabled_by is er.RegistryEntryDisabler.INTEGRATION}
    assert disabled == {"sensor"}


async def test_a_problem_is_shown_as_soon_as_a_reply_shows_it(hass: HomeAssistant, entry: ConfigEntry, server: Herald) -> None:
    problem = entity_id(hass, "binary_sensor", server, "engine_broken_problem")
    assert state_of(hass, problem) == STATE_OFF
    with pytest.raises(aiohttp.ClientResponseError):
        await say(server, "Nobody pays for this.", "unpaid", voice="broken/tone", fallback=False)
    await until(hass, lambda: state_of(hass, problem) == STATE_ON)
    state = hass.states.get(problem)
    assert state is not None
    assert state.attributes["reason"] == "quota"


async def test_an_engine_without_credentials_is_a_problem_where_it_is_configured(
    hass: HomeAssistant, entry: ConfigEntry, server: Herald
) -> None:
    state = hass.states.get(entity_id(hass, "binary_sensor", server, "engine_openspeech_problem"))
    assert state is not None
    assert (state.state, state.attributes["reason"]) == (STATE_ON, "not_set")
    assert (Kind.ENGINE, "dashscope") in entry.runtime_data.data.services
    unused = f"{server.id}_engine_dashscope_problem"
    assert er.async_get(hass).async_get_entity_id("binary_sensor", "herald", unused) is None


async def test_what_an_engine_took_this_month_is_counted(
    hass: HomeAssistant, entity_registry_enabled_by_default: None, entry: ConfigEntry, server: Herald
) -> None:
    characters = entity_id(hass, "sensor", server, "engine_tone_characters")
    assert state_of(hass, characters) == "0"
    await say(server, "Good morning.", "morning")
    await until(hass, lambda: state_of(hass, characters) == "13")
    state = hass.states.get(characters)
    assert state is not None
    assert state.attributes["limit"] == 5000
    began = dt_util.parse_datetime(state.attributes["last_reset"])
    assert began is not None
    assert began <= dt_util.utcnow() < entry.runtime_data.data.usage.month_ends


async def test_the_time_to_the_first_audio_is_that_of_the_latest_reply(
    hass: HomeAssistant, entity_registry_enabled_by_default: None, entry: ConfigEntry, server: Herald
) -> None:
    sensor = entity_id(hass, "sensor", server, "first_audio")
    assert state_of(hass, sensor) == "unknown"
    await say(server, "Good morning.", "morning", options={"delay": 0.3})
    await until(hass, lambda: state_of(hass, sensor) != "unknown")
    assert float(state_of(hass, sensor)) >= 0.3


async def test_the_button_interrupts_everybody(hass: HomeAssistant, entry: ConfigEntry, server: Herald) -> None:
    event = entity_id(hass, "event", server, "speech")
    speaking = asyncio.create_task(say(server, "A long story.", "story", options={"per_character": 10, "pace": 1}))
    await until(hass, lambda: state_of(hass, event) != "unknown")
    await press(hass, entity_id(hass, "button", server, "interrupt"))
    async with asyncio.timeout(10):
        await speaking  # 130 seconds of it were to come


async def test_a_press_that_does_not_reach_the_server_says_so(hass: HomeAssistant, entry: ConfigEntry, server: Herald) -> None:
    button = entity_id(hass, "button", server, "interrupt")
    await server.stop(kill=True)
    interrupt = hass.data["entity_components"]["button"].get_entity(button)
    assert interrupt is not None
    with pytest.raises(HomeAssistantError) as raised:
        await interrupt.async_press()
    assert raised.value.translation_key == "cannot_connect"


async def test_a_user_without_admin_rights_may_interrupt_but_a_reader_may_not(
    hass: HomeAssistant, entry: ConfigEntry, server: Herald, hass_read_only_user: MockUser
) -> None:
    button = entity_id(hass, "button", server, "interrupt")
    group = await hass.auth.async_get_group(GROUP_ID_USER)
    assert group is not None
    await press(hass, button, MockUser(groups=[group]).add_to_hass(hass))
    assert state_of(hass, button) != "unknown"
    with pytest.raises(Unauthorized):
        await press(hass, button, hass_read_only_user)


async def test_entities_come_and_go_with_their_engine(hass: HomeAssistant, entry: ConfigEntry, server: Herald) -> None:
    client, registry = entry.runtime_data.client, er.async_get(hass)
    unique_id = f"{server.id}_engine_dashscope_problem"

    def there() -> str | None:
        return registry.async_get_entity_id("binary_sensor", "herald", unique_id)

    for _ in range(2):
        await client.set_credentials(Kind.ENGINE, "dashscope", {"api_key": "sk-0123456789"})
        await until(hass, lambda: (problem := there()) and hass.states.get(problem))
        await client.delete_credentials(Kind.ENGINE, "dashscope")
        await until(hass, lambda: there() is None)
    assert not [state for state in hass.states.async_all("binary_sensor") if "dashscope" in state.entity_id]


async def test_two_servers_stand_side_by_side(
    hass: HomeAssistant, entry: MockConfigEntry, server: Herald, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async with Herald(tmp_path_factory.mktemp("second"), ENGINES).running() as second:
        other = await paired(hass, second)
        await following(other)
        one, two = (entity_id(hass, "event", each, "speech") for each in (server, second))
        await say(second, "Good morning.", "morning")
        await until(hass, lambda: hass.states.get(two).attributes.get("event_type") == "finished")  # type: ignore[union-attr]
        assert state_of(hass, one) == "unknown"
        await second.stop(kill=True)
        await until(hass, lambda: state_of(hass, two) == STATE_UNAVAILABLE)
        assert state_of(hass, one) == "unknown"
        assert await hass.config_entries.async_unload(other.entry_id)
