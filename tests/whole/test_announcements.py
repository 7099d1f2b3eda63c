"""Announcements in a Home Assistant that knows nothing of tests: by a Wyoming satellite and by players that fetch over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from itertools import cycle, islice, pairwise
from pathlib import Path
from statistics import median
from time import monotonic
from urllib.parse import quote_plus

import aiohttp
import pytest
import pytest_asyncio

from .announcing import ATTIC, ENDLESS, HALL, HIGH, KITCHEN, LEAD, LONG, LOW, PARLOUR, PER_CHARACTER, SENTENCE, House
from .announcing import house as opened
from .hass import Refused
from .satellite import Played

pytestmark = [pytest.mark.timeout(400), pytest.mark.asyncio(loop_scope="module")]
SECONDS = len(SENTENCE.strip()) * PER_CHARACTER
"""Of the sentence."""
SOON = 1.0
"""Seconds in which anything happens that happens at once, on a machine that is busy."""
MUSIC = {"media_content_id": "music://jazz", "media_content_type": "music"}
ROOM_OF = {KITCHEN: "Kitchen", PARLOUR: "Parlour"}
SHORTEST = 0.015
"""Seconds of a chunk whose tone can be told."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def home(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with opened(environment, tmp_path_factory.mktemp("house"), "Hall", "Attic:--late 1.5") as house:
        yield house


@pytest_asyncio.fixture(loop_scope="module")
async def house(home: House) -> AsyncIterator[House]:
    """Silent, before and after."""
    await home.idle()
    yield home
    await home.idle()


def state_of(told: dict[str, object], target: str) -> tuple[str, str | None]:
    outcome = told["targets"][target]  # type: ignore[index]
    return outcome["state"], outcome["reason"]


def pitches(played: Played) -> set[int]:
    """Of the voices that are heard in it, and behind its end."""
    whole = [chunk for chunk in played.sounds + played.late if chunk.seconds > SHORTEST]
    return {440 * round(chunk.hertz / 440) for chunk in whole}


async def test_one_synthesis_is_heard_to_its_end_by_everybody(house: House) -> None:
    since, before = monotonic(), len(house.hall.played())
    told = await house.announce(HALL, KITCHEN, PARLOUR)
    assert {state_of(told, target) for target in (HALL, KITCHEN, PARLOUR)} == {("completed", None)}
    (played,) = house.hall.played()[before:]
    assert played.seconds == pytest.approx(SECONDS, abs=0.2)
    assert monotonic() > played.chunks[-1].ends - 0.2
    for room in ("Kitchen", "Parlour"):
        assert [line["what"] for line in house.hass.room(room) if line["time"] > since and line["what"] != "chunk"] == [
            *("play", "head", "fetch", "end", "played")
        ]
        assert [line["status"] for line in house.noted(room, "head", since) + house.noted(room, "fetch", since)] == [200, 200]
        assert sum(line["seconds"] for line in house.noted(room, "chunk", since)) == pytest.approx(SECONDS, abs=0.3)
    assert len(house.engine_told("started", since)) == 1


async def test_the_first_sound_follows_the_engines_first_and_is_not_far_ahead(house: House) -> None:
    since, before = monotonic(), len(house.hall.played())
    speaking = house.starts(HALL, message=LONG)
    first = await house.hall.sounds(before + 1)
    (started, *_) = house.engine_told("started", since)
    assert first.begins - started < SOON
    await asyncio.sleep(1)  # of the audio
    last = house.hall.played()[-1].chunks[-1]
    assert last.ends - last.time < LEAD + 0.3
    await house.interrupt()
    assert state_of(await speaking, HALL) == ("interrupted", "by_action")


