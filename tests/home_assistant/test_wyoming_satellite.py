"""Home Assistant core's own `wyoming` integration, FFmpeg, and a satellite in its own process: speech there stops at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from homeassistant.components import tts
from homeassistant.components.assist_pipeline.pipeline import PipelineEvent, PipelineEventType
from homeassistant.components.assist_satellite.const import DATA_COMPONENT as SATELLITES
from homeassistant.components.wyoming.assist_satellite import WyomingAssistSatellite
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import ATTR_ENTITY_ID
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import chat_session
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.herald.announcing.model import Announcement
from custom_components.herald.announcing.players import player_for
from custom_components.herald.announcing.players.base import Busy, Player, Rejected, Unavailable
from custom_components.herald.announcing.stream import Stream
from custom_components.herald.announcing.targets import target
from custom_components.herald.api import Order, Outcome
from custom_components.herald.const import LEAD
from tests.ports import free_port
from tests.whole.satellite import Process, satellite

from . import players
from .conftest import paired
from .listening import nothing_is_kept
from .servers import Herald
from .speaking import PATIENCE, following, state_of

SATELLITE = "assist_satellite.hall"
TEXT = "Dinner is ready, and it is getting cold."
LENGTH = len(TEXT) * 0.02
LONG = "This is a sentence that takes some time. " * 100
SLACK = 0.7
"""Seconds that what comes by processes may be late, on a slow machine."""
YAML = """
engines:
  tone: {per_character: 0.02}
  slow: {type: tone, delay: 600}
  espeak: {enabled: false}
