"""Replies that end before their text: by an interrupt, a failure, a server that is gone, a text that never ends. None is kept."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from homeassistant.config_entries import SOURCE_REAUTH
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import chat_session
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.herald.api import (
    Address,
    CannotConnect,
    Client,
    Interrupted,
    NotHerald,
    Order,
    Refused,
    Reply,
    TextTimeout,
    WrongToken,
)
from custom_components.herald.api import speech as api_speech
from custom_components.herald.speech.replies import Replies

from .listening import SPEAKER, fetched, nothing_is_kept, opened, settled, spoken, told
from .servers import Herald
from .speaking import PATIENCE, state_of, until

STALLING = """
engines:
  tone: {per_character: 0.02}
  espeak: {enabled: false}
voices:
  stalls: {engine: tone, voice: tone, stall_at: 0.5}
  fails: {engine: tone, voice: tone, fail_at: 0.5}
default_voice: tone/tone
"""
WAV = {"preferred_format": "wav"}
STALLS = {**WAV, "voice": "stalls"}
HEARD = 20_000
"""Bytes of the half second that is heard before it stalls, but not all of them."""


@pytest.fixture
async def server(socket_enabled: None, tmp_path: Path) -> AsyncIterator[Herald]:
    async with Herald(tmp_path, STALLING).running() as server:
        yield server


@pytest.fixture
async def client(hass: HomeAssistant, server: Herald) -> Client:
    """The API alone, without an entry."""
    return Client(async_get_clientsession(hass), Address(host="127.0.0.1", port=server.http_port), server.token)


async def fragments(*texts: str) -> AsyncGenerator[str]:
    for text in texts:
        yield text


async def without_end(*texts: str) -> AsyncGenerator[str]:
    """As a pipeline leaves its text after a barge-in."""
    for text in texts:
        yield text
    await asyncio.Event().wait()


async def heard(client: Client, text: AsyncGenerator[str], **order: Any) -> bytes:
    async with client.speak(Order(**order)) as reply:
        return b"".join([piece async for piece in reply.audio(text)])


async def interrupted(reply: Reply, text: AsyncGenerator[str], times: int = 1) -> None:
    """Listens, and interrupts it as soon as something is heard."""
    async for _ in reply.audio(text):
        for _ in range(times):
            await reply.interrupt()


async def speaks(server: Herald) -> list[str]:
    """Ids of the sessions that run there."""
    return [session["id"] for session in json.loads(await told(server, "GET", "/api/sessions"))["sessions"]]


async def silent(server: Herald) -> None:
    """Waits until nobody speaks there: an engine may take a moment to stop."""
    address = Address(host="127.0.0.1", port=server.http_port)
    async with asyncio.timeout(PATIENCE), aiohttp.ClientSession() as session:
        client = Client(session, address, server.token)
        async with aclosing(client.events()) as events:
            async for _ in events:
                if not await client.sessions():
                    return


@asynccontextmanager
async def mid_speech(
    hass: HomeAssistant, client: Any, entry: MockConfigEntry, text: str | AsyncGenerator[str] = "A" * 100
) -> AsyncIterator[str]:
    """A reply of which something was heard; behind the block it has ended, and is not kept. Its session id."""
    response = await opened(hass, client, text, STALLS)
    await response.content.readexactly(HEARD)
    (running,) = entry.runtime_data.replies
    yield running.session_id
    async with asyncio.timeout(PATIENCE):
        await response.read()  # whole, as far as players can tell
    await settled(hass)
    assert list(entry.runtime_data.replies) == []
    nothing_is_kept(hass)


# Through Home Assistant


async def test_whoever_has_the_session_ends_it_at_the_server(
    hass: HomeAssistant, server: Herald, entry: MockConfigEntry, hass_client_no_auth: ClientSessionGenerator
) -> None:
    async with mid_speech(hass, await hass_client_no_auth(), entry) as session_id:
        assert len(session_id) == 32
        assert await speaks(server) == [session_id]
        await told(server, "DELETE", f"/api/sessions/{session_id}")
    await silent(server)


async def test_the_registry_ends_it_and_tells_whose_it_is(
    hass: HomeAssistant,
    server: Herald,
    entry: MockConfigEntry,
    hass_client_no_auth: ClientSessionGenerator,
    caplog: pytest.LogCaptureFixture,
) -> None:
    client = await hass_client_no_auth()
    replies: Replies = entry.runtime_data.replies
    with chat_session.async_get_chat_session(hass, "a chat"):
        speaking = mid_speech(hass, client, entry)
        async with speaking as session_id:
            running = replies.get(session_id)
            assert running is not None
            assert (running.entity_id, running.voice, running.conversation_id) == (SPEAKER, "stalls", "a chat")
            assert await replies.interrupt(lambda one: one.entity_id != SPEAKER) == 0
            assert await replies.interrupt(lambda one: one.conversation_id == "a chat") == 1
    await silent(server)
    assert "The speech was interrupted" in caplog.text
    assert await replies.interrupt() == 0


async def test_a_reload_interrupts_what_is_spoken(
    hass: HomeAssistant, server: Herald, entry: MockConfigEntry, hass_client_no_auth: ClientSessionGenerator
) -> None:
    client = await hass_client_no_auth()
    async with mid_speech(hass, client, entry):
        assert await hass.config_entries.async_reload(entry.entry_id)
    await silent(server)
    _, body = await fetched(hass, client, "Dinner is ready.", WAV)
    assert body == await spoken(server, "Dinner is ready.", format="wav")


async def test_a_server_that_is_killed_ends_it(
    hass: HomeAssistant, server: Herald, entry: MockConfigEntry, hass_client_no_auth: ClientSessionGenerator
) -> None:
    async with mid_speech(hass, await hass_client_no_auth(), entry):
        await server.stop(kill=True)


async def test_a_server_that_restarts_ends_it_and_speaks_again(
    hass: HomeAssistant,
    server: Herald,
    entry: MockConfigEntry,
    hass_client_no_auth: ClientSessionGenerator,
    caplog: pytest.LogCaptureFixture,
) -> None:
    client = await hass_client_no_auth()
    async with mid_speech(hass, client, entry):
        await server.stop()
        await until(hass, lambda: state_of(hass, SPEAKER) == STATE_UNAVAILABLE)
    status, _ = await fetched(hass, client, "Dinner is ready.", WAV)
    assert status == HTTPStatus.INTERNAL_SERVER_ERROR
    await server.start()
    await until(hass, lambda: state_of(hass, SPEAKER) != STATE_UNAVAILABLE)
    _, body = await fetched(hass, client, "Dinner is ready.", WAV)
    assert body == await spoken(server, "Dinner is ready.", format="wav")
    gone = [record for record in caplog.records if "Error requesting" in record.message]
    back = [record for record in caplog.records if "recovered" in record.message]
    assert (len(gone), len(back)) == (1, 1)


async def test_a_token_that_a_reply_shows_to_be_wrong_is_asked_for_anew(
    hass: HomeAssistant, entry: MockConfigEntry, hass_client_no_auth: ClientSessionGenerator
) -> None:
    coordinator = entry.runtime_data
    coordinator.client._token = "another"  # noqa: SLF001
    coordinator.client.distrust()
    status, _ = await fetched(hass, await hass_client_no_auth(), "Dinner is ready.")
    assert status == HTTPStatus.INTERNAL_SERVER_ERROR
    assert [flow["context"]["source"] for flow in hass.config_entries.flow.async_progress()] == [SOURCE_REAUTH]
    nothing_is_kept(hass)


async def test_an_engine_that_fails_midway_leaves_nothing(
    hass: HomeAssistant, entry: MockConfigEntry, hass_client_no_auth: ClientSessionGenerator
) -> None:
    client = await hass_client_no_auth()
    status, body = await fetched(hass, client, "A" * 100, {**WAV, "voice": "fails"})
    assert status == HTTPStatus.OK
    assert len(body) > HEARD
    nothing_is_kept(hass)


async def test_a_text_that_was_left_after_a_barge_in_frees_the_server(  # noqa: PLR0913, PLR0917  # fixtures
    hass: HomeAssistant,
    server: Herald,
    entry: MockConfigEntry,
    hass_client_no_auth: ClientSessionGenerator,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(api_speech, "TEXT_TIMEOUT", 1.0)
    client = await hass_client_no_auth()
    status, body = await fetched(hass, client, without_end("A first sentence. ", "And"), WAV)
    assert status == HTTPStatus.OK
    assert body
    assert "The text to speak did not go on" in caplog.text
    assert list(entry.runtime_data.replies) == []
    nothing_is_kept(hass)
    await silent(server)


async def test_a_player_that_hangs_up_ends_nothing_and_an_interrupt_does(
    hass: HomeAssistant, server: Herald, entry: MockConfigEntry, hass_client_no_auth: ClientSessionGenerator
) -> None:
    client = await hass_client_no_auth()
    response = await opened(hass, client, "A" * 100, STALLS)
    await response.content.readexactly(HEARD)
    response.close()
    assert len(await speaks(server)) == 1  # nobody tells the entity
    assert await entry.runtime_data.replies.interrupt() == 1
    await settled(hass)
    await silent(server)
    nothing_is_kept(hass)


# The API alone


async def test_a_reply_is_the_servers_own_bytes(server: Herald, client: Client) -> None:
    audio = await heard(client, fragments("Dinner ", "is", "", " ready."), format="WAV")
    assert audio == await spoken(server, "Dinner is ready.", format="wav")


async def test_an_interrupt_ends_a_reply_and_twice_is_fine(server: Herald, client: Client) -> None:
    async with asyncio.timeout(PATIENCE), client.speak(Order(voice="stalls", format="WAV")) as reply:
        with pytest.raises(Interrupted):
            await interrupted(reply, fragments("A" * 100), times=2)
    await silent(server)


async def test_an_interrupt_before_the_connection_costs_nothing(server: Herald, client: Client) -> None:
    reply = client.speak(Order(voice="stalls"))
    await reply.interrupt()
    with pytest.raises(Interrupted):
        async with reply:
            _ = [piece async for piece in reply.audio(fragments("Hello."))]
    assert json.loads(await told(server, "GET", "/api/usage"))["engines"] == {}


async def test_an_interrupt_of_a_text_that_is_still_written_waits_for_nobody(server: Herald, client: Client) -> None:
    async with asyncio.timeout(PATIENCE), client.speak(Order()) as reply:
        with pytest.raises(Interrupted):
            await interrupted(reply, without_end("A first sentence. "))
    await silent(server)


async def test_a_server_that_does_not_answer_an_interrupt_is_not_waited_for(
    server: Herald, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_speech.Reply, "_message", _no_cancel(api_speech.Reply._message))  # noqa: SLF001
    async with asyncio.timeout(PATIENCE), client.speak(Order(voice="stalls")) as reply:
        with pytest.raises(Interrupted):
            await interrupted(reply, fragments("A" * 100))
    await silent(server)


def _no_cancel(message: Callable[..., str]) -> Callable[..., str]:
    def other(self: api_speech.Reply, name: str, payload: dict[str, Any] | None = None) -> str:
        return message(self, "Nothing" if name == "CancelSynthesis" else name, payload)

    return other


async def test_leaving_the_block_is_an_interrupt(server: Herald, client: Client) -> None:
    async with client.speak(Order(voice="stalls")) as reply:
        audio = reply.audio(fragments("A" * 100))
        await anext(audio)
        await audio.aclose()
    await silent(server)
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "text of a reply"]


async def test_a_cancelled_listener_leaves_nothing(server: Herald, client: Client) -> None:
    first = asyncio.Event()

    async def listen() -> None:
        async with client.speak(Order(voice="stalls")) as reply:
            async for _ in reply.audio(without_end("A" * 100 + ". ")):
                first.set()

    task = asyncio.create_task(listen())
    async with asyncio.timeout(PATIENCE):
        await first.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await silent(server)
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "text of a reply"]


async def test_a_text_that_fails_fails_the_reply_in_its_own_words(server: Herald, client: Client) -> None:
    async def text(error: BaseException) -> AsyncGenerator[str]:
        yield "A first sentence. "
        raise error

    for error in (ValueError("a defect"), TimeoutError("of the model"), RuntimeError("no model")):
        with pytest.raises(type(error), match=str(error)):
            await heard(client, text(error))
    with pytest.raises(TextTimeout, match="abandoned"):  # no cancellation of whoever listens
        await heard(client, text(asyncio.CancelledError()))
    await silent(server)


async def test_a_text_that_is_too_long_is_told_with_both_numbers(client: Client) -> None:
    with pytest.raises(Refused, match="50000") as caught:
        await heard(client, fragments("A" * 2_000_000))
    assert caught.value.code == "text_too_long"


async def test_what_the_server_refuses_has_its_code(client: Client) -> None:
    for order, code in (
        ({"voice": "nobody"}, "unknown_voice"),
        ({"options": {"speed": 9}}, "bad_setting"),
        ({"pace": -1}, "bad_setting"),
    ):
        with pytest.raises(Refused) as caught:
            await heard(client, fragments("Hello."), **order)
        assert caught.value.code == code


async def test_a_wrong_token_is_told_as_one(server: Herald) -> None:
    address = Address(host="127.0.0.1", port=server.http_port)
    stranger = {"X-Forwarded-For": "192.0.2.7"}  # from here, nobody needs a token
    async with aiohttp.ClientSession(headers=stranger) as session:
        with pytest.raises(WrongToken):
            await heard(Client(session, address, "wrong"), fragments("Hello."))


async def test_nobody_there_is_told_at_once(hass: HomeAssistant, server: Herald, client: Client) -> None:
    await server.stop()
    with pytest.raises(CannotConnect):
        await heard(client, fragments("Hello."))


@pytest.mark.parametrize("answer", [[], {}, {"header": {}}, {"header": {"name": "TaskFailed"}}, {"header": 1, "payload": 2}])
async def test_what_answers_nonsense_is_no_herald(hass: HomeAssistant, answer: object) -> None:
    client = Client(async_get_clientsession(hass), Address(host="127.0.0.1"), "a token")
    with pytest.raises(NotHerald):
        client.speak(Order())._ended(answer)  # noqa: SLF001
