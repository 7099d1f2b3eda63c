"""A reply that is heard from the cache, against the same one when it had to be made, in the same run; and what keeping costs.

The engine is the test tone, which takes as long to its first audio as a cloud does. Each text is asked for three times: a miss;
once it is written, a hit from memory; and once its file has another time, from the disk. Several clients ask within a fifth of a
second, or together, at one moment: then each also waits for those before it.
"""

from __future__ import annotations

import asyncio
import os
import random
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

from wyoming_server.engines.tone import sine
from wyoming_server.models import AudioFormat
from wyoming_server.synthesis.cache.disk import SUFFIX
from wyoming_server.synthesis.cache.entry import Finished
from wyoming_server.synthesis.cache.store import FOLDER, DiskStore

from ..client import Call
from ..figures import median, milliseconds, percentile, spread
from ..http_client import HttpCall, connected
from ..lab import Lab, Size, ask
from ..processes import STARTED_WITHIN, Server, herald
from ..rows import Row, Target

TARGET = Target("<", 5)
ROUNDS = {Size.FULL: 100, Size.QUICK: 20, Size.TINY: 1}
WRITES = {Size.FULL: 100, Size.QUICK: 30, Size.TINY: 2}
ENGINES = "engines: {tone: {per_character: 0.06, delay: 0.15}}\n"
VOICE = "tone/tone"
TEXT = "There is somebody at the front door, and it is number {}."
TOGETHER = "8 clients together"
ARRIVALS = {"1 client": (1, 0.0), "8 clients": (8, 0.2), TOGETHER: (8, 0.0)}
"""How many clients, and the seconds within which they ask."""
WRITTEN = 0.2
"""Seconds in which a reply is surely written."""
NOTED = 0.02
"""Seconds in which it is surely noted that a reply was heard."""
TICK = 0.001
AUDIO = AudioFormat(rate=24_000)

Ask = Callable[[Server, str], Awaitable["Call | HttpCall"]]


async def measure(lab: Lab) -> AsyncIterator[Row]:
    async with herald(ENGINES, cache=True) as server:
        async with asyncio.timeout(STARTED_WITHIN):
            while not await connected(server.http):  # noqa: ASYNC110  # another process: nothing here could be waited for
                await asyncio.sleep(0.002)
        for what, begin in WAYS.items():
            for text in ("first", "first"):  # what is imported late is imported now
                await first_audio(server, begin, TEXT.format(text))
            for who, (clients, within) in ARRIVALS.items():
                misses, hits, from_disk = await turns(lab, server, begin, clients, within)
                made = f"made by the engine, which takes 150 ms: {spread(misses)}"
                yield _row(
                    f"hit to first audio, {what}, {who}", hits, f"{spread(hits)}; {made}", None if who == TOGETHER else TARGET
                )
                yield _row(
                    f"the same from the disk, {what}, {who}", from_disk, spread(from_disk), TARGET if clients == 1 else None
                )
    async for row in keeping(WRITES[lab.size]):
        yield row


async def turns(
    lab: Lab, server: Server, begin: Ask, clients: int, within: float
) -> tuple[list[float], list[float], list[float]]:
    """ms to the first audio: made, from memory, from the disk."""
    misses, hits, from_disk = list[float](), list[float](), list[float]()
    for _ in range(max(1, ROUNDS[lab.size] // clients)):
        texts = [TEXT.format(lab.number()) for _ in range(clients)]
        misses += await all_of(server, begin, texts, within)
        await asyncio.sleep(WRITTEN)
        hits += await all_of(server, begin, texts, within)
        for path in (server.state / FOLDER).glob(f"*{SUFFIX}"):
            os.utime(path)
        await asyncio.sleep(NOTED)
        from_disk += await all_of(server, begin, texts, within)
    return misses, hits, from_disk


async def all_of(server: Server, begin: Ask, texts: Sequence[str], within: float) -> list[float]:
    async def one(text: str) -> float:
        await asyncio.sleep(random.uniform(0, within))
        return await first_audio(server, begin, text)

    return await asyncio.gather(*map(one, texts))


def _row(what: str, samples: Sequence[float], detail: str, target: Target | None = None) -> Row:
    return Row(bench="cache", what=what, value=median(samples), unit="ms", target=target, detail=detail)


async def first_audio(server: Server, begin: Ask, text: str) -> float:
    """ms from the request to the first chunk. All of the reply is heard: what is cut short is not kept."""
    call = await begin(server, text)
    try:
        await call.finished()
    finally:
        call.leave()
    return milliseconds(call.sent, call.chunks[0][0])


async def over_http(server: Server, text: str) -> HttpCall:
    return await HttpCall.stream(server.http, text, voice=VOICE, format="pcm")


async def over_wyoming(server: Server, text: str) -> Call:
    return await ask(server, text, VOICE)


async def streamed(server: Server, text: str) -> Call:
    """As Home Assistant sends a text that it has whole: four events, each in a packet of its own."""
    call = await Call.connect(server.address)
    voice = {"voice": {"name": VOICE}}
    call.send("synthesize-start", **voice)
    sent = call.sent
    for event, data in (("synthesize-chunk", {"text": text}), ("synthesize", {"text": text, **voice}), ("synthesize-stop", {})):
        await asyncio.sleep(0)
        call.send(event, **data)
    call.sent = sent
    return call


WAYS: dict[str, Ask] = {"HTTP": over_http, "Wyoming": over_wyoming, "Wyoming, as Home Assistant streams": streamed}


async def keeping(writes: int) -> AsyncIterator[Row]:
    """In this process: its event loop ticks while replies of ten seconds are packed and written."""
    pcm = sine(AUDIO.rate, 440, 0, AUDIO.size(10))
    noise = bytes(byte & 3 if place % 2 == 0 else 0 for place, byte in enumerate(os.urandom(len(pcm))))
    pcm = bytes(one ^ other for one, other in zip(pcm, noise, strict=True))  # as a microphone's, it can't be packed to nothing
    with tempfile.TemporaryDirectory(prefix="herald-bench-") as name:
        store, late, begun = DiskStore(Path(name), 256 << 20), [], time.process_time()
        try:
            for number in range(writes):
                store.keep(f"{number:064x}", Finished(format=AUDIO, pcm=pcm, marks=()), "", voice="anna", engine="tone")
                writing = asyncio.create_task(store.written())
                while not writing.done():
                    due = time.perf_counter() + TICK
                    await asyncio.sleep(TICK)
                    late.append(1000 * (time.perf_counter() - due))
            cpu, packed = 1000 * (time.process_time() - begun) / writes, store.counts.bytes / writes
        finally:
            await store.aclose()
    yield Row(
        bench="cache",
        what="lateness of the event loop while replies are kept, p99",
        value=percentile(late, 99),
        unit="ms",
        detail=spread(late),
    )
    yield Row(
        bench="cache",
        what="CPU per 10 s of audio that are kept",
        value=cpu,
        unit="ms",
        detail=f"{packed / 1000:.0f} kB of {len(pcm) / 1000:.0f} kB; the ticks are in it",
    )
