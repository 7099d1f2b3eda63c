"""Whoever leaves is gone at once, at every moment, and so is the task at the service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from wyoming_server.errors import EngineUnavailable
from wyoming_server.upstream.websocket import Lost

from ...standstill import awake
from ...writing import Writer
from ..speech import Listener, converted
from .converting import Fault, at, conversion, other, pcm

pytestmark = pytest.mark.usefixtures("nothing_is_left")

QUICK = 0.05
"""Seconds for what takes a millisecond, on a machine that has other things to do."""


@pytest.mark.parametrize("moment", ["handshake", "start", "started", "audio", "finish"])
async def test_an_interrupt_reaches_the_service_at_once(moment: str) -> None:
    stalls = {"handshake": "handshake", "start": "start", "started": "started", "audio": "output", "finish": "end"}
    async with at(Fault(kind="stall", on=stalls[moment])) as (service, converter):  # type: ignore[arg-type]  # of the table
        writer = Writer(pcm())
        if moment == "finish":
            writer.end()
        listener = Listener(converter, writer, conversion())
        await service.saw(moment)  # type: ignore[arg-type]
        begun = awake()
        assert await listener.stop() < QUICK
        if moment != "handshake":
            await service.saw("closed")
            assert awake() - begun < QUICK
        service.faults.go_on()
        assert await converted(converter, pcm(), conversion=conversion()) == other(pcm())


async def test_closing_the_generator_is_as_good() -> None:
    async with at() as (service, converter):
        async with aclosing(converter.convert(Writer(pcm()), conversion())) as pieces:
            assert await anext(pieces)
            begun = awake()
        await service.saw("closed")
        assert awake() - begun < QUICK
        assert service.tasks[0].end == "left"


async def test_whoever_makes_the_speech_is_told_too() -> None:
    ended = asyncio.Event()

    async def thinking() -> AsyncIterator[bytes]:
        try:
            yield pcm()
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with at() as (_, converter):
        listener = Listener(converter, thinking(), conversion())
        await listener.until_audio()
        await listener.stop()
        assert ended.is_set()


async def test_nothing_goes_up_after_an_interrupt() -> None:
    async with at(converter={"window": 0.3}) as (service, converter):
        writer = Writer(pcm(), pcm())
        listener = Listener(converter, writer, conversion())
        await listener.until_audio()
        await listener.stop()
        await service.saw("closed")
        count = len(service.all("audio"))
        writer.write(pcm())
        await asyncio.sleep(0)
        assert len(service.all("audio")) == count
        assert not service.all("finish")


async def test_a_service_that_does_not_answer_our_close_keeps_nobody() -> None:
    async with at(Fault(kind="stall", on="input")) as (service, converter):
        listener = Listener(converter, Writer(pcm()), conversion())
        await service.saw("fault")
        assert await listener.stop() < QUICK
        service.faults.go_on()


@pytest.mark.parametrize("moment", ["start", "audio"])
async def test_closing_the_converter_ends_what_runs(moment: str) -> None:
    async with at(Fault(kind="stall", on="output"), latency=0.02) as (service, converter):
        listener = Listener(converter, Writer(pcm()), conversion())
        await service.saw(moment)  # type: ignore[arg-type]
        async with asyncio.timeout(5):
            await converter.aclose()
            with pytest.raises(EngineUnavailable, match="closed"):
                await listener.end()
        await service.saw("closed")


# What is wrong with the speech


class NoMoreSpeechError(Exception):
    pass


@pytest.mark.parametrize("on", ["handshake", "start", "input", "output"])
async def test_an_error_of_the_speech_comes_out_at_once_whatever_the_service_does(on: str) -> None:
    async with at(Fault(kind="stall", on=on)) as (service, converter):  # type: ignore[arg-type]
        writer = Writer(pcm())
        listener = Listener(converter, writer, conversion())
        await service.saw("handshake" if on == "handshake" else "fault")
        error = NoMoreSpeechError()
        writer.end(error)
        begun = awake()
        if on in ("input", "output"):  # speech is read on only where it can be sent
            with pytest.raises(NoMoreSpeechError) as raised:
                await listener.end()
            assert raised.value is error
            assert awake() - begun < QUICK
        else:
            service.faults.go_on()
            with pytest.raises(NoMoreSpeechError):
                await listener.end()


async def test_an_error_before_any_speech_needs_no_service() -> None:
    async with at(Fault(kind="stall", on="handshake")) as (service, converter):
        writer = Writer[bytes]()
        listener = Listener(converter, writer, conversion())
        await service.saw("handshake")
        writer.end(NoMoreSpeechError())
        with pytest.raises(NoMoreSpeechError):
            await listener.end()
        service.faults.go_on()


async def test_a_cancellation_of_the_speech_comes_out_as_one() -> None:
    async with at() as (service, converter):
        writer = Writer(pcm())
        listener = Listener(converter, writer, conversion())
        await listener.until_audio()
        writer.end(asyncio.CancelledError())
        with pytest.raises(asyncio.CancelledError):
            await listener.end()
        await service.saw("closed")


async def test_what_came_before_the_error_is_heard() -> None:
    async with at(piece=0) as (_, converter):
        writer = Writer(pcm(0.2))
        listener = Listener(converter, writer, conversion())
        await listener.until(6400)
        writer.end(NoMoreSpeechError())
        with pytest.raises(NoMoreSpeechError):
            await listener.end()
        assert listener.audio == other(pcm(0.2))


async def test_an_engine_that_lost_its_own_connection_is_told_as_that() -> None:
    async with at() as (_, converter):
        writer = Writer(pcm())
        listener = Listener(converter, writer, conversion())
        await listener.until_audio()
        error = Lost("The engine closed the connection.")
        writer.end(error)
        with pytest.raises(Lost) as raised:
            await listener.end()
        assert raised.value is error
