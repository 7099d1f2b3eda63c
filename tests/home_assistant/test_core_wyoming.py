"""Home Assistant core's own `wyoming` integration against a running Herald: what a user has before our integration."""

from __future__ import annotations

import io
import wave
from collections.abc import AsyncGenerator, AsyncIterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from homeassistant.components import tts
from homeassistant.components.tts.const import DATA_TTS_MANAGER
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from .servers import Herald

ENTITY = "tts.herald"
WAV = {"preferred_format": "wav"}
TONE = """
engines: {tone: {per_character: 0.02}, bad: {type: tone, fail_at: 0}, espeak: {enabled: false}}
voices:
  fails: {engine: tone, voice: tone, fail_at: 0.5}
  is replaced: {engine: bad, voice: tone, fallback: [tone/tone]}
default_voice: tone/tone
"""


@pytest.fixture
async def espeak(hass: HomeAssistant, socket_enabled: None, tmp_path: Path) -> AsyncIterator[HomeAssistant]:
    """Home Assistant, connected to a Herald without any configuration."""
    async with Herald(tmp_path, "").running() as server:
        yield await connected(hass, server.wyoming_port)


@pytest.fixture
async def tone(hass: HomeAssistant, socket_enabled: None, tmp_path: Path) -> AsyncIterator[HomeAssistant]:
    """Home Assistant, connected to a Herald that plays a test tone, and has a voice that fails after half a second."""
    async with Herald(tmp_path, TONE).running() as server:
        yield await connected(hass, server.wyoming_port)


async def connected(hass: HomeAssistant, port: int) -> HomeAssistant:
    for component in ("homeassistant", "http", "tts"):
        assert await async_setup_component(hass, component, {})
    entry = MockConfigEntry(domain="wyoming", title="Herald", data={"host": "127.0.0.1", "port": port})
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED
    return hass


async def fetched(
    hass: HomeAssistant, client: Any, text: str | list[str], options: dict[str, Any] | None = None
) -> tuple[int, bytes]:
    """A spoken text as a media player gets it: status and body."""
    stream = tts.async_create_stream(hass, ENTITY, language="en-US", options={**WAV, **(options or {})})
    if isinstance(text, str):
        stream.async_set_message(text)
    else:
        stream.async_set_message_stream(fragments(text))
    response = await client.get(stream.url)
    body = await response.read()
    await hass.async_block_till_done(wait_background_tasks=True)
    return response.status, body


async def fragments(texts: list[str]) -> AsyncGenerator[str]:
    for text in texts:
        yield text


def on_disk(config_dir: str) -> int:
    """How many replies Home Assistant keeps for good."""
    return len(list(Path(config_dir, "tts").iterdir()))


def seconds(wav: bytes) -> float:
    """Playing time of a streamed WAV: its header tells no length."""
    with wave.open(io.BytesIO(wav)) as reader:
        header = wav.index(b"data") + 8
        size: int = reader.getframerate() * reader.getsampwidth() * reader.getnchannels()
        return (len(wav) - header) / size


async def test_every_language_and_voice_is_offered(espeak: HomeAssistant) -> None:
    entity = espeak.data["tts"].get_entity(ENTITY)
    assert {"en-GB", "en-US", "zh-CN", "zh-HK", "de", "fr-FR"} <= set(entity.supported_languages)
    (voice,) = entity.async_get_supported_voices("zh-CN")
    assert voice.voice_id == "zh-CN"


async def test_speech_is_heard_through_the_proxy(espeak: HomeAssistant, hass_client_no_auth: ClientSessionGenerator) -> None:
    client = await hass_client_no_auth()
    status, body = await fetched(espeak, client, "Dinner is ready, and the kettle is boiling.")
    assert status == HTTPStatus.OK
    assert 1.5 < seconds(body) < 6


async def test_a_voice_by_name_speaks(espeak: HomeAssistant, hass_client_no_auth: ClientSessionGenerator) -> None:
    client = await hass_client_no_auth()
    status, body = await fetched(espeak, client, "晚饭好了。", {"voice": "zh-CN"})
    assert status == HTTPStatus.OK
    assert 0.5 < seconds(body) < 4


async def test_streamed_text_is_one_reply(tone: HomeAssistant, hass_client_no_auth: ClientSessionGenerator) -> None:
    client = await hass_client_no_auth()
    status, body = await fetched(tone, client, ["A" * 20, "B" * 20, ". ", "C" * 10, "."])
    assert status == HTTPStatus.OK
    assert seconds(body) == pytest.approx((41 + 11) * 0.02, abs=0.001)


async def test_a_notice_of_another_voice_is_in_nobodys_way(
    tone: HomeAssistant, hass_client_no_auth: ClientSessionGenerator
) -> None:
    options = {"voice": "is replaced"}
    status, body = await fetched(tone, await hass_client_no_auth(), ["Somebody else ", "says this."], options)
    assert status == HTTPStatus.OK
    assert seconds(body) > 0.4


async def test_a_failure_mid_stream_leaves_nothing_in_the_cache(
    tone: HomeAssistant, hass_client_no_auth: ClientSessionGenerator, hass_config_dir: str
) -> None:
    client = await hass_client_no_auth()
    await fetched(tone, client, "This one is kept in the cache.")
    manager = tone.data[DATA_TTS_MANAGER]
    kept = (set(manager.mem_cache), set(manager.file_cache))
    assert all(kept)
    _, partial = await fetched(tone, client, "D" * 100, {"voice": "fails"})
    assert 0.1 < seconds(partial) < 0.6
    assert (set(manager.mem_cache), set(manager.file_cache)) == kept
    assert on_disk(hass_config_dir) == 1


async def test_an_unknown_voice_is_an_error_and_not_silence(
    tone: HomeAssistant, hass_client_no_auth: ClientSessionGenerator
) -> None:
    client = await hass_client_no_auth()
    status, _ = await fetched(tone, client, "Hello.", {"voice": "nobody"})
    assert status == HTTPStatus.INTERNAL_SERVER_ERROR
