"""An engine at the simulator, and what it says: for the tests of API v1, of failures and of settings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

from wyoming_server.engines.base import Engine, Utterance
from wyoming_server.models import Mark, MarkKind, TextFormat, VoiceSettings
from wyoming_server.protocols.openspeech_v1 import Audio, ServerMessage, encode_server

from ...simulators.openspeech import Fault, OpenSpeechSimulator, log_id, simulator
from ...simulators.speech.audio import Manner, speech
from ..cases import new_engine

BIG = "zh_female_wanwanxiaohe_moon_bigtts"
SECOND = "zh_female_vv_uranus_bigtts"
SMALL = "BV001_streaming"
CLONE = "S_abc1Def2G"
EMOTIONAL = "zh_female_gaolengyujie_emo_v2_mars_bigtts"
KEYS = {"appid": "1234567890", "token": "access-token"}
TEXT = "The kettle is boiling now."


@dataclass
class Said:
    """A reply, so far or whole."""

    audio: bytearray = field(default_factory=bytearray)
    marks: list[Mark] = field(default_factory=list)
    heard: list[int] = field(default_factory=list)
    """Bytes of audio before each mark."""

    @property
    def words(self) -> list[Mark]:
        return [mark for mark in self.marks if mark.kind is MarkKind.WORD]

    @property
    def sentences(self) -> list[str]:
        return [mark.text for mark in self.marks if mark.kind is MarkKind.SENTENCE_START]


@asynccontextmanager
async def speaking(
    *faults: Fault, engine: dict[str, Any] | None = None, **options: Any
) -> AsyncIterator[tuple[OpenSpeechSimulator, Engine]]:
    """The simulator, in which `faults` wait, and an engine of API v1 with good credentials; `engine`: its options."""
    async with simulator(**options) as service:
        service.faults.add(*faults)
        async with new_engine("openspeech", **{"url": service.url, **KEYS, **(engine or {})}) as speaker:
            yield service, speaker


def utterance(
    voice: str = BIG, /, rate: int | None = None, text_format: TextFormat = TextFormat.TEXT, **settings: Any
) -> Utterance:
    """API v1, unless it is told another."""
    if voice != SECOND:
        settings = {"api": "v1", **settings}
    return Utterance(voice=voice, rate=rate, text_format=text_format, settings=VoiceSettings.parse(settings))


async def fragments(*parts: str) -> AsyncIterator[str]:
    for part in parts:
        yield part


async def listen(said: Said, engine: Engine, text: str = TEXT, how: Utterance | None = None) -> None:
    """Put into `said` whatever comes, until the end or the error."""
    async with aclosing(engine.speak(fragments(text), how or utterance())) as events:
        async for event in events:
            if isinstance(event, bytes):
                said.audio += event
            elif isinstance(event, Mark):
                said.marks.append(event)
                said.heard.append(len(said.audio))


async def say(engine: Engine, text: str = TEXT, how: Utterance | None = None) -> Said:
    said = Said()
    await listen(said, engine, text, how)
    return said


def pcm(text: str = TEXT, **manner: Any) -> bytes:
    """What the simulator makes of a text."""
    return speech(text, Manner(**manner))


def requests(service: OpenSpeechSimulator) -> list[dict[str, Any]]:
    """The JSON of every v1 request that was accepted."""
    return [entry.detail["body"] for entry in service.all("request")]


@asynccontextmanager
async def answering(*messages: bytes | str, **options: Any) -> AsyncIterator[Engine]:
    """An engine with these `options` whose service answers every v1 request with these messages, and never closes."""

    async def answer(line: ServerConnection) -> None:
        await line.recv()
        for message in messages:
            await line.send(message)
        await line.wait_closed()

    async with serve(answer, "127.0.0.1", 0, compression=None) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with new_engine("openspeech", url=url, **KEYS, first_audio_timeout=10, gap_timeout=10, **options) as engine:
            yield engine


def frames(*messages: ServerMessage, **form: Any) -> list[bytes]:
    return [encode_server(message, **form) for message in messages]


def audio(data: bytes, sequence: int | None = 1) -> Audio:
    return Audio(data=data, sequence=sequence, last=sequence is None or sequence < 0)


__all__ = [
    "BIG",
    "CLONE",
    "EMOTIONAL",
    "KEYS",
    "SECOND",
    "SMALL",
    "TEXT",
    "Fault",
    "Said",
    "answering",
    "audio",
    "fragments",
    "frames",
    "listen",
    "log_id",
    "new_engine",
    "pcm",
    "requests",
    "say",
    "simulator",
    "speaking",
    "utterance",
]
