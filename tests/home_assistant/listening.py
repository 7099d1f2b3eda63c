"""What tests of speech need: a media player's side of Home Assistant, and what it kept of what was heard."""

from __future__ import annotations

import asyncio
import io
import wave
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import aiohttp
from homeassistant.components import tts
from homeassistant.components.tts.const import DATA_TTS_MANAGER
from homeassistant.core import HomeAssistant

from .servers import Herald
from .speaking import PATIENCE

SPEAKER = "tts.herald"
KEEPING = "tts_load_data_into_cache_"
"""Begin of the names of Home Assistant's tasks that read a reply."""


async def fetched(
    hass: HomeAssistant,
    client: Any,
    text: str | AsyncGenerator[str],
    options: dict[str, Any] | None = None,
    *,
    entity: str = SPEAKER,
    **more: Any,
) -> tuple[int, bytes]:
    """A spoken text as a media player gets it: status and body."""
    response = await opened(hass, client, text, options, entity=entity, **more)
    body: bytes = await response.read()
    await settled(hass)
    return response.status, body


async def settled(hass: HomeAssistant) -> None:
    """Waits until Home Assistant has kept, or forgotten, what it was given."""
    keeping = {task for task in asyncio.all_tasks() if task.get_name().startswith(KEEPING)}
    if keeping:
        async with asyncio.timeout(PATIENCE):
            await asyncio.wait(keeping)
    await hass.async_block_till_done()


async def opened(
    hass: HomeAssistant,
    client: Any,
    text: str | AsyncGenerator[str],
    options: dict[str, Any] | None = None,
    *,
    entity: str = SPEAKER,
    **more: Any,
) -> aiohttp.ClientResponse:
    """The same, when the first of it has come."""
    stream = tts.async_create_stream(hass, entity, options=options, **more)
    if isinstance(text, str):
        stream.async_set_message(text)
    else:
        stream.async_set_message_stream(text)
    response: aiohttp.ClientResponse = await client.get(stream.url)
    return response


async def told(server: Herald, method: str, path: str, body: dict[str, Any] | None = None) -> bytes:
    """What the server itself answers."""
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, f"http://127.0.0.1:{server.http_port}{path}", json=body) as response,
    ):
        response.raise_for_status()
        return await response.read()


async def spoken(server: Herald, text: str, **more: Any) -> bytes:
    """What the server itself makes of a text."""
    return await told(server, "POST", "/api/tts/stream", {"text": text, **more})


def kept(hass: HomeAssistant) -> tuple[set[str], set[str]]:
    """Keys of what Home Assistant would play again: in memory, and for good."""
    manager = hass.data[DATA_TTS_MANAGER]
    return set(manager.mem_cache), set(manager.file_cache)


def on_disk(config_dir: str) -> int:
    folder = Path(config_dir, "tts")
    return len(list(folder.iterdir())) if folder.exists() else 0


def nothing_is_kept(hass: HomeAssistant) -> None:
    assert kept(hass) == (set(), set())
    assert on_disk(hass.config.config_dir) == 0


def seconds(wav: bytes) -> float:
    """Playing time of a streamed WAV: its header tells no length."""
    with wave.open(io.BytesIO(wav)) as reader:
        header = wav.index(b"data") + 8
        size: int = reader.getframerate() * reader.getsampwidth() * reader.getnchannels()
        return (len(wav) - header) / size
