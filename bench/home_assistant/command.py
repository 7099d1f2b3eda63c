"""First audio through Home Assistant: `script/bench home_assistant [--versions VERSION...] [--turns N] [--json FILE] [--check]`.

A player asks for a text and fetches the address that it gets, in each of the forms that players and satellites ask for; what it
then has of the file is decoded, and the first sound counts. The server itself is asked for the same form, too: what is above
that is what Home Assistant adds. Core's `wyoming` gets PCM from the server, and has Home Assistant make the form. All take
turns; no text is spoken twice.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from time import monotonic_ns
from typing import Any, NamedTuple

import aiohttp

from tests.audio.containers import sounds
from wyoming_server.audio.encode import Container
from wyoming_server.models import AudioFormat

from ..figures import median, milliseconds, spread
from ..rows import Row, Target
from . import versions
from .house import INTEGRATIONS, House, house

BENCH = "home_assistant"
PASSES_THROUGH = (2026, 11)
"""The first version that converts nothing where it gets what it asked for."""
NATIVE = AudioFormat(rate=22_050)
"""Of the engine."""


class Form(NamedTuple):
    """Of a file, as somebody wants it."""

    name: str
    container: Container
    rate: int | None = None
    """None: who asks does not care."""

    @property
    def options(self) -> Mapping[str, Any]:
        """Of Home Assistant."""
        if self.rate is None:
            return {}
        shape = {"rate": self.rate, "channels": 1, "bytes": 2}
        return {"preferred_format": self.container, **{f"preferred_sample_{name}": value for name, value in shape.items()}}

    @property
    def order(self) -> Mapping[str, Any]:
        """Of the server."""
        return {"format": self.container, **({} if self.rate is None else {"sample_rate": self.rate})}


PCM = Form("pcm", Container.PCM)
FORMS = (
    Form("mp3, as a browser", Container.MP3),
    Form("wav 22050, as a Wyoming satellite", Container.WAV, 22_050),
    Form("wav 16000, as ESPHome and VoIP", Container.WAV, 16_000),
    Form("flac 48000, as a Voice PE", Container.FLAC, 48_000),
)


class Kind(NamedTuple):
    """Of reply."""

    integration: str
    form: Form


KINDS = tuple(Kind(integration, form) for form in FORMS for integration in INTEGRATIONS)


class Times(NamedTuple):
    """ms from the request on."""

    sound: float
    byte: float
    """The first of the file; before a sound there may be a header and a codec's delay."""


class Reply:
    """What came of one, and when."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self._begin = monotonic_ns()
        self._chunks: list[tuple[int, bytes]] = []

    async def read(self, response: aiohttp.ClientResponse) -> None:
        assert response.status == 200, await response.text()
        async for chunk in response.content.iter_any():
            self._chunks.append((monotonic_ns(), chunk))

    def times(self) -> Times:
        file = b""
        for stamp, chunk in self._chunks:
            file += chunk
            if sounds(file, self._container, NATIVE):
                return Times(milliseconds(self._begin, stamp), milliseconds(self._begin, self._chunks[0][0]))
        msg = f"no sound in {len(file)} bytes of {self._container}"
        raise AssertionError(msg)


async def directly(there: House, form: Form, text: str) -> Times:
    reply = Reply(form.container)
    host, port = there.server.http
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"http://{host}:{port}/api/tts/stream", json={"text": text, **form.order}) as response,
    ):
        await reply.read(response)
    return reply.times()


async def through(there: House, kind: Kind, text: str) -> Times:
    reply = Reply(kind.form.container)
    entity = there.entities[kind.integration]
    told = await there.hass.post("/api/tts_get_url", engine_id=entity, message=text, options=kind.form.options)
    async with there.hass.fetch(told["path"]) as response:
        await reply.read(response)
    return reply.times()


def texts() -> Iterator[str]:
    """Nobody has any of them in a cache."""
    for number in itertools.count(1000):
        yield f"Somebody is at the door, and it is number {number} now"


async def measure(there: House, turns: int) -> list[Row]:
    unused = texts()
    for kind in KINDS:  # what is imported late is imported now
        await through(there, kind, next(unused))
    own: dict[Form, list[float]] = {form: [] for form in (PCM, *FORMS)}
    found: dict[Kind, list[Times]] = {kind: [] for kind in KINDS}
    for _ in range(turns):
        for form, sounds_after in own.items():
            sounds_after.append((await directly(there, form, next(unused))).sound)
        for kind, some in found.items():
            some.append(await through(there, kind, next(unused)))
    return [
        *(of_server(there.version, form, some) for form, some in own.items()),
        *(of_house(there.version, kind, some, median(own[kind.form]), median(own[PCM])) for kind, some in found.items()),
    ]


def of_server(version: str, form: Form, some: Sequence[float]) -> Row:
    return Row(bench=BENCH, what=f"{version}: {form.name}: server alone", value=median(some), unit="ms", detail=spread(some))


def of_house(version: str, kind: Kind, some: Sequence[Times], own: float, pcm: float) -> Row:
    added = [times.sound - own for times in some]
    above = median([times.sound for times in some]) - pcm
    byte = median([times.byte for times in some]) - pcm
    return Row(
        bench=BENCH,
        what=f"{version}: {kind.form.name}: {kind.integration} adds",
        value=median(added),
        unit="ms",
        target=target(version, kind.form) if kind.integration == "herald" else None,
        detail=f"{spread(added)}; above the server's PCM: {above:.1f} ms, first byte {byte:.1f} ms",
    )


def target(version: str, form: Form) -> Target:
    passes_through = tuple(map(int, version.split(".")[:2])) >= PASSES_THROUGH
    return Target("<", 20 if passes_through and form.container is Container.WAV else 60)


async def of_release(release: Path, turns: int) -> list[Row]:
    async with house(release) as there:
        return await measure(there, turns)


def main(argv: Sequence[str]) -> int:
    description = "Measures first audio through Home Assistant."
    return versions.main(argv, of_release, bench=BENCH, description=description, turns=15)
