"""The processes of this bench: simulators, each with a temper of its own, and one Herald with an engine for each way to them.

Its voices are known to be quiet, as after a minute of use: they are trimmed, evened and limited, the tone is not.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from ...client import Call
from ...journal import Journal, mark
from ...lab import ask
from ...processes import Server, herald
from ...simulator import Simulator, simulator

LATENCY = 0.05
"""Seconds that `quick` takes to answer StartConnection and StartSession."""
PACE, PIECE = 4, 0.1
"""Of `quick` and of the tone: times real time, seconds in a message."""
DELAY = 0.3
"""Seconds before the first audio of `live`."""
LISTENERS = 50
TEMPERS: Mapping[str, str] = {
    "quick": f"--latency {LATENCY} --pace {PACE} --piece {PIECE}",
    "burst": "--piece 0",
    "live": f"--delay {DELAY} --pace 1 --piece {PIECE} --all",
}
"""`burst`: a whole sentence in one message, at once; `live`: in real time, telling of every audio message."""

V3_PATH = "/api/v3/tts/bidirection"


class Way(NamedTuple):
    """From Herald to a simulator."""

    engine: str
    voice: str
    simulator: str

    @property
    def name(self) -> str:
        """Of the voice, in Herald."""
        return f"{self.engine}/{self.voice}"


V1, V3 = "zh_female_qinqienvsheng_moon_bigtts", "zh_female_vv_uranus_bigtts"
QUICK_V3 = Way("quick3", V3, "quick")
QUICK_V1 = Way("quick1", V1, "quick")
BURST_MP3 = Way("burst3", V3, "burst")
LIVE_V3 = Way("live3", V3, "live")
LIVE_MP3 = Way("live3mp3", V3, "live")
LIVE_V1 = Way("live1", V1, "live")
WAYS = (QUICK_V3, QUICK_V1, BURST_MP3, LIVE_V3, LIVE_MP3, LIVE_V1)
TONE = "tone/tone"


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    server: Server
    simulators: Mapping[str, Simulator[Journal]]
    """By their temper."""
    stamps: Path
    """When the tone had its first audio: a line each, in ns."""

    def journal(self, way: Way) -> Journal:
        return self.simulators[way.simulator].journal

    def handshakes(self, way: Way, path: str) -> int:
        """That the simulator has seen so far."""
        return self.journal(way).handshakes[path]

    async def ask(self, way: Way, number: int, text: str, **context: Any) -> Call:
        """A reply that the journal knows by its number."""
        return await ask(self.server, text, way.name, **mark(number), **context)


def engines(urls: Mapping[str, str], stamps: Path) -> Mapping[str, Mapping[str, Any]]:
    """As in herald.yaml. v1 has an account of its own: a reply holds two requests there, and shares no turns with v3."""
    v3 = {"type": "openspeech", "appid": "v3", "api_key": "api-key", "concurrency": LISTENERS}
    v1 = {"type": "openspeech", "appid": "v1", "api_key": "api-key", "concurrency": 2 * LISTENERS, "api": "v1"}
    return {
        "quick3": {**v3, "url": urls["quick"]},
        "quick1": {**v1, "url": urls["quick"]},
        "burst3": {**v3, "url": urls["burst"], "encoding": "mp3"},
        "live3": {**v3, "url": urls["live"]},
        "live3mp3": {**v3, "url": urls["live"], "encoding": "mp3"},
        "live1": {**v1, "url": urls["live"]},
        "tone": {"type": "stamped", "stamps": str(stamps), "rate": 24_000, "pace": PACE, "piece": PIECE},
    }


async def warm(server: Server, voice: str) -> None:
    """What is imported late is imported then, and a connection is there."""
    call = await ask(server, "Ready.", voice)
    await call.finished()
    call.leave()


@asynccontextmanager
async def set_up() -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="herald-bench-"))
        stamps = Path(folder) / "stamps"
        stamps.touch()
        simulators = {name: await stack.enter_async_context(simulator(*temper.split())) for name, temper in TEMPERS.items()}
        part = {"engines": engines({name: there.url for name, there in simulators.items()}, stamps)}
        voices = [way.name for way in WAYS]
        server = await stack.enter_async_context(herald(json.dumps(part)[1:-1], quiet=voices))
        await asyncio.gather(*(warm(server, voice) for voice in (*voices, TONE)))
        stamps.write_text("")
        yield Stage(server=server, simulators=simulators, stamps=stamps)
