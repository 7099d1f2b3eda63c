"""A stream: one reply of the server for one player, however often it comes, and its end for everybody who is at it."""

from __future__ import annotations

import asyncio
import gc
import io
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from http import HTTPStatus
from pathlib import Path
from typing import Any

import av
import pytest
from aiohttp import ClientConnectionResetError, web
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.herald.announcing import stream as streams
from custom_components.herald.announcing.lengths import bytes_per_second
from custom_components.herald.announcing.stream import End, Stream
from custom_components.herald.api import Order, Outcome, Refused

from .conftest import paired
from .hearing import Told, seconds
from .servers import Herald
from .speaking import PATIENCE, following, until

TEXT = "It is seven o'clock."
LENGTH = len(TEXT) * 0.02
LONG = "This is a sentence that takes some time. " * 100
YAML = """
engines:
  tone: {per_character: 0.02}
  bad: {type: tone, fail_at: 0}
  late: {type: tone, per_character: 0.02, fail_at: 0.5}
  slow: {type: tone, delay: 600}
  thinks: {type: tone, per_character: 0.02, delay: 0.5}
  halting: {type: tone, per_character: 0.02, pace: 0.5}
  espeak: {enabled: false}
voices:
  is replaced: {engine: bad, voice: tone, fallback: [tone/tone]}
default_voice: tone/tone
"""
TARGET = "media_player.kitchen"


@pytest.fixture
async def server(socket_enabled: None, tmp_path: Path) -> AsyncIterator[Herald]:
    async with Herald(tmp_path, YAML).running() as server:
        yield server


@pytest.fixture
async def entry(hass: HomeAssistant, enable_custom_integrations: None, server: Herald) -> MockConfigEntry:
    entry = await paired(hass, server)
    await following(entry)
    return entry


@pytest.fixture
async def told(entry: MockConfigEntry) -> Told:
    return Told(entry)


@pytest.fixture
async def player(entry: MockConfigEntry, hass_client_no_auth: ClientSessionGenerator) -> Any:
    """Knows nothing but the address."""
    return await hass_client_no_auth()


@pytest.fixture
def stream(hass: HomeAssistant, entry: MockConfigEntry) -> Stream:
    """Longer than any test."""
    return made(hass, entry, LONG)


def made(hass: HomeAssistant, entry: MockConfigEntry, text: str = TEXT, **order: Any) -> Stream:
    wanted = {"format": "MP3", "rate": 44_100, "pace": 0.5, **order}
    return Stream(hass, entry.runtime_data, text, Order(**wanted), targets=(TARGET,))


async def ended(stream: Stream) -> End:
    async with asyncio.timeout(PATIENCE):
        return await stream.ended


async def read(stream: Stream, audio: float) -> AsyncGenerator[bytes]:
    """Somebody who has read so many seconds, and is still at it."""
    reading = stream.read()
    async with asyncio.timeout(PATIENCE):
        async for _ in reading:
            if stream.seconds >= audio:
                break
    return reading


async def begun(player: Any, stream: Stream) -> Any:
    """A player that is at it."""
    response = await player.get(stream.url)
    assert response.status == HTTPStatus.OK
    await response.content.readexactly(100)
    return response


async def test_a_player_hears_it_by_its_address(hass: HomeAssistant, entry: MockConfigEntry, player: Any, told: Told) -> None:
    stream = made(hass, entry)
    assert not stream.was_fetched
    response = await player.get(stream.url)
    assert (response.status, response.content_type) == (HTTPStatus.OK, "audio/mpeg")
    assert response.headers["Cache-Control"] == "no-store"
    assert "Content-Length" not in response.headers
    assert seconds(await response.read()) == pytest.approx(LENGTH, abs=0.15)
    assert await ended(stream) == End(outcome=Outcome.COMPLETED)
    assert await stream.fetched(0)
    assert stream.seconds == pytest.approx(LENGTH, abs=0.15)
    assert stream.first_audio is not None
    assert stream.first_audio_ms is not None
    await told.until(lambda told: told.ended)
    assert told.ended[0].id == stream.session_id


@pytest.mark.parametrize("form", ["MP3", "MKA"])
async def test_its_first_audio_is_no_mere_header(hass: HomeAssistant, entry: MockConfigEntry, form: str) -> None:
    stream = made(hass, entry, format=form, voice="thinks/tone")
    async with aclosing(await read(stream, 0.1)):
        assert stream.first_audio_ms is not None
        assert stream.first_audio_ms >= 500
        await stream.interrupt()


