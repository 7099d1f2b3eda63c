"""The processes of this bench: simulators of both vendors, each with tempers of its own, and one Herald between them.

Voices and speakers are known to be quiet, as after a minute of use: replies are trimmed, evened and limited, converted or not.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from wyoming_server.converters.sami.speakers import SPEAKERS as LISTED

from ...client import Call
from ...journal import Journal, mark
from ...lab import ask
from ...processes import Server, herald
from ...sami_journal import SamiJournal
from ...simulator import SAMI_PATH, Simulator, sami_simulator, simulator

RATE = 22_050
"""Hz that clients ask for; the engine's speech has 24 kHz, and so has the converter's."""
DELAY = 0.1
"""Seconds for which an engine thinks before it speaks."""
LATENCY = 0.05
"""Seconds that the converter's service takes to answer StartTask: the engine still thinks then."""
ENGINES: Mapping[str, str] = {
    "large": f"--delay {DELAY} --pace 4 --piece 0.1",
    "small": f"--delay {DELAY} --pace 1 --piece 0.02",
    "live": "--delay 0.3 --pace 1 --piece 0.1",
    "atonce": "--piece 0.1",
}
CONVERTERS: Mapping[str, str] = {
    "prompt": f"--latency {LATENCY} --piece 0",
    "late": "--hold 3600",
}
"""`prompt` tells at once what it makes of each message, `late` nothing before all speech came."""
LISTENERS = 50
VOICE = "zh_female_vv_uranus_bigtts"
SPEAKERS = tuple(speaker.name for speaker in LISTED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    server: Server
    engines: Mapping[str, Simulator[Journal]]
    converters: Mapping[str, Simulator[SamiJournal]]

    async def ask(self, engine: str, number: int, text: str, converter: str | None = None, *, rate: int = RATE) -> Call:
        """A reply that the engine's journal knows by its number. `converter`: its name and the speaker; `None`: as it is."""
        return await ask(self.server, text, f"{engine}/{VOICE}", converter=converter or "none", rate=rate, **mark(number))


def configuration(engines: Mapping[str, Simulator[Journal]], converters: Mapping[str, Simulator[SamiJournal]]) -> str:
    """A part of herald.yaml."""
    account = {"type": "openspeech", "appid": "v3", "api_key": "api-key", "concurrency": LISTENERS}
    sami = {"type": "sami", "appkey": "sami-appkey", "token": "sami-token"}
    part: Mapping[str, Mapping[str, Any]] = {
        "engines": {name: {**account, "url": there.url} for name, there in engines.items()},
        "converters": {name: {**sami, "url": there.url + SAMI_PATH} for name, there in converters.items()},
    }
    return "".join(f"{name}: {json.dumps(section)}\n" for name, section in part.items())


@asynccontextmanager
async def set_up() -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        engines = {name: await stack.enter_async_context(simulator(*temper.split())) for name, temper in ENGINES.items()}
        converters = {
            name: await stack.enter_async_context(sami_simulator(*temper.split())) for name, temper in CONVERTERS.items()
        }
        voices = [f"{engine}/{VOICE}" for engine in ENGINES]
        heard_as = [f"{voice} as {name}/{speaker}" for voice in voices for name in CONVERTERS for speaker in SPEAKERS]
        server = await stack.enter_async_context(herald(configuration(engines, converters), quiet=[*voices, *heard_as]))
        stage = Stage(server=server, engines=engines, converters=converters)
        await asyncio.gather(*(warm(stage, engine, f"{name}/{SPEAKERS[0]}") for engine in ENGINES for name in CONVERTERS))
        yield stage


async def warm(stage: Stage, engine: str, converter: str) -> None:
    """What is imported late is imported then, and a connection is there."""
    for heard_as in (converter, None):
        call = await stage.ask(engine, -1, "Ready.", heard_as)
        await call.finished()
        call.leave()
