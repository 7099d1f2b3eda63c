"""Announcement groups: a message is heard by all who belong to one, and whoever does not hear it is told."""

from __future__ import annotations

import io
import wave
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import av
import pytest
from homeassistant.components.media_player.const import MediaPlayerEntityFeature
from homeassistant.components.notify.const import ATTR_MESSAGE, SERVICE_SEND_MESSAGE
from homeassistant.config_entries import ConfigSubentryData
from homeassistant.const import ATTR_ENTITY_ID, EVENT_STATE_CHANGED, STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_capture_events
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.herald import chimes
from custom_components.herald.announcing.players import PLAYERS
from custom_components.herald.announcing.players.wyoming import Wyoming
from custom_components.herald.api import Order
from custom_components.herald.orders import Speech
from custom_components.herald.views import PREVIEW, address

from . import players
from .conftest import paired
from .hearing import Told, seconds
from .players import PLAYER, SATELLITE, Player, Satellite
from .servers import Herald
from .speaking import following, until

TEXT = "Dinner is ready."
LENGTH = len(TEXT) * 0.02
YAML = """
engines:
  tone: {per_character: 0.02}
  espeak: {enabled: false}
voices:
  anna: {engine: tone, voice: tone, language: de-DE}
default_voice: tone/tone
"""
GROUP, VOICE = "notify.everywhere", "tts.anna"
DING = "media-source://media_source/local/ding.wav"


@dataclass
class House:
    hass: HomeAssistant
    server: Herald
    client: Any
    player: Player
    satellite: Satellite
    entry: MockConfigEntry
    told: Told

    async def say(self) -> None:
        data = {ATTR_ENTITY_ID: GROUP, ATTR_MESSAGE: TEXT}
        await self.hass.services.async_call("notify", SERVICE_SEND_MESSAGE, data, blocking=True)

    async def spoken(self, sessions: int) -> None:
        await self.told.until(lambda told: len(told.ended) == sessions)


@pytest.fixture
async def server(socket_enabled: None, tmp_path: Path) -> AsyncIterator[Herald]:
    async with Herald(tmp_path, YAML).running() as server:
        yield server


@pytest.fixture
def group() -> dict[str, Any]:
    """What the group is set up with."""
    return {"voice": None, "targets": [PLAYER, SATELLITE], "chime": None}


@pytest.fixture
def media(hass: HomeAssistant, hass_config_dir: str) -> None:
    folder = Path(hass_config_dir, "media")
    folder.mkdir()
    (folder / "ding.wav").write_bytes(ding(0.5))
    hass.config.media_dirs = {"local": str(folder)}


@pytest.fixture
async def entry(
    hass: HomeAssistant, enable_custom_integrations: None, media: None, server: Herald, group: dict[str, Any]
) -> MockConfigEntry:
    await players.set_up(hass)
    settings = {"voice": "anna", "settings": {"speed": 2.0}, "fallback": False}
    voice = ConfigSubentryData(subentry_type="voice", title="Anna", unique_id=None, data=settings)
    announced = ConfigSubentryData(subentry_type="announcement_group", title="Everywhere", unique_id=None, data=group)
    entry = await paired(hass, server, subentries=[voice, announced])
    await following(entry)
    return entry


@pytest.fixture
async def house(
    hass: HomeAssistant, server: Herald, entry: MockConfigEntry, hass_client_no_auth: ClientSessionGenerator
) -> House:
    client = await hass_client_no_auth()
    player, satellite = await players.player(hass, client), await players.satellite(hass, client)
    return House(hass, server, client, player, satellite, entry, Told(entry))


def ding(length: float) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setparams((1, 2, 22_050, 0, "NONE", ""))
        sound.writeframes(bytes(2 * int(22_050 * length)))
    return file.getvalue()


def container(audio: bytes) -> str:
    with av.open(io.BytesIO(audio)) as file:
        return str(file.format.name)


