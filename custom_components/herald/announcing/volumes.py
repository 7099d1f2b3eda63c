"""The volume that a player had before it was announced there: written down before it is changed, and put back once.

What somebody else sets meanwhile stays. What was written down and not put back, as after a power cut, is put back when Home
Assistant runs again and the player is there.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from homeassistant.components.media_player.const import ATTR_MEDIA_VOLUME_LEVEL
from homeassistant.components.media_player.const import DOMAIN as PLAYER
from homeassistant.const import ATTR_ENTITY_ID, SERVICE_VOLUME_SET
from homeassistant.core import CALLBACK_TYPE, Context, Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.event import async_track_state_change_event
from homeassistant.helpers.storage import Store
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN, LOGGER

VERSION = 1
KEY = f"{DOMAIN}.volumes"
SAME = 0.005
"""What two levels differ in that are one."""
ROUNDED = 0.04
"""How far from what it was told a player may say that it is: some have only so many steps."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """Of one player. Levels are from 0 to 1."""

    before: float
    ours: float
    """That it was told."""
    reported: float | None = None
    """That it then told; None: nothing yet."""

    def is_ours(self, level: float) -> bool:
        if self.reported is not None:
            return abs(level - self.reported) < SAME
        return abs(level - self.ours) < ROUNDED


class Volumes:
    """Call `load` once before anything else."""

    def __init__(self, hass: HomeAssistant) -> None:
        self._hass = hass
        self._store: Store[dict[str, dict[str, Any]]] = Store(hass, VERSION, KEY)
        self._records: dict[str, Record] = {}
        self._watched: dict[str, CALLBACK_TYPE] = {}
        """Those whose player is being looked at."""

    async def load(self) -> None:
        """And put back what is left from before, as soon as each player is there."""
        told = await self._store.async_load() or {}
        self._records = {entity_id: Record(**record) for entity_id, record in told.items()}
        for entity_id in tuple(self._records):
            self._watch(entity_id, self._settle)

    async def remove(self) -> None:
        """Leave no file, unless there is something left to put back."""
        if not self._records:
            await self._store.async_remove()

    async def set(self, entity_id: str, level: float, context: Context | None) -> bool:
        """False where it has no volume that could be put back: nothing is changed then. Raises HomeAssistantError."""
        self._unwatch(entity_id)
        now = _level(self._hass, entity_id)
        if now is None:
            return False
        old = self._records.get(entity_id)
        before = old.before if old is not None and old.is_ours(now) else now
        self._records[entity_id] = Record(before=before, ours=level)
        await self._save()
        if abs(now - level) >= SAME:
            self._watch(entity_id, self._learn)
            await self._call(entity_id, level, context)
        return True

    async def restore(self, entity_id: str, context: Context | None = None) -> None:
        """Put it back, if it is still ours. A player that cannot be told now is told when it is there again."""
        record = self._records.get(entity_id)
        if record is None:
            return
        level = _level(self._hass, entity_id)
        if level is None:
            self._watch(entity_id, self._settle)
            return
        self._unwatch(entity_id)
        try:
            if record.is_ours(level) and abs(level - record.before) >= SAME:
                await self._call(entity_id, record.before, context)
        except HomeAssistantError as error:
            LOGGER.warning("The volume of %s could not be put back: %s", entity_id, error)
        finally:
            if self._records.get(entity_id) is record:
                del self._records[entity_id]
                await self._save()

    # Its players

    @callback
    def _learn(self, entity_id: str) -> None:
        """What the player makes of what it was told: the first change after it."""
        level, record = _level(self._hass, entity_id), self._records[entity_id]
        if level is not None and abs(level - record.before) >= SAME:
            self._unwatch(entity_id)
            self._records[entity_id] = replace(record, reported=level)
            self._store.async_delay_save(self._told)

    @callback
    def _settle(self, entity_id: str) -> None:
        """Once the player is there."""
        if _level(self._hass, entity_id) is not None:
            self._unwatch(entity_id)
            self._hass.async_create_task(self.restore(entity_id), name=f"volume of {entity_id}")

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

    async def _call(self, entity_id: str, level: float, context: Context | None) -> None:
        data = {ATTR_ENTITY_ID: entity_id, ATTR_MEDIA_VOLUME_LEVEL: level}
        await self._hass.services.async_call(PLAYER, SERVICE_VOLUME_SET, data, blocking=True, context=context)

    @callback
    def _told(self) -> dict[str, dict[str, Any]]:
        return {entity_id: asdict(record) for entity_id, record in self._records.items()}

    async def _save(self) -> None:
        await self._store.async_save(self._told())


def _level(hass: HomeAssistant, entity_id: str) -> float | None:
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
