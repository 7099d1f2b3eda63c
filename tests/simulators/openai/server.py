"""The listening socket, and the handle that a test holds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from aiohttp import web

from .faults import Faults
from .handler import Handler
from .journal import Moment, Request
from .profiles import PROFILES, Profile
from .world import Options, World

SHUTDOWN = 0.05
"""Seconds that answers which are under way at the end may take."""


class OpenAISimulator:
    """A running service, and what a test may see and do."""

    def __init__(self, world: World) -> None:
        self.port = 0
        self._world = world

    @property
    def profile(self) -> Profile:
        return self._world.profile

    @property
    def url(self) -> str:
        """Without a path."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        """What OpenAI's client takes."""
        return self.url + self.profile.base

    @property
    def speech_url(self) -> str:
        return self.base_url + self.profile.speech

    @property
    def voices_url(self) -> str:
        """Where others have the list, too."""
        return self.base_url + (self.profile.voices or "/audio/voices")

    # what was seen

    @property
    def requests(self) -> list[Request]:
        return self._world.journal.requests

    @property
    def spoken(self) -> list[Request]:
        """Those for speech."""
        path = self.profile.base + self.profile.speech
        return [request for request in self.requests if request.path.partition("?")[0] == path]

    async def saw(self, moment: Moment, count: int = 1, *, within: float = 10) -> Request:
        """The `count`th request that came so far, now or when it does; TimeoutError after `within` seconds."""
        return await self._world.journal.saw(moment, count, within=within)

    def on_moment(self, told: Callable[[Moment, Request], None]) -> None:
        """Every moment from now on, as it comes."""
        self._world.journal.on_moment = told

    # what may be done

    @property
    def options(self) -> Options:
        return self._world.options

    def change(self, **options: Any) -> None:
        """Names and values of the options: for requests from now on."""
        self._world.options = replace(self._world.options, **options)

    @property
    def faults(self) -> Faults:
        return self._world.faults

    @property
    def key(self) -> str:
        """Empty: none is needed."""
        return self._world.key

    @property
    def voices(self) -> Sequence[str]:
        return self._world.voices

    @property
    def models(self) -> Sequence[str]:
        return self._world.models


@asynccontextmanager
async def simulator(profile: str = "openai", *, port: int = 0, **options: Any) -> AsyncIterator[OpenAISimulator]:
    """On 127.0.0.1 until the block ends. `options`: of Options."""
    world = World(profile=PROFILES[profile], options=Options(**options))
    service = OpenAISimulator(world)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", Handler(world).serve)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=SHUTDOWN, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        service.port = runner.addresses[0][1]
        yield service
    finally:
        service.faults.go_on()
        await runner.cleanup()
