"""The action interrupt on a running server: sessions, rooms, everything; scripts that are stopped; who may."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from homeassistant.const import EVENT_CALL_SERVICE, STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import Unauthorized
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser, async_capture_events
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.herald.const import DOMAIN

from . import players
from .house import (
    ATTIC,
    BATH,
    BY_ACTION,
    COMPLETED,
    HALL,
    KITCHEN,
    LONG,
    ROOMS,
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
from .speaking import say, state_of


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


async def test_a_room_is_interrupted_by_its_session_on_the_server(house: House) -> None:
    announcing = house.begins(KITCHEN, BATH, session_id="story")
    await house.speaking(2)
    shown = {house.entry.runtime_data.targets[session.id]: session.id for session in house.told.started}
    assert await house.interrupt(session_id=shown[(BATH,)]) == 1
    assert await house.interrupt(KITCHEN, session_id=shown[(BATH,)]) == 0
    assert not announcing.done()
    assert await house.interrupt(session_id="story") == 1
    assert states(await announcing) == {KITCHEN: BY_ACTION, BATH: BY_ACTION}


async def test_whatever_else_the_server_speaks_is_interrupted_by_its_session_too(hass: HomeAssistant, house: House) -> None:
    speaking = asyncio.create_task(say(house.server, LONG, "somebody else's / 别人"))
    await house.speaking()
    assert await house.interrupt(session_id="somebody else's / 别人", user=user(hass, *ROOMS)) == 0, "he may not press the button"
    assert not speaking.done()
    assert await house.interrupt(session_id="somebody else's / 别人", user=user(hass, "button.herald_interrupt")) == 1
    await speaking
    await house.told.until(lambda told: [session.outcome for session in told.ended] == ["interrupted"])
    await house.server.stop()
    assert await house.interrupt(session_id="somebody else's / 别人") == 0


async def test_a_voice_is_interrupted_wherever_it_announces(house: House) -> None:
    annas, another = house.begins(KITCHEN, voice="tts.anna"), house.begins(BATH)
    await house.speaking(2)
    assert await house.interrupt("tts.anna") == 1
    assert states(await annas) == {KITCHEN: BY_ACTION}
    assert not another.done()


async def test_who_does_not_wait_and_interrupts_at_once_is_never_heard(house: House) -> None:
    for _ in range(5):
        await house.act("announce", entity_id=[KITCHEN, BATH], message=LONG, wait=False, session_id="short")
        assert await house.interrupt(session_id="short") == 2
    assert not count(house)
    assert await house.characters() == 0


async def test_in_a_script_of_several_runs_each_interrupts_its_own(hass: HomeAssistant, house: House) -> None:
    steps = [{"action": "herald.announce", "target": {"entity_id": "{{ room }}"}, "data": {"message": LONG}}]
    assert await async_setup_component(hass, "script", {"script": {"story": {"mode": "parallel", "sequence": steps}}})
    runs = [
        asyncio.create_task(hass.services.async_call("script", "story", {"room": room}, blocking=True))
        for room in (KITCHEN, BATH)
    ]
    await house.speaking(2)
    assert await house.interrupt(KITCHEN) == 1
    await runs[0]
    assert not runs[1].done()
    await hass.services.async_call("script", "turn_off", {"entity_id": "script.story"}, blocking=True)
    assert not count(house)
    await asyncio.wait(runs)


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


async def test_who_may_not_control_a_player_may_not_take_the_name_of_what_it_announces(hass: HomeAssistant, house: House) -> None:
    announcing = house.begins(KITCHEN, session_id="story")
    await house.speaking()
    with pytest.raises(Unauthorized):
        await house.act("announce", user=user(hass, BATH), entity_id=[BATH], message=SHORT, session_id="story")
    assert not announcing.done()


async def test_who_may_only_look_interrupts_nothing(hass: HomeAssistant, house: House) -> None:
    guest = MockUser(id="guest").add_to_hass(hass)
    guest.mock_policy({"entities": {"all": {"read": True}}})
    announcing = house.begins(KITCHEN)
    await house.speaking()
    assert await house.interrupt(user=guest) == 0
    assert await house.interrupt(user=guest, session_id="nobody") == 0
    for data in ({"entity_id": [KITCHEN]}, {"session_id": house.told.started[0].id}):
        with pytest.raises(Unauthorized):
            await house.act("interrupt", user=guest, **data)
    assert not announcing.done()


async def test_who_may_control_one_of_a_group_may_not_stop_the_group(hass: HomeAssistant, house: House) -> None:
    group = "media_player.upstairs"
    house.players[group] = await players.player(hass, house.client, group)
    state = hass.states.get(group)
    assert state is not None
    hass.states.async_set(group, state.state, {**state.attributes, "entity_id": [BATH, ATTIC]})
    announcing = house.begins(group)
    await house.speaking()
    guest = user(hass, BATH)
    with pytest.raises(Unauthorized):
        await house.interrupt(BATH, user=guest)
    assert await house.interrupt(user=guest) == 0
    assert not announcing.done()
    assert await house.interrupt(BATH, user=user(hass, group, BATH, ATTIC)) == 1
    assert states(await announcing) == {group: BY_ACTION}


async def test_players_are_told_on_behalf_of_whoever_announces(hass: HomeAssistant, house: House) -> None:
    calls = async_capture_events(hass, EVENT_CALL_SERVICE)
    guest = user(hass, BATH)
    await house.act("announce", user=guest, entity_id=[BATH], message=SHORT)
    told = [call for call in calls if call.data["domain"] == "media_player"]
    assert [call.context.user_id for call in told] == [guest.id]


# What has gone since


async def test_an_area_is_interrupted_with_players_that_have_gone_since(hass: HomeAssistant, house: House) -> None:
    area = ar.async_get(hass).async_create("Hall")
    satellite = await players.satellite(hass, house.client, HALL, unique_id="satellite")
    er.async_get(hass).async_update_entity(HALL, area_id=area.id)
    announcing = house.begins(HALL)
    await house.speaking()
    await satellite.async_remove()
    assert state_of(hass, HALL) == STATE_UNAVAILABLE
    assert await house.act("interrupt", area_id=[area.id]) == {"interrupted": 1}
    assert states(await announcing) == {HALL: BY_ACTION}


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


async def test_home_assistants_own_group_plays_it_to_all_of_its_members_and_stops_as_one(
    hass: HomeAssistant, house: House
) -> None:
    members = {"group_type": "media_player", "name": "Upstairs", "entities": [BATH, ATTIC], "hide_members": False}
    group = MockConfigEntry(domain="group", title="Upstairs", options=members)
    group.add_to_hass(hass)
    assert await hass.config_entries.async_setup(group.entry_id)
    await hass.async_block_till_done()
    assert states(await house.announce("media_player.upstairs", ATTIC)) == {
        "media_player.upstairs": COMPLETED,
        ATTIC: ("skipped", "in_group"),
    }
    assert len(house.told.started) == 1
    heard = [(await house.players[member].heard()).audio for member in (BATH, ATTIC)]
    assert heard[0] == heard[1] != b""
    announcing, busy = house.begins("media_player.upstairs"), house.begins(ATTIC, message=SHORT)
    await house.speaking(2)
    assert states(await house.announce(BATH, mode="drop")) == {BATH: ("skipped", "busy")}
    assert states(await house.announce(BATH, mode="interrupt")) == {BATH: COMPLETED}
    assert states(await announcing) == {"media_player.upstairs": ("interrupted", "by_announcement")}
    assert states(await busy) == {ATTIC: COMPLETED}


async def test_a_group_of_anything_is_whoever_is_in_it(hass: HomeAssistant, house: House) -> None:
    groups = {"loud": {"entities": [BATH, "group.quiet"]}, "quiet": {"entities": [ATTIC]}}
    assert await async_setup_component(hass, "group", {"group": groups})
    await hass.async_block_till_done()
    assert states(await house.announce("group.loud")) == {BATH: COMPLETED, ATTIC: COMPLETED}
    announcing = house.begins(KITCHEN, BATH)
    await house.speaking(4)
    assert await house.interrupt("group.loud") == 1
    assert not announcing.done()
