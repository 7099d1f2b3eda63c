"""What is set of a voice in its form: kept where it differs from the voice's own, and as long as it can be set."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry

from .servers import Herald
from .speaking import reload
from .test_voice_flow import VOICES, added, changed, chosen, field, form, inner


@pytest.fixture
async def server(socket_enabled: None, tmp_path: Path) -> AsyncIterator[Herald]:
    async with Herald(tmp_path, VOICES).running() as server:
        yield server


async def test_what_a_voice_has_by_itself_is_not_kept_so_that_it_may_change(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    walk = await added(hass, entry)
    await chosen(walk, "anna")
    assert [field(walk, name)[0].default() for name in ("speed", "volume")] == [1.5, 50]
    await walk.answer(**form(speed=1.5, volume=50, advanced={"fallback": True, "converter": "gain/half"}))
    await hass.async_block_till_done()
    (subentry,) = entry.subentries.values()
    assert subentry.data == {"voice": "anna", "settings": {"converter": "gain/half"}, "fallback": True}


async def test_whether_everything_is_read_is_set_too(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    walk = await added(hass, entry)
    await chosen(walk, "anna")
    assert field(walk, "speakable_text", inside="advanced")[0].default() is True
    await walk.answer(**form(advanced={"fallback": True, "speakable_text": False}))
    await hass.async_block_till_done()
    (subentry,) = entry.subentries.values()
    assert subentry.data["settings"] == {"speakable_text": False}
    walk = await changed(hass, entry)
    await walk.choose("current")
    assert field(walk, "speakable_text", inside="advanced")[0].description == {"suggested_value": False}
    await walk.answer(**form(advanced={"fallback": True, "speakable_text": True}))
    await hass.async_block_till_done()
    (subentry,) = entry.subentries.values()
    assert subentry.data["settings"] == {}


async def test_what_cannot_be_set_any_more_is_left_out(hass: HomeAssistant, entry: MockConfigEntry, server: Herald) -> None:
    walk = await added(hass, entry)
    await chosen(walk, "anna")
    await walk.answer(**form(speed=2.0, advanced={"fallback": True, "converter": "gain/half"}))
    await hass.async_block_till_done()
    await reload(server, VOICES.replace("  gain: {}", "  loud: {type: gain}"))
    walk = await changed(hass, entry)
    await walk.choose("current")
    assert field(walk, "speed")[0].description == {"suggested_value": 2.0}
    assert field(walk, "converter", inside="advanced")[0].description is None
    await walk.answer(**form(advanced={"fallback": True, "converter": "loud/half"}))
    await hass.async_block_till_done()
    await reload(server, VOICES.replace("converters:\n  gain: {}\n", ""))
    walk = await changed(hass, entry)
    await walk.choose("current")
    assert inner(walk) == ["speakable_text", "fallback"]


async def test_another_voice_keeps_the_name_and_no_setting(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    walk = await added(hass, entry)
    await chosen(walk, "anna")
    await walk.answer(**form(speed=2.0))
    await hass.async_block_till_done()
    walk = await changed(hass, entry)
    await walk.choose("filter")
    await walk.answer()
    assert field(walk, "voice")[0].description == {"suggested_value": "anna"}
    await walk.answer(voice="lu")
    assert field(walk, "name")[0].description == {"suggested_value": "Anna"}
    assert field(walk, "speed")[0].description is None
    await walk.answer(**form())
    await hass.async_block_till_done()
    (subentry,) = entry.subentries.values()
    assert subentry.data == {"voice": "lu", "settings": {}, "fallback": True}
