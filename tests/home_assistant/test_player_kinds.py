"""Each kind of player: what it is told, how it is silenced, and that everything is as it was when nothing more is heard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from homeassistant.components.media_player.const import DOMAIN as PLAYER
from homeassistant.components.media_player.const import MediaPlayerState
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.herald.announcing import stream
from custom_components.herald.announcing.players import left, media, media_player, playing
from custom_components.herald.announcing.players.base import NotFetched, Rejected, Unavailable
from custom_components.herald.announcing.targets import Target, target
from custom_components.herald.announcing.view import SILENCE
from custom_components.herald.api import Outcome

from . import players
from .conftest import paired
from .playing import ANNOUNCING, LONG, Announce, Button, Device, Speaker, announcing
from .servers import Herald
from .speaking import PATIENCE, following, until

TEXT = "Dinner."
MUSIC = "https://radio.example/jazz"
YAML = """
engines:
  tone: {per_character: 0.02}
  bad: {type: tone, fail_at: 0}
  slow: {type: tone, delay: 600}
  espeak: {enabled: false}
default_voice: tone/tone
"""


@pytest.fixture
async def server(socket_enabled: None, tmp_path: Path) -> AsyncIterator[Herald]:
    async with Herald(tmp_path, YAML).running() as server:
        yield server


@pytest.fixture
async def entry(hass: HomeAssistant, enable_custom_integrations: None, server: Herald) -> MockConfigEntry:
    await players.set_up(hass)
    entry = await paired(hass, server)
    await following(entry)
    return entry


@pytest.fixture(autouse=True)
def no_lag(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media_player, "LAG", 0.0)


@pytest.fixture
def announce(hass: HomeAssistant, entry: MockConfigEntry) -> Announce:
    return announcing(hass, entry)


@pytest.fixture
async def client(entry: MockConfigEntry, hass_client_no_auth: ClientSessionGenerator) -> Any:
    return await hass_client_no_auth()


@pytest.fixture
async def add(hass: HomeAssistant, entry: MockConfigEntry) -> Callable[..., Awaitable[Target]]:
    """A media player on a device of its own."""

    async def added(speaker: Speaker, platform: str = "cast") -> Target:
        return await Device(hass, platform).add(PLAYER, speaker)

    return added


# Media players


async def test_a_player_is_told_an_address_and_is_heard_to_its_end(client: Any, add: Any, announce: Announce) -> None:
    speaker = Speaker(client)
    announced = announce(await add(speaker), TEXT)
    await announced.over()
    (told,) = speaker.told["play_media"]
    assert (told["media_id"], told.get("announce")) == (announced.stream.media_id, None)
    assert announced.stream.ended.result().outcome is Outcome.COMPLETED
    assert (announced.stream.order.format, announced.player.notice) == ("MP3", None)
    assert "media_stop" not in speaker.told.names


async def test_one_that_can_announce_is_told_to(client: Any, add: Any, announce: Announce) -> None:
    speaker = Speaker(client, ANNOUNCING)
    await announce(await add(speaker), TEXT).over()
    assert speaker.told["play_media"][0]["announce"] is True


async def test_an_interrupted_player_is_stopped_once(client: Any, add: Any, announce: Announce) -> None:
    speaker = Speaker(client)
    announced = announce(await add(speaker))
    await speaker.begun.wait()
    await announced.interrupted()
    await announced.interrupted()
    assert speaker.told.names == ["play_media", "media_stop"]
    assert announced.stream.ended.result().outcome is Outcome.INTERRUPTED


async def test_music_is_never_stopped_where_the_player_announces(client: Any, add: Any, announce: Announce) -> None:
    speaker = Speaker(client, ANNOUNCING)
    target = await add(speaker)
    speaker.plays(MUSIC)
    announced = announce(target)
    await speaker.begun.wait()
    await announced.interrupted()
    assert speaker.told.names == ["play_media"]
    assert (speaker.state, speaker.media_content_id) == (MediaPlayerState.PLAYING, MUSIC)


async def test_what_somebody_else_wants_to_hear_meanwhile_is_not_stopped(client: Any, add: Any, announce: Announce) -> None:
    speaker = Speaker(client)
    announced = announce(await add(speaker))
    await speaker.begun.wait()
    speaker.plays(MUSIC)
    await announced.interrupted()
    assert speaker.told.names == ["play_media"]
    assert speaker.media_content_id == MUSIC
    assert announced.player.notice is None


async def test_one_that_tells_nothing_is_stopped_while_it_takes_the_audio(client: Any, add: Any, announce: Announce) -> None:
    speaker = Speaker(client)
    speaker.tells = False
    announced = announce(await add(speaker))
    await speaker.begun.wait()
    await announced.interrupted()
    assert speaker.told.names == ["play_media", "media_stop"]


async def test_one_that_has_a_name_of_its_own_for_ours_is_stopped(client: Any, add: Any, announce: Announce) -> None:
    speaker = Speaker(client)
    speaker.calls_it = "track 7"
    target = await add(speaker)
    speaker.plays(MUSIC)
    announced = announce(target)
    await speaker.begun.wait()
    await announced.interrupted()
    assert speaker.told.names == ["play_media", "media_stop", "play_media"]


async def test_one_that_does_not_take_it_any_more_is_not_stopped(
    client: Any, add: Any, announce: Announce, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "GRACE", 600)
    speaker = Speaker(client)
    announced = announce(await add(speaker))
    await speaker.begun.wait()
    assert speaker.fetching is not None
    speaker.fetching.cancel()
    async with asyncio.timeout(PATIENCE):
        while announced.stream.is_heard:  # noqa: ASYNC110  # a connection is closed
            await asyncio.sleep(0.01)
    await announced.interrupted()
    assert speaker.told.names == ["play_media"], "though it says that it plays it"


async def test_an_interrupt_before_it_plays_plays_nothing(
    hass: HomeAssistant, entry: MockConfigEntry, client: Any, add: Any, announce: Announce
) -> None:
    speaker = Speaker(client)
    announced = announce(await add(speaker))
    await announced.interrupted()
    assert speaker.told.names in ([], ["play_media"])
    assert not list(entry.runtime_data.replies)


async def test_an_interrupt_before_the_first_sound(client: Any, add: Any, announce: Announce) -> None:
    speaker = Speaker(client)
    announced = announce(await add(speaker), voice="slow/tone")
    assert await announced.stream.fetched(PATIENCE)
    await announced.interrupted()
    assert announced.stream.first_audio is None or announced.stream.seconds < 0.1
    assert speaker.told.names == ["play_media", "media_stop"]


async def test_one_that_never_comes_has_failed(
    client: Any, add: Any, announce: Announce, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(playing.Playing, "FETCH", 0.1)
    speaker = Speaker(client)
    speaker.comes = False
    announced = announce(await add(speaker))
    with pytest.raises(NotFetched) as raised:
        await announced.over()
    assert raised.value.reason == "no_fetch"
    assert announced.stream.ended.result().outcome is Outcome.INTERRUPTED, "and comes in vain"


async def test_what_a_player_says_is_told(client: Any, add: Any, announce: Announce) -> None:
    speaker = Speaker(client)
    speaker.fails = HomeAssistantError("The plug is pulled.")
    announced = announce(await add(speaker))
    with pytest.raises(Rejected) as raised:
        await announced.over()
    assert str(raised.value.__cause__) == "The plug is pulled."


async def test_a_player_that_is_not_there_is_told_nothing(hass: HomeAssistant, client: Any, add: Any, announce: Announce) -> None:
    speaker = Speaker(client)
    target = await add(speaker)
    speaker.is_there(there=False)
    with pytest.raises(Unavailable):
        await announce(target, volume=0.5).over()
    assert speaker.told.names == []


async def test_what_the_server_failed_in_is_not_the_players_fault(client: Any, add: Any, announce: Announce) -> None:
    speaker = Speaker(client)
    announced = announce(await add(speaker), voice="bad/tone", options={"fallback": False})
    await announced.over()
    assert announced.stream.ended.result().outcome is Outcome.FAILED


async def test_a_cancelled_one_is_interrupted(client: Any, add: Any, announce: Announce) -> None:
    speaker = Speaker(client)
    announced = announce(await add(speaker), volume=0.5)
    await speaker.begun.wait()
    announced.playing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await announced.over()
    assert announced.stream.ended.result().outcome is Outcome.INTERRUPTED
    assert speaker.volume_level == 0.2


async def test_what_home_assistant_left_when_it_stops_is_as_it_was(
    hass: HomeAssistant, client: Any, add: Any, caplog: pytest.LogCaptureFixture
) -> None:
    speaker = Speaker(client)
    target = await add(speaker)
    speaker.plays(MUSIC)
    data = {"entity_id": target.entity_id, "message": LONG, "volume": 0.7, "wait": False}
    await hass.services.async_call("herald", "announce", data, blocking=True)
    await speaker.begun.wait()
    caplog.clear()
    await hass.async_stop(force=True)
    assert (speaker.media_content_id, speaker.volume_level) == (MUSIC, 0.2)
    assert [record.message for record in caplog.records if record.levelname in ("WARNING", "ERROR")] == []


# What was there before


async def test_music_goes_on_where_it_was(client: Any, add: Any, announce: Announce) -> None:
    speaker = Speaker(client)
    target = await add(speaker)
    speaker.plays(MUSIC, position=100)
    announced = announce(target, TEXT)
    await announced.over()
    assert speaker.told.names == ["play_media", "play_media", "media_seek"]
    assert speaker.told["play_media"][1]["media_id"] == MUSIC
    assert speaker.told["media_seek"][0] == pytest.approx(100, abs=5)
    assert announced.player.notice is None


async def test_a_radio_goes_on_after_an_interrupt(client: Any, add: Any, announce: Announce) -> None:
    speaker = Speaker(client)
    target = await add(speaker)
    speaker.plays(MUSIC)
    announced = announce(target)
    await speaker.begun.wait()
    await announced.interrupted()
    assert speaker.told.names == ["play_media", "media_stop", "play_media"]
    assert speaker.media_content_id == MUSIC


@pytest.mark.parametrize(
    ("content_id", "state"), [("spotify:track:1", MediaPlayerState.PLAYING), (MUSIC, MediaPlayerState.PAUSED)]
)
async def test_what_cannot_be_played_again_is_told(
    client: Any, add: Any, announce: Announce, content_id: str, state: MediaPlayerState
) -> None:
    speaker = Speaker(client)
    target = await add(speaker)
    speaker.plays(content_id, state)
    announced = announce(target, TEXT)
    await announced.over()
    assert speaker.told.names == ["play_media"]
    assert announced.player.notice == "not_restored"


async def test_a_player_that_is_behind_is_let_finish(hass: HomeAssistant, client: Any, add: Any, announce: Announce) -> None:
    speaker = Speaker(client)
    speaker.stops.clear()
    target = await add(speaker)
    speaker.plays(MUSIC)
    announced = announce(target, TEXT)
    async with asyncio.timeout(PATIENCE):
        await announced.stream.ended
    done, _ = await asyncio.wait({announced.playing}, timeout=0.5)
    assert not done
    speaker.stops.set()
    await announced.over()
    assert speaker.told.names == ["play_media", "play_media"]


async def test_a_player_that_tells_no_end_is_let_be(
    client: Any, add: Any, announce: Announce, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media_player, "TAIL", 0.05)
    speaker = Speaker(client)
    speaker.stops.clear()
    await announce(await add(speaker), TEXT).over()
    speaker.stops.set()


async def test_music_goes_on_after_a_player_that_is_behind(client: Any, add: Any, announce: Announce) -> None:
    speaker = Speaker(client)
    target = await add(speaker)
    speaker.plays(MUSIC)
    speaker.is_behind = True
    announced = announce(target, TEXT)
    await announced.over()
    assert speaker.told["play_media"][-1]["media_id"] == MUSIC


async def test_music_is_not_begun_anew_where_it_goes_on(client: Any, add: Any, announce: Announce) -> None:
    speaker = Speaker(client)
    target = await add(speaker)
    speaker.plays(MUSIC)
    speaker.fails = HomeAssistantError("The plug is pulled.")
    announced = announce(target)
    with pytest.raises(Rejected):
        await announced.over()
    assert speaker.told.names == ["play_media"]


async def test_that_nothing_was_there_is_remembered_while_announcements_follow(client: Any, add: Any, announce: Announce) -> None:
    speaker = Speaker(client)
    speaker.tells = False
    target = await add(speaker)
    first = announce(target)
    await speaker.begun.wait()
    speaker.is_behind = True
    await first.interrupted(follow=True)
    second = announce(target, TEXT)
    await second.over()
    assert second.player.notice is None


async def test_music_that_is_refused_is_told(client: Any, add: Any, announce: Announce, caplog: pytest.LogCaptureFixture) -> None:
    speaker = Speaker(client)
    target = await add(speaker)
    speaker.plays(MUSIC)
    announced = announce(target)
    await speaker.begun.wait()
    speaker.fails = HomeAssistantError("The station is gone.")
    await announced.interrupted()
    assert announced.player.notice == "not_restored"
    assert "could not be played again: The station is gone." in caplog.text


async def test_music_goes_on_whose_length_is_told_as_text(client: Any, add: Any, announce: Announce) -> None:
    speaker = Speaker(client)
    target = await add(speaker)
    speaker.plays(MUSIC, position=100)
    speaker.tells_length("300")  # as MPD's integration does
    announced = announce(target, TEXT)
    await announced.over()
    assert speaker.told["media_seek"][0] == pytest.approx(100, abs=5)


async def test_one_that_tells_nothing_by_itself_is_asked(
    client: Any, add: Any, announce: Announce, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media_player, "TAIL", 10 * PATIENCE)
    speaker = Speaker(client)
    speaker.is_asked = True
    await announce(await add(speaker), TEXT).over()
    assert speaker.state is MediaPlayerState.IDLE


async def test_one_that_tells_late_that_it_plays_ours_had_no_music(client: Any, add: Any, announce: Announce) -> None:
    speaker = Speaker(client)
    speaker.tells = False
    target = await add(speaker)
    first = announce(target, TEXT)
    await speaker.begun.wait()
    speaker.is_behind = True
    await first.over()
    assert speaker.state is MediaPlayerState.PLAYING
    second = announce(target, TEXT)
    await second.over()
    assert second.player.notice is None


async def test_one_that_can_seek_only_when_it_plays_is_let_begin(
    hass: HomeAssistant, client: Any, add: Any, announce: Announce
) -> None:
    speaker = Speaker(client)
    target = await add(speaker)
    speaker.plays(MUSIC, position=100)
    announced = announce(target)
    await speaker.begun.wait()
    speaker.can_seek(seek=False)
    silenced = asyncio.create_task(announced.interrupted())
    await until(hass, lambda: speaker.media_content_id == MUSIC)
    speaker.can_seek(seek=True)
    await silenced
    assert speaker.told["media_seek"][0] == pytest.approx(100, abs=5)
    assert announced.player.notice is None


async def test_music_begins_anew_where_nobody_can_seek(
    client: Any, add: Any, announce: Announce, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media, "SEEKABLE", 0.05)
    speaker = Speaker(client)
    target = await add(speaker)
    speaker.plays(MUSIC, position=100)
    announced = announce(target)
    await speaker.begun.wait()
    speaker.can_seek(seek=False)
    await announced.interrupted()
    assert speaker.told.names == ["play_media", "media_stop", "play_media"]
    assert announced.player.notice is None


async def test_what_was_there_is_remembered_while_announcements_follow(client: Any, add: Any, announce: Announce) -> None:
    speaker = Speaker(client)
    target = await add(speaker)
    speaker.plays(MUSIC)
    first = announce(target, volume=0.5)
    await speaker.begun.wait()
    await first.interrupted(follow=True)
    assert (speaker.told.names, speaker.volume_level) == (["volume_set", "play_media", "media_stop"], 0.5)
    await announce(target, TEXT, volume=0.6).over()
    assert speaker.told["play_media"][-1]["media_id"] == MUSIC
    assert speaker.told["volume_set"] == [0.5, 0.6, 0.2]


async def test_what_was_there_is_put_back_when_the_last_of_a_queue_was_heard(
    hass: HomeAssistant, client: Any, add: Any, announce: Announce
) -> None:
    speaker = Speaker(client)
    data = {"entity_id": (await add(speaker)).entity_id, "message": TEXT, "volume": 0.7}
    speaker.plays(MUSIC)
    await asyncio.gather(*(hass.services.async_call("herald", "announce", data, blocking=True) for _ in range(3)))
    assert speaker.told.names == ["volume_set", *["play_media"] * 3, "volume_set", "play_media"]
    assert (speaker.media_content_id, speaker.volume_level) == (MUSIC, 0.2)


async def test_what_was_there_is_put_back_where_nobody_follows(
    hass: HomeAssistant, client: Any, add: Any, announce: Announce, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(left, "FOLLOWS", 0.05)
    speaker = Speaker(client)
    target = await add(speaker)
    speaker.plays(MUSIC)
    announced = announce(target, volume=0.5)
    await speaker.begun.wait()
    await announced.interrupted(follow=True)
    await until(hass, lambda: speaker.media_content_id == MUSIC and speaker.volume_level == 0.2)


# The volume


@pytest.mark.parametrize("platform", ["cast", "esphome"])
async def test_the_volume_is_set_and_put_back(client: Any, add: Any, announce: Announce, platform: str) -> None:
    speaker = Speaker(client)
    await announce(await add(speaker, platform), TEXT, volume=0.7).over()
    assert speaker.told.names == ["volume_set", "play_media", "volume_set"]
    assert speaker.told["volume_set"] == [0.7, 0.2]


async def test_a_volume_that_somebody_else_set_stays(client: Any, add: Any, announce: Announce) -> None:
    speaker = Speaker(client)
    announced = announce(await add(speaker), volume=0.7)
    await speaker.begun.wait()
    speaker.has_volume(0.4)
    await announced.interrupted()
    assert speaker.told["volume_set"] == [0.7]
    assert speaker.volume_level == 0.4


async def test_a_player_without_a_volume_is_heard_as_it_is_and_that_is_told(client: Any, add: Any, announce: Announce) -> None:
    speaker = Speaker(client)
    target = await add(speaker)
    speaker.has_volume(None)
    announced = announce(target, TEXT, volume=0.7)
    await announced.over()
    assert speaker.told.names == ["play_media"]
    assert announced.player.notice == "volume_not_set"


async def test_a_volume_that_is_refused_is_told(client: Any, add: Any, announce: Announce) -> None:
    speaker = Speaker(client)
    target = await add(speaker)

    async def refuse(volume: float) -> None:
        raise HomeAssistantError

    speaker.async_set_volume_level = refuse  # type: ignore[method-assign]
    announced = announce(target, TEXT, volume=0.7)
    await announced.over()
    assert announced.player.notice == "volume_not_set"


async def test_each_player_of_a_group_is_as_loud_as_it_was(
    hass: HomeAssistant, client: Any, add: Any, announce: Announce
) -> None:
    members = [Speaker(client, ANNOUNCING, volume=0.2), Speaker(client, ANNOUNCING, volume=0.6)]
    device = Device(hass, "cast")
    entities = [(await device.add(PLAYER, one, name)).entity_id for one, name in zip(members, ("one", "two"), strict=True)]
    options = {"group_type": PLAYER, "name": "Upstairs", "entities": entities, "hide_members": False}
    group = MockConfigEntry(domain="group", title="Upstairs", options=options)
    group.add_to_hass(hass)
    assert await hass.config_entries.async_setup(group.entry_id)
    await hass.async_block_till_done()
    announced = announce(target(hass, "media_player.upstairs"), TEXT, volume=0.7)
    await announced.over()
    assert [one.told["volume_set"] for one in members] == [[0.7, 0.2], [0.7, 0.6]]
    assert announced.player.notice is None


@pytest.mark.parametrize(("platform", "extra"), [("sonos", {"volume": 70}), ("music_assistant", {"announce_volume": 70})])
async def test_some_are_told_the_volume_with_the_announcement(
    client: Any, add: Any, announce: Announce, platform: str, extra: dict[str, int]
) -> None:
    speaker = Speaker(client, ANNOUNCING)
    await announce(await add(speaker, platform), TEXT, volume=0.7).over()
    assert speaker.told.names == ["play_media"]
    assert speaker.told["play_media"][0]["extra"] == extra


async def test_an_interrupt_while_the_volume_is_set_plays_nothing(client: Any, add: Any, announce: Announce) -> None:
    speaker = Speaker(client)
    target = await add(speaker)
    setting, go_on = asyncio.Event(), asyncio.Event()

    async def set_level(volume: float) -> None:
        setting.set()
        await go_on.wait()
        speaker.has_volume(volume)

    speaker.async_set_volume_level = set_level  # type: ignore[method-assign]
    announced = announce(target, volume=0.7)
    await setting.wait()
    interrupting = asyncio.create_task(announced.interrupted())
    await asyncio.sleep(0)
    go_on.set()
    await interrupting
    assert speaker.told.names == []
    assert speaker.volume_level == 0.2


# Integrations that stop otherwise


async def test_sonos_is_silenced_by_its_button(hass: HomeAssistant, client: Any, announce: Announce) -> None:
    device, speaker, button = Device(hass, "sonos"), Speaker(client, ANNOUNCING), Button()
    target = await device.add(PLAYER, speaker)
    for with_button in (False, True):
        if with_button:
            assert await async_setup_component(hass, "button", {})
            await device.add("button", button)
        speaker.begun.clear()
        announced = announce(target)
        await speaker.begun.wait()
        await announced.interrupted()
        assert button.pressed == with_button
    assert "media_stop" not in speaker.told.names


async def test_an_esphome_player_is_silenced_by_silence(client: Any, add: Any, announce: Announce) -> None:
    speaker = Speaker(client, ANNOUNCING)
    target = await add(speaker, "esphome")
    for follow in (True, False):
        speaker.begun.clear()
        announced = announce(target)
        await speaker.begun.wait()
        await announced.interrupted(follow=follow)
        silent = [told for told in speaker.told["play_media"] if told["media_id"] == SILENCE]
        assert [told["announce"] for told in silent] == ([] if follow else [True])
    assert "media_stop" not in speaker.told.names
