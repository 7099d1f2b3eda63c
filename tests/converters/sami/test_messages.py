"""Every message is looked at for audio first, whatever else it says: transcripts of a service that a test plays itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TypeAlias

import pytest
from websockets.asyncio.server import ServerConnection, serve

from wyoming_server.converters.sami.converter import SamiConverter
from wyoming_server.errors import EngineError, EngineUnavailable
from wyoming_server.protocols.sami import AUDIO_MAX, Audio, Event, Finish, ServerMessage, Told, decode_client, encode_server

from ...writing import written
from ..speech import Listener
from .converting import KEYS, conversion, made, pcm

pytestmark = pytest.mark.usefixtures("nothing_is_left")

A, B, C, D = (bytes([letter]) * 480 for letter in b"abcd")
Messages: TypeAlias = Sequence[ServerMessage]
STARTED, FINISHED = Told(event=Event.STARTED), Told(event=Event.FINISHED)


@asynccontextmanager
async def playing(first: Messages, last: Messages) -> AsyncIterator[SamiConverter]:
    """A converter at a service that says `first` when a task is asked for, and `last` when all speech has come; then it goes."""

    async def talk(connection: ServerConnection) -> None:
        decode_client(await connection.recv())
        for message in first:
            await connection.send(encode_server(message))
        while not isinstance(decode_client(await connection.recv()), Finish):
            pass
        for message in last:
            await connection.send(encode_server(message))

    async with (
        serve(talk, "127.0.0.1", 0) as server,
        made(url=f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", **KEYS) as converter,
    ):
        yield converter


async def heard(converter: SamiConverter, error: type[EngineError] | None = None, words: str = "") -> bytes:
    listener = Listener(converter, written(pcm(0.1)), conversion())
    if error is None:
        return await listener.end()
    with pytest.raises(error, match=words):
        await listener.end()
    return bytes(listener.audio)


async def test_audio_with_the_beginning_and_the_end_is_heard() -> None:
    first: Messages = [Audio(data=A), Told(event=Event.STARTED, data=B)]
    async with playing(first, [Told(data=C), Told(event=Event.FINISHED, data=D)]) as converter:
        assert await heard(converter) == A + B + C + D


async def test_audio_with_a_failure_is_heard() -> None:
    last: Messages = [Audio(data=A), Told(event=Event.FAILED, status_code=50_000_000, data=B)]
    async with playing([STARTED], last) as converter:
        assert await heard(converter, EngineUnavailable, "failed inside") == A + B


async def test_audio_with_a_bad_status_is_heard() -> None:
    async with playing([STARTED], [Told(event=Event.FINISHED, status_code=40_000_013, data=A)]) as converter:
        assert await heard(converter, EngineError, "more audio than the service takes") == A


async def test_a_status_that_is_zero_is_good() -> None:
    async with playing([STARTED], [Told(event=Event.FINISHED, status_code=0, data=A)]) as converter:
        assert await heard(converter) == A


async def test_samples_that_are_cut_by_messages_of_any_kind_are_whole() -> None:
    pieces = [A[:1], A[1:4], A[4:7], A[7:]]
    first = [Told(event=Event.STARTED, data=pieces[0])]
    last: Messages = [Audio(data=pieces[1]), Told(data=pieces[2]), Told(event=Event.FINISHED, data=pieces[3])]
    async with playing(first, last) as converter:
        assert await heard(converter) == A


async def test_a_second_beginning_is_nothing() -> None:
    async with playing([STARTED, STARTED], [STARTED, Told(event=Event.FINISHED, data=A)]) as converter:
        assert await heard(converter) == A


async def test_what_comes_after_the_end_is_not_heard() -> None:
    async with playing([STARTED], [Audio(data=A), FINISHED, Audio(data=B)]) as converter:
        assert await heard(converter) == A


async def test_an_end_without_a_word_is_no_end() -> None:
    async with playing([STARTED], [Audio(data=A)]) as converter:
        assert await heard(converter, EngineUnavailable, "The speech is not complete") == A


async def test_a_flood_before_the_beginning_is_refused_with_both_numbers() -> None:
    async with playing([Audio(data=bytes(AUDIO_MAX)), Audio(data=bytes(2))], []) as converter:
        assert await heard(converter, EngineError, f"{AUDIO_MAX + 2} bytes.*{AUDIO_MAX} are allowed") == b""
