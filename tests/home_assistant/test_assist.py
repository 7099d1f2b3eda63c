"""Replies of the voice assistant, ended by who plays them and by who speaks them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from homeassistant.components.assist_satellite import AssistSatelliteEntity
from homeassistant.core import HomeAssistant
from homeassistant.helpers import chat_session
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.herald.announcing.assist import interrupt_replies
from custom_components.herald.announcing.targets import target

from .conftest import paired
from .listening import SPEAKER, opened, settled
from .players import PLAYER, SATELLITE, Satellite, satellite, set_up
from .servers import Herald
from .speaking import PATIENCE, following

STALLING = """
engines: {tone: {per_character: 0.02}, espeak: {enabled: false}}
voices:
  stalls: {engine: tone, voice: tone, stall_at: 0.5}
default_voice: tone/tone
"""
STALLS = {"preferred_format": "wav", "voice": "stalls"}
HEARD = 20_000
"""Bytes of the half second that is heard before it stalls, but not all of them."""


@pytest.fixture
async def server(socket_enabled: None, tmp_path: Path) -> AsyncIterator[Herald]:
    async with Herald(tmp_path, STALLING).running() as server:
        yield server


@pytest.fixture
async def entry(hass: HomeAssistant, enable_custom_integrations: None, server: Herald) -> AsyncIterator[MockConfigEntry]:
    await set_up(hass)
    entry = await paired(hass, server)
    await following(entry)
    yield entry
    await settled(hass)


async def in_a_chat(hass: HomeAssistant, client: object, chat: str | None, entity_id: str = SATELLITE) -> Satellite:
    made = await satellite(hass, client, entity_id)
    made._conversation_id = chat  # noqa: SLF001  # as its last run of a pipeline leaves it
    return made


@asynccontextmanager
async def answering(hass: HomeAssistant, client: object, chat: str | None) -> AsyncIterator[asyncio.Task[bytes]]:
    """A reply of which something was heard; the task ends with it."""
    text = f"{chat}, {'a' * 100}"  # of the same text there would be one reply for all
    if chat is None:
        response = await opened(hass, client, text, STALLS)
    else:
        with chat_session.async_get_chat_session(hass, chat):
            response = await opened(hass, client, text, STALLS)
    await response.content.readexactly(HEARD)
    rest = asyncio.create_task(response.read())
    yield rest
    async with asyncio.timeout(PATIENCE):
        await rest


async def test_a_satellite_is_interrupted_in_its_own_chat_alone(
    hass: HomeAssistant, entry: MockConfigEntry, hass_client_no_auth: ClientSessionGenerator
) -> None:
    client = await hass_client_no_auth()
    with chat_session.async_get_chat_session(hass) as mine, chat_session.async_get_chat_session(hass) as other:
        pass
    await in_a_chat(hass, client, mine.conversation_id)
    async with answering(hass, client, other.conversation_id) as others:
        async with answering(hass, client, mine.conversation_id):
            assert await interrupt_replies(hass, [target(hass, SATELLITE)]) == 1
        assert not others.done()
        assert await interrupt_replies(hass, [target(hass, SATELLITE)]) == 0
        assert [running.conversation_id for running in entry.runtime_data.replies] == [other.conversation_id]
        assert await interrupt_replies(hass, [target(hass, SPEAKER)]) == 1


async def test_home_assistants_own_satellite_remembers_the_chat_in_which_it_is_answered(
    hass: HomeAssistant, entry: MockConfigEntry, hass_client_no_auth: ClientSessionGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it does, nothing public tells: here it would fail first."""
    client = await hass_client_no_auth()
    hall = await satellite(hass, client)
    monkeypatch.setattr(hall.platform, "config_entry", entry)
    answered = asyncio.Event()

    async def pipeline(hass: HomeAssistant, **_: object) -> None:
        response = await opened(hass, client, "a" * 100, STALLS)
        await response.content.readexactly(HEARD)
        answered.set()
        await response.read()

    async def microphone() -> AsyncIterator[bytes]:
        yield b""

    monkeypatch.setattr(f"{AssistSatelliteEntity.__module__}.async_pipeline_from_audio_stream", pipeline)
    talking = asyncio.create_task(hall.async_accept_pipeline_from_satellite(microphone()))
    async with asyncio.timeout(PATIENCE):
        await answered.wait()
        assert await interrupt_replies(hass, [target(hass, SATELLITE)]) == 1
        await talking


async def test_a_satellite_that_remembers_no_chat_is_no_failure(
    hass: HomeAssistant, entry: MockConfigEntry, hass_client_no_auth: ClientSessionGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await hass_client_no_auth()
    await satellite(hass, client)
    monkeypatch.delattr(AssistSatelliteEntity, "_conversation_id")
    async with answering(hass, client, "a chat"):
        assert await interrupt_replies(hass, [target(hass, SATELLITE)]) == 0
        assert await interrupt_replies(hass, [target(hass, SPEAKER)]) == 1


async def test_a_voice_is_interrupted_wherever_it_speaks(
    hass: HomeAssistant, entry: MockConfigEntry, hass_client_no_auth: ClientSessionGenerator
) -> None:
    client = await hass_client_no_auth()
    async with answering(hass, client, None), answering(hass, client, "a chat"):
        assert await interrupt_replies(hass, [target(hass, "tts.somebody_else")]) == 0
        assert await interrupt_replies(hass, [target(hass, SPEAKER)]) == 2


async def test_a_satellite_that_was_in_no_chat_is_in_nobodys(
    hass: HomeAssistant, entry: MockConfigEntry, hass_client_no_auth: ClientSessionGenerator
) -> None:
    client = await hass_client_no_auth()
    await in_a_chat(hass, client, None)
    async with answering(hass, client, None):
        assert (
            await interrupt_replies(
                hass, [target(hass, SATELLITE), target(hass, "assist_satellite.unknown"), target(hass, PLAYER)]
            )
            == 0
        )
        assert await interrupt_replies(hass, [target(hass, SATELLITE), target(hass, SPEAKER)]) == 1


@pytest.mark.usefixtures("enable_custom_integrations")
async def test_without_satellites_servers_or_replies_nothing_happens(hass: HomeAssistant) -> None:
    assert await async_setup_component(hass, "herald", {})
    assert await interrupt_replies(hass, []) == 0
    assert await interrupt_replies(hass, [target(hass, SATELLITE), target(hass, SPEAKER)]) == 0
