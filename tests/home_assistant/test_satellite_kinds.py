"""Each kind of satellite: what it is told, how it is silenced, and whose fault it is that nothing is heard."""

from __future__ import annotations

from typing import Any

import pytest
from homeassistant.components.assist_satellite.errors import SatelliteBusyError
from homeassistant.components.media_player.const import DOMAIN as PLAYER
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.herald.announcing.players import esphome, player_for, playing
from custom_components.herald.announcing.players.base import Busy, NotFetched, NotSupported, Rejected, Unavailable
from custom_components.herald.announcing.targets import SATELLITE, Target
from custom_components.herald.announcing.view import SILENCE
from custom_components.herald.api import Outcome

from . import players
from .conftest import paired
from .playing import ANNOUNCING, Announce, Device, Satellite, Speaker, announcing
from .servers import Herald
from .speaking import following

TEXT = "Dinner."


@pytest.fixture
async def entry(hass: HomeAssistant, enable_custom_integrations: None, server: Herald) -> MockConfigEntry:
    await players.set_up(hass)
    entry = await paired(hass, server)
    await following(entry)
    return entry


@pytest.fixture
def announce(hass: HomeAssistant, entry: MockConfigEntry) -> Announce:
    return announcing(hass, entry)


@pytest.fixture
async def client(entry: MockConfigEntry, hass_client_no_auth: ClientSessionGenerator) -> Any:
    return await hass_client_no_auth()


async def test_a_satellite_announces_the_address_and_nothing_before_it(
    hass: HomeAssistant, client: Any, announce: Announce
) -> None:
    satellite = Satellite(client)
    announced = announce(await Device(hass, "somebody").add(SATELLITE, satellite), TEXT)
    await announced.over()
    (told,) = satellite.told
    assert (told.original_media_id, told.preannounce_media_id) == (announced.stream.media_id, None)
    assert announced.stream.ended.result().outcome is Outcome.COMPLETED


WISHES = [
    ({"preferred_format": "wav", "preferred_sample_rate": 16_000, "preferred_sample_channels": 2}, ("WAV", 16_000, 2)),
    ({"preferred_format": "mp3"}, ("MP3", 44_100, 1)),
    ({"preferred_format": "wav", "preferred_sample_rate": 22_050, "preferred_sample_bytes": 4}, ("MP3", 44_100, 1)),  # not made
    ({"preferred_format": "flac", "preferred_sample_rate": 48_000}, ("MP3", 44_100, 1)),  # nobody knows how long it is
]


@pytest.mark.parametrize(("asked", "made"), WISHES)
async def test_a_satellite_gets_the_format_that_it_asks_for(
    hass: HomeAssistant, client: Any, announce: Announce, asked: dict[str, Any], made: tuple[str, int, int]
) -> None:
    satellite = Satellite(client)
    satellite._attr_tts_options = asked  # noqa: SLF001  # as its class would
    announced = announce(await Device(hass, "somebody").add(SATELLITE, satellite), TEXT)
    order = announced.stream.order
    assert (order.format, order.rate, order.channels) == made
    await announced.over()
    assert announced.stream.seconds == pytest.approx(len(TEXT) * 0.02, abs=0.1)


async def test_a_call_is_cancelled_until_it_is_done(hass: HomeAssistant, client: Any, announce: Announce) -> None:
    satellite = Satellite(client)
    satellite.stubborn = 5
    announced = announce(await Device(hass, "wyoming").add(SATELLITE, satellite))
    await satellite.begun.wait()
    await announced.interrupted()
    assert satellite.stubborn == 0
    state = hass.states.get("assist_satellite.kitchen")
    assert state is not None
    assert state.state == "idle"


async def test_a_satellite_that_never_says_that_it_played_is_not_waited_for(
    hass: HomeAssistant, client: Any, announce: Announce
) -> None:
    satellite = Satellite(client)
    satellite.stubborn = 1
    announced = announce(await Device(hass, "wyoming").add(SATELLITE, satellite), TEXT)
    await announced.over()
    assert announced.stream.ended.result().outcome is Outcome.COMPLETED
    assert satellite.stubborn == 0