async def test_a_group_is_an_entity_on_a_device_of_its_own(hass: HomeAssistant, house: House) -> None:
    entity = er.async_get(hass).async_get(GROUP)
    assert entity is not None
    assert entity.config_subentry_id in house.entry.subentries
    assert entity.unique_id == entity.config_subentry_id
    device = dr.async_get(hass).async_get(entity.device_id or "")
    assert device is not None
    assert (device.name, device.config_subentry_id) == ("Everywhere", entity.config_subentry_id)


async def test_everybody_hears_it_and_it_is_spoken_once(hass: HomeAssistant, house: House) -> None:
    await house.say()
    heard = await house.player.heard()
    assert heard.mime_type == "audio/mpeg"
    assert heard.url.startswith("http://homeassistant.local:8123/api/herald/announcement/")
    assert heard.url.endswith("?play")
    assert seconds(heard.audio) == pytest.approx(LENGTH, abs=0.2)
    assert seconds(house.satellite.heard[0]) == pytest.approx(LENGTH, abs=0.2)
    assert house.player.told[0]["announce"] is True
    assert house.satellite.told[0].preannounce_media_id is None
    await house.spoken(2)
    usage = await house.entry.runtime_data.client.usage()
    assert usage.today["tone"].characters == len(TEXT), "one synthesis for all"
    state = hass.states.get(GROUP)
    assert state is not None
    assert state.state != "unknown"


async def test_the_event_entity_tells_who_was_spoken_to(hass: HomeAssistant, house: House) -> None:
    changes = async_capture_events(hass, EVENT_STATE_CHANGED)
    await house.say()
    await house.player.heard()
    await house.spoken(2)
    states = [change.data["new_state"] for change in changes if change.data["entity_id"] == "event.herald_speech"]
    told = {tuple(state.attributes["targets"]) for state in states if state and state.attributes["event_type"] == "finished"}
    assert told == {(PLAYER,), (SATELLITE,)}
    assert not house.entry.runtime_data.targets


