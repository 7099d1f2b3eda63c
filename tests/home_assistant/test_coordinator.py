"""What is known of a server, kept by what it tells: it goes, comes back, changes, falls silent; and who is in its place."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from signal import Signals

import pytest
from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant, callback
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.herald import coordinator as module
from custom_components.herald.api import Catalogue, Client, Ended, HeraldError, Kind, Order, Refused, Session, Usage
from custom_components.herald.coordinator import RETRY, HeraldCoordinator, pause

from .conftest import paired
from .servers import TONE, Herald
from .speaking import PATIENCE, following, reload, say, until
from .strangers import Stranger, impostor


class Asked:
    """How often the client is asked so from now on; the server answers as ever."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, method: Callable[[Client], Awaitable[object]]) -> None:
        self.times = 0
        self._done = asyncio.Event()

        async def ask(client: Client) -> object:
            self.times += 1
            try:
                return await method(client)
            finally:
                self._done.set()

        monkeypatch.setattr(Client, method.__name__, ask)

    async def again(self, times: int = 1) -> None:
        """Waits until it was asked so often once more, and answered."""
        wanted = self.times + times
        async with asyncio.timeout(PATIENCE):
            while self.times < wanted or not self._done.is_set():
                self._done.clear()
                await self._done.wait()


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY", (0.1,))


@pytest.fixture
def attempts(coordinator: HeraldCoordinator, monkeypatch: pytest.MonkeyPatch) -> Asked:
    """To come back to the server."""
    return Asked(monkeypatch, Client.connect)


@pytest.fixture
async def coordinator(entry: ConfigEntry) -> HeraldCoordinator:
    await following(entry)
    return entry.runtime_data  # type: ignore[no-any-return]


async def lost(hass: HomeAssistant, coordinator: HeraldCoordinator) -> None:
    await until(hass, lambda: not coordinator.last_update_success)


async def back(hass: HomeAssistant, coordinator: HeraldCoordinator) -> None:
    await until(hass, lambda: coordinator.last_update_success)
    await following(coordinator.config_entry)


def reauth_flows(hass: HomeAssistant) -> int:
    return sum(flow["context"]["source"] == SOURCE_REAUTH for flow in hass.config_entries.flow.async_progress())


async def test_a_killed_server_is_gone_at_once_and_all_of_it_is_read_when_it_is_back(
    hass: HomeAssistant, coordinator: HeraldCoordinator, server: Herald
) -> None:
    started = coordinator.data.server.started
    await server.stop(kill=True)
    await lost(hass, coordinator)
    server.yaml = TONE.replace("espeak:", "second: {type: tone}, espeak:")
    await server.start()
    await back(hass, coordinator)
    assert coordinator.data.server.started > started
    assert [*coordinator.data.configured] == [(Kind.ENGINE, "tone"), (Kind.ENGINE, "second")]
    assert {*coordinator.data.catalogue.voices} == {"tone/tone", "second/tone"}


async def test_it_is_said_once_that_a_server_went_and_once_that_it_is_back(
    hass: HomeAssistant, coordinator: HeraldCoordinator, server: Herald, caplog: pytest.LogCaptureFixture, attempts: Asked
) -> None:
    caplog.set_level(logging.INFO)
    caplog.clear()
    await server.stop()
    await lost(hass, coordinator)
    await attempts.again(3)
    await server.start()
    await back(hass, coordinator)
    told = [record for record in caplog.records if record.name == "custom_components.herald"]
    assert [record.levelname for record in told] == ["ERROR", "INFO"]
    assert "was shut down" in told[0].getMessage()
    assert server.token not in caplog.text


