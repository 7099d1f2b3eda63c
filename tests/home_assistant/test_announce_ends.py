"""What ends an announcement besides an interrupt: its server reloaded or removed, Home Assistant stopped, a player gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import pytest
from homeassistant.core import Context, HomeAssistant
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_capture_events
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.herald.announcing import speaking
from custom_components.herald.announcing.model import Announcement, State
from custom_components.herald.announcing.players import PLAYERS
from custom_components.herald.announcing.players.media_player import MediaPlayer
from custom_components.herald.announcing.session import SESSIONS
from custom_components.herald.announcing.stream import Stream
from custom_components.herald.announcing.targets import select
from custom_components.herald.api import Order
from custom_components.herald.trigger import TRIGGERS

from .conftest import paired
from .hearing import Told
from .house import (
    ATTIC,
    BATH,
    BY_ACTION,
    BY_ANNOUNCEMENT,
    COMPLETED,
    KITCHEN,
    SHORT,
    YAML,
    House,
    count,
    lived_in,
    moved_in,
    states,
)
from .servers import Herald
from .speaking import PATIENCE, following, until

BY_UNLOAD = ("interrupted", "by_unload")


@pytest.fixture
async def server(socket_enabled: None, tmp_path: Path) -> AsyncIterator[Herald]:
    async with Herald(tmp_path, YAML).running() as server:
        yield server


@pytest.fixture
async def entry(hass: HomeAssistant, enable_custom_integrations: None, server: Herald) -> MockConfigEntry:
    return await moved_in(hass, server)


@pytest.fixture
async def house(
    hass: HomeAssistant, server: Herald, entry: MockConfigEntry, hass_client_no_auth: ClientSessionGenerator
) -> AsyncIterator[House]:
    async with lived_in(hass, server, entry, await hass_client_no_auth()) as house:
        yield house


@pytest.mark.parametrize("how", ["async_reload", "async_unload", "async_remove"])
async def test_with_its_server_goes_what_it_speaks_and_what_waits(
    hass: HomeAssistant, house: House, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    speaking, waiting = house.begins(KITCHEN, BATH, session_id="a"), house.begins(KITCHEN, ATTIC, session_id="b")
    await house.speaking(3)
    await getattr(hass.config_entries, how)(house.entry.entry_id)
    assert states(await speaking) == {KITCHEN: BY_UNLOAD, BATH: BY_UNLOAD}
    assert states(await waiting) == {KITCHEN: BY_UNLOAD, ATTIC: BY_UNLOAD}
    assert not count(house)
    assert "Traceback" not in caplog.text


async def test_home_assistant_stops_and_there_is_silence_first(hass: HomeAssistant, house: House) -> None:
    announcing = house.begins(KITCHEN, BATH)
    await house.speaking(2)
    await hass.async_stop(force=True)
    assert states(await announcing) == {KITCHEN: BY_UNLOAD, BATH: BY_UNLOAD}


async def test_a_turn_that_comes_when_its_server_is_gone_is_told(
    hass: HomeAssistant, house: House, caplog: pytest.LogCaptureFixture
) -> None:
    announcement = Announcement(text=SHORT, order=Order(), entry_id="gone", session_id="late")
    outcomes = await hass.data[SESSIONS].announce(announcement, select(hass, [KITCHEN]), Context())
    (outcome,) = outcomes.values()
    assert (outcome.state, outcome.reason) == (State.FAILED, "server_failed")
    assert outcome.message is not None
    assert "No Herald server" in outcome.message
    assert "Traceback" not in caplog.text


async def test_a_player_that_goes_while_others_speak_there_is_told(hass: HomeAssistant, house: House) -> None:
    first, waiting = house.begins(KITCHEN), house.begins(KITCHEN, message=SHORT)
    await house.speaking()
    await house.players[KITCHEN].async_remove()
    assert hass.states.get(KITCHEN) is None
    assert await house.interrupt(session_id=house.told.started[0].id) == 1
    assert states(await first) == {KITCHEN: BY_ACTION}
    assert states(await waiting) == {KITCHEN: ("failed", "unavailable")}
    assert len(house.told.started) == 1


class Deaf(MediaPlayer):
    """Neither an interrupt nor being cancelled once ends it."""

    async def interrupt(self) -> None:
        await asyncio.Event().wait()

    async def play(self, stream: Stream, announcement: Announcement, context: Context | None) -> None:
        with suppress(asyncio.CancelledError):
            await super().play(stream, announcement, context)
        await asyncio.Event().wait()


async def test_a_player_that_hangs_keeps_nobody_silent(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speaking, "LET_GO", 0.05)
    monkeypatch.setitem(cast("dict[tuple[str, str], Any]", PLAYERS), ("media_player", ""), Deaf)
    old = house.begins(KITCHEN)
    await house.speaking()
    monkeypatch.undo()
    monkeypatch.setattr(speaking, "LET_GO", 0.05)
    async with asyncio.timeout(PATIENCE):
        assert states(await house.announce(KITCHEN, mode="interrupt")) == {KITCHEN: COMPLETED}
        assert states(await old) == {KITCHEN: BY_ANNOUNCEMENT}


# Another server


@pytest.fixture
async def other(hass: HomeAssistant, house: House, tmp_path: Path) -> AsyncIterator[MockConfigEntry]:
    """With a voice of its own."""
    folder = tmp_path / "other"
    folder.mkdir()
    async with Herald(folder, YAML.replace("anna", "berta")).running() as server:
        entry = await paired(hass, server)
        await following(entry)
        yield entry


async def test_each_server_speaks_with_its_own_voices_and_ends_its_own_alone(
    hass: HomeAssistant, house: House, other: MockConfigEntry
) -> None:
    told = Told(other)
    ours, theirs = house.begins(KITCHEN, voice="anna"), house.begins(BATH, voice="berta")
    waiting = house.begins(KITCHEN, message=SHORT, voice="berta")
    await house.speaking()
    await told.until(lambda told: any(event == "session_speaking" for event, _ in told.sessions))
    await hass.config_entries.async_unload(house.entry.entry_id)
    assert states(await ours) == {KITCHEN: BY_UNLOAD}
    assert states(await waiting) == {KITCHEN: COMPLETED}, "a room is one room for both"
    assert not theirs.done()
    assert await house.interrupt(session_id=told.started[0].id) == 1
    assert states(await theirs) == {BATH: BY_ACTION}
    assert {session.voice for session in told.started} == {"berta"}


# What automations are told


async def test_an_automation_is_told_where_an_announcement_ended_and_how(hass: HomeAssistant, house: House) -> None:
    attributes = {name: f"{{{{ trigger.to_state.attributes.{name} }}}}" for name in ("targets", "reason")}
    event_entity = {"entity_id": "event.herald_speech"}
    automation = {
        "alias": "Tell",
        "mode": "queued",
        "triggers": [{"trigger": f"herald.{name}", "id": name, "target": event_entity} for name in TRIGGERS],
        "conditions": "{{ trigger.to_state.attributes.announcement == 'doorbell' }}",
        "actions": [{"event": "told", "event_data": {"id": "{{ trigger.id }}", **attributes}}],
    }
    assert await async_setup_component(hass, "automation", {"automation": [automation]})
    told = async_capture_events(hass, "told")
    text = " ".join(["Once upon a time there was a very small house."] * 3)
    announcing = [house.begins(KITCHEN, BATH, message=text, session_id="doorbell"), house.begins(ATTIC, message=SHORT)]
    await house.speaking(3)
    assert await house.interrupt(BATH) == 1
    await asyncio.gather(*announcing)
    await until(hass, lambda: len(told) == 4)
    assert [event.data["id"] for event in told] == ["started", "started", "interrupted", "finished"]
    assert sorted(event.data["targets"] for event in told[:2]) == [[BATH], [KITCHEN]]
    assert [event.data["targets"] for event in told[2:]] == [[BATH], [KITCHEN]]
    assert [event.data["reason"] for event in told[2:]] == ["interrupted", None]
