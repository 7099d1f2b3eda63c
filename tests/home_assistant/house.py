"""A house with three players and a server that announces there: what tests of the actions need."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from homeassistant.auth.models import User
from homeassistant.config_entries import ConfigSubentryData
from homeassistant.core import Context, HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser

from custom_components.herald.announcing.session import SESSIONS
from custom_components.herald.const import DOMAIN

from . import players
from .conftest import paired
from .hearing import Told
from .players import Player
from .servers import Herald
from .speaking import PATIENCE, following

SHORT, LONG = "Dinner is ready.", "Once upon a time. " * 100
PER_CHARACTER = 0.02
KITCHEN, BATH, ATTIC = "media_player.kitchen", "media_player.bath", "media_player.attic"
ROOMS = (KITCHEN, BATH, ATTIC)
HALL = "assist_satellite.hall"
YAML = f"""
engines:
  tone: {{per_character: {PER_CHARACTER}}}
  espeak: {{enabled: false}}
voices:
  anna: {{engine: tone, voice: tone, language: de-DE}}
default_voice: tone/tone
"""


@dataclass
class House:
    hass: HomeAssistant
    server: Herald
    client: Any
    entry: MockConfigEntry
    told: Told
    players: dict[str, Player]

    async def act(self, action: str, *, user: User | None = None, **data: Any) -> dict[str, Any]:
        """What it answers."""
        context = Context(user_id=None if user is None else user.id)
        answer = await self.hass.services.async_call(DOMAIN, action, data, blocking=True, return_response=True, context=context)
        assert isinstance(answer, dict)
        return dict(answer)

    async def announce(self, *entity_ids: str, message: str = SHORT, **data: Any) -> dict[str, Any]:
        """Outcomes."""
        answer = await self.act("announce", entity_id=list(entity_ids), message=message, **data)
        outcomes: dict[str, Any] = answer["targets"]
        return outcomes

    def begins(self, *entity_ids: str, message: str = LONG, **data: Any) -> asyncio.Task[dict[str, Any]]:
        return asyncio.create_task(self.announce(*entity_ids, message=message, **data))

    async def interrupt(self, *entity_ids: str, user: User | None = None, **data: Any) -> int:
        answer = await self.act("interrupt", user=user, **({"entity_id": list(entity_ids)} if entity_ids else {}), **data)
        return int(answer["interrupted"])

    async def speaking(self, count: int = 1) -> None:
        """Waits until so many have begun to be heard, since the beginning."""
        await self.told.until(lambda told: sum(event == "session_speaking" for event, _ in told.sessions) >= count)

    async def characters(self) -> int:
        """That the engine was asked for."""
        usage = await self.entry.runtime_data.client.usage()
        return usage.today["tone"].characters if "tone" in usage.today else 0


async def moved_in(hass: HomeAssistant, server: Herald) -> MockConfigEntry:
    """The integration, with a voice that was set up."""
    await players.set_up(hass)
    settings = {"voice": "anna", "settings": {"speed": 2.0}, "fallback": False}
    voice = ConfigSubentryData(subentry_type="voice", title="Anna", unique_id=None, data=settings)
    entry = await paired(hass, server, subentries=[voice])
    await following(entry)
    return entry


@asynccontextmanager
async def lived_in(hass: HomeAssistant, server: Herald, entry: MockConfigEntry, client: Any) -> AsyncIterator[House]:
    """Silent again in the end."""
    rooms = {entity_id: await players.player(hass, client, entity_id) for entity_id in ROOMS}
    house = House(hass, server, client, entry, Told(entry), rooms)
    yield house
    async with asyncio.timeout(PATIENCE):
        await house.interrupt()


def states(outcomes: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[str, str | None]]:
    return {entity_id: (outcome["state"], outcome["reason"]) for entity_id, outcome in outcomes.items()}


COMPLETED = ("completed", None)
BY_ACTION = ("interrupted", "by_action")
BY_ANNOUNCEMENT = ("interrupted", "by_announcement")


async def settled() -> None:
    """Whatever follows without waiting for anybody has happened."""
    for _ in range(50):
        await asyncio.sleep(0)


def count(house: House) -> int:
    """Of rooms where somebody speaks, or waits."""
    sessions = house.hass.data[SESSIONS]
    return len(tuple(sessions))


def conversation(house: House, state: str) -> None:
    told = house.hass.states.get(HALL)
    assert told is not None
    house.hass.states.async_set(HALL, state, told.attributes)


def user(hass: HomeAssistant, *entity_ids: str) -> User:
    made = MockUser(id="guest").add_to_hass(hass)
    made.mock_policy({"entities": {"entity_ids": dict.fromkeys(entity_ids, True)}})
    return made
