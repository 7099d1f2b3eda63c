"""One scenario on a stage: its clients, what happens to them meanwhile, and what was wrong in the end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from . import checks
from .client import Client
from .clients import CLIENTS
from .scenario import Call, FrontEnd, Meanwhile, Scenario, What
from .services import GOOD_TOKEN, OTHER_TOKEN
from .stage import Stage

WITHIN = 15.0
"""Seconds in which every client must have been told how it ended."""


@dataclass(kw_only=True)
class Played:
    """What came of it."""

    scenario: Scenario
    wrong: list[str] = field(default_factory=list)
    ends: list[tuple[str, str]] = field(default_factory=list)
    """Front end and outcome of every session."""
    longest_interrupt: tuple[float, str] = (0.0, "none")
    """Seconds until everything had stopped, and who was interrupted."""


class Playing:
    """Use `play`."""

    def __init__(self, stage: Stage, scenario: Scenario) -> None:
        self.stage = stage
        self.scenario = scenario
        self.clients: list[tuple[int, Client]] = []
        """And the number of the call that they are about."""
        self._tasks: asyncio.TaskGroup
        self._happens: Mapping[What, Callable[[Meanwhile, Client], Awaitable[object]]] = {
            What.HANG_UP: partial(self._leave, reset=False),
            What.RESET: partial(self._leave, reset=True),
            What.CANCEL: lambda _, client: client.cancel(),
            What.INTERRUPT: self._interrupt,
            What.END: self._end,
            What.END_ALL: lambda _one, _client: self._ask("DELETE", "/api/sessions"),
            What.AGAIN: self._more,
            What.JOIN: self._more,
            What.RELOAD: lambda _one, _client: stage.reload(),
            What.CREDENTIALS: lambda _one, _client: stage.change_token(GOOD_TOKEN if stage.has_other_token else OTHER_TOKEN),
            What.CLEAR_CACHE: lambda _one, _client: self._ask("DELETE", "/api/cache"),
            What.DROP_IDLE: self._drop,
        }

    async def run(self) -> None:
        stage = self.stage
        for name, manner in self.scenario.manners.items():
            stage.services[name].behave(manner)
        for trouble in self.scenario.troubles:
            await stage.services[trouble.service].trouble(trouble)
        async with asyncio.timeout(WITHIN), asyncio.TaskGroup() as self._tasks:
            for number, call in enumerate(self.scenario.calls):
                self._begin(number, call)
            for one in self.scenario.meanwhile:
                self._tasks.create_task(self._happen(one))

    def _begin(self, number: int, call: Call) -> None:
        share = f"{call.share} {self.scenario.seed}" if call.share else ""
        client = CLIENTS[call.front_end](call, f"127.0.1.{len(self.clients) + 1}", self.stage.server, share)
        self.clients.append((number, client))
        self._tasks.create_task(self._talk(client, call.after))

    async def _talk(self, client: Client, after: float) -> None:
        await asyncio.sleep(after)
        await client.run()

    # Meanwhile

    async def _happen(self, one: Meanwhile) -> None:
        _, client = self.clients[max(0, one.whom)]
        await client.reached(one.pieces)
        await self._happens[one.what](one, client)

    async def _leave(self, _: Meanwhile, client: Client, *, reset: bool) -> None:
        client.hang_up(reset=reset)

    async def _interrupt(self, _: Meanwhile, client: Client) -> None:
        if client.session_id:
            await self._ask("POST", "/api/tts/interrupt", {"session_id": client.session_id})

    async def _end(self, _: Meanwhile, client: Client) -> None:
        if client.session_id:
            await self._ask("DELETE", f"/api/sessions/{client.session_id}")

    async def _more(self, one: Meanwhile, _: Client) -> None:
        assert one.more is not None
        self._begin(one.whom, one.more)

    async def _drop(self, _one: Meanwhile, _client: Client) -> None:
        for service in self.stage.services.values():
            service.drop_idle()

    async def _ask(self, method: str, path: str, body: Mapping[str, str] | None = None) -> None:
        async with self.stage.control.request(method, self.stage.url + path, json=body) as answer:
            assert answer.status in (200, 404), f"{method} {path} was answered {answer.status}: {await answer.text()}"


async def play(stage: Stage, scenario: Scenario) -> Played:
    """The scenario, and what is wrong after it."""
    assert stage.base is not None
    played, playing = Played(scenario=scenario), Playing(stage, scenario)
    try:
        await playing.run()
    except TimeoutError:
        waiting = [number for number, (_, client) in enumerate(playing.clients) if client.told is None]
        played.wrong.append(f"clients {waiting} were told nothing in {WITHIN:g} s")
    except ExceptionGroup as errors:
        played.wrong += [f"{error!r}" for error in errors.exceptions]
    played.wrong += await checks.left_behind(stage, stage.base)
    for number, (whom, client) in enumerate(playing.clients):
        complaints = checks.judged(client, whom, scenario, stage)
        played.wrong += [f"client {number} ({client.call.front_end}) {what}" for what in complaints]
    played.wrong += stage.log.found
    played.ends = [(str(event["front_end"]), str(event["outcome"])) for event in stage.events]
    interrupts = [event for event in stage.events if event["interrupt_seconds"] is not None]
    ended = [(float(event["interrupt_seconds"]), f"{event['voice']}, seed {scenario.seed}") for event in interrupts]
    played.longest_interrupt = max(ended, default=(0.0, "none"))
    await stage.calm()
    return played


async def warm_up(stage: Stage, voices: Mapping[str, str]) -> None:
    """Whatever is made once, and late, is made: a text in each voice, and one in each format."""
    calls = [Call(front_end=FrontEnd.WYOMING, voice=voice, fragments=("Hello.",), cache=False) for voice in voices]
    calls += [Call(front_end=front_end, voice="tone", fragments=("Hello.",)) for front_end in FrontEnd]
    calls += [
        Call(front_end=FrontEnd.API, voice="tone", fragments=("Hello.",), format=name) for name in ("wav", "mp3", "flac", "ogg")
    ]
    for call in calls:
        playing = Playing(stage, Scenario(seed=0, calls=[call], manners={}, troubles=[], meanwhile=[]))
        await playing.run()
