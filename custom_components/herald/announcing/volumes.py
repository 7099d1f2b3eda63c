"""The volume that a player had before it was announced there: written down before it is changed, and put back once.

What somebody else sets meanwhile stays. What was written down and not put back, as after a power cut, is put back when Home
Assistant runs again and the player is there. A player may be behind: until it tells a change, its volume is what it was told.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from typing import Any

from homeassistant.components.media_player.const import ATTR_MEDIA_VOLUME_LEVEL
from homeassistant.components.media_player.const import DOMAIN as PLAYER
from homeassistant.const import ATTR_ENTITY_ID, SERVICE_VOLUME_SET
from homeassistant.core import CALLBACK_TYPE, Context, Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.event import async_track_state_change_event
from homeassistant.helpers.storage import Store
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN, LOGGER

VERSION = 1
KEY = f"{DOMAIN}.volumes"
SAME = 0.005
"""What two levels differ in that are one."""
ROUNDED = 0.04
"""How far from what it was told a player may say that it is, where nothing else is known of it."""
STEP = 0.15
"""The same, of its first answer: some have only so many steps."""
KEPT = 30 * 24 * 3600.0
"""Seconds in which a player may come back. Then nobody remembers how loud it was."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """Of one player. Levels are from 0 to 1."""

    before: float
    ours: float
    """That it was told."""
    reported: float | None = None
    """That it then told; None: nothing yet."""
    since: float
    """When it was written down: seconds since 1970."""

    def is_ours(self, level: float) -> bool:
        if self.reported is None:
            return abs(level - self.ours) < ROUNDED
        return abs(level - self.reported) < SAME or abs(level - self.ours) < SAME

    @property
    def is_old(self) -> bool:
        return time.time() - self.since > KEPT


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What a player was told, and has not answered yet."""

    level: float
    shown: float
    """That it told until then."""


