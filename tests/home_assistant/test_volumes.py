"""The volume before an announcement: put back once, where it is still ours, and also after a power cut."""

from __future__ import annotations

import time
from typing import Any

import pytest
from homeassistant.components.media_player.const import DOMAIN as PLAYER
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import async_mock_service

from custom_components.herald.announcing.volumes import KEY, Volumes

from . import players
from .conftest import paired
from .playing import Device, Speaker
from .servers import Herald

KITCHEN = "media_player.kitchen"


def left(before: float, ours: float, *, days: float = 0.0) -> dict[str, Any]:
    """What was written down so long ago, and not put back."""
    record = {"before": before, "ours": ours, "reported": None, "since": time.time() - days * 24 * 3600}
    return {"version": 1, "data": {KITCHEN: record}}


@pytest.fixture
async def volumes(hass: HomeAssistant, hass_storage: dict[str, Any]) -> Volumes:
    await players.set_up(hass)
    volumes = Volumes(hass)
    await volumes.load()
    return volumes


@pytest.fixture
async def speaker(hass: HomeAssistant, volumes: Volumes) -> Speaker:
    speaker = Speaker(None)
    await Device(hass, "cast").add(PLAYER, speaker)
    return speaker


def written(hass_storage: dict[str, Any]) -> dict[str, Any]:
    data: dict[str, Any] = hass_storage[KEY]["data"]
    return data


async def restarted(hass: HomeAssistant) -> Volumes:
    """What Home Assistant would have after a crash: what is written down, and nothing else."""
    volumes = Volumes(hass)
    await volumes.load()
    await hass.async_block_till_done()
    return volumes


async def test_it_is_written_down_before_it_is_set(
    hass: HomeAssistant, volumes: Volumes, speaker: Speaker, hass_storage: dict[str, Any]
) -> None:
    seen: list[dict[str, Any]] = []

    async def set_level(volume: float) -> None:
        seen.append(dict(written(hass_storage)))
        raise HomeAssistantError

    speaker.async_set_volume_level = set_level  # type: ignore[method-assign]
    with pytest.raises(HomeAssistantError):
        await volumes.set(KITCHEN, 0.7, None)
    (record,) = (told[KITCHEN] for told in seen)
    assert (record["before"], record["ours"], record["reported"]) == (0.2, 0.7, None)


async def test_it_is_put_back_once(hass: HomeAssistant, volumes: Volumes, speaker: Speaker, hass_storage: dict[str, Any]) -> None:
    assert await volumes.set(KITCHEN, 0.7, None)
    await volumes.restore(KITCHEN)
    await volumes.restore(KITCHEN)
    assert speaker.told["volume_set"] == [0.7, 0.2]
    assert written(hass_storage) == {}


async def test_what_a_player_makes_of_it_is_ours(hass: HomeAssistant, volumes: Volumes, speaker: Speaker) -> None:
    speaker.steps = 5
    assert await volumes.set(KITCHEN, 0.7, None)
    await hass.async_block_till_done()
    assert speaker.volume_level == 0.8
    await volumes.restore(KITCHEN)
    assert speaker.volume_level == 0.2


async def test_a_small_change_by_somebody_else_stays(hass: HomeAssistant, volumes: Volumes, speaker: Speaker) -> None:
    await volumes.set(KITCHEN, 0.7, None)
    await hass.async_block_till_done()
    speaker.has_volume(0.72)
    await volumes.restore(KITCHEN)
    assert speaker.volume_level == 0.72
    await volumes.restore(KITCHEN)
    assert speaker.told["volume_set"] == [0.7]


async def test_the_second_of_two_remembers_what_was_before_the_first(
    hass: HomeAssistant, volumes: Volumes, speaker: Speaker
) -> None:
    await volumes.set(KITCHEN, 0.7, None)
    await volumes.set(KITCHEN, 0.5, None)
    await volumes.restore(KITCHEN)
    assert speaker.told["volume_set"] == [0.7, 0.5, 0.2]


