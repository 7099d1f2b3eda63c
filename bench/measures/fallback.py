"""How soon somebody else is heard where the first voice stalls, is refused, is spared by its breaker, or breaks off.

The first voice is of the cloud, the others are eSpeak NG, the one for all, and for what was broken off the test tone, which
thinks for so long that the two cannot be mistaken for each other. The services are played by this process.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.ports import free_port
from tests.simulators.openspeech import Fault, OpenSpeechSimulator, simulator

from ..figures import median, milliseconds, percentile, spread
from ..http_client import HttpCall, connected
from ..lab import Lab, Size
from ..processes import STARTED_WITHIN, Server, herald
from ..rows import Row, Target

TARGET = Target("<", 100)
ROUNDS = {Size.FULL: 50, Size.QUICK: 10, Size.TINY: 1}
TIMEOUT, HEDGE = 0.5, 0.25
"""Seconds until first audio, and until the other one is asked too."""
THINKS = 0.2
"""Seconds that the tone takes to its first audio."""
BREAKS_AT = 4.0
"""Seconds of audio of the voice that breaks off: in the third sentence."""
ENGINES = """
engines:
  stalls: {{type: openspeech, url: "ws://127.0.0.1:{silent}", {account}, breaker_failures: 0}}
  refuses: {{type: openspeech, url: "ws://127.0.0.1:{nobody}", {account}, breaker_failures: 0}}
  spared: {{type: openspeech, url: "ws://127.0.0.1:{nobody}", {account}, breaker_failures: 1, breaker_seconds: 3600}}
  breaks: {{type: openspeech, url: "{service}", {account}, breaker_failures: 0}}
  tone: {{delay: {thinks}}}
voices:
  stalls: {{engine: stalls, {voice}, first_audio_timeout: {timeout}}}
  refuses: {{engine: refuses, {voice}, first_audio_timeout: {timeout}}}
  spared: {{engine: spared, {voice}, first_audio_timeout: {timeout}}}
  hedged: {{engine: stalls, {voice}, hedge: {hedge}}}
  breaks: {{engine: breaks, {voice}, fallback: [tone/tone]}}
"""
ACCOUNT = 'appid: "1234567890", token: access-token, keep_warm: 0'
VOICE = "voice: zh_female_xiaohe_uranus_bigtts, language: en-US"
OWN, TONE = "en-US", "tone/tone"
TEXT = "There is smoke in the kitchen, and it is number {}."
LONG_TEXT = f"The door of the house is open. Somebody has come in just now. {TEXT} It is cold outside."


@dataclass(kw_only=True)
class Samples:
    """ms."""

    own: list[float] = field(default_factory=list)
    """To the first audio of the one who speaks instead, asked for by name."""
    heard: list[float] = field(default_factory=list)
    """To the first audio, of whoever."""


async def measure(lab: Lab) -> AsyncIterator[Row]:
    async with stage() as (server, service):
        for voice in (OWN, "refuses", "spared", TONE):  # what is imported late is imported now, and the breaker is open
            await first_audio(server, voice, TEXT.format(lab.number()))

        async def of(voice: str) -> Samples:
            return await compared(lab, server, OWN, lambda text: first_audio(server, voice, text))

        stalled, refused, spared, hedged = [await of(voice) for voice in ("stalls", "refuses", "spared", "hedged")]
        broken = await compared(lab, server, TONE, lambda text: gap(server, service, text))
    yield row("its service stalls: heard after its timeout, median", median(stalled.heard) - 1000 * TIMEOUT, stalled)
    yield row("its service stalls: heard after its timeout, p95", percentile(stalled.heard, 95) - 1000 * TIMEOUT, stalled)
    yield row("its service refuses: heard after its timeout, p95", percentile(refused.heard, 95) - 1000 * TIMEOUT, refused)
    yield row("its breaker is open: added to the fallback's own, median", added(spared), spared)
    yield row("it is hedged: heard after the hedge, median", median(hedged.heard) - 1000 * HEDGE, hedged)
    yield row("it is hedged: heard after the hedge, p95", percentile(hedged.heard, 95) - 1000 * HEDGE, hedged)
    yield row("it breaks off: gap, less the fallback's own, median", added(broken), broken)


@asynccontextmanager
async def stage() -> AsyncIterator[tuple[Server, OpenSpeechSimulator]]:
    """Herald, and the service that breaks off."""
    silent = await asyncio.start_server(_say_nothing, "127.0.0.1", 0)
    async with silent, simulator(pace=4, piece=0.1) as service:
        ports = {"silent": silent.sockets[0].getsockname()[1], "nobody": free_port(), "service": service.url}
        times = {"timeout": TIMEOUT, "hedge": HEDGE, "thinks": THINKS}
        async with herald(ENGINES.format(account=ACCOUNT, voice=VOICE, **ports, **times)) as server:
            async with asyncio.timeout(STARTED_WITHIN):
                while not await connected(server.http):  # noqa: ASYNC110  # another process: nothing here could be waited for
                    await asyncio.sleep(0.002)
            yield server, service


async def _say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until the other side leaves."""
    try:
        await reader.read()
    finally:
        writer.close()


async def compared(lab: Lab, server: Server, own: str, asked: Callable[[str], Awaitable[float]]) -> Samples:
    """They take turns."""
    samples = Samples()
    for _ in range(ROUNDS[lab.size]):
        samples.own.append(await first_audio(server, own, TEXT.format(lab.number())))
        samples.heard.append(await asked(TEXT.format(lab.number())))
    return samples


async def first_audio(server: Server, voice: str, text: str) -> float:
    """ms from the request to the first chunk."""
    call = await HttpCall.stream(server.http, text, voice=voice, format="pcm")
    try:
        await call.heard()
    finally:
        call.leave()
    return milliseconds(call.sent, call.chunks[0][0])


async def gap(server: Server, service: OpenSpeechSimulator, text: str) -> float:
    """ms from where the service ends the connection to the first chunk of the tone."""
    service.faults.add(Fault(kind="drop", on="audio", after=BREAKS_AT))
    call = await HttpCall.stream(server.http, LONG_TEXT.replace(TEXT, text), voice="breaks", format="pcm")
    try:
        await call.finished()
    finally:
        call.leave()
    broken = next(entry.time_ns for entry in reversed(service.journal) if entry.what == "fault")
    others = next(stamp for stamp, _ in call.chunks if milliseconds(broken, stamp) > 1000 * THINKS / 2)
    return milliseconds(broken, others)


def added(samples: Samples) -> float:
    return median(samples.heard) - median(samples.own)


def row(what: str, value: float, samples: Samples) -> Row:
    detail = f"{spread(samples.heard)}; the fallback's own: {spread(samples.own)}"
    return Row(bench="fallback", what=what, value=value, unit="ms", target=TARGET, detail=detail)
