"""A server that is paired, and does what no Herald does: it costs a bounded amount, and is told as what it is."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from math import inf
from typing import Any

import pytest
from aiohttp import web
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession

from custom_components.herald.api import Address, CannotConnect, Client, NotHerald, Order, WrongToken
from custom_components.herald.api import speech as api_speech

from .speaking import PATIENCE
from .strangers import Stranger, impostor

pytestmark = pytest.mark.usefixtures("socket_enabled")
TOKEN = "a token of forty characters, more or less"
ID = "ff" * 16
NESTED = "[" * 200_000
NOTHING: dict[str, Any] = {"engines": {}}
MONTH = {**NOTHING, "ends": "2026-12-01T00:00:00+00:00"}

type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Hostile(Stranger):
    """It knows the token; what it does then is `handlers`', by path."""

    def __init__(self, handlers: dict[str, Handler]) -> None:
        super().__init__({"/api/pairing": _proof})
        self._handlers = handlers

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        handler = self._handlers.get(request.path)
        return await handler(request) if handler is not None else await super()._answer(request)


def client_of(hass: HomeAssistant, server: Stranger) -> Client:
    return Client(async_get_clientsession(hass), Address(host="127.0.0.1", port=server.port), TOKEN, server_id=ID)


def _proof(request: web.Request) -> dict[str, str]:
    message = f"herald-pairing:{ID}:{request.query['nonce']}"
    return {"id": ID, "version": "0.1.0", "proof": hmac.new(TOKEN.encode(), message.encode(), hashlib.sha256).hexdigest()}


def told(body: str) -> Handler:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(text=body, content_type="application/json")

    return answer


def streamed(*pieces: bytes, status: int = 200, kind: str = "text/event-stream") -> Handler:
    """And the last of them for ever."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=status, headers={"Content-Type": kind})
        await response.prepare(request)
        for piece in pieces[:-1]:
            await response.write(piece)
        while True:
            await response.write(pieces[-1])
            await asyncio.sleep(0)

    return answer


def spoken(text: str = "", audio: bytes = b"") -> Handler:
    """A reply of these, for ever."""

    async def answer(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        with suppress(ConnectionError):
            while not socket.closed:
                if text:
                    await socket.send_str(text)
                if audio:
                    await socket.send_bytes(audio)
                await asyncio.sleep(0)
        return socket

    return answer


async def fragments(*texts: str) -> AsyncGenerator[str]:
    for one in texts:
        yield one


async def all_events(client: Client) -> None:
    async with aclosing(client.events()) as events:
        async for _ in events:
            pass


async def all_audio(client: Client, **order: Any) -> None:
    async with client.speak(Order(**order)) as reply:
        async for _ in reply.audio(fragments("Dinner is ready.")):
            pass


# Answers


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(NESTED, id="nested"),
        pytest.param(json.dumps({"today": {"engines": []}, "month": MONTH}), id="a list"),
        pytest.param(json.dumps({"today": {"engines": {"a": {"characters": inf, "limit": None}}}, "month": MONTH}), id="endless"),
        pytest.param(json.dumps({"today": NOTHING, "month": {**MONTH, "ends": "2026-12-01T00:00:00"}}), id="somewhere's time"),
    ],
)
async def test_an_answer_that_makes_no_sense_is_no_heralds(hass: HomeAssistant, body: str) -> None:
    async with Hostile({"/api/usage": told(body)}).running() as server:
        with pytest.raises(NotHerald):
            await client_of(hass, server).usage()


async def test_a_stranger_may_nest_what_it_likes(hass: HomeAssistant) -> None:
    async with Hostile({"/api/pairing": told(NESTED)}).running() as server:
        with pytest.raises(NotHerald):
            await client_of(hass, server).connect()


async def test_a_count_that_is_none_counts_nobody(hass: HomeAssistant) -> None:
    async with Hostile({"/api/sessions": told('{"interrupted": "many"}')}).running() as server:
        assert await client_of(hass, server).interrupt_all() == 0


# Events


@pytest.mark.parametrize(
    "events",
    [
        pytest.param([b"event: voices\n", b"data: " + b"x" * 1_000], id="one line"),
        pytest.param([b"event: voices\n", b"data: " + b"x" * 1_000 + b"\n"], id="many lines"),
        pytest.param([b"event: voices\n", b"data: " + NESTED.encode()[:100_000] + b"\n", b"\n"], id="nested"),
    ],
)
async def test_an_event_without_end_is_no_heralds(hass: HomeAssistant, events: list[bytes]) -> None:
    async with Hostile({"/api/events": streamed(*events)}).running() as server:
        with pytest.raises(NotHerald):
            async with asyncio.timeout(PATIENCE):
                await all_events(client_of(hass, server))


async def test_why_there_are_no_events_is_read_to_its_end(hass: HomeAssistant) -> None:
    async def refused(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=401, headers={"Content-Type": "application/json"})
        await response.prepare(request)
        await response.write(b'{"code": "token_required", ')
        await asyncio.sleep(0.05)  # on a wire of its own
        await response.write(b'"message": "Who are you?"}')
        return response

    async with Hostile({"/api/events": refused}).running() as server:
        with pytest.raises(WrongToken, match="Who are you"):
            await all_events(client_of(hass, server))


# Speech


async def test_speech_without_end_ends(hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_speech, "AUDIO_MAX", 1_000_000)
    async with Hostile({"/ws/v1/tts": spoken(audio=bytes(50_000))}).running() as server:
        with pytest.raises(NotHerald, match="1000000 bytes"):
            async with asyncio.timeout(PATIENCE):  # nor does it end only when the server has said all
                await all_audio(client_of(hass, server))


async def test_words_that_nest_are_no_heralds(hass: HomeAssistant) -> None:
    async with Hostile({"/ws/v1/tts": spoken(text=NESTED)}).running() as server:
        with pytest.raises(NotHerald):
            await all_audio(client_of(hass, server))


async def test_no_text_goes_where_speech_is_sent_on_to(hass: HomeAssistant) -> None:
    heard: list[str] = []

    async def listening(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        heard.extend([str(message.data) async for message in socket])
        return socket

    async with Hostile({"/elsewhere": listening}).running() as other:

        async def elsewhere(_: web.Request) -> web.StreamResponse:
            raise web.HTTPTemporaryRedirect(f"http://127.0.0.1:{other.port}/elsewhere")

        async with Hostile({"/ws/v1/tts": elsewhere}).running() as server:
            with pytest.raises(NotHerald):
                await all_audio(client_of(hass, server))
    assert heard == []


async def test_a_server_that_is_lost_by_a_reply_proves_who_it_is_before_it_is_told_the_token_again(hass: HomeAssistant) -> None:
    async with Hostile({"/api/sessions": told('{"interrupted": 0}')}).running() as server:
        client = client_of(hass, server)
        await client.interrupt_all()
    with pytest.raises(CannotConnect):
        await all_audio(client)
    async with impostor(ID).running(server.port) as stranger:
        with pytest.raises(WrongToken):
            await client.interrupt_all()
    assert not stranger.has_heard(TOKEN)


async def test_so_does_one_that_is_lost_amid_it(hass: HomeAssistant) -> None:
    async def dies(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive()
        assert request.transport is not None
        request.transport.abort()
        return socket

    async with Hostile({"/ws/v1/tts": dies}).running() as server:
        client = client_of(hass, server)
        with pytest.raises(CannotConnect):
            await all_audio(client)
    async with impostor(ID).running(server.port) as stranger:
        with pytest.raises(WrongToken):
            await client.interrupt_all()
    assert not stranger.has_heard(TOKEN)
