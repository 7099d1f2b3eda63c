"""How far ahead of what they play players are sent audio: a setting, and what keeps to it."""

from __future__ import annotations

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.herald.announcing.wanted import chosen
from custom_components.herald.const import LEAD

from .forms import Walk


async def asked(hass: HomeAssistant, entry: MockConfigEntry) -> Walk:
    shown = await hass.config_entries.options.async_init(entry.entry_id)
    walk = Walk(hass, hass.config_entries.options, shown, "options")
    await walk.choose("playing")
    return walk


def pace(hass: HomeAssistant) -> float | None:
    """Of an announcement."""
    return chosen(hass, None, {})[1].pace


async def test_how_far_ahead_audio_is_sent_is_set_once_for_all(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    assert pace(hass) == LEAD
    walk = await asked(hass, entry)
    assert walk.suggested == {"lead": LEAD}
    await walk.answer(lead=2.5)
    assert walk.shown["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()
    assert pace(hass) == 2.5
    assert (await asked(hass, entry)).suggested == {"lead": 2.5}


async def test_no_time_at_all_and_an_hour_are_refused(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    walk = await asked(hass, entry)
    for seconds in (0, 3600):
        with pytest.raises(InvalidData):
            await walk.answer(lead=seconds)