async def test_ten_in_a_row_each_interrupt_the_one_before(house: House) -> None:
    since, before = monotonic(), len(house.hall.played())
    voices = list(islice(cycle(("low", "high")), 10))
    speaking = []
    for number, voice in enumerate(voices, start=1):
        speaking.append(house.starts(HALL, message=LONG, voice=voice, mode="interrupt"))
        await house.until(partial(is_ahead, house, before + number))
    interrupted = monotonic()
    await house.interrupt()
    reasons = [state_of(await one, HALL) for one in speaking]
    assert reasons == [("interrupted", "by_announcement")] * 9 + [("interrupted", "by_action")]
    played = house.hall.played()[before:]
    assert [pitches(one) for one in played] == [{LOW}, {HIGH}] * 5
    for one, other in pairwise(played):
        assert one.stop is not None
        assert one.stop <= other.start
        assert one.late == []
    assert max(one.rest for one in played) < LEAD + 0.3  # all that is still heard, of those before it, too
    assert median(other.start - one.stop for one, other in pairwise(played) if one.stop is not None) < LEAD / 2
    asked = len(house.engine_told("started", since))
    assert 10 <= asked == len(house.engine_told("cancelled", since)) <= 20  # the sentence that is spoken, and the next one
    assert house.engine_told("started", interrupted) == []


def is_ahead(house: House, plays: int) -> bool:
    """The satellite was sent as much of it ahead as it may be."""
    played = house.hall.played()
    return len(played) >= plays and played[plays - 1].seconds > 1.5 * LEAD


@pytest.mark.parametrize("room", ["Kitchen", "Parlour"])
async def test_a_player_is_silent_at_once_or_within_its_lead(house: House, room: str) -> None:
    since, entity = monotonic(), f"media_player.{room.lower()}"
    speaking = house.starts(entity, message=ENDLESS)
    await house.plays(room, 5, since=since)
    interrupted = monotonic()
    assert await house.interrupt(entity_id=entity) == 1
    assert state_of(await speaking, entity) == ("interrupted", "by_action")
    (cancelled,) = house.engine_told("cancelled", since)
    assert cancelled - interrupted < SOON
    silent = await house.plays(room, what="stopped" if room == "Kitchen" else "played", since=interrupted)
    assert silent - interrupted < (0 if room == "Kitchen" else LEAD) + SOON
    assert [line for line in house.noted(room, "chunk", since) if line["time"] > interrupted + SOON] == []
    assert len(house.engine_told("started", since)) == 1


async def test_one_room_is_stopped_and_the_others_go_on(house: House) -> None:
    since, message = monotonic(), ENDLESS[90:]
    speaking = house.starts(HALL, KITCHEN, PARLOUR, message=message)
    await house.plays("Kitchen", since=since)
    assert await house.interrupt(entity_id=KITCHEN) == 1
    told = await speaking
    assert state_of(told, KITCHEN) == ("interrupted", "by_action")
    assert state_of(told, HALL) == state_of(told, PARLOUR) == ("completed", None)
    assert sum(line["seconds"] for line in house.noted("Parlour", "chunk", since)) > len(message) * PER_CHARACTER - 0.3
    assert house.hall.played()[-1].seconds > len(message) * PER_CHARACTER - 0.3
    assert (len(house.engine_told("started", since)), len(house.engine_told("finished", since))) == (1, 1)


async def test_an_area_with_a_voice_pe_is_spoken_to_once(house: House) -> None:
    flow = await house.hass.set_up("fake_voice")
    assert flow["type"] == "create_entry", flow
    (device,) = [one for one in await house.hass.command("config/device_registry/list") if one["name"] == "Voice"]
    area = (await house.hass.command("config/area_registry/create", name="Study"))["area_id"]
    await house.hass.command("config/device_registry/update", device_id=device["id"], area_id=area)
    since = monotonic()
    told = await house.hass.answer("herald.announce", area_id=area, message=SENTENCE)
    assert {target: state_of(told, target) for target in told["targets"]} == {"assist_satellite.voice": ("completed", None)}
    assert (len(house.noted("Voice", "play", since)), len(house.noted("Voice", "played", since))) == (1, 1)
    speaking = asyncio.create_task(house.hass.answer("herald.announce", area_id=area, message=ENDLESS))
    await house.plays("Voice", since=monotonic())
    assert await house.interrupt(area_id=area) == 1
    assert state_of(await speaking, "assist_satellite.voice") == ("interrupted", "by_action")
    assert len(house.engine_told("started", since)) == 2


# When it is interrupted


async def test_where_nobody_speaks_nothing_is_interrupted(house: House) -> None:
    assert await house.interrupt() == 0
    assert await house.interrupt(session_id="nobody") == 0
    assert await house.interrupt(entity_id=[HALL, KITCHEN]) == 0