default_voice: tone/tone
"""


@pytest.fixture
async def server(socket_enabled: None, tmp_path: Path) -> AsyncIterator[Herald]:
    async with Herald(tmp_path, YAML).running() as server:
        yield server


@dataclass
class Announced:
    player: Player
    stream: Stream
    playing: asyncio.Task[None]

    async def over(self) -> Outcome:
        async with asyncio.timeout(PATIENCE):
            await self.playing
        return self.stream.ended.result().outcome

    async def interrupted(self) -> None:
        async with asyncio.timeout(PATIENCE):
            await self.player.interrupt()
            await self.playing


@dataclass
class Hall:
    hass: HomeAssistant
    entry: MockConfigEntry
    satellite: Process

    def announce(self, text: str = LONG, **order: Any) -> Announced:
        announcement = Announcement(text=text, order=Order(pace=LEAD, **order), entry_id=self.entry.entry_id, session_id="one")
        player = player_for(self.hass, target(self.hass, SATELLITE))
        stream = Stream(self.hass, self.entry.runtime_data, text, player.order(announcement), targets=(SATELLITE,))
        return Announced(player, stream, asyncio.create_task(player.play(stream, announcement, Context())))


@pytest.fixture
def options() -> tuple[str, ...]:
    """Of the satellite."""
    return ()


@pytest.fixture
async def entry(
    hass: HomeAssistant, enable_custom_integrations: None, server: Herald, hass_client_no_auth: ClientSessionGenerator
) -> MockConfigEntry:
    """With Home Assistant at an address that FFmpeg can fetch from."""
    await players.set_up(hass)
    entry = await paired(hass, server)
    await following(entry)
    assert await async_setup_component(hass, "ffmpeg", {})
    client = await hass_client_no_auth()
    hass.config.internal_url = str(client.make_url("")).rstrip("/")
    return entry


@pytest.fixture
async def hall(hass: HomeAssistant, entry: MockConfigEntry, tmp_path: Path, options: tuple[str, ...]) -> AsyncIterator[Hall]:
    port = free_port()
    async with satellite(tmp_path, port, "Hall", *options) as process:
        wyoming = MockConfigEntry(domain="wyoming", title="Hall", data={"host": "127.0.0.1", "port": port})
        wyoming.add_to_hass(hass)
        assert await hass.config_entries.async_setup(wyoming.entry_id)
        assert wyoming.state is ConfigEntryState.LOADED
        await process.told("running")
        yield Hall(hass, entry, process)
        await hass.config_entries.async_unload(wyoming.entry_id)


def ffmpegs(hass: HomeAssistant) -> list[str]:
    """Processes that read of this Home Assistant."""
    lines = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it is gone
            lines.append(process.read_text().replace("\0", " "))
    return [line for line in lines if "ffmpeg" in line and str(hass.config.internal_url) in line]


async def test_an_announcement_is_heard_to_its_end_and_not_waited_for_any_longer(hall: Hall) -> None:
    announced = hall.announce(TEXT)
    assert await announced.over() is Outcome.COMPLETED
    (played,) = hall.satellite.played()
    assert sum(chunk.seconds for chunk in played.chunks) == pytest.approx(LENGTH, abs=0.1)
    assert played.chunks[-1].ends - played.chunks[0].begins < LENGTH + SLACK


async def test_ten_in_a_row_each_interrupt_the_one_before(hall: Hall) -> None:
    announced = [hall.announce()]
    await hall.satellite.sounds(1)
    for number in range(2, 11):
        await announced[-1].interrupted()
        announced.append(hall.announce())
        await hall.satellite.sounds(number)
    assert ffmpegs(hall.hass), "while it speaks"
    await announced[-1].interrupted()
    await hall.satellite.told("stop", 10)
    assert {one.stream.ended.result().outcome for one in announced} == {Outcome.INTERRUPTED}
    names = [line["what"] for line in hall.satellite.lines() if line["what"] in ("start", "stop")]
    assert names == ["start", "stop"] * 10, "they alternate, and no chunk comes between a stop and a start"
    for played in hall.satellite.played():
        assert played.stop is not None
        assert played.chunks[-1].time <= played.stop
        ahead = sum(chunk.seconds for chunk in played.chunks) - (played.stop - played.chunks[0].time)
        assert ahead < LEAD + SLACK
    assert ffmpegs(hall.hass) == []


async def test_what_it_still_plays_of_those_before_is_part_of_the_lead(hall: Hall) -> None:
    for number in range(4):
        announced = hall.announce()
        async with asyncio.timeout(PATIENCE):
            while len(hall.satellite.played()) <= number or hall.satellite.played()[number].seconds < 1.2 * LEAD:  # noqa: ASYNC110  # another process
                await asyncio.sleep(0.01)
        await announced.interrupted()
    await hall.satellite.told("stop", 4)
    assert max(played.rest for played in hall.satellite.played()) < LEAD + SLACK
    told = asyncio.get_running_loop().time()
    assert await hall.announce(TEXT).over() is Outcome.COMPLETED
    assert hall.satellite.played()[-1].chunks[-1].ends - told < LEAD + LENGTH + 2 * SLACK
    assert asyncio.get_running_loop().time() > hall.satellite.played()[-1].chunks[-1].ends - SLACK


async def test_an_interrupt_before_the_first_sound_leaves_it_free(hall: Hall) -> None:
    waiting = hall.announce(voice="slow/tone")
    assert await waiting.stream.fetched(PATIENCE)
    await waiting.interrupted()
    assert await hall.announce(TEXT).over() is Outcome.COMPLETED
    silent, heard = hall.satellite.played()
    assert not silent.sounds
    assert heard.sounds


async def test_what_home_assistant_announces_itself_is_not_interrupted(hall: Hall, hass: HomeAssistant) -> None:
    own = Stream(hass, hall.entry.runtime_data, LONG, Order(format="MKA", rate=22_050, pace=1.0))
    data = {ATTR_ENTITY_ID: SATELLITE, "media_id": own.media_id, "preannounce": False}
    call = asyncio.create_task(hass.services.async_call("assist_satellite", "announce", data, blocking=True))
    await hall.satellite.sounds(1)
    announced = hall.announce(TEXT)
    with pytest.raises(Busy):
        await announced.over()
    assert not announced.stream.was_fetched
    assert own.is_heard
    await own.interrupt()
    while not call.done():
        call.cancel()
        await asyncio.wait({call}, timeout=0.02)


async def test_a_satellite_that_is_reloaded_meanwhile_leaves_nothing_behind(hall: Hall, hass: HomeAssistant) -> None:
    announced = hall.announce()
    await hall.satellite.sounds(1)
    (wyoming,) = hass.config_entries.async_entries("wyoming")
    await hass.config_entries.async_reload(wyoming.entry_id)
    with pytest.raises((Rejected, Unavailable)):
        await announced.over()
    assert announced.stream.ended.result().outcome is Outcome.INTERRUPTED
    await hall.satellite.told("running", 2)
    assert await hall.announce(TEXT).over() is Outcome.COMPLETED
    assert ffmpegs(hass) == []


@pytest.mark.parametrize("options", [("--late", "0.6")])
async def test_one_that_is_told_late_that_the_last_was_played_is_heard_to_its_end(hall: Hall, hass: HomeAssistant) -> None:
    first = hall.announce()
    await hall.satellite.sounds(1)
    await first.interrupted()
    second = hall.announce(TEXT * 3)
    assert await second.over() is Outcome.COMPLETED
    assert second.stream.heard_at <= hass.loop.time()


# Replies of the voice assistant


def answers(hass: HomeAssistant, text: str) -> asyncio.Task[None]:
    """As its pipeline tells the satellite of an answer; Home Assistant's task that sends it, which nobody looks at there."""
    entity = hass.data[SATELLITES].get_entity(SATELLITE)
    assert isinstance(entity, WyomingAssistSatellite)
    with chat_session.async_get_chat_session(hass) as chat:
        entity._conversation_id = chat.conversation_id  # noqa: SLF001  # as a run of the pipeline leaves it
        stream = tts.async_create_stream(hass, "tts.herald", options=entity.tts_options)
        stream.async_set_message(text)
    for kind, data in (
        (PipelineEventType.TTS_START, {"tts_input": text}),
        (PipelineEventType.TTS_END, {"tts_output": {"token": stream.token}}),
        (PipelineEventType.RUN_END, None),
    ):
        entity._internal_on_pipeline_event(PipelineEvent(kind, data))  # noqa: SLF001
    name = f"{SATELLITE} {PipelineEventType.TTS_END}"
    return next(task for task in asyncio.all_tasks() if task.get_name() == name)