async def test_a_satellite_that_stops_by_itself_ends_the_synthesis(hass: HomeAssistant, client: Any, announce: Announce) -> None:
    satellite = Satellite(client)
    satellite.gives_up = True
    announced = announce(await Device(hass, "esphome").add(SATELLITE, satellite))
    await announced.over()
    assert announced.stream.ended.result().outcome is Outcome.LEFT


async def test_a_satellite_that_is_done_before_it_came_is_not_waited_for(
    hass: HomeAssistant, client: Any, announce: Announce, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(esphome.EspHome, "FETCH", 600)
    monkeypatch.setattr(playing, "COMES", 0.05)
    satellite = Satellite(client)
    satellite.comes = False
    with pytest.raises(NotFetched):
        await announce(await Device(hass, "esphome").add(SATELLITE, satellite)).over()


async def test_a_satellite_that_still_tells_the_end_of_another_one_is_heard_to_its_end(
    hass: HomeAssistant, client: Any, announce: Announce
) -> None:
    satellite = Satellite(client)
    satellite.is_early = True
    announced = announce(await Device(hass, "esphome").add(SATELLITE, satellite), TEXT)
    await announced.over()
    assert announced.stream.ended.result().outcome is Outcome.COMPLETED


async def test_a_satellite_that_is_gone_is_not_called(hass: HomeAssistant, client: Any, announce: Announce) -> None:
    target = await Device(hass, "wyoming").add(SATELLITE, Satellite(client))
    hass.states.async_set(target.entity_id, "unavailable")
    with pytest.raises(Unavailable):
        await announce(target).over()


async def test_a_satellite_that_home_assistant_uses_is_busy(hass: HomeAssistant, client: Any, announce: Announce) -> None:
    satellite = Satellite(client)
    satellite.fails = SatelliteBusyError()
    announced = announce(await Device(hass, "wyoming").add(SATELLITE, satellite))
    with pytest.raises(Busy):
        await announced.over()
    assert announced.stream.first_audio is None, "and nothing is paid for"


async def test_a_satellite_that_is_not_connected_is_not_there(hass: HomeAssistant, client: Any, announce: Announce) -> None:
    satellite = Satellite(client)
    satellite.fails = ConnectionError("Satellite is not connected")
    with pytest.raises(Unavailable):
        await announce(await Device(hass, "wyoming").add(SATELLITE, satellite)).over()


async def test_an_error_that_nobody_foresaw_is_told(
    hass: HomeAssistant, client: Any, announce: Announce, caplog: pytest.LogCaptureFixture
) -> None:
    satellite = Satellite(client)
    satellite.fails = AttributeError("'NoneType' object has no attribute 'write_event'")
    with pytest.raises(Rejected):
        await announce(await Device(hass, "wyoming").add(SATELLITE, satellite)).over()
    assert "assist_satellite.kitchen failed to announce" in caplog.text


async def test_a_wyoming_satellite_is_as_loud_as_its_audio(hass: HomeAssistant, client: Any, announce: Announce) -> None:
    target = await Device(hass, "wyoming").add(SATELLITE, Satellite(client))
    for own, wanted, told in (({}, 1.0, 50), ({}, 0.5, 25), ({"volume": 80}, 0.5, 40), ({}, None, None)):
        announced = announce(target, TEXT, volume=wanted, options={**own, "chime": "abc"})
        order = announced.stream.order
        assert (order.format, order.rate, order.options.get("volume")) == ("MKA", 22_050, told)
        assert order.options["chime"] == "abc"
        await announced.interrupted()


async def test_an_esphome_satellite_is_told_of_the_chime_and_is_as_loud_as_its_player(
    hass: HomeAssistant, client: Any, announce: Announce
) -> None:
    device, satellite, speaker = Device(hass, "esphome"), Satellite(client), Speaker(client, ANNOUNCING)
    await device.add(PLAYER, speaker)
    target = await device.add(SATELLITE, satellite)
    chime = "http://homeassistant.local:8123/local/ding.wav"
    for media_id in (chime, None):
        announced = announce(target, TEXT, volume=0.6, chime=media_id, options={"chime": "abc"})
        assert (announced.stream.order.format, announced.stream.order.options) == ("MKA", {})
        await announced.over()
    first, second = satellite.told
    assert first.preannounce_media_id == chime
    assert second.preannounce_media_id is not None
    assert "/api/herald/silence" in second.preannounce_media_id
    assert speaker.told["volume_set"] == [0.6, 0.2] * 2


async def test_an_esphome_satellite_that_is_interrupted_hears_silence_unless_another_one_follows(
    hass: HomeAssistant, client: Any, announce: Announce
) -> None:
    device, satellite, speaker = Device(hass, "esphome"), Satellite(client), Speaker(client, ANNOUNCING)
    await device.add(PLAYER, speaker)
    target = await device.add(SATELLITE, satellite)
    for follow in (True, False):
        satellite.begun.clear()
        announced = announce(target)
        await satellite.begun.wait()
        await announced.interrupted(follow=follow)
        assert len(speaker.told["play_media"]) == (not follow)
    assert speaker.told["play_media"][0]["media_id"] == SILENCE


async def test_a_linux_voice_assistant_that_is_interrupted_announces_nothing_unless_another_one_follows(
    hass: HomeAssistant, client: Any, announce: Announce
) -> None:
    device = Device(hass, "esphome", esphome.LinuxVoiceAssistant.MODEL)
    satellite, speaker = Satellite(client), Speaker(client, ANNOUNCING)
    await device.add(PLAYER, speaker)
    target = await device.add(SATELLITE, satellite)
    for follow in (True, False):
        satellite.begun.clear()
        announced = announce(target)
        await satellite.begun.wait()
        await announced.interrupted(follow=follow)
    assert [told.original_media_id == SILENCE for told in satellite.told] == [False, False, True]
    assert speaker.told.calls == []


async def test_an_esphome_satellite_may_have_no_player(hass: HomeAssistant, client: Any, announce: Announce) -> None:
    satellite = Satellite(client)
    announced = announce(await Device(hass, "esphome").add(SATELLITE, satellite), volume=0.6)
    assert announced.stream.order.options == {"volume": 30}, "the server makes it"
    assert announced.stream.order.format == "MP3", "nobody reads it for the device"
    await satellite.begun.wait()
    await announced.interrupted()


async def test_a_telephone_is_told_nothing_and_nothing_is_paid_for(hass: HomeAssistant, client: Any, announce: Announce) -> None:
    satellite = Satellite(client)
    announced = announce(await Device(hass, "voip").add(SATELLITE, satellite))
    with pytest.raises(NotSupported):
        await announced.over()
    assert satellite.told == []
    assert announced.stream.first_audio is None
    await announced.player.interrupt()


async def test_nobody_else_is_a_player(hass: HomeAssistant) -> None:
    lamp = Target(entity_id="light.kitchen", platform=None, domain="light", device_id=None, keys=frozenset())
    with pytest.raises(NotSupported):
        player_for(hass, lamp)


async def test_a_reply_that_was_interrupted_gives_way_to_silence(hass: HomeAssistant, client: Any, announce: Announce) -> None:
    device, speaker = Device(hass, "esphome"), Speaker(client, ANNOUNCING)
    await device.add(PLAYER, speaker)
    target = await device.add(SATELLITE, Satellite(client))
    await player_for(hass, target).hush(None)
    assert [(told["media_id"], told["announce"]) for told in speaker.told["play_media"]] == [(SILENCE, True)]


@pytest.mark.parametrize("platform", ["voip", "somebody"])
async def test_who_cannot_be_told_is_let_be(hass: HomeAssistant, client: Any, announce: Announce, platform: str) -> None:
    satellite = Satellite(client)
    await player_for(hass, await Device(hass, platform).add(SATELLITE, satellite)).hush(None)
    assert satellite.told == []