async def test_one_that_waits_is_interrupted_and_costs_nothing(house: House) -> None:
    since = monotonic()
    first = house.starts(KITCHEN)
    await house.plays("Kitchen", since=since)
    second = house.starts(KITCHEN, message="This one waits.", session_id="waiting")
    third = house.starts(KITCHEN, message="And this one follows.", session_id="following")
    await house.until(lambda: _count(house, "waiting"))
    assert state_of(await second, KITCHEN) == ("interrupted", "by_action")
    assert not first.done()
    assert state_of(await first, KITCHEN) == state_of(await third, KITCHEN) == ("completed", None)
    assert len(house.engine_told("started", since)) == 2


async def _count(house: House, session_id: str) -> int:
    return await house.interrupt(session_id=session_id)


@pytest.mark.parametrize("target", [HALL, KITCHEN, PARLOUR])
async def test_one_of_which_nothing_was_heard_yet_is_interrupted(house: House, target: str) -> None:
    since = monotonic()
    speaking = house.starts(target, voice="slow")
    await house.until(lambda: house.engine_told("started", since))
    interrupted = monotonic()
    assert await house.interrupt() == 1
    assert state_of(await speaking, target) == ("interrupted", "by_action")
    (cancelled,) = house.engine_told("cancelled", since)
    assert cancelled - interrupted < SOON
    assert state_of(await house.announce(target, message="Hello."), target) == ("completed", None)


@pytest.mark.parametrize("target", [HALL, KITCHEN, PARLOUR])
async def test_one_that_is_synthesised_already_is_interrupted(house: House, target: str) -> None:
    since = monotonic()
    speaking = house.starts(target)
    await house.until(lambda: house.engine_told("finished", since))
    assert await house.interrupt(entity_id=target) == 1
    assert await house.interrupt(entity_id=target) == 0
    assert state_of(await speaking, target) == ("interrupted", "by_action")
    assert heard(house, target, since) < SECONDS - 0.1
    assert house.engine_told("cancelled", since) == []


@pytest.mark.parametrize("target", [HALL, KITCHEN, PARLOUR])
async def test_two_who_interrupt_at_once_both_return_when_it_is_silent(house: House, target: str) -> None:
    since = monotonic()
    speaking = house.starts(target, message=ENDLESS)
    await house.until(lambda: heard(house, target, since) > SHORTEST)
    told = await asyncio.gather(house.interrupt(), house.interrupt(entity_id=target), house.interrupt(session_id="nobody"))
    assert max(told) == 1
    assert state_of(await speaking, target) == ("interrupted", "by_action")
    assert len(house.engine_told("cancelled", since)) == 1
    assert state_of(await house.announce(target, message="Hello."), target) == ("completed", None)


def heard(house: House, target: str, since: float) -> float:
    """Seconds of audio that a target got."""
    if target == HALL:
        return sum(played.seconds for played in house.hall.played() if played.start >= since)
    return sum(float(line["seconds"]) for line in house.noted(ROOM_OF[target], "chunk", since))


async def test_a_script_that_is_stopped_interrupts_what_it_waits_for(house: House) -> None:
    since = monotonic()
    await house.hass.call("script.turn_on", entity_id="script.tell", variables={"message": ENDLESS, "voice": "low"})
    await house.plays("Kitchen", since=since)
    await house.hass.call("script.turn_on", entity_id="script.tell", variables={"message": ENDLESS, "voice": "high"})
    await house.until(lambda: len(house.engine_told("started", since)) == 2)
    assert len(house.engine_told("cancelled", since)) == 1
    await house.hass.call("script.turn_off", entity_id="script.tell")
    await house.until(lambda: len(house.engine_told("cancelled", since)) == 2)
    assert await house.interrupt() == 0


# What others do meanwhile


