"""The devices of a server: they follow its engines, and what isn't its own is left alone."""

from __future__ import annotations

from types import MappingProxyType

import pytest
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import WebSocketGenerator
from syrupy.assertion import SnapshotAssertion

from custom_components.herald import async_remove_config_entry_device
from custom_components.herald.api import Kind
from custom_components.herald.const import DOMAIN, SUBENTRY_VOICE

from .servers import TONE, Herald
from .speaking import following, reload, until


def device_of(hass: HomeAssistant, entry: MockConfigEntry, name: str) -> dr.DeviceEntry | None:
    return dr.async_get(hass).async_get_device_by_identifier((DOMAIN, name), entry.entry_id)


async def test_these_are_the_devices(
    hass: HomeAssistant, entry: MockConfigEntry, server: Herald, snapshot: SnapshotAssertion
) -> None:
    await entry.runtime_data.client.set_credentials(Kind.CONVERTER, "sami", {"appkey": "a", "token": "t"})
    await following(entry)
    await until(hass, lambda: device_of(hass, entry, f"{server.id}_converter_sami"))
    for device in dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id):
        [(_, name)] = device.identifiers
        told = {
            "identifier": name.replace(server.id, "SERVER"),
            "name": device.name,
            "manufacturer": device.manufacturer,
            "model": device.model,
            "entry_type": device.entry_type,
            "address": (device.configuration_url or "").replace(str(server.http_port), "PORT"),
            "is_under_the_server": device.via_device_id is not None,
        }
        assert told == snapshot(name=told["identifier"])


async def test_devices_come_and_go_with_their_engine(hass: HomeAssistant, entry: MockConfigEntry, server: Herald) -> None:
    await following(entry)
    name = f"{server.id}_engine_second"
    await reload(server, TONE.replace("espeak:", "second: {type: tone}, espeak:"))
    await until(hass, lambda: device_of(hass, entry, name))
    await reload(server, TONE)
    await until(hass, lambda: device_of(hass, entry, name) is None)
    assert device_of(hass, entry, f"{server.id}_engine_tone")


async def test_an_engine_that_vanished_while_nobody_looked_is_gone(
    hass: HomeAssistant, entry: MockConfigEntry, server: Herald
) -> None:
    stale = dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id, identifiers={(DOMAIN, f"{server.id}_engine_old")}, name="Old"
    )
    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    assert dr.async_get(hass).async_get(stale.id) is None


async def test_the_device_of_a_voice_is_left_alone(hass: HomeAssistant, entry: MockConfigEntry, server: Herald) -> None:
    data = {"voice": "tone/tone", "settings": {}, "fallback": True, "text": "plain"}
    voice = ConfigSubentry(data=MappingProxyType(data), subentry_type=SUBENTRY_VOICE, title="Voice", unique_id=None)
    hass.config_entries.async_add_subentry(entry, voice)
    await hass.async_block_till_done()
    device = dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id,
        config_subentry_id=voice.subentry_id,
        identifiers={(DOMAIN, voice.subentry_id)},
        name="Voice",
    )
    await following(entry)
    await reload(server, TONE.replace("espeak:", "second: {type: tone}, espeak:"))
    await until(hass, lambda: device_of(hass, entry, f"{server.id}_engine_second"))
    assert dr.async_get(hass).async_get(device.id)
    assert not await async_remove_config_entry_device(hass, entry, device)


@pytest.mark.parametrize("name", ["", "_engine_tone"])
async def test_what_is_used_cannot_be_removed_by_hand(
    hass: HomeAssistant, hass_ws_client: WebSocketGenerator, entry: MockConfigEntry, server: Herald, name: str
) -> None:
    assert await async_setup_component(hass, "config", {})
    device = device_of(hass, entry, f"{server.id}{name}")
    assert device is not None
    answer = await (await hass_ws_client(hass)).remove_device(device.id)
    assert not answer["success"]
    assert dr.async_get(hass).async_get(device.id)


async def test_what_is_not_used_may_be_removed_by_hand(
    hass: HomeAssistant, hass_ws_client: WebSocketGenerator, entry: MockConfigEntry, server: Herald
) -> None:
    assert await async_setup_component(hass, "config", {})
    await following(entry)
    stale = dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id, identifiers={(DOMAIN, f"{server.id}_engine_old")}
    )
    answer = await (await hass_ws_client(hass)).remove_device(stale.id)
    assert answer["success"]
    assert dr.async_get(hass).async_get(stale.id) is None


async def test_while_the_entry_is_not_loaded_only_the_server_itself_must_stay(
    hass: HomeAssistant, entry: MockConfigEntry, server: Herald
) -> None:
    own, engine = (device_of(hass, entry, f"{server.id}{name}") for name in ("", "_engine_tone"))
    assert own is not None
    assert engine is not None
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert not await async_remove_config_entry_device(hass, entry, own)
    assert await async_remove_config_entry_device(hass, entry, engine)
