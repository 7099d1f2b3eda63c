"""What both do with a reply: text goes up as it comes, an interrupt is seen at once, and what may help is tried again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from wyoming_server.engines import fragments
from wyoming_server.errors import EngineTimeout, EngineUnavailable

from ...simulators.dashscope import DASHSCOPE, Fault, Told
from ...simulators.flowing import NLS
from ...writing import Writer, written
from ..dashscope import speaking as dashscope
from ..flowing import speaking as flowing
from ..openspeech.hearing import CHINESE, ENGLISH, LONG, Listener
from .speaking import TEXT, hear, how, pcm, texts, until

pytestmark = pytest.mark.usefixtures("nothing_is_left", "no_pause")


@dataclass(frozen=True, kw_only=True)
class Service:
    """One of the two."""

    at: Callable[..., AbstractAsyncContextManager[tuple[Any, Any]]]
    keys: Mapping[str, str]
    """That let an engine in."""
    codes: Mapping[str, Told]


SERVICES = {
    "dashscope": Service(at=dashscope.at_service, keys=dashscope.KEYS, codes=DASHSCOPE),
    "aliyun": Service(at=flowing.at_cloud, keys=flowing.KEYS, codes=NLS),
}


@pytest.fixture(params=SERVICES)
def both(request: pytest.FixtureRequest) -> Service:
    return SERVICES[request.param]


# Text


async def test_text_is_sent_and_spoken_before_its_writer_has_finished(both: Service) -> None:
    async with both.at() as (service, engine):
        writer = Writer("The kettle ")
        listener = Listener(engine, writer, how())
        await service.saw("text")
        writer.write("is boiling. ", "And")
        await listener.until_audio()
        await service.saw("text", 3)
        assert texts(service) == ["The kettle ", "is boiling. ", "And"]
        writer.write(" so on.")
        writer.end()
        heard = await listener.end()
        assert heard.audio == pcm("The kettle is boiling.") + pcm(" And so on.")
        assert len(service.all("session")) == 1


@pytest.mark.parametrize("parts", [[LONG], list(CHINESE * 250)], ids=["en", "字"])
async def test_an_interrupt_finds_little_paid_work(both: Service, parts: list[str]) -> None:
    guess = fragments.seconds("".join(parts)) / len("".join(parts))
    async with both.at() as (service, engine):
        listener = Listener(engine, written(*parts), how())
        await listener.until_audio()
        await listener.stop()
        await service.saw("cancelled")
        in_hand = (fragments.UNSPOKEN + fragments.PIECE_SECONDS) / guess + len(ENGLISH)
        assert sum(map(len, texts(service))) - service.counters.characters < in_hand


# An interrupt


@pytest.mark.parametrize("heard", [False, True], ids=["before audio", "mid-speech"])
async def test_an_interrupt_closes_the_connection_at_once(both: Service, *, heard: bool) -> None:
    fault = [] if heard else [Fault(kind="stall", on="text")]
    async with both.at(*fault, pace=1) as (service, engine):
        listener = Listener(engine, written(LONG), how())
        await (listener.until_audio() if heard else service.saw("fault"))
        assert await listener.stop() < 0.05
        await service.saw("cancelled", within=5)
        await until(lambda: service.counters.connections == 0)
        service.change(pace=0)
        assert (await hear(engine, TEXT)).audio == pcm()


async def test_closing_the_engine_closes_every_connection(both: Service) -> None:
    async with both.at(pace=1) as (service, engine):
        speaking, waiting = Listener(engine, written(LONG), how()), Listener(engine, Writer("The kettle "), how())
        await speaking.until_audio()
        await service.saw("session", 2)
        await engine.aclose()
        await until(lambda: service.counters.connections == 0)
        for listener in (speaking, waiting):
            with pytest.raises(EngineUnavailable, match="closed"):
                await listener.task


async def test_closing_the_engine_ends_what_waits_for_text(both: Service) -> None:
    async with both.at() as (service, engine):
        listener = Listener(engine, Writer("The kettle "), how())
        await service.saw("text")
        await engine.aclose()
        with pytest.raises(EngineUnavailable, match="closed"):
            await listener.task


# What is tried again


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault(kind="error", times=2), "server"),
        (Fault(kind="error", on="text"), "busy"),
        (Fault(kind="refuse", on="handshake"), "busy"),
        (Fault(kind="drop", on="handshake"), "busy"),
        (Fault(kind="drop", on="start"), "busy"),
        (Fault(kind="reset", on="text"), "busy"),
        (Fault(kind="close", on="sentence"), "busy"),
        (Fault(kind="garbage text"), "busy"),
    ],
    ids=lambda value: f"{value.kind} on {value.on}" if isinstance(value, Fault) else value,
)
async def test_what_may_help_is_tried_again_before_anybody_hears(both: Service, fault: Fault, code: str) -> None:
    async with both.at(replace(fault, told=both.codes[code])) as (_, engine):
        heard = await hear(engine, TEXT)
        assert heard.audio == pcm()
        assert heard.texts() == [TEXT]


@pytest.mark.parametrize("kind", ["error", "drop", "reset", "close"])
async def test_nothing_is_tried_again_once_something_was_heard(both: Service, kind: Any) -> None:
    fault = Fault(kind=kind, on="audio", after=0.4, told=both.codes["server"])
    async with both.at(fault) as (service, engine):
        listener = Listener(engine, written(TEXT), how())
        with pytest.raises(EngineUnavailable, match=r"not complete|failed inside"):
            await listener.task
        assert listener.heard.audio
        assert len(service.all("session")) == 1


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault(kind="stall", on="handshake", times=9), "did not accept a connection within 0.3 s"),
        (Fault(kind="stall", on="start", times=9), "did not begin a session within 0.3 s"),
        (Fault(kind="stall", on="sentence", times=9), "sent no audio within 0.3 s"),
        (Fault(kind="stall", on="audio", after=0.4), "sent no more audio within 0.2 s"),
        (Fault(kind="stall", on="finish"), "sent no more audio within 0.2 s"),
    ],
    ids=str,
)
async def test_a_service_that_falls_silent_is_told(both: Service, fault: Fault, words: str) -> None:
    options = {**both.keys, "first_audio_timeout": 0.3, "gap_timeout": 0.2}
    async with both.at(fault, engine=options) as (service, engine):
        with pytest.raises(EngineTimeout, match=words):
            await hear(engine, TEXT)
        service.faults.go_on()  # it would wait for ever, too