async def test_what_home_assistant_announces_itself_is_not_interrupted(house: House) -> None:
    before = len(house.hall.played())
    text = "Home Assistant says this by itself"
    media = f"media-source://tts/tts.herald?message={quote_plus(text)}"
    own = asyncio.create_task(house.hass.call("assist_satellite.announce", entity_id=HALL, media_id=media, preannounce=False))
    await house.hall.sounds(before + 1)
    assert state_of(await house.announce(HALL, mode="interrupt"), HALL) == ("failed", "busy")
    waiting = house.starts(HALL)
    await own
    assert state_of(await waiting, HALL) == ("completed", None)
    theirs, ours = house.hall.played()[before:]
    assert theirs.seconds == pytest.approx(len(text) * PER_CHARACTER, abs=0.3)
    assert theirs.stop is not None
    assert theirs.stop < ours.start


async def test_a_satellite_that_tells_late_cuts_nothing_off(house: House) -> None:
    attic = house.satellites[ATTIC]
    before = len(attic.played())
    for number in (1, 2):
        told = await house.announce(ATTIC)
        assert state_of(told, ATTIC) == ("completed", None)
        played = attic.played()[before + number - 1]
        assert played.seconds == pytest.approx(SECONDS, abs=0.2)
        assert monotonic() > played.chunks[-1].ends - 0.2
    assert len(attic.played()) == before + 2


async def test_the_volume_is_put_back_unless_somebody_set_it(house: House) -> None:
    since = monotonic()
    await house.announce(KITCHEN, volume=0.2)
    assert [line["level"] for line in house.noted("Kitchen", "volume", since)] == [0.2, 0.5]
    speaking = house.starts(KITCHEN, volume=0.2)
    await house.plays("Kitchen", 3, "volume", since)
    await house.hass.call("media_player.volume_set", entity_id=KITCHEN, volume_level=0.7)
    await speaking
    assert [line["level"] for line in house.noted("Kitchen", "volume", since)] == [0.2, 0.5, 0.2, 0.7]
    await house.hass.call("media_player.volume_set", entity_id=KITCHEN, volume_level=0.5)


@pytest.mark.parametrize("is_interrupted", [True, False])
async def test_what_somebody_plays_meanwhile_is_not_stopped(house: House, is_interrupted: bool) -> None:
    since = monotonic()
    speaking = house.starts(KITCHEN, message=ENDLESS)
    await house.plays("Kitchen", since=since)
    await house.hass.call("media_player.play_media", entity_id=KITCHEN, **MUSIC)
    if is_interrupted:
        assert await house.interrupt() == 1
    assert state_of(await speaking, KITCHEN) == ("interrupted", "by_action" if is_interrupted else "listener_left")
    await house.until(lambda: house.engine_told("cancelled", since))
    assert house.noted("Kitchen", "stopped", since) == []
    assert await _plays_music(house, KITCHEN)
    await house.hass.call("media_player.media_stop", entity_id=KITCHEN)


async def test_music_goes_on_where_announcements_are_played_over_it(house: House) -> None:
    await house.hass.call("media_player.play_media", entity_id=PARLOUR, **MUSIC)
    assert state_of(await house.announce(PARLOUR), PARLOUR) == ("completed", None)
    speaking = house.starts(PARLOUR, message=LONG)
    await house.plays("Parlour", since=monotonic())
    await house.interrupt()
    await speaking
    await house.until(lambda: _plays_music(house, PARLOUR))
    await house.hass.call("media_player.media_stop", entity_id=PARLOUR)


async def _plays_music(house: House, entity_id: str) -> bool:
    state = await house.hass.state(entity_id)
    return (state["state"], state["attributes"].get("media_content_id")) == ("playing", "music://jazz")


async def test_media_that_cannot_be_played_again_is_told(house: House) -> None:
    await house.hass.call("media_player.play_media", entity_id=KITCHEN, **MUSIC)
    assert state_of(await house.announce(KITCHEN), KITCHEN) == ("completed", "not_restored")


async def test_who_may_not_control_a_player_neither_announces_there_nor_interrupts(house: House) -> None:
    since = monotonic()
    speaking = house.starts(KITCHEN)
    await house.plays("Kitchen", since=since)
    async with house.hass.guest("system-read-only"):
        with pytest.raises(Refused, match="401"):
            await house.announce(PARLOUR)
        with pytest.raises(Refused, match="401"):
            await house.interrupt(entity_id=KITCHEN)
        assert await house.interrupt() == 0
    assert state_of(await speaking, KITCHEN) == ("completed", None)
    assert len(house.engine_told("started", since)) == 1