async def broken_off(answer: asyncio.Task[None]) -> None:
    with pytest.raises(HomeAssistantError, match="interrupted"):
        await answer


async def interrupt(hass: HomeAssistant, entity_id: str) -> int:
    data = {ATTR_ENTITY_ID: entity_id}
    told = await hass.services.async_call("herald", "interrupt", data, blocking=True, return_response=True)
    assert told is not None
    count = told["interrupted"]
    assert isinstance(count, int)
    return count


@pytest.mark.parametrize("entity_id", [SATELLITE, "tts.herald"])
async def test_an_interrupted_reply_has_an_end_and_leaves_the_satellite_free(
    hall: Hall, hass: HomeAssistant, entity_id: str
) -> None:
    answer = answers(hass, LONG)
    await hall.satellite.sounds(1)
    assert state_of(hass, SATELLITE) == "responding"
    assert await interrupt(hass, entity_id) == 1
    assert state_of(hass, SATELLITE) == "idle"
    await hall.satellite.told("stop")
    await broken_off(answer)
    assert await hall.announce(TEXT).over() is Outcome.COMPLETED
    reply, *_, announcement = hall.satellite.played()
    assert reply.sounds
    assert sum(chunk.seconds for chunk in announcement.chunks) == pytest.approx(LENGTH, abs=0.1)
    names = [line["what"] for line in hall.satellite.lines() if line["what"] in ("start", "stop", "chunk")]
    assert ("stop", "chunk") not in pairwise(names)
    assert await interrupt(hass, entity_id) == 0
    nothing_is_kept(hass)


async def test_an_announcement_does_not_wait_until_it_has_ended(hall: Hall, hass: HomeAssistant) -> None:
    answer = answers(hass, LONG)
    await hall.satellite.sounds(1)
    data = {ATTR_ENTITY_ID: SATELLITE, "message": TEXT, "mode": "interrupt"}
    interrupting = asyncio.create_task(interrupt(hass, SATELLITE))
    await asyncio.sleep(0)
    told = await hass.services.async_call("herald", "announce", data, blocking=True, return_response=True)
    assert await interrupting == 1
    assert told is not None
    assert told["targets"][SATELLITE]["state"] == "completed"  # type: ignore[index, call-overload]
    await broken_off(answer)
