"""Speech at an address of its own: whoever has it hears it, for a time, and it ends when they hang up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientConnectionResetError, web
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.herald.api import Order, Outcome
from custom_components.herald.orders import FETCHES_MAX, LIFETIME, ORDERS_MAX, Orders, Speech
from custom_components.herald.views import PREVIEW, address

from .hearing import Told, seconds
from .servers import Herald

TEXT = "It is seven o'clock."
LONG = "This is a sentence that takes some time. " * 100
YAML = """
engines:
  tone: {per_character: 0.02}
  bad: {type: tone, fail_at: 0}
  late: {type: tone, per_character: 0.02, fail_at: 0.5}
  slow: {type: tone, delay: 600}
  espeak: {enabled: false}
default_voice: tone/tone
"""


@pytest.fixture
async def server(socket_enabled: None, tmp_path: Path) -> AsyncIterator[Herald]:
    async with Herald(tmp_path, YAML).running() as server:
        yield server


@pytest.fixture
async def told(entry: MockConfigEntry) -> Told:
    return Told(entry)


@pytest.fixture
async def stranger(entry: MockConfigEntry, hass_client_no_auth: ClientSessionGenerator) -> Any:
    """Knows nothing but the address."""
    return await hass_client_no_auth()


def speech(entry: MockConfigEntry, text: str = TEXT, **order: Any) -> Speech:
    return Speech(entry_id=entry.entry_id, text=text, order=Order(format="MP3", **order))


async def test_speech_is_heard_by_whoever_knows_its_address(hass: HomeAssistant, entry: MockConfigEntry, stranger: Any) -> None:
    response = await stranger.get(address(hass, PREVIEW, speech(entry)))
    assert (response.status, response.content_type) == (HTTPStatus.OK, "audio/mpeg")
    assert response.headers["Cache-Control"] == "no-store"
    assert "Content-Length" not in response.headers
    assert seconds(await response.read()) == pytest.approx(len(TEXT) * 0.02, abs=0.2)


async def test_a_part_that_is_asked_for_is_all_of_it(hass: HomeAssistant, entry: MockConfigEntry, stranger: Any) -> None:
    response = await stranger.get(address(hass, PREVIEW, speech(entry)), headers={"Range": "bytes=0-"})
    assert response.status == HTTPStatus.OK
    assert await response.read()


async def test_an_address_that_nobody_was_given_is_nothing(entry: MockConfigEntry, stranger: Any) -> None:
    for method in ("GET", "HEAD"):
        response = await stranger.request(method, f"/api/herald/preview/{'x' * 32}")
        assert response.status == HTTPStatus.NOT_FOUND


async def test_a_head_tells_what_it_would_be_and_lets_nobody_speak(
    hass: HomeAssistant, entry: MockConfigEntry, stranger: Any, told: Told
) -> None:
    url = address(hass, PREVIEW, speech(entry))
    response = await stranger.head(url)
    assert (response.status, response.content_type) == (HTTPStatus.OK, "audio/mpeg")
    assert "Content-Length" not in response.headers, "it is not empty"
    await (await stranger.get(url)).read()
    await told.until(lambda told: told.ended)
    assert len(told.started) == 1


async def test_a_browser_that_hangs_up_ends_the_synthesis(
    hass: HomeAssistant, entry: MockConfigEntry, stranger: Any, told: Told
) -> None:
    response = await stranger.get(address(hass, PREVIEW, speech(entry, LONG, pace=1.0)))
    await response.content.readexactly(100)
    response.close()
    await told.until(lambda told: told.ended)
    (ended,) = told.ended
    assert ended.outcome in (Outcome.LEFT, Outcome.INTERRUPTED)
    assert ended.audio_seconds < 30
    assert not list(entry.runtime_data.replies)


async def test_a_connection_that_is_closing_is_no_error_of_ours(  # noqa: PLR0913, PLR0917  # fixtures
    hass: HomeAssistant,
    entry: MockConfigEntry,
    stranger: Any,
    told: Told,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def write(response: web.StreamResponse, data: bytes) -> None:
        raise ClientConnectionResetError

    monkeypatch.setattr(web.StreamResponse, "write", write)
    response = await stranger.get(address(hass, PREVIEW, speech(entry, LONG, pace=1.0)))
    await told.until(lambda told: told.ended)
    response.close()
    assert "Error handling request" not in caplog.text


async def test_audio_comes_hardly_ahead_of_real_time(
    hass: HomeAssistant, entry: MockConfigEntry, stranger: Any, told: Told
) -> None:
    response = await stranger.get(address(hass, PREVIEW, speech(entry, LONG, pace=0.5)))
    await response.content.readexactly(100)
    assert (await entry.runtime_data.client.interrupt_all()) == 1
    await response.read()
    await told.until(lambda told: told.ended)
    assert told.ended[0].outcome is Outcome.INTERRUPTED
    assert told.ended[0].audio_seconds < 15, "all of it would be 80 seconds"


async def test_a_failure_before_the_first_sound_is_an_error(
    hass: HomeAssistant, entry: MockConfigEntry, stranger: Any, caplog: pytest.LogCaptureFixture
) -> None:
    for wrong in ({"voice": "bad/tone", "options": {"fallback": False}}, {"voice": "nobody"}):
        response = await stranger.get(address(hass, PREVIEW, speech(entry, **wrong)))
        assert (response.status, await response.read()) == (HTTPStatus.BAD_GATEWAY, b"")
    assert caplog.text.count("for a preview failed") == 2
    assert TEXT not in "".join(record.getMessage() for record in caplog.records if record.levelname != "DEBUG")


async def test_one_that_fails_on_its_way_ends_there(
    hass: HomeAssistant, entry: MockConfigEntry, stranger: Any, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = speech(entry, LONG, voice="late/tone", options={"fallback": False})
    response = await stranger.get(address(hass, PREVIEW, wrong))
    assert response.status == HTTPStatus.OK
    assert 0.2 < seconds(await response.read()) < 1
    assert "for a preview failed" in caplog.text


async def test_an_interrupt_before_the_first_sound_is_a_file_without_a_sound(
    hass: HomeAssistant, entry: MockConfigEntry, stranger: Any, told: Told
) -> None:
    slow = asyncio.create_task(stranger.get(address(hass, PREVIEW, speech(entry, voice="slow/tone"))))
    await told.until(lambda told: told.started)
    await entry.runtime_data.replies.interrupt()
    response = await slow
    assert response.status == HTTPStatus.OK
    await response.read()
    await told.until(lambda told: told.ended)
    assert (told.ended[0].outcome, told.ended[0].audio_seconds) == (Outcome.INTERRUPTED, 0)


async def test_one_without_a_sound_is_a_file_without_a_sound(hass: HomeAssistant, entry: MockConfigEntry, stranger: Any) -> None:
    response = await stranger.get(address(hass, PREVIEW, speech(entry, "")))
    assert response.status == HTTPStatus.OK
    await response.read()


async def test_an_unload_ends_it(hass: HomeAssistant, entry: MockConfigEntry, stranger: Any) -> None:
    response = await stranger.get(address(hass, PREVIEW, speech(entry, LONG, pace=1.0)))
    await response.content.readexactly(100)
    replies = entry.runtime_data.replies
    await hass.config_entries.async_unload(entry.entry_id)
    assert await response.read(), "and is a whole file"
    assert not list(replies)


async def test_a_server_that_is_not_set_up_is_not_available(hass: HomeAssistant, entry: MockConfigEntry, stranger: Any) -> None:
    url = address(hass, PREVIEW, speech(entry))
    await hass.config_entries.async_unload(entry.entry_id)
    assert (await stranger.get(url)).status == HTTPStatus.SERVICE_UNAVAILABLE
    await hass.config_entries.async_remove(entry.entry_id)
    assert (await stranger.get(url)).status == HTTPStatus.SERVICE_UNAVAILABLE


# The addresses


def test_an_address_is_good_for_a_time() -> None:
    now = 0.0
    orders = Orders(lambda: now)
    token = orders.add(Speech(entry_id="one", text=TEXT, order=Order()))
    now = LIFETIME - 1
    assert orders.get(token)
    assert orders.fetch(token)
    now = LIFETIME
    assert orders.get(token) is None
    assert orders.fetch(token) is None


def test_an_address_is_good_for_a_few_times() -> None:
    orders = Orders()
    token = orders.add(Speech(entry_id="one", text=TEXT, order=Order()))
    assert all(orders.fetch(token) for _ in range(FETCHES_MAX))
    assert orders.fetch(token) is None


def test_the_oldest_addresses_make_room() -> None:
    now = 0.0
    orders = Orders(lambda: now)
    tokens = [orders.add(Speech(entry_id="one", text=TEXT, order=Order())) for _ in range(ORDERS_MAX + 1)]
    assert [orders.get(token) is not None for token in tokens[:3]] == [False, True, True]
    now = LIFETIME
    orders.add(Speech(entry_id="one", text=TEXT, order=Order()))
    now = 0.0
    assert not any(orders.get(token) for token in tokens), "those that are over are forgotten"


def test_no_text_is_in_what_is_logged_of_an_order() -> None:
    assert TEXT not in repr(Speech(entry_id="one", text=TEXT, order=Order()))