# The voice assistant


async def test_a_reply_of_the_assistant_is_interrupted_on_its_satellite(house: House) -> None:
    since, before, kept = monotonic(), len(house.hall.played()), house.kept()
    stops = sum(line["what"] == "stop" for line in house.hall.lines())
    async with house.ear("tell me a story"):
        house.hall.say("run-pipeline", start_stage="asr", end_stage="tts", restart_on_end=False)
        house.hall.say("audio-stop")
        await house.hall.sounds(before + 1, 5)
    interrupted = monotonic()
    assert await house.interrupt(entity_id=ATTIC) == 0
    assert await house.interrupt(entity_id=HALL) == 1
    asked = len(house.engine_told("started", since))
    assert asked <= 2
    await house.until(lambda: len(house.engine_told("cancelled", since)) == asked)
    assert max(house.engine_told("cancelled", since)) - interrupted < SOON
    await house.hall.told("stop", stops + 1)
    assert await house.is_in_state(HALL, "idle")
    last = house.hall.played()[before].chunks[-1]
    assert last.time - interrupted < SOON
    assert last.ends - interrupted < LEAD + SOON
    assert house.engine_told("started", interrupted) == []
    assert house.kept() == kept  # no fragment


async def test_home_assistants_cache_has_no_fragment_neither_in_memory_nor_on_disk(house: House) -> None:
    kept, text = house.kept(), "This will be in a cache. " * 2
    for times in (1, 2):  # a fragment in memory would be heard in place of the second one
        since = monotonic()
        reply = asyncio.create_task(fetched(house, text))
        await house.until(lambda: house.engine_told("started", since))  # noqa: B023  # waited for here
        assert await house.interrupt(entity_id="tts.herald") == 1
        await reply
        assert len(house.engine_told("cancelled", since)) == 1, times
        assert house.kept() == kept
    whole = await fetched(house, text)
    await house.until(lambda: len(house.kept()) == len(kept) + 1)
    since = monotonic()
    assert await fetched(house, text) == whole
    assert house.engine_told("started", since) == []


async def fetched(house: House, text: str) -> bytes:
    """As a player has it spoken that asks Home Assistant alone."""
    told = await house.hass.post("/api/tts_get_url", engine_id="tts.herald", message=text)
    audio = b""
    with suppress(aiohttp.ClientError):  # it was interrupted
        async with house.hass.fetch(told["path"]) as response:
            async for piece in response.content.iter_any():
                audio += piece
    return audio


async def test_a_reload_interrupts_it_and_the_next_one_is_heard(house: House) -> None:
    since = monotonic()
    speaking = house.starts(HALL, KITCHEN, message=ENDLESS)
    await house.plays("Kitchen", since=since)
    entries = await house.hass.get("/api/config/config_entries/entry")
    (entry,) = [one for one in entries if one["domain"] == "herald"]
    await house.hass.post(f"/api/config/config_entries/entry/{entry['entry_id']}/reload")
    told = await speaking
    assert {state_of(told, target) for target in (HALL, KITCHEN)} == {("interrupted", "by_unload")}
    assert len(house.engine_told("cancelled", since)) == 1
    told = await house.announce(HALL, KITCHEN)
    assert state_of(told, HALL) == state_of(told, KITCHEN) == ("completed", None)


async def test_a_volume_that_a_crash_left_is_put_back(environment: Path, tmp_path: Path) -> None:
    async with opened(environment, tmp_path) as house:
        entries = house.hass.folder / ".storage" / "core.config_entries"
        await house.until(lambda: entries.exists() and '"herald"' in entries.read_text())  # after the crash it knows no other
        since = monotonic()
        speaking = house.starts(KITCHEN, message=LONG, volume=0.2)
        await house.plays("Kitchen", since=since)
        await house.hass.stop(kill=True)
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await speaking
        await house.until(lambda: house.engine_told("cancelled", since))  # nobody is there to hear it
        await house.hass.start()
        await house.plays("Kitchen", 2, "volume", since)
        assert [line["level"] for line in house.noted("Kitchen", "volume", since)] == [0.2, 0.5]
        assert (await house.hass.state(KITCHEN))["attributes"]["volume_level"] == 0.5
