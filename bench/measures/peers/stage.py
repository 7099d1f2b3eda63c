"""The processes of this bench: one endpoint, and in front of it the peer, Herald and the floor."""

from __future__ import annotations

import json
from asyncio import TaskGroup
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from ...client import Call
from ...figures import median, percentile
from ...lab import Lab, Size, Spoken, ask
from ...order import Order
from ...peer import NAME, VOICE, peer, told
from ...processes import Server, Upstream, first_port, herald, process
from ...rows import Row, Target

AHEAD, TWICE = Target("<", 1), Target("≤", 0.5)
ENGINE = "speech"
PLAIN = "plain"
"""Herald's voice that nothing is done to, as the peer does nothing."""
EVENED = "herald, evened"


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """A server under test."""

    name: str
    server: Server
    voice: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    lab: Lab
    upstream: Upstream
    herald: Subject
    evened: Subject
    """The same Herald, with a voice that is trimmed, made louder and limited."""
    peer: Subject
    floor: Subject

    @property
    def rivals(self) -> Sequence[Subject]:
        """Those that change nothing."""
        return (self.peer, self.herald)

    async def begin(self, subject: Subject, order: Order) -> Call:
        return await ask(subject.server, order.text(), subject.voice)

    async def speak(self, subject: Subject, **values: Any) -> Spoken:
        """A whole reply. `values`: of its Order."""
        order = self.lab.order(**values)
        call = await self.begin(subject, order)
        try:
            await call.finished()
        finally:
            call.leave()
        return Spoken(call=call, report=await self.upstream.report(order.number))


def compared(what: str, samples: Mapping[str, Sequence[float]], percent: float, target: Target, *, ours: str = "herald") -> Row:
    """Herald's percentile, of the subject `ours`, as a part of the peer's, of samples in ms by the subjects' names."""
    figures = {name: median(some) if percent == 50 else percentile(some, percent) for name, some in samples.items()}
    name = "median" if percent == 50 else f"p{percent:.0f}"
    both = ", ".join(f"{subject} {figure:.2f} ms" for subject, figure in figures.items())
    ahead = f"{figures[NAME] / figures[ours]:.1f} x ahead ({name} of {len(samples[ours])} each)"
    return Row(
        bench="peers",
        what=f"{what}: {name}",
        value=figures[ours] / figures[NAME],
        unit="x the peer's",
        target=target,
        detail=f"{both}; {ahead}",
    )


@asynccontextmanager
async def endpoint() -> AsyncIterator[Upstream]:
    async with process(["-m", "bench.speech_upstream"], stdin=PIPE, stdout=PIPE) as child, TaskGroup() as tasks:
        up = Upstream(child, await first_port(child))
        listening = tasks.create_task(up.listen())
        yield up
        listening.cancel()


@asynccontextmanager
async def floor(up: Upstream) -> AsyncIterator[Server]:
    async with process(["-m", "bench.speech_floor", str(up.port)], stdin=PIPE, stdout=PIPE) as child:
        yield Server(name="floor", pid=child.pid, address=("127.0.0.1", await first_port(child)))


def engines(up: Upstream) -> str:
    """A part of herald.yaml."""
    options: Mapping[str, Any] = {
        "type": "openai",
        "url": f"http://127.0.0.1:{up.port}/v1",
        "api_key": "x",
        "model": "tts-1",
        "voices": {VOICE: {}},
    }
    plain = {"engine": ENGINE, "voice": VOICE, "even_loudness": False, "trim_silence": False}
    return f"engines: {json.dumps({ENGINE: options})}\nvoices: {json.dumps({PLAIN: plain})}\n"


@asynccontextmanager
async def set_up(lab: Lab) -> AsyncIterator[Stage]:
    """At the smallest size, where nothing is installed, Herald stands in for the peer as well. Raises Unavailable."""
    async with AsyncExitStack() as stack:
        up = await stack.enter_async_context(endpoint())
        voice = f"{ENGINE}/{VOICE}"
        ours = await stack.enter_async_context(herald(engines(up), quiet=[voice]))
        stands_in = lab.size is Size.TINY
        theirs = ours if stands_in else await stack.enter_async_context(peer(up.port))
        stage = Stage(
            lab=lab,
            upstream=up,
            herald=Subject(name="herald", server=ours, voice=PLAIN),
            evened=Subject(name=EVENED, server=ours, voice=voice),
            peer=Subject(name=NAME, server=theirs, voice=voice if stands_in else VOICE),
            floor=Subject(name="floor", server=await stack.enter_async_context(floor(up)), voice=""),
        )
        if not stands_in:
            print(f"  {await told()}", flush=True)
        for subject in (*stage.rivals, stage.evened, stage.floor):
            await stage.speak(subject, seconds=0.2)  # what they import late is imported now
        yield stage
