"""The event entity: what is told of each reply, and what never is."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, State, callback
from homeassistant.helpers.event import async_track_state_change_event

from .servers import Herald
from .speaking import entity_id, following, say, until

TEXT = "Good morning to all of you."
ATTRIBUTES = {"event_type", "session", "announcement", "voice", "engine", "reason", "targets", "characters", "first_audio"}
SLOW = {"per_character": 10, "pace": 1}


@pytest.fixture
async def events(hass: HomeAssistant, entry: ConfigEntry, server: Herald) -> list[State]:
    """The states that the entity goes through."""
    await following(entry)
    told: list[State] = []

    @callback
    def note(event: Event[EventStateChangedData]) -> None:
        if (state := event.data["new_state"]) is not None:
            told.append(state)

    entry.async_on_unload(async_track_state_change_event(hass, entity_id(hass, "event", server, "speech"), note))
    return told


def types(events: list[State]) -> list[str]:
    return [state.attributes["event_type"] for state in events]


async def test_a_reply_is_told_when_it_starts_and_when_it_has_finished(
    hass: HomeAssistant, events: list[State], server: Herald
) -> None:
    await say(server, TEXT, "morning")
    await until(hass, lambda: len(events) == 2)
    assert types(events) == ["started", "finished"]
    started, finished = (state.attributes for state in events)
    assert started["session"] == finished["session"] == "morning"
    assert (finished["voice"], finished["engine"], finished["reason"]) == ("tone/tone", "tone", None)
    assert finished["characters"] == len(TEXT)
    assert finished["first_audio"] > 0
    assert finished["targets"] == []
    assert {*finished} - {"event_types", "friendly_name"} == ATTRIBUTES


async def test_nothing_of_the_text_is_told(hass: HomeAssistant, events: list[State], server: Herald) -> None:
    await say(server, TEXT, "morning")
    await until(hass, lambda: len(events) == 2)
    assert "Good" not in str([state.as_dict() for state in events])


async def test_an_interrupt_is_told(hass: HomeAssistant, entry: ConfigEntry, events: list[State], server: Herald) -> None:
    speaking = asyncio.create_task(say(server, TEXT, "morning", options=SLOW))
    await until(hass, lambda: events)
    assert await entry.runtime_data.client.interrupt("morning")
    await speaking
    await until(hass, lambda: len(events) == 2)
    assert types(events) == ["started", "interrupted"]
    assert events[-1].attributes["reason"] == "interrupted"


async def test_a_listener_who_leaves_interrupted_it_too(hass: HomeAssistant, events: list[State], server: Herald) -> None:
    speaking = asyncio.create_task(say(server, TEXT, "morning", options=SLOW))
    await until(hass, lambda: events)
    speaking.cancel()
    await until(hass, lambda: len(events) == 2)
    assert types(events) == ["started", "interrupted"]
    assert events[-1].attributes["reason"] == "listener_left"


async def test_a_failure_is_told_with_its_code(hass: HomeAssistant, events: list[State], server: Herald) -> None:
    with pytest.raises(aiohttp.ClientResponseError):
        await say(server, TEXT, "morning", options={"fail_at": 0, "fail_with": "quota_exceeded"})
    await until(hass, lambda: len(events) == 2)
    assert types(events) == ["started", "failed"]
    assert events[-1].attributes["reason"] == "quota_exceeded"


async def test_whoever_announces_tells_the_targets(
    hass: HomeAssistant, entry: ConfigEntry, events: list[State], server: Herald
) -> None:
    entry.runtime_data.targets["morning"] = ("media_player.kitchen",)
    await say(server, TEXT, "morning")
    await until(hass, lambda: len(events) == 2)
    assert [state.attributes["targets"] for state in events] == [["media_player.kitchen"]] * 2


async def test_the_last_event_outlives_a_reload(
    hass: HomeAssistant, entry: ConfigEntry, events: list[State], server: Herald
) -> None:
    await say(server, TEXT, "morning")
    await until(hass, lambda: len(events) == 2)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    state = hass.states.get(entity_id(hass, "event", server, "speech"))
    assert state is not None
    assert (state.state, state.attributes["session"]) == (events[1].state, "morning")
