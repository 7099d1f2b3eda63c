"""Whom an action means: areas, floors, labels, devices, groups; one device once; nobody whom the caller may not control."""

from __future__ import annotations

from typing import Any

import pytest
from homeassistant.auth.models import User
from homeassistant.auth.permissions.const import POLICY_CONTROL
from homeassistant.components.media_player.const import MediaPlayerEntityFeature
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import ServiceValidationError, Unauthorized, UnknownUser
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import floor_registry as fr
from homeassistant.helpers import label_registry as lr
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser

from custom_components.herald.announcing.targets import Selection, everybody, resolve, select

PLAY = int(MediaPlayerEntityFeature.PLAY_MEDIA)
VOICE_PE = ("assist_satellite.kitchen", "media_player.kitchen")
TELEVISION, SOFA, LAMP = "media_player.television", "media_player.sofa", "light.lamp"


@pytest.fixture
async def house(hass: HomeAssistant) -> dict[str, str]:
    """A kitchen with a Voice PE, and a room with a television, a loudspeaker and a lamp. Ids by name."""
    entry = MockConfigEntry(domain="esphome")
    entry.add_to_hass(hass)
    floor = fr.async_get(hass).async_create("Ground")
    kitchen = ar.async_get(hass).async_create("Kitchen", floor_id=floor.floor_id)
    living = ar.async_get(hass).async_create("Living room", floor_id=floor.floor_id)
    label = lr.async_get(hass).async_create("Loud")
    device = dr.async_get(hass).async_get_or_create(config_entry_id=entry.entry_id, identifiers={("esphome", "pe")})
    dr.async_get(hass).async_update_device(device.id, area_id=kitchen.id)
    for entity_id in (*VOICE_PE, "switch.kitchen"):
        registered(hass, entity_id, device_id=device.id, config_entry=entry)
    registered(hass, SOFA, area_id=living.id, labels={label.label_id})
    registered(hass, TELEVISION, features=0, area_id=living.id)
    registered(hass, LAMP, area_id=living.id)
    return {"floor": floor.floor_id, "kitchen": kitchen.id, "living": living.id, "label": label.label_id, "device": device.id}


def registered(
    hass: HomeAssistant, entity_id: str, features: int = PLAY | 1, labels: Any = None, area_id: Any = None, **more: Any
) -> None:
    domain, name = entity_id.split(".")
    registry = er.async_get(hass)
    registry.async_get_or_create(domain, "esphome", entity_id, suggested_object_id=name, **more)
    registry.async_update_entity(entity_id, area_id=area_id, labels=labels or set())
    hass.states.async_set(entity_id, "idle", {"supported_features": features})


def group(hass: HomeAssistant, entity_id: str, *members: str) -> None:
    hass.states.async_set(entity_id, "idle", {"supported_features": PLAY, "entity_id": list(members)})


async def meant(hass: HomeAssistant, context: Context | None = None, **data: Any) -> Selection:
    return await resolve(hass, data, context or Context())


def ids(selection: Selection) -> list[str]:
    return [target.entity_id for target in selection.targets]


async def test_an_area_with_a_voice_pe_is_spoken_to_once_by_its_satellite(hass: HomeAssistant, house: dict[str, str]) -> None:
    selection = await meant(hass, area_id=[house["kitchen"]])
    assert ids(selection) == ["assist_satellite.kitchen"]
    assert not selection.skipped, "nobody named the other one"
    (target,) = selection.targets
    assert (target.platform, target.domain, target.device_id) == ("esphome", "assist_satellite", house["device"])
    assert target.keys == {house["device"]}


@pytest.mark.parametrize(
    ("kind", "name", "expected"),
    [
        ("device_id", "device", ["assist_satellite.kitchen"]),
        ("floor_id", "floor", ["assist_satellite.kitchen", SOFA]),
        ("area_id", "living", [SOFA]),
        ("label_id", "label", [SOFA]),
    ],
)
async def test_whatever_can_play_there_is_meant(
    hass: HomeAssistant, house: dict[str, str], kind: str, name: str, expected: list[str]
) -> None:
    assert ids(await resolve(hass, {kind: [house[name]]}, Context())) == expected


async def test_what_can_play_nothing_is_tried_only_by_name(hass: HomeAssistant, house: dict[str, str]) -> None:
    assert ids(await meant(hass, entity_id=[TELEVISION], area_id=[house["living"]])) == [TELEVISION, SOFA]


async def test_what_is_not_there_is_meant_only_by_name(hass: HomeAssistant, house: dict[str, str]) -> None:
    hass.states.async_set(SOFA, STATE_UNAVAILABLE, {"supported_features": PLAY})
    assert ids(await meant(hass, floor_id=[house["floor"]])) == ["assist_satellite.kitchen"]
    assert ids(await meant(hass, entity_id=[SOFA])) == [SOFA]
    interrupted = await resolve(hass, {"floor_id": [house["floor"]]}, Context(), interrupting=True)
    assert ids(interrupted) == ["assist_satellite.kitchen", SOFA, TELEVISION], "it may have gone since"


async def test_of_a_device_named_twice_the_satellite_speaks_and_that_is_told(hass: HomeAssistant, house: dict[str, str]) -> None:
    selection = await meant(hass, entity_id=list(reversed(VOICE_PE)))
    assert ids(selection) == ["assist_satellite.kitchen"]
    assert selection.skipped == {"media_player.kitchen": "same_device"}
    assert ids(await meant(hass, entity_id=["media_player.kitchen"])) == ["media_player.kitchen"]


