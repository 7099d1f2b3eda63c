"""Triggers: a server begins to speak, and how that ends. They watch its event entity, and tell no more than it does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from homeassistant.components.event.const import DOMAIN as EVENT
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.automation import DomainSpec
from homeassistant.helpers.trigger import NotTriggeredReasonReporter, StatelessEntityTriggerBase, Trigger

from .const import DOMAIN
from .event import ENDS, STARTED

EVENT_TYPE, SESSION = "event_type", "session"


class SpeechTrigger(StatelessEntityTriggerBase):
    """Of the events that are of one type."""

    _domain_specs: Mapping[str, DomainSpec] = {EVENT: DomainSpec()}
    event: ClassVar[str]

    def entity_filter(self, entities: set[str]) -> set[str]:
        """Of an area's event entities, ours alone: a doorbell may know an event of the same name."""
        registry = er.async_get(self._hass)
        chosen: set[str] = super().entity_filter(entities)
        return {one for one in chosen if (entry := registry.async_get(one)) is not None and entry.platform == DOMAIN}

    def is_valid_transition(self, from_state: State, to_state: State) -> bool:
        """Whether it is another event. Its time does not tell: one ends and the next begins within a millisecond."""
        return _identity(from_state) != _identity(to_state)

    def is_valid_state(self, state: State, report_not_triggered: NotTriggeredReasonReporter) -> bool:
        return bool(state.attributes.get(EVENT_TYPE) == self.event)


def _identity(state: State) -> tuple[Any, ...]:
    return (state.state, state.attributes.get(EVENT_TYPE), state.attributes.get(SESSION))


TRIGGERS: Mapping[str, type[Trigger]] = {
    name: type(f"{name.capitalize()}Trigger", (SpeechTrigger,), {"event": name})
    for name in (STARTED, *dict.fromkeys(ENDS.values()))
}


async def async_get_triggers(hass: HomeAssistant) -> dict[str, type[Trigger]]:
    """By the name behind the dot: `herald.started`."""
    return dict(TRIGGERS)
