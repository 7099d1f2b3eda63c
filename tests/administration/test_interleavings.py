"""Changes at random, many at once, while voices speak: in the end what is stored, what is configured and who is there agree."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.simulators.openspeech import OpenSpeechSimulator, simulator
from wyoming_server.engines.base import Engine
from wyoming_server.errors import HeraldError
from wyoming_server.server import Running

from ..serving import serving, until
from .administering import (
    ENGINE,
    GOOD,
    GOOD_KEY,
    PORTS,
    WRONG,
    nothing_is_left,  # noqa: F401  # a fixture
    rewrite,
    said,
    stored,
)

pytestmark = pytest.mark.usefixtures("nothing_is_left")

SEEDS = 8
CHANGES = 25
"""Things that are done in one interleaving."""
LEAVING = 0.15
"""How likely somebody who asked for something goes, with each thing that is begun."""
KEPT = {
    "herald.yaml",
    "credentials.json",
    "credentials.json.lock",
    "token",
    "server_id",
    "loudness.json",
    "counters.db",
    "chimes",
}
"""What may be in the state directory."""
OFFERS = (GOOD, GOOD_KEY, WRONG, {"token": None}, {"appid": "", "token": "t"}, {"api_key": None, "token": None, "appid": None})
Files: TypeAlias = tuple[str, ...]
Thing: TypeAlias = Callable[[], Awaitable[object]]


@pytest.fixture
def at_work(monkeypatch: pytest.MonkeyPatch) -> set[Engine]:
    """Every engine that was started and is not closed."""
    engines: set[Engine] = set()
    start, close = Engine.start, Engine.aclose

    async def started(self: Engine) -> None:
        engines.add(self)
        await start(self)

    async def closed(self: Engine) -> None:
        await close(self)
        engines.discard(self)

    monkeypatch.setattr(Engine, "start", started)
    monkeypatch.setattr(Engine, "aclose", closed)
    return engines


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_whatever_is_changed_at_once_is_whole_in_the_end(tmp_path: Path, seed: int, at_work: set[Engine]) -> None:
    chance = random.Random(seed)
    late: list[asyncio.Task[None]] = []
    async with simulator() as service:
        texts = files(service)
        async with serving(tmp_path, texts[0]) as server:
            await changed_at_random(chance, server, tmp_path, texts)
            rewrite(tmp_path, texts[0])
            await server.administration.reload()
            in_force, kept = server.administration.config.engines["openspeech"], stored(tmp_path).get("openspeech", {})
            assert {name: in_force.options[name] for name in (*GOOD, *GOOD_KEY) if in_force.options[name]} == kept
            assert server.speech.engines["openspeech"].options == in_force.options
            await until(lambda: at_work == {server.speech.engines["openspeech"]})
            assert bool((await said(server)).pcm) == (kept == GOOD or kept.items() >= GOOD_KEY.items())
            late += [asyncio.create_task(quietly(thing)) for thing in things(chance, server, tmp_path, texts, 8)]
            await asyncio.sleep(chance.choice((0, 0.001, 0.01)))
        await asyncio.wait(late, timeout=5)
    assert all(task.done() for task in late)
    assert not at_work
    assert stored(tmp_path).keys() <= {"openspeech"}
    assert names_in(tmp_path) <= KEPT


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def files(service: OpenSpeechSimulator) -> Files:
    good = f"{PORTS}engines: {{openspeech: {{url: {service.url}, api: v1}}, espeak: {{enabled: false}}}}\n"
    return good, f"{good}log: {{level: debug}}\n", f"{good}engines: broken", good.replace("api: v1", "api: v1, keep_warm: 1")


async def changed_at_random(chance: random.Random, server: Running, folder: Path, texts: Files) -> None:
    """Everything at once, each a moment after the one before."""
    async with asyncio.TaskGroup() as group:
        tasks = []
        for number, thing in enumerate(things(chance, server, folder, texts, CHANGES)):
            if number % 5 == 0:
                group.create_task(quietly(partial(said, server)))  # nobody who leaves: connecting is not what is tried here
            tasks.append(group.create_task(quietly(thing)))
            await asyncio.sleep(chance.choice((0, 0, 0.001, 0.004)))
            if chance.random() < LEAVING:
                chance.choice(tasks).cancel()


def things(chance: random.Random, server: Running, folder: Path, texts: Files, number: int) -> list[Thing]:
    admin = server.administration

    async def write() -> None:
        draft = folder / "draft.yaml"
        draft.write_text(chance.choice(texts))
        draft.replace(folder / "herald.yaml")  # whoever reads it meanwhile has the old one, or the new
        await admin.reload()

    possible: tuple[Thing, ...] = (
        lambda: admin.set_credentials(ENGINE, "openspeech", chance.choice(OFFERS)),
        lambda: admin.delete_credentials(ENGINE, "openspeech"),
        lambda: admin.verify(ENGINE, "openspeech", chance.choice((None, GOOD, WRONG))),
        admin.reload,
        write,
    )
    return [chance.choice(possible) for _ in range(number)]


async def quietly(thing: Thing) -> None:
    with suppress(HeraldError, ConnectionError):
        await thing()