async def test_the_second_of_two_respects_what_somebody_set_between_them(
    hass: HomeAssistant, volumes: Volumes, speaker: Speaker
) -> None:
    await volumes.set(KITCHEN, 0.7, None)
    await hass.async_block_till_done()
    speaker.has_volume(0.3)
    await volumes.set(KITCHEN, 0.5, None)
    await volumes.restore(KITCHEN)
    assert speaker.volume_level == 0.3


async def test_a_player_that_has_it_already_is_told_nothing(hass: HomeAssistant, volumes: Volumes, speaker: Speaker) -> None:
    assert await volumes.set(KITCHEN, 0.2, None)
    await volumes.restore(KITCHEN)
    assert speaker.told.names == []


async def test_a_player_without_a_volume_is_let_be(hass: HomeAssistant, volumes: Volumes, speaker: Speaker) -> None:
    speaker.has_volume(None)
    assert not await volumes.set(KITCHEN, 0.7, None)
    assert not await volumes.set("media_player.nowhere", 0.7, None)
    assert speaker.told.names == []


async def test_what_a_crash_left_is_put_back(
    hass: HomeAssistant, volumes: Volumes, speaker: Speaker, hass_storage: dict[str, Any]
) -> None:
    await volumes.set(KITCHEN, 0.7, None)
    await restarted(hass)
    assert speaker.told["volume_set"] == [0.7, 0.2]
    assert written(hass_storage) == {}


async def test_what_a_crash_left_before_it_was_set_is_forgotten(
    hass: HomeAssistant, volumes: Volumes, speaker: Speaker, hass_storage: dict[str, Any]
) -> None:
    hass_storage[KEY] = left(0.2, 0.7)
    await restarted(hass)
    assert speaker.told.names == []
    assert written(hass_storage) == {}


async def test_what_a_crash_left_waits_for_its_player(hass: HomeAssistant, hass_storage: dict[str, Any]) -> None:
    await players.set_up(hass)
    hass_storage[KEY] = left(0.2, 0.7)
    await restarted(hass)
    assert KITCHEN in written(hass_storage)
    speaker = Speaker(None, volume=0.7)
    await Device(hass, "cast").add(PLAYER, speaker)
    await hass.async_block_till_done()
    assert speaker.told["volume_set"] == [0.2]
    speaker.has_volume(0.7)
    await hass.async_block_till_done()
    assert speaker.told["volume_set"] == [0.2], "once"


async def test_what_a_crash_left_is_put_back_when_the_integration_is_there(
    hass: HomeAssistant, enable_custom_integrations: None, hass_storage: dict[str, Any], server: Herald
) -> None:
    await players.set_up(hass)
    speaker = Speaker(None, volume=0.7)
    await Device(hass, "cast").add(PLAYER, speaker)
    hass_storage[KEY] = left(0.2, 0.7)
    entry = await paired(hass, server)
    assert speaker.told["volume_set"] == [0.2]
    assert KEY in hass_storage
    await hass.config_entries.async_remove(entry.entry_id)
    assert KEY not in hass_storage, "nothing is left of it"


async def test_what_is_still_to_be_put_back_outlives_the_last_server(
    hass: HomeAssistant, enable_custom_integrations: None, hass_storage: dict[str, Any], server: Herald
) -> None:
    await players.set_up(hass)
    hass_storage[KEY] = left(0.2, 0.7)
    entry = await paired(hass, server)
    await hass.config_entries.async_remove(entry.entry_id)
    assert KEY in hass_storage


async def test_a_player_that_is_gone_is_told_when_it_is_back(hass: HomeAssistant, volumes: Volumes, speaker: Speaker) -> None:
    await volumes.set(KITCHEN, 0.7, None)
    speaker.is_there(there=False)
    await volumes.restore(KITCHEN)
    assert speaker.told["volume_set"] == [0.7]
    speaker.is_there(there=True)
    await hass.async_block_till_done()
    assert speaker.told["volume_set"] == [0.7, 0.2]