async def test_a_player_that_is_slow_at_its_end_hears_all_of_it(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    stream = made(hass, entry, pace=None)
    slow = stream.read()
    heard = [await anext(slow)]
    await ended(stream)
    await stream.interrupt()
    heard += [piece async for piece in slow]
    assert seconds(b"".join(heard)) == pytest.approx(LENGTH, abs=0.15)


async def test_a_player_that_comes_again_hears_all_of_it_and_nobody_speaks_twice(
    hass: HomeAssistant, entry: MockConfigEntry, player: Any, told: Told
) -> None:
    stream = made(hass, entry, TEXT * 5)
    early = await begun(player, stream)
    again = await player.get(stream.url)
    audio = await again.read()
    assert seconds(audio) == pytest.approx(5 * LENGTH, abs=0.15)
    assert (await early.read()) == audio[100:]
    assert await (await player.get(stream.url)).read() == audio, "also when it has ended"
    await told.until(lambda told: told.ended)
    assert len(told.started) == 1


async def test_two_at_once_hear_the_same(hass: HomeAssistant, entry: MockConfigEntry, player: Any) -> None:
    stream = made(hass, entry)
    responses = [await player.get(stream.url) for _ in range(2)]
    first, second = [await response.read() for response in responses]
    assert first == second
    assert first


async def test_an_engine_that_is_slower_than_speech_is_heard_as_late_as_it_comes(
    hass: HomeAssistant, entry: MockConfigEntry, player: Any
) -> None:
    stream = made(hass, entry, voice="halting/tone")
    await (await player.get(stream.url)).read()
    assert stream.first_audio is not None
    assert stream.heard_at - stream.first_audio > 1.5 * LENGTH


async def test_whoever_comes_again_hears_it_so_much_later(hass: HomeAssistant, entry: MockConfigEntry, player: Any) -> None:
    stream = made(hass, entry, pace=None)
    await (await player.get(stream.url)).read()
    await ended(stream)
    again = hass.loop.time()
    await (await player.get(stream.url)).read()
    assert stream.heard_at >= again + stream.seconds
    assert stream.is_heard


async def test_a_head_tells_what_it_would_be_and_lets_nobody_speak(player: Any, stream: Stream) -> None:
    response = await player.head(stream.url)
    assert (response.status, response.content_type) == (HTTPStatus.OK, "audio/mpeg")
    assert not stream.was_fetched
    assert not await stream.fetched(0.01), "nobody came"
    assert stream.first_audio is None
    await stream.interrupt()


@pytest.mark.parametrize("part", ["bytes=0-", "bytes=100-", "bytes=0-1"])
async def test_a_part_that_is_asked_for_is_all_of_it(hass: HomeAssistant, entry: MockConfigEntry, player: Any, part: str) -> None:
    stream = made(hass, entry)
    response = await player.get(stream.url, headers={"Range": part})
    assert response.status == HTTPStatus.OK
    assert seconds(await response.read()) == pytest.approx(LENGTH, abs=0.15)


async def test_an_address_is_good_as_long_as_somebody_has_the_stream(
    hass: HomeAssistant, entry: MockConfigEntry, player: Any
) -> None:
    stream = made(hass, entry)
    url = stream.url
    assert (await player.head(url)).status == HTTPStatus.OK
    del stream
    gc.collect()
    for method in ("GET", "HEAD"):
        assert (await player.request(method, url)).status == HTTPStatus.NOT_FOUND


async def test_an_address_that_nobody_was_given_is_nothing(player: Any) -> None:
    for method in ("GET", "HEAD"):
        assert (await player.request(method, streams.path("x" * 32))).status == HTTPStatus.NOT_FOUND


async def test_a_player_that_hangs_up_ends_it_after_a_moment(
    hass: HomeAssistant, player: Any, stream: Stream, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "GRACE", 0.2)
    response = await begun(player, stream)
    before = hass.loop.time()
    response.close()
    assert await ended(stream) == End(outcome=Outcome.LEFT)
    assert hass.loop.time() - before >= 0.2
    assert (await player.get(stream.url)).status == HTTPStatus.NOT_FOUND
    await told.until(lambda told: told.ended)
    assert told.ended[0].outcome in (Outcome.LEFT, Outcome.INTERRUPTED)
    assert told.ended[0].audio_seconds < 30, "all of it would be 80 seconds"


async def test_a_connection_that_is_closing_is_no_error_of_ours(
    player: Any, stream: Stream, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(streams, "GRACE", 0.0)

    async def write(response: web.StreamResponse, data: bytes) -> None:
        raise ClientConnectionResetError

    monkeypatch.setattr(web.StreamResponse, "write", write)
    response = await player.get(stream.url)
    assert await ended(stream) == End(outcome=Outcome.LEFT)
    response.close()
    assert "Error handling request" not in caplog.text


async def test_a_player_that_comes_back_in_time_ends_nothing(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "GRACE", 600)
    reading = await read(stream, 0.1)
    assert stream.is_heard
    await reading.aclose()
    assert not stream.is_heard
    async with aclosing(await read(stream, 0.1)):
        assert stream.is_heard
        await stream.interrupt()  # nothing else would: a timer that is left fails the test


async def test_an_interrupt_before_anybody_comes_asks_the_server_nothing(
    hass: HomeAssistant, entry: MockConfigEntry, player: Any, stream: Stream, told: Told
) -> None:
    await stream.interrupt()
    await stream.interrupt()
    assert await ended(stream) == End(outcome=Outcome.INTERRUPTED)
    assert (await player.get(stream.url)).status == HTTPStatus.NOT_FOUND
    stream.start()
    other = made(hass, entry)
    await (await player.get(other.url)).read()
    await told.until(lambda told: told.ended)
    assert [session.id for session in told.started] == [other.session_id]


async def test_an_interrupt_before_the_first_sound_is_a_file_without_a_sound(
    hass: HomeAssistant, entry: MockConfigEntry, player: Any, told: Told
) -> None:
    stream = made(hass, entry, voice="slow/tone")
    waiting = asyncio.create_task(player.get(stream.url))
    await told.until(lambda told: told.started)
    await asyncio.gather(stream.interrupt(), stream.interrupt())
    response = await waiting
    assert response.status == HTTPStatus.OK
    await response.read()
    assert await ended(stream) == End(outcome=Outcome.INTERRUPTED)
    await told.until(lambda told: told.ended)
    assert (told.ended[0].outcome, told.ended[0].audio_seconds) == (Outcome.INTERRUPTED, 0)


async def test_an_interrupt_ends_it_for_every_reader_at_once_and_leaves_a_whole_file(
    player: Any, stream: Stream, told: Told
) -> None:
    responses = [await begun(player, stream) for _ in range(3)]
    await stream.interrupt()
    assert stream.ended.done(), "when it returns"
    bodies = [await response.read() for response in responses]
    assert bodies[0] == bodies[1] == bodies[2], "with the fade at its end"
    await told.until(lambda told: told.ended)
    assert told.ended[0].outcome is Outcome.INTERRUPTED
    assert told.ended[0].audio_seconds < 15
    assert (await player.get(stream.url)).status == HTTPStatus.NOT_FOUND, "nobody hears its beginning again"


async def test_a_reader_that_is_behind_is_not_given_what_it_missed(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    stream = made(hass, entry, LONG, pace=10.0)
    reading = stream.read()
    heard = len(await anext(reading))
    async with aclosing(await read(stream, 5.0)):
        await stream.interrupt()
    heard += sum([len(piece) async for piece in reading])
    assert heard * 5 < stream.seconds * 8000, "it is of 64 kbit/s"


async def test_a_server_that_is_lost_keeps_no_reader_waiting(player: Any, stream: Stream, server: Herald) -> None:
    response = await begun(player, stream)
    await server.stop(kill=True)
    assert await response.read()
    end = await ended(stream)
    assert end.outcome is Outcome.FAILED
    assert end.error is not None


async def test_a_failure_before_the_first_sound_is_an_error(
    hass: HomeAssistant, entry: MockConfigEntry, player: Any, caplog: pytest.LogCaptureFixture
) -> None:
    stream = made(hass, entry, voice="bad/tone", options={"fallback": False})
    for _ in range(2):
        response = await player.get(stream.url)
        assert (response.status, await response.read()) == (HTTPStatus.BAD_GATEWAY, b"")
    end = await ended(stream)
    assert end.outcome is Outcome.FAILED
    assert isinstance(end.error, Refused)
    assert f"for {TARGET} failed" in caplog.text
    assert TEXT not in "".join(record.getMessage() for record in caplog.records if record.levelname != "DEBUG")


async def test_one_that_fails_on_its_way_ends_there(hass: HomeAssistant, entry: MockConfigEntry, player: Any) -> None:
    stream = made(hass, entry, LONG, voice="late/tone", options={"fallback": False})
    response = await player.get(stream.url)
    assert response.status == HTTPStatus.OK
    assert 0.2 < seconds(await response.read()) < 1
    assert (await ended(stream)).outcome is Outcome.FAILED


async def test_whoever_else_spoke_is_told(hass: HomeAssistant, entry: MockConfigEntry, player: Any) -> None:
    stream = made(hass, entry, voice="is replaced")
    assert stream.voice == "is replaced"
    assert (await player.get(stream.url)).status == HTTPStatus.OK
    end = await ended(stream)
    assert end.notice is not None
    assert stream.voice == "tone/tone"


async def test_the_targets_are_known_while_it_is_spoken_and_not_after_it(
    hass: HomeAssistant, entry: MockConfigEntry, player: Any, stream: Stream, told: Told
) -> None:
    await begun(player, stream)
    assert entry.runtime_data.targets == {stream.session_id: (TARGET,)}
    await stream.interrupt()
    await told.until(lambda told: told.ended)
    await until(hass, lambda: not entry.runtime_data.targets)
    event = hass.states.get("event.herald_speech")
    assert event is not None
    assert event.attributes["targets"] == [TARGET]


async def test_the_targets_of_what_never_begins_make_room(
    hass: HomeAssistant, entry: MockConfigEntry, player: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "TARGETS_MAX", 2)
    refused = [made(hass, entry, voice="nobody") for _ in range(3)]
    for stream in refused:
        assert (await player.get(stream.url)).status == HTTPStatus.BAD_GATEWAY
    assert list(entry.runtime_data.targets) == [stream.session_id for stream in refused[1:]]


async def test_an_unload_ends_it(hass: HomeAssistant, entry: MockConfigEntry, player: Any, stream: Stream) -> None:
    response = await begun(player, stream)
    await hass.config_entries.async_unload(entry.entry_id)
    assert await response.read(), "and is a whole file"
    assert (await ended(stream)).outcome is Outcome.INTERRUPTED


async def test_a_server_that_is_not_set_up_is_a_failure(
    hass: HomeAssistant, entry: MockConfigEntry, player: Any, stream: Stream
) -> None:
    await hass.config_entries.async_unload(entry.entry_id)
    assert (await player.get(stream.url)).status == HTTPStatus.BAD_GATEWAY
    assert (await ended(stream)).outcome is Outcome.FAILED


async def test_whoever_gives_up_waiting_for_its_end_harms_nobody(stream: Stream) -> None:
    stream.ended.cancel()
    await stream.interrupt()
    assert await ended(stream) == End(outcome=Outcome.INTERRUPTED)


async def test_whoever_comes_when_the_beginning_is_forgotten_is_too_late(
    hass: HomeAssistant, entry: MockConfigEntry, player: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "KEPT_MAX", 3000)
    stream = made(hass, entry, LONG, pace=1.0)
    async with aclosing(await read(stream, 0.8)):
        late = await player.get(stream.url)
        assert await late.read() == b""
        await stream.interrupt()


# How long it plays


async def test_matroska_is_as_long_as_its_samples(hass: HomeAssistant, entry: MockConfigEntry, player: Any) -> None:
    stream = made(hass, entry, format="MKA", rate=22_050)
    audio = await (await player.get(stream.url)).read()
    with av.open(io.BytesIO(audio)) as file:
        assert "matroska" in file.format.name
    assert stream.seconds == pytest.approx(seconds(audio), abs=0.05)


@pytest.mark.parametrize("rate", [16_000, 22_050, 44_100, 48_000])
async def test_an_mp3_is_as_long_as_its_frames_say(hass: HomeAssistant, entry: MockConfigEntry, player: Any, rate: int) -> None:
    stream = made(hass, entry, TEXT * 3, rate=rate, pace=None)
    audio = await (await player.get(stream.url)).read()
    assert stream.seconds == pytest.approx(seconds(audio), abs=0.1)


def test_what_is_no_mp3_has_no_known_length() -> None:
    for beginning in (b"", b"\xff", b"\xff\xfb", b"\xff\xfb\xf0", b"\xff\xfb\x00", b"nothing of the kind"):
        assert bytes_per_second(Order(format="MP3"), beginning) is None
    assert bytes_per_second(Order(format="MKA"), b"") is None
