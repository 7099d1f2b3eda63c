"""The action interrupt on a running server: sessions, rooms, everything; scripts that are stopped; who may."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import Unauthorized
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.herald.const import DOMAIN

from . import players
from .house import (
    BATH,
    BY_ACTION,
    COMPLETED,
    HALL,
    KITCHEN,
    LONG,
    SHORT,
    YAML,
    House,
    count,
    lived_in,
    moved_in,
    settled,
    states,
    user,
)
from .servers import Herald


@pytest.fixture
async def server(socket_enabled: None, tmp_path: Path) -> AsyncIterator[Herald]:
    async with Herald(tmp_path, YAML).running() as server:
        yield server


@pytest.fixture
async def entry(hass: HomeAssistant, enable_custom_integrations: None, server: Herald) -> MockConfigEntry:
    return await moved_in(hass, server)


@pytest.fixture
async def house(
    hass: HomeAssistant, server: Herald, entry: MockConfigEntry, hass_client_no_auth: ClientSessionGenerator
) -> AsyncIterator[House]:
    async with lived_in(hass, server, entry, await hass_client_no_auth()) as house:
        yield house


# Sessions


async def test_a_session_that_is_begun_again_interrupts_itself(house: House) -> None:
    old = house.begins(KITCHEN, BATH, session_id="doorbell")
    await house.speaking(2)
    new = await house.announce(KITCHEN, session_id="doorbell", mode="drop", priority=-5)
    assert states(new) == {KITCHEN: COMPLETED}
    assert states(await old) == dict.fromkeys((KITCHEN, BATH), ("interrupted", "by_session"))


async def test_who_does_not_wait_is_told_the_session_at_once(house: House) -> None:
    answer = await house.act("announce", entity_id=[KITCHEN, BATH], message=LONG, wait=False, session_id="story")
    assert answer == {"session_id": "story"}
    await house.speaking(2)
    assert await house.interrupt(KITCHEN, session_id="story") == 1
    assert await house.interrupt(BATH, session_id="another") == 0
    assert await house.interrupt(session_id="story") == 1
    assert await house.interrupt(session_id="story") == 0


@pytest.mark.parametrize("how", ["turn_off", "restart"])
async def test_a_script_that_is_stopped_interrupts_what_it_waits_for(hass: HomeAssistant, house: House, how: str) -> None:
    data = {"message": LONG, "session_id": "script"}
    steps = [{"action": "herald.announce", "target": {"entity_id": [KITCHEN, BATH]}, "data": data}]
    assert await async_setup_component(hass, "script", {"script": {"story": {"mode": "restart", "sequence": steps}}})
    await hass.services.async_call("script", "turn_on", {"entity_id": "script.story"})
    await house.speaking(2)
    if how == "restart":
        await hass.services.async_call("script", "turn_on", {"entity_id": "script.story"})
        await house.speaking(4)
    await hass.services.async_call("script", "turn_off", {"entity_id": "script.story"}, blocking=True)
    await house.told.until(lambda told: len(told.ended) == len(told.started))
    assert not count(house)
    assert {session.outcome for session in house.told.ended} == {"interrupted"}


async def test_a_caller_that_goes_away_interrupts_who_waits_in_line(house: House) -> None:
    old = house.begins(KITCHEN)
    await house.speaking()
    waiting = house.begins(KITCHEN)
    await settled()
    assert count(house) == 2
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not old.done()
    await settled()
    assert count(house) == 1


# Interrupting


async def test_nothing_to_interrupt_is_no_failure(house: House) -> None:
    assert await house.interrupt() == 0
    assert await house.interrupt(KITCHEN) == 0
    assert await house.interrupt("tts.anna") == 0
    assert await house.interrupt(session_id="nobody") == 0
    assert await house.act("interrupt", area_id=["nowhere"]) == {"interrupted": 0}
    await house.hass.services.async_call(DOMAIN, "interrupt", {}, blocking=True)


async def test_who_names_nobody_does_not_mean_everybody(house: House) -> None:
    announcing = house.begins(KITCHEN)
    await house.speaking()
    nobody: Any
    for nobody in ([], "none"):
        assert await house.act("interrupt", entity_id=nobody) == {"interrupted": 0}
    assert not announcing.done()


async def test_everything_is_interrupted_also_what_waits(house: House) -> None:
    old, waiting = house.begins(KITCHEN, BATH), house.begins(KITCHEN)
    await house.speaking(2)
    assert await house.interrupt() == 3
    assert states(await old) == {KITCHEN: BY_ACTION, BATH: BY_ACTION}
    assert states(await waiting) == {KITCHEN: BY_ACTION}
    assert await house.interrupt() == 0
    assert len(house.told.started) == 2, "nobody was asked for what waited"


async def test_before_its_first_audio_it_is_interrupted_too(house: House) -> None:
    announcing = house.begins(KITCHEN)
    await settled()
    assert count(house) == 1
    assert await house.interrupt(KITCHEN) == 1
    assert states(await announcing) == {KITCHEN: BY_ACTION}


async def test_the_servers_button_interrupts_it_too(hass: HomeAssistant, house: House) -> None:
    announcing = house.begins(KITCHEN)
    await house.speaking()
    assert await house.entry.runtime_data.client.interrupt_all() == 1
    assert states(await announcing) == {KITCHEN: ("interrupted", "by_server")}


async def test_a_reload_interrupts_what_its_server_speaks(hass: HomeAssistant, house: House) -> None:
    announcing = house.begins(KITCHEN)
    await house.speaking()
    assert await hass.config_entries.async_reload(house.entry.entry_id)
    assert states(await announcing) == {KITCHEN: ("interrupted", "by_unload")}
    assert states(await house.announce(KITCHEN)) == {KITCHEN: COMPLETED}


# Who may


async def test_who_may_not_control_a_player_may_not_speak_there(hass: HomeAssistant, house: House) -> None:
    guest = user(hass, BATH)
    with pytest.raises(Unauthorized):
        await house.act("announce", user=guest, entity_id=[KITCHEN, BATH], message=SHORT)
    assert not house.told.started
    answer = await house.act("announce", user=guest, entity_id=[BATH], message=SHORT)
    assert states(answer["targets"]) == {BATH: COMPLETED}


async def test_who_may_not_control_a_player_may_not_interrupt_it(hass: HomeAssistant, house: House) -> None:
    guest = user(hass, BATH)
    announcing = house.begins(KITCHEN, BATH, session_id="story")
    await house.speaking(2)
    for data in ({"entity_id": [KITCHEN]}, {"session_id": "story"}):
        with pytest.raises(Unauthorized):
            await house.act("interrupt", user=guest, **data)
    assert await house.interrupt(user=guest) == 1, "everything is what he may control"
    assert await house.interrupt(KITCHEN) == 1
    assert states(await announcing) == {KITCHEN: BY_ACTION, BATH: BY_ACTION}


# One device


async def test_an_area_with_a_voice_pe_is_spoken_to_once(hass: HomeAssistant, house: House) -> None:
    esphome = MockConfigEntry(domain="esphome")
    esphome.add_to_hass(hass)
    area = ar.async_get(hass).async_create("Hall")
    device = dr.async_get(hass).async_get_or_create(config_entry_id=esphome.entry_id, identifiers={("esphome", "pe")})
    dr.async_get(hass).async_update_device(device.id, area_id=area.id)
    satellite = await players.satellite(hass, house.client, HALL, unique_id="satellite")
    er.async_get(hass).async_update_entity(HALL, device_id=device.id)
    player = er.async_get(hass).async_get_or_create("media_player", "esphome", "player", device_id=device.id)
    house.players[HALL] = await players.player(hass, house.client, player.entity_id)
    answer = await house.act("announce", area_id=[area.id], message=SHORT)
    assert states(answer["targets"]) == {HALL: COMPLETED}
    assert len(satellite.heard) == len(house.told.started) == 1
    announcing = house.begins(HALL)
    await house.speaking(2)
    assert await house.interrupt(player.entity_id) == 1, "it is the same device"
    assert states(await announcing) == {HALL: BY_ACTION}