async def test_a_player_that_refuses_is_told_once(
    hass: HomeAssistant, volumes: Volumes, speaker: Speaker, caplog: pytest.LogCaptureFixture
) -> None:
    await volumes.set(KITCHEN, 0.7, None)

    async def refuse(volume: float) -> None:
        msg = "No."
        raise HomeAssistantError(msg)

    speaker.async_set_volume_level = refuse  # type: ignore[method-assign]
    await volumes.restore(KITCHEN)
    assert caplog.text.count("could not be put back: No.") == 1
    await volumes.restore(KITCHEN)
    assert caplog.text.count("could not be put back: No.") == 1


# Players that are behind: they tell what they were told only later


async def test_one_that_is_behind_is_put_back(volumes: Volumes, speaker: Speaker) -> None:
    speaker.is_behind = True
    await volumes.set(KITCHEN, 0.7, None)
    await volumes.restore(KITCHEN)
    assert speaker.told["volume_set"] == [0.7, 0.2]


async def test_one_that_is_behind_is_as_loud_for_the_next_one(volumes: Volumes, speaker: Speaker) -> None:
    await volumes.set(KITCHEN, 0.7, None)
    speaker.is_behind = True
    await volumes.restore(KITCHEN)
    await volumes.set(KITCHEN, 0.7, None)
    await volumes.restore(KITCHEN)
    assert speaker.told["volume_set"] == [0.7, 0.2, 0.7, 0.2]


async def test_one_that_was_behind_is_believed_again(volumes: Volumes, speaker: Speaker) -> None:
    speaker.is_behind = True
    await volumes.set(KITCHEN, 0.7, None)
    speaker.has_volume(0.7)
    speaker.has_volume(0.4)
    await volumes.restore(KITCHEN)
    assert speaker.told["volume_set"] == [0.7]


async def test_one_that_gets_there_by_and_by_is_put_back(volumes: Volumes, speaker: Speaker) -> None:
    speaker.is_behind = True
    await volumes.set(KITCHEN, 0.7, None)
    for level in (0.3, 0.6, 0.7):
        speaker.has_volume(level)
    await volumes.restore(KITCHEN)
    assert speaker.told["volume_set"] == [0.7, 0.2]


# Players that never come back


async def test_what_was_left_long_ago_is_forgotten(hass: HomeAssistant, hass_storage: dict[str, Any]) -> None:
    await players.set_up(hass)
    hass_storage[KEY] = left(0.2, 0.7, days=31)
    volumes = await restarted(hass)
    speaker = Speaker(None, volume=0.7)
    await Device(hass, "cast").add(PLAYER, speaker)
    await hass.async_block_till_done()
    assert speaker.told.names == []
    await volumes.remove()
    assert KEY not in hass_storage


async def test_a_player_that_was_removed_is_forgotten(
    hass: HomeAssistant, volumes: Volumes, speaker: Speaker, hass_storage: dict[str, Any]
) -> None:
    await volumes.set(KITCHEN, 0.7, None)
    er.async_get(hass).async_remove(KITCHEN)
    await hass.async_block_till_done()
    assert written(hass_storage) == {}


async def test_a_player_that_was_renamed_is_the_same(hass: HomeAssistant, volumes: Volumes, hass_storage: dict[str, Any]) -> None:
    galley = "media_player.galley"
    er.async_get(hass).async_get_or_create(PLAYER, "cast", "kitchen", suggested_object_id="kitchen")
    hass.states.async_set(KITCHEN, "idle", {"volume_level": 0.2})
    told = async_mock_service(hass, PLAYER, "volume_set")
    await volumes.set(KITCHEN, 0.7, None)
    hass.states.async_remove(KITCHEN)
    er.async_get(hass).async_update_entity(KITCHEN, new_entity_id=galley)
    await hass.async_block_till_done()
    assert list(written(hass_storage)) == [galley]
    hass.states.async_set(galley, "idle", {"volume_level": 0.7})
    await hass.async_block_till_done()
    assert [(call.data["entity_id"], call.data["volume_level"]) for call in told] == [(KITCHEN, 0.7), (galley, 0.2)]
