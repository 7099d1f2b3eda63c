"""Triggers of automations: all that a server speaks, and nobody else's events."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from homeassistant.components.event import DATA_COMPONENT, EventEntity
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import Event, HomeAssistant, State, callback
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.trigger import async_get_all_descriptions
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.herald.event import ENDS, STARTED
from custom_components.herald.trigger import TRIGGERS, SpeechTrigger

from .forms import translations
from .servers import Herald
from .speaking import entity_id, following, reload, say, state_of, until
from .test_architecture import PACKAGE

NAMES = [STARTED, *dict.fromkeys(ENDS.values())]
FAILING = """
engines: {tone: {per_character: 0.02, fail_at: 0}, espeak: {enabled: false}}
default_voice: tone/tone
"""


class Doorbell(EventEntity):
    """Its events are called like ours."""

    _attr_name = "Doorbell"
    _attr_unique_id = "doorbell"
    _attr_event_types = NAMES
    _attr_should_poll = False

    @callback
    def ring(self, event: str) -> None:
        self._trigger_event(event)
        self.async_write_ha_state()


@pytest.fixture
async def told(hass: HomeAssistant, entry: MockConfigEntry, server: Herald) -> list[dict[str, Any]]:
    """What an automation in the hall is told by all of the triggers: the trigger's name and the session."""
    await following(entry)
    area = ar.async_get(hass).async_create("Hall").id
    doorbell = Doorbell()
    await hass.data[DATA_COMPONENT].async_add_entities([doorbell])
    for one in (entity_id(hass, "event", server, "speech"), doorbell.entity_id):
        er.async_get(hass).async_update_entity(one, area_id=area)
    happened: list[dict[str, Any]] = []

    @callback
    def note(event: Event) -> None:
        happened.append(dict(event.data))

    hass.bus.async_listen("told", note)
    automation = {
        "alias": "Tell",
        "mode": "queued",
        "triggers": [{"trigger": f"herald.{name}", "id": name, "target": {"area_id": area}} for name in NAMES],
        "actions": [
            {
                "event": "told",
                "event_data": {"id": "{{ trigger.id }}", "session": "{{ trigger.to_state.attributes.session }}"},
            }
        ],
    }
    assert await async_setup_component(hass, "automation", {"automation": [automation]})
    await hass.async_block_till_done()
    for name in NAMES:
        doorbell.ring(name)
    return happened


async def test_an_automation_is_told_how_all_that_is_spoken_begins_and_ends(
    hass: HomeAssistant, server: Herald, told: list[dict[str, Any]]
) -> None:
    await say(server, "Good morning.", "morning")
    await until(hass, lambda: len(told) == 2)
    assert told == [{"id": "started", "session": "morning"}, {"id": "finished", "session": "morning"}]


async def test_a_server_that_was_away_tells_nothing_twice(
    hass: HomeAssistant, server: Herald, told: list[dict[str, Any]]
) -> None:
    await say(server, "Good morning.", "morning")
    event = entity_id(hass, "event", server, "speech")
    await server.stop()
    await until(hass, lambda: state_of(hass, event) == STATE_UNAVAILABLE)
    await server.start()
    await until(hass, lambda: state_of(hass, event) != STATE_UNAVAILABLE)
    await hass.async_block_till_done()
    assert [one["id"] for one in told] == ["started", "finished"]


async def test_a_failure_is_one(hass: HomeAssistant, server: Herald, told: list[dict[str, Any]]) -> None:
    await reload(server, FAILING)
    with pytest.raises(Exception, match="5"):
        await say(server, "Good night.", "night")
    await until(hass, lambda: len(told) == 2)
    assert [one["id"] for one in told] == ["started", "failed"]


def test_one_that_begins_in_the_millisecond_in_which_another_ends_is_told() -> None:
    def state(event: str, session: str) -> State:
        return State("event.herald", "2026-11-22T12:00:00.000+00:00", {"event_type": event, "session": session})

    is_another = SpeechTrigger.is_valid_transition
    told = state("interrupted", "one")
    assert is_another(None, told, state("started", "two"))  # type: ignore[arg-type]
    assert is_another(None, told, state("interrupted", "two"))  # type: ignore[arg-type]
    assert not is_another(None, told, state("interrupted", "one"))  # type: ignore[arg-type]


@pytest.mark.usefixtures("entry")
async def test_every_trigger_is_described(hass: HomeAssistant) -> None:
    assert list(TRIGGERS) == NAMES
    described = await async_get_all_descriptions(hass)
    for name in NAMES:
        told = described[f"herald.{name}"]
        assert told is not None
        assert told["target"] == {"entity": [{"integration": "herald", "domain": ["event"]}]}
    assert translations("en")["triggers"].keys() == set(NAMES)
    listed = yaml.safe_load((PACKAGE / "triggers.yaml").read_text())
    assert {name for name in listed if not name.startswith(".")} == set(NAMES)