async def test_a_server_that_falls_silent_is_gone(
    hass: HomeAssistant, enable_custom_integrations: None, server: Herald, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("custom_components.herald.api.events.SILENCE", 1.0)
    entry = await paired(hass, server)
    await following(entry)
    server.send(Signals.SIGSTOP)
    try:
        await lost(hass, entry.runtime_data)
    finally:
        server.send(Signals.SIGCONT)
    await until(hass, lambda: entry.runtime_data.last_update_success)


async def test_another_token_on_the_server_asks_for_it_anew(
    hass: HomeAssistant, coordinator: HeraldCoordinator, server: Herald, attempts: Asked
) -> None:
    old = server.token
    await server.stop(kill=True)
    (server.folder / "state" / "token").write_text(f"{secrets.token_urlsafe(32)}\n")
    await server.start()
    await until(hass, lambda: reauth_flows(hass) == 1)
    await attempts.again(2)
    assert not coordinator.last_update_success
    assert reauth_flows(hass) == 1
    await server.stop(kill=True)
    (server.folder / "state" / "token").write_text(f"{old}\n")
    await server.start()
    await back(hass, coordinator)


@pytest.mark.parametrize("claim", ["its own id", "the server's id"])
async def test_a_stranger_at_the_address_never_hears_the_token(
    hass: HomeAssistant, coordinator: HeraldCoordinator, server: Herald, attempts: Asked, claim: str
) -> None:
    token = server.token
    await server.stop(kill=True)
    await lost(hass, coordinator)
    stranger = impostor(server.id if claim == "the server's id" else "ff" * 16)
    async with stranger.running(server.http_port):
        await attempts.again(3)
        with pytest.raises(HeraldError):
            await coordinator.client.interrupt_all()
        with pytest.raises(HeraldError):
            await anext(coordinator.client.events())
        with pytest.raises(HeraldError):
            async with coordinator.client.speak(Order()):
                pass
    assert len(stranger.heard) >= 2
    assert not stranger.has_heard(token)
    assert reauth_flows(hass) == (claim == "the server's id")
    await server.start()
    await back(hass, coordinator)


async def test_a_stranger_at_the_address_is_told_at_setup(
    hass: HomeAssistant, enable_custom_integrations: None, server: Herald
) -> None:
    entry, token = server.entry(), server.token
    await server.stop(kill=True)
    entry.add_to_hass(hass)
    stranger = impostor("ff" * 16)
    async with stranger.running(server.http_port):
        assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == "wrong_server"
    assert not stranger.has_heard(token)


async def test_who_is_no_herald_is_told_at_setup(hass: HomeAssistant, enable_custom_integrations: None, server: Herald) -> None:
    entry = server.entry()
    await server.stop(kill=True)
    entry.add_to_hass(hass)
    async with Stranger({}).running(server.http_port):
        assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.error_reason_translation_key == "failed"


async def test_a_burst_of_changes_of_the_voices_is_read_once(
    hass: HomeAssistant, coordinator: HeraldCoordinator, server: Herald, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Asked(monkeypatch, Client.catalogue)
    began = hass.loop.time()
    for number in range(10):
        await reload(server, f"{TONE}voices: {{number-{number}: {{engine: tone, voice: tone}}}}\n")
    seconds = hass.loop.time() - began
    while "number-9" not in coordinator.data.catalogue.voices:
        await asked.again()
    assert 1 <= asked.times <= seconds / module.VOICES_COOLDOWN + 2
    assert coordinator.data.server.revision == coordinator.data.catalogue.revision


async def test_voices_that_cannot_be_read_are_asked_for_again_but_not_at_once(
    hass: HomeAssistant, enable_custom_integrations: None, server: Herald, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "VOICES_COOLDOWN", 0.01)
    monkeypatch.setattr(module, "VOICES_RETRY", 0.3)
    entry = await paired(hass, server)
    await following(entry)
    asked_for = Client.catalogue

    async def catalogue(client: Client) -> Catalogue:
        raise Refused("busy", "Not now.")

    asked, began = Asked(monkeypatch, catalogue), hass.loop.time()
    await reload(server, f"{TONE}voices: {{late: {{engine: tone, voice: tone}}}}\n")
    await asked.again(3)
    assert hass.loop.time() - began > 2 * module.VOICES_RETRY
    await Asked(monkeypatch, asked_for).again()
    assert "late" in entry.runtime_data.data.catalogue.voices


async def test_what_was_spent_is_asked_once_for_many_replies(
    hass: HomeAssistant, coordinator: HeraldCoordinator, server: Herald, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, ended, all_ended = Asked(monkeypatch, Client.usage), [], asyncio.Event()

    def listen(name: str, session: Session) -> None:
        if isinstance(session, Ended):
            ended.append(session.id)
        if len(ended) == 5:
            all_ended.set()

    coordinator.config_entry.async_on_unload(coordinator.listen_to_sessions(callback(listen)))
    for number in range(5):
        await say(server, "Hello.", f"hello {number}")
    async with asyncio.timeout(PATIENCE):
        await all_ended.wait()
    assert asked.times == 1


async def test_a_new_month_is_asked_for_when_it_begins(
    hass: HomeAssistant, enable_custom_integrations: None, server: Herald, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Client.usage

    async def usage(client: Client) -> Usage:
        return replace(await asked(client), month_ends=dt_util.utcnow())

    monkeypatch.setattr(module, "MONTH_LAG", timedelta(seconds=0.5))
    monkeypatch.setattr(Client, "usage", usage)
    entry = await paired(hass, server)
    await following(entry)
    await Asked(monkeypatch, usage).again()


async def test_nobody_listens_to_a_server_whose_entry_is_unloaded(
    hass: HomeAssistant, entry: MockConfigEntry, coordinator: HeraldCoordinator
) -> None:
    def listening() -> list[str]:
        return [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("events of")]

    assert len(listening()) == 1
    began = hass.loop.time()
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert not listening()
    assert hass.loop.time() - began < 5
    assert not coordinator.following.is_set()


async def test_an_entry_is_unloaded_while_its_server_is_away(
    hass: HomeAssistant, entry: MockConfigEntry, coordinator: HeraldCoordinator, server: Herald
) -> None:
    await server.stop(kill=True)
    await lost(hass, coordinator)
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert entry.state is ConfigEntryState.NOT_LOADED


def test_attempts_become_rarer_and_are_never_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY", RETRY)
    assert all(0.75 * seconds <= pause(failures) <= 1.25 * seconds for failures, seconds in enumerate(RETRY, start=1))
    assert pause(0) <= 1.25 * RETRY[0]
    assert pause(1000) >= 0.75 * RETRY[-1]
    assert len({pause(3) for _ in range(10)}) > 1