@pytest.mark.parametrize("group", [{"voice": None, "targets": [PLAYER], "chime": None, "volume": 0.5}])
async def test_a_groups_volume_is_its_players_while_they_speak(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    player, volumes = house.player, [0.2]

    async def set_volume(volume: float) -> None:
        volumes.append(volume)
        player._attr_volume_level = volume  # noqa: SLF001  # as its own method would
        player.async_write_ha_state()

    monkeypatch.setattr(player, "async_set_volume_level", set_volume)
    player._attr_volume_level = volumes[0]  # noqa: SLF001  # likewise
    player._attr_supported_features |= MediaPlayerEntityFeature.VOLUME_SET  # noqa: SLF001  # likewise
    player.async_write_ha_state()
    await house.say()
    assert volumes == [0.2, 0.5, 0.2]


@pytest.mark.parametrize("group", [{"voice": VOICE, "targets": [PLAYER], "chime": None}])
async def test_a_groups_voice_speaks_with_its_settings(house: House) -> None:
    await house.say()
    assert seconds((await house.player.heard()).audio) == pytest.approx(LENGTH / 2, abs=0.15)
    await house.spoken(1)
    assert house.told.ended[0].voice == "anna"


@pytest.mark.parametrize("group", [{"voice": "tts.herald", "targets": [PLAYER], "chime": None}])
async def test_the_servers_own_entity_is_its_default_voice(house: House) -> None:
    await house.say()
    await house.player.heard()
    await house.spoken(1)
    assert house.told.ended[0].voice == "tone/tone"


@pytest.mark.parametrize("group", [{"voice": "tts.nobody", "targets": [PLAYER], "chime": None}])
async def test_a_voice_that_is_gone_is_told(house: House) -> None:
    with pytest.raises(HomeAssistantError, match=r"tts\.nobody is no text-to-speech entity of Herald"):
        await house.say()


@pytest.mark.parametrize("group", [{"voice": None, "targets": [PLAYER, SATELLITE], "chime": DING}])
async def test_the_chime_is_heard_first_in_the_same_sound(house: House) -> None:
    await house.say()
    for audio in ((await house.player.heard()).audio, house.satellite.heard[0]):
        assert seconds(audio) == pytest.approx(0.5 + LENGTH, abs=0.2)


@pytest.mark.parametrize("group", [{"voice": None, "targets": [PLAYER], "chime": DING.replace("ding", "gone")}])
async def test_without_its_chime_it_is_heard_all_the_same_and_that_is_told(house: House) -> None:
    with pytest.raises(HomeAssistantError, match=r"without its chime. The chime cannot be used: No such file"):
        await house.say()
    assert seconds((await house.player.heard()).audio) == pytest.approx(LENGTH, abs=0.2)


async def test_all_are_tried_and_every_failure_is_told(
    hass: HomeAssistant, house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.player.fails = HomeAssistantError("it has no power")
    with pytest.raises(HomeAssistantError, match=r"not heard everywhere: Kitchen: It did not play it: it has no power$"):
        await house.say()
    assert len(house.satellite.heard) == 1
    house.player.fails = ZeroDivisionError()
    with pytest.raises(HomeAssistantError, match=r": Kitchen: It did not play it: ZeroDivisionError$"):
        await house.say()
    assert "media_player.kitchen failed to announce" in caplog.text
    house.player.fails = None
    hass.states.async_set(PLAYER, STATE_UNAVAILABLE)
    hass.states.async_remove(SATELLITE)
    with pytest.raises(HomeAssistantError, match=r": assist_satellite.hall, kitchen: It is not there, or not available now$"):
        await house.say()
    assert not house.player.told


async def test_a_satellite_that_ffmpeg_serves_is_sent_what_that_begins_with_at_once(
    hass: HomeAssistant, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(cast("dict[tuple[str, str], Any]", PLAYERS), ("assist_satellite", "assist_satellite"), Wyoming)
    porch = await players.satellite(hass, house.client, "assist_satellite.porch", unique_id="porch")
    subentry = next(one for one in house.entry.subentries.values() if one.title == "Everywhere")
    data = {**subentry.data, "targets": ["assist_satellite.porch"]}
    hass.config_entries.async_update_subentry(house.entry, subentry, data=data)
    await hass.async_block_till_done()
    await house.say()
    assert "matroska" in container(porch.heard[0])


async def test_a_group_is_not_available_while_its_server_is_gone(hass: HomeAssistant, house: House) -> None:
    await house.server.stop()
    await until(hass, lambda: getattr(hass.states.get(GROUP), "state", None) == STATE_UNAVAILABLE)


# Chimes


async def test_a_sound_that_is_no_file_is_fetched(hass: HomeAssistant, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    client = house.entry.runtime_data.client
    hass.config.internal_url = str(house.client.make_url("")).rstrip("/")
    sound = Speech(entry_id=house.entry.entry_id, text=TEXT, order=Order(format="MP3"))
    spoken = f"{hass.config.internal_url}{address(hass, PREVIEW, sound)}?play"
    by_id = "media-source://tts/tts.herald?message=ding"
    for media_id in (spoken, by_id):
        assert len(await chimes.stored(hass, client, media_id)) == 64
    monkeypatch.setattr(chimes, "SIZE_MAX", 100)
    for media_id in (spoken, by_id, DING):
        with pytest.raises(HomeAssistantError, match="more bytes than the 100 that a chime may have"):
            await chimes.stored(hass, client, media_id)
    with pytest.raises(HomeAssistantError, match="chime cannot be used"):
        await chimes.stored(hass, client, f"{hass.config.internal_url}/nothing.mp3")
    with pytest.raises(HomeAssistantError, match=r"cannot be used: 404 Not Found$") as failure:
        await chimes.stored(hass, client, "/api/herald/preview/nothing")
    assert "authSig" in str(failure.value.__cause__), "which lets anybody in who reads it"
