"""`media-source://herald/…`: voices that are looked through and heard, and announcements that know their player."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from homeassistant.components.media_player.browse_media import async_process_play_media_url
from homeassistant.components.media_player.errors import BrowseError
from homeassistant.components.media_source import async_browse_media, async_resolve_media
from homeassistant.components.media_source.error import Unresolvable
from homeassistant.components.media_source.models import BrowseMediaSource
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator, WebSocketGenerator

from custom_components.herald.announcing.stream import Stream
from custom_components.herald.announcing.view import SILENCE
from custom_components.herald.api import Order
from custom_components.herald.speech import previews

from .conftest import paired
from .hearing import Told, seconds
from .players import fetched
from .servers import Herald
from .speaking import following

ROOT = "media-source://herald"
YAML = """
engines:
  tone: {per_character: 0.02}
  espeak: {enabled: false}
  indextts: {url: "ws://127.0.0.1:9", prompts: {mum: mum.wav}}
voices:
  "kitchen/anna": {engine: tone, voice: tone, language: [de-DE, en-GB], description: Anna}
  lu: {engine: tone, voice: tone, language: zh-TW}
  lost: {engine: tone, voice: tone, language: xx}
default_voice: tone/tone
"""


@pytest.fixture
async def server(socket_enabled: None, tmp_path: Path) -> AsyncIterator[Herald]:
    async with Herald(tmp_path, YAML).running() as server:
        yield server


@pytest.fixture
async def entry(hass: HomeAssistant, enable_custom_integrations: None, server: Herald) -> MockConfigEntry:
    hass.config.internal_url = "http://homeassistant.local:8123"
    entry = await paired(hass, server)
    await following(entry)
    return entry


async def browsed(hass: HomeAssistant, media_id: str) -> dict[str, BrowseMediaSource]:
    """What is in it, by title."""
    item = await async_browse_media(hass, media_id)
    children: Any = item.children
    return {child.title: child for child in children}


async def test_voices_are_found_by_server_and_language(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    servers = await browsed(hass, ROOT)
    assert list(servers) == ["Herald"]
    languages = await browsed(hass, servers["Herald"].media_content_id)
    assert list(languages) == ["Deutsch", "English", "xx", "中文"]
    assert all(language.can_expand and not language.can_play for language in languages.values())
    english = await browsed(hass, languages["English"].media_content_id)
    assert list(english) == ["Anna", "Test tone"], "and nobody who may not be heard"
    assert all(voice.can_play and not voice.can_expand for voice in english.values())


async def test_a_voice_introduces_itself_in_its_language(
    hass: HomeAssistant, entry: MockConfigEntry, hass_client_no_auth: ClientSessionGenerator
) -> None:
    player = await hass_client_no_auth()
    told = Told(entry)
    languages = await browsed(hass, (await browsed(hass, ROOT))["Herald"].media_content_id)
    for language, voice in (("Deutsch", "Anna"), ("中文", "lu")):
        found = (await browsed(hass, languages[language].media_content_id))[voice]
        media = await async_resolve_media(hass, found.media_content_id, None)
        assert media.mime_type == found.media_content_type == "audio/mpeg"
        response = await fetched(player, async_process_play_media_url(hass, media.url))
        sentence = previews.sentence({"Anna": "de-DE", "lu": "zh-TW"}[voice])
        assert seconds(await response.read()) == pytest.approx(len(sentence) * 0.02, abs=0.6)
    await told.until(lambda told: len(told.ended) == 2)
    assert [session.voice for session in told.ended] == ["kitchen/anna", "lu"]


async def test_an_announcement_has_a_short_address_as_long_as_somebody_has_it(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    stream = Stream(hass, entry.runtime_data, "Hello.", Order(format="MKA"))
    for player in ("media_player.kitchen", None):
        media = await async_resolve_media(hass, stream.media_id, player)
        assert media.mime_type == "audio/x-matroska"
    url = async_process_play_media_url(hass, media.url)
    assert url == f"http://homeassistant.local:8123/api/herald/announcement/{stream.token}?play", "no signature makes it long"
    media_id = stream.media_id
    del stream
    with pytest.raises(Unresolvable):
        await async_resolve_media(hass, media_id, None)


async def test_silence_is_a_sound_file(
    hass: HomeAssistant, entry: MockConfigEntry, hass_client_no_auth: ClientSessionGenerator
) -> None:
    media = await async_resolve_media(hass, SILENCE, "media_player.kitchen")
    response = await fetched(await hass_client_no_auth(), async_process_play_media_url(hass, media.url))
    assert (response.status, response.content_type, media.mime_type) == (200, "audio/wav", "audio/wav")
    assert seconds(await response.read()) == pytest.approx(0.1)


@pytest.mark.parametrize("path", ["announcement/nothing", "voices/nobody/en/anna", "voices", "else/where"])
async def test_what_is_not_there_cannot_be_played(hass: HomeAssistant, entry: MockConfigEntry, path: str) -> None:
    with pytest.raises(Unresolvable, match="cannot be played any more"):
        await async_resolve_media(hass, f"{ROOT}/{path}", "media_player.kitchen")


@pytest.mark.parametrize("path", ["announcement", "voices/nobody", "voices/nobody/en", "else"])
async def test_what_is_not_there_cannot_be_looked_through(hass: HomeAssistant, entry: MockConfigEntry, path: str) -> None:
    with pytest.raises(BrowseError, match="cannot be played any more"):
        await async_browse_media(hass, f"{ROOT}/{path}")


async def test_a_voice_that_vanished_cannot_be_played(hass: HomeAssistant, entry: MockConfigEntry, server: Herald) -> None:
    with pytest.raises(Unresolvable):
        await async_resolve_media(hass, f"{ROOT}/voices/{server.id}/en/nobody", None)


async def test_a_voice_that_nobody_may_hear_cannot_be_played(hass: HomeAssistant, entry: MockConfigEntry, server: Herald) -> None:
    assert "indextts/mum" in entry.runtime_data.data.catalogue.voices
    with pytest.raises(Unresolvable):
        await async_resolve_media(hass, f"{ROOT}/voices/{server.id}/en/indextts%2Fmum", None)


async def test_the_frontend_looks_through_it(
    hass: HomeAssistant, entry: MockConfigEntry, hass_ws_client: WebSocketGenerator, server: Herald
) -> None:
    client = await hass_ws_client()
    await client.send_json_auto_id({"type": "media_source/browse_media", "media_content_id": ROOT})
    told = (await client.receive_json())["result"]
    assert (told["title"], [child["title"] for child in told["children"]]) == ("Herald", ["Herald"])
    media_id = f"{ROOT}/voices/{server.id}/de/kitchen%2Fanna"
    await client.send_json_auto_id({"type": "media_source/resolve_media", "media_content_id": media_id})
    told = (await client.receive_json())["result"]
    assert told["mime_type"] == "audio/mpeg"
    assert told["url"].startswith("/api/herald/preview/")


async def test_a_server_that_is_not_loaded_has_nothing(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    await hass.config_entries.async_unload(entry.entry_id)
    assert await browsed(hass, ROOT) == {}


def test_every_language_says_something_of_its_own() -> None:
    sentences = [previews.sentence(tag) for tag in (*previews.TONGUES, "zh-TW")]
    assert len(set(sentences)) == len(sentences)
    assert previews.sentence("zh-CN") == previews.sentence("zh")
    assert previews.sentence("xx") == previews.sentence("en")
