"""What the server speaks, as it begins and ends, for whichever client. Never the text."""

from __future__ import annotations

from typing import Any

from homeassistant.components.event import EventEntity
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .api import Ended, Outcome, Session
from .coordinator import HeraldConfigEntry, HeraldCoordinator
from .entity import HeraldEntity

PARALLEL_UPDATES = 0

STARTED = "started"
ENDS = {
    Outcome.COMPLETED: "finished",
    Outcome.INTERRUPTED: "interrupted",
    Outcome.FAILED: "failed",
    Outcome.LEFT: "interrupted",
}
"""How a session ended → type of the event: who listened no more interrupted it, too."""
LEFT = "listener_left"
"""The reason then."""


async def async_setup_entry(
    hass: HomeAssistant, entry: HeraldConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the one of the server."""
    async_add_entities([Speech(entry.runtime_data)])


class Speech(HeraldEntity, EventEntity):
    """Every reply is an event when it was asked for, and one when it is over."""

    def __init__(self, coordinator: HeraldCoordinator) -> None:
        super().__init__(coordinator, "speech")
        self._attr_event_types = [STARTED, *dict.fromkeys(ENDS.values())]

    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        self.async_on_remove(self.coordinator.listen_to_sessions(self._on_session))

    @callback
    def _on_session(self, name: str, session: Session) -> None:
        if isinstance(session, Ended):
            self._happened(ENDS[session.outcome], session, _reason(session))
        elif name == "session_started":
            self._happened(STARTED, session, None)

    def _happened(self, event: str, session: Session, reason: str | None) -> None:
        attributes: dict[str, Any] = {
            "session": session.id,
            "announcement": self.coordinator.announcements.get(session.id),
            "voice": session.voice,
            "engine": session.engine or None,
            "reason": reason,
            "targets": list(self.coordinator.targets.get(session.id, ())),
            "characters": session.characters,
            "first_audio": session.first_audio,
        }
        self._trigger_event(event, attributes)
        self.async_write_ha_state()


def _reason(session: Ended) -> str | None:
    """One of the server's codes: of a failure, of an interrupt, or why another voice spoke."""
    if session.outcome is Outcome.LEFT:
        return LEFT
    return session.code or (session.notice.code if session.notice is not None else None)
