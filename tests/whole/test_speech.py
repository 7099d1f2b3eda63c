"""Paired by hand and heard by a media player, in a Home Assistant that knows nothing of tests."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from wyoming_server.server import Running

from ..frontends.flowing_client import url
from .hass import Hass

pytestmark = pytest.mark.timeout(400)
PLAYER, SPEAKER = "media_player.fake_player", "tts.herald"
TEXT = "Dinner is ready, and the kettle is boiling."
PASSES_THROUGH = (2026, 11)
"""The first version that converts nothing where it gets what it asked for."""
SATELLITES = {"wav": 22_050, "flac": 48_000}
"""Container → rate."""


async def pair(hass: Hass, server: Running, token: str) -> dict[str, Any]:
    """By hand, credentials left for later."""
    return await hass.set_up("herald", {"address": url(server, ""), "token": token}, {"next_step_id": "finish"})


async def spoken(server: Running, text: str, **more: Any) -> bytes:
    """What the server itself makes of it."""
    order = {"text": text, **more}
    async with aiohttp.ClientSession() as session, session.post(url(server, "/api/tts/stream"), json=order) as response:
        assert response.status == 200
        return await response.read()


async def speak(hass: Hass, text: str, **more: Any) -> None:
    await hass.call("tts.speak", entity_id=SPEAKER, media_player_entity_id=PLAYER, message=text, **more)


async def test_a_paired_server_is_heard_byte_by_byte_and_again_after_a_restart(hass: Hass, server: Running, token: str) -> None:
    made = await pair(hass, server, token)
    assert (made["type"], made["title"]) == ("create_entry", "Herald")
    await speak(hass, TEXT)
    await hass.stop()
    await hass.start()
    await speak(hass, f"{TEXT} Again!")
    first, second = hass.heard()
    for heard, text in (first, TEXT), (second, f"{TEXT} Again!"):
        assert (heard.status, heard.type) == (200, "audio/mpeg")
        assert heard.audio == await spoken(server, text)


async def test_satellites_get_the_servers_own_bytes_where_nothing_is_converted(hass: Hass, server: Running, token: str) -> None:
    await pair(hass, server, token)
    passes_through = hass.number >= PASSES_THROUGH
    for container, rate in SATELLITES.items():
        wanted = {"format": container, "sample_rate": rate, "sample_channels": 1, "sample_bytes": 2}
        await speak(hass, TEXT, options={f"preferred_{name}": value for name, value in wanted.items()})
        heard, own = hass.heard()[-1], await spoken(server, TEXT, format=container, sample_rate=rate)
        assert heard.status == 200
        assert len(heard.audio) > 0.5 * len(own)
        assert heard.audio == own or not passes_through