class Volumes:
    """Call `load` once before anything else."""

    def __init__(self, hass: HomeAssistant) -> None:
        self._hass = hass
        self._store: Store[dict[str, dict[str, Any]]] = Store(hass, VERSION, KEY)
        self._records: dict[str, Record] = {}
        self._told: dict[str, Told] = {}
        self._watched: dict[str, CALLBACK_TYPE] = {}
        """Those whose player is being looked at."""

    async def load(self) -> None:
        """And put back what is left from before, as soon as each player is there."""
        kept = {entity_id: Record(**record) for entity_id, record in (await self._store.async_load() or {}).items()}
        self._records = {entity_id: record for entity_id, record in kept.items() if not record.is_old}
        self._hass.bus.async_listen(er.EVENT_ENTITY_REGISTRY_UPDATED, self._on_registry)
        for entity_id in tuple(self._records):
            self._watch(entity_id, self._settle)

    async def remove(self) -> None:
        """Leave no file, unless there is something left to put back."""
        if not self._records:
            await self._store.async_remove()

    async def set(self, entity_id: str, level: float, context: Context | None) -> bool:
        """False where it has no volume that could be put back: nothing is changed then. Raises HomeAssistantError."""
        now = self._level(entity_id)
        if now is None:
            return False
        if entity_id not in self._told:
            self._unwatch(entity_id)  # what is left from before is this one's now
        old = self._records.get(entity_id)
        before = old.before if old is not None and old.is_ours(now) else now
        self._records[entity_id] = Record(before=before, ours=level, since=time.time())
        await self._save()
        if abs(now - level) >= SAME:
            await self._tell(entity_id, level, context)
        return True

    async def restore(self, entity_id: str, context: Context | None = None) -> None:
        """Put it back, if it is still ours. A player that cannot be told now is told when it is there again."""
        record = self._records.get(entity_id)
        if record is None:
            return
        level = self._level(entity_id)
        if level is None:
            self._watch(entity_id, self._settle)
            return
        try:
            if record.is_ours(level) and not record.is_old and abs(level - record.before) >= SAME:
                await self._tell(entity_id, record.before, context)
        except HomeAssistantError as error:
            LOGGER.warning("The volume of %s could not be put back: %s", entity_id, error)
        finally:
            if self._records.get(entity_id) is record:
                del self._records[entity_id]
                await self._save()

    # Its players

    def _level(self, entity_id: str) -> float | None:
        """What it tells, or what it was told where it has told nothing new since."""
        level, told = _shown(self._hass, entity_id), self._told.get(entity_id)
        return level if level is None or told is None else told.level

    async def _tell(self, entity_id: str, level: float, context: Context | None) -> None:
        """Raises HomeAssistantError."""
        data = {ATTR_ENTITY_ID: entity_id, ATTR_MEDIA_VOLUME_LEVEL: level}
        shown = _shown(self._hass, entity_id)
        if shown is not None:
            self._told[entity_id] = Told(level=level, shown=shown)
            self._watch(entity_id, self._learn)
        try:
            await self._hass.services.async_call(PLAYER, SERVICE_VOLUME_SET, data, blocking=True, context=context)
        except HomeAssistantError:
            self._told.pop(entity_id, None)
            raise

    @callback
    def _learn(self, entity_id: str) -> None:
        """What the player makes of what it was told: the first change after it."""
        level, told = _shown(self._hass, entity_id), self._told.get(entity_id)
        if level is None or told is None or abs(level - told.shown) < SAME:
            return
        self._unwatch(entity_id)
        del self._told[entity_id]
        record = self._records.get(entity_id)
        if record is not None and record.ours == told.level and abs(level - told.level) < STEP:
            self._records[entity_id] = replace(record, reported=level)
            self._store.async_delay_save(self._written)

    @callback
    def _settle(self, entity_id: str) -> None:
        """Once the player is there."""
        if _shown(self._hass, entity_id) is not None:
            self._unwatch(entity_id)
            self._hass.async_create_task(self.restore(entity_id), name=f"volume of {entity_id}")

    @callback
    def _on_registry(self, event: Event[er.EventEntityRegistryUpdatedData]) -> None:
        """Nothing is put back on a player that was removed; one that was renamed is the same."""
        data = event.data
        old = data.get("old_entity_id", data["entity_id"])
        is_gone = data["action"] == "remove"
        if old not in self._records or not (is_gone or "old_entity_id" in data):
            return
        record = self._records.pop(old)
        self._told.pop(old, None)
        self._unwatch(old)
        if not is_gone:
            self._records[data["entity_id"]] = record
            self._watch(data["entity_id"], self._settle)
        self._hass.async_create_task(self._save(), name=f"volume of {old}")

    @callback
    def _watch(self, entity_id: str, look: Any) -> None:
        @callback
        def changed(_: Event[EventStateChangedData]) -> None:
            look(entity_id)

        self._unwatch(entity_id)
        self._watched[entity_id] = async_track_state_change_event(self._hass, entity_id, changed)
        if look == self._settle:
            look(entity_id)

    @callback
    def _unwatch(self, entity_id: str) -> None:
        if (stop := self._watched.pop(entity_id, None)) is not None:
            stop()

    @callback
    def _written(self) -> dict[str, dict[str, Any]]:
        return {entity_id: asdict(record) for entity_id, record in self._records.items()}

    async def _save(self) -> None:
        await self._store.async_save(self._written())


def _shown(hass: HomeAssistant, entity_id: str) -> float | None:
    state = hass.states.get(entity_id)
    level = None if state is None else state.attributes.get(ATTR_MEDIA_VOLUME_LEVEL)
    return float(level) if isinstance(level, (int, float)) else None


async def set_up(hass: HomeAssistant) -> None:
    """Once, however many servers there are."""
    hass.data[VOLUMES] = volumes = Volumes(hass)
    await volumes.load()


async def remove(hass: HomeAssistant) -> None:
    """With the last server."""
    if (volumes := hass.data.get(VOLUMES)) is not None:
        await volumes.remove()


VOLUMES: HassKey[Volumes] = HassKey(f"{DOMAIN}_volumes")
"""In `hass.data`: of all players."""