async def test_a_group_speaks_for_its_members(hass: HomeAssistant, house: dict[str, str]) -> None:
    group(hass, "media_player.inner", TELEVISION, "media_player.outer")
    group(hass, "media_player.outer", "media_player.kitchen", "media_player.inner")
    selection = await meant(hass, entity_id=["media_player.outer", TELEVISION, *VOICE_PE, SOFA])
    assert ids(selection) == ["media_player.outer", SOFA]
    assert selection.skipped == dict.fromkeys((TELEVISION, *VOICE_PE), "in_group")
    outer = selection.targets[0]
    assert outer.members == {"media_player.kitchen", "media_player.inner", TELEVISION}
    assert outer.keys == {"media_player.outer", "media_player.inner", TELEVISION, house["device"]}


async def test_an_old_group_is_its_members(hass: HomeAssistant, house: dict[str, str]) -> None:
    assert await async_setup_component(hass, "group", {"group": {"loud": {"entities": [SOFA, TELEVISION]}}})
    await hass.async_block_till_done()
    assert ids(await meant(hass, entity_id=["group.loud"])) == [SOFA, TELEVISION]


async def test_what_is_not_there_is_meant_all_the_same(hass: HomeAssistant) -> None:
    assert ids(await meant(hass, entity_id=["media_player.gone"])) == ["media_player.gone"]


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ({"entity_id": "all"}, "all_refused"),
        ({"entity_id": [LAMP, SOFA]}, "not_a_player"),
        ({"entity_id": ["tts.herald"]}, "not_a_player"),
    ],
)
async def test_what_cannot_be_meant_is_refused(hass: HomeAssistant, data: dict[str, Any], key: str) -> None:
    with pytest.raises(ServiceValidationError) as refused:
        await meant(hass, **data)
    assert refused.value.translation_key == key


@pytest.mark.parametrize("data", [{}, {"entity_id": []}, {"entity_id": "none"}, {"area_id": ["nowhere"]}])
async def test_nobody_may_be_meant(hass: HomeAssistant, data: dict[str, Any]) -> None:
    assert not (await meant(hass, **data)).targets


async def test_a_voice_can_be_interrupted(hass: HomeAssistant) -> None:
    assert ids(await resolve(hass, {"entity_id": ["tts.herald"]}, Context(), interrupting=True)) == ["tts.herald"]


async def test_a_voice_is_interrupted_by_its_device_and_not_by_the_area_of_that(
    hass: HomeAssistant, house: dict[str, str]
) -> None:
    voice = MockConfigEntry(domain="herald")
    voice.add_to_hass(hass)
    device = dr.async_get(hass).async_get_or_create(config_entry_id=voice.entry_id, identifiers={("herald", "anna")})
    dr.async_get(hass).async_update_device(device.id, area_id=house["living"])
    er.async_get(hass).async_get_or_create("tts", "herald", "2", suggested_object_id="anna", device_id=device.id)
    assert ids(await resolve(hass, {"device_id": [device.id]}, Context(), interrupting=True)) == ["tts.anna"]
    assert "tts.anna" not in ids(await resolve(hass, {"area_id": [house["living"]]}, Context(), interrupting=True))


async def test_everybody_are_players_satellites_and_our_own_voices(hass: HomeAssistant, house: dict[str, str]) -> None:
    for platform in ("herald", "other"):
        er.async_get(hass).async_get_or_create("tts", platform, "1", suggested_object_id=platform)
        hass.states.async_set(f"tts.{platform}", "unknown")
    assert {target.entity_id for target in everybody(hass)} == {*VOICE_PE, TELEVISION, SOFA, "tts.herald"}


async def test_a_group_that_somebody_chose_is_spoken_to_by_the_same_rules(hass: HomeAssistant, house: dict[str, str]) -> None:
    assert [target.entity_id for target in select(hass, [SOFA, *VOICE_PE])] == ["assist_satellite.kitchen", SOFA]


# Who may


def user(hass: HomeAssistant, *entity_ids: str) -> User:
    """One who may control these alone."""
    made = MockUser(id=f"user of {len(entity_ids)}").add_to_hass(hass)
    made.mock_policy({"entities": {"entity_ids": dict.fromkeys(entity_ids, True)}})
    return made


async def test_who_may_control_all_of_them_may_speak_to_them(hass: HomeAssistant, house: dict[str, str]) -> None:
    context = Context(user_id=user(hass, *VOICE_PE).id)
    assert ids(await meant(hass, context, area_id=[house["kitchen"]])) == ["assist_satellite.kitchen"]


async def test_who_may_not_control_one_of_them_may_speak_to_none(hass: HomeAssistant, house: dict[str, str]) -> None:
    context = Context(user_id=user(hass, SOFA).id)
    with pytest.raises(Unauthorized) as refused:
        await meant(hass, context, entity_id=[SOFA, TELEVISION])
    assert (refused.value.entity_id, refused.value.permission) == (TELEVISION, POLICY_CONTROL)


async def test_who_may_control_a_group_needs_to_for_its_members(hass: HomeAssistant, house: dict[str, str]) -> None:
    group(hass, "media_player.both", SOFA, TELEVISION)
    with pytest.raises(Unauthorized):
        await meant(hass, Context(user_id=user(hass, "media_player.both", SOFA).id), entity_id=["media_player.both"])
    allowed = Context(user_id=user(hass, "media_player.both", SOFA, TELEVISION).id)
    assert ids(await meant(hass, allowed, entity_id=["media_player.both"])) == ["media_player.both"]


async def test_administrators_may_and_strangers_may_not(hass: HomeAssistant, hass_admin_user: User) -> None:
    assert ids(await meant(hass, Context(user_id=hass_admin_user.id), entity_id=[SOFA])) == [SOFA]
    with pytest.raises(UnknownUser):
        await meant(hass, Context(user_id="nobody"), entity_id=[SOFA])
