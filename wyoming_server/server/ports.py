"""The HTTP port and that of IndexTTS, with everything that speaks there: one namespace of sessions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from ..config import Config
from ..errors import ShuttingDown
from ..frontends.console.routes import routes as console_routes
from ..frontends.flowing.connection import Services as Conversations
from ..frontends.flowing.routes import routes as flowing_routes
from ..frontends.http.certificates import Tls
from ..frontends.http.routes import Route
from ..frontends.http.server import HttpServer, Port
from ..frontends.indextts.routes import own_port
from ..frontends.indextts.routes import routes as indextts_routes
from ..frontends.indextts.services import Services as Tasks
from ..frontends.openai.routes import routes as openai_routes
from ..frontends.speech_api.routes import routes as speech_routes
from ..sessions import LocalSessions
from ..speech import Speech
from ..state.tokens import Token


@asynccontextmanager
async def http_ports(  # noqa: PLR0913  # what a server is made of
    config: Config,
    tls: Tls | None,
    token: Token,
    speaks: Speech,
    sessions: LocalSessions,
    *,
    turns: asyncio.Semaphore,
    more: tuple[Route, ...],
) -> AsyncIterator[tuple[HttpServer, Port | None]]:
    """Both, open while the block runs; whoever speaks there is interrupted at its end. `more`: routes beside those that speak."""
    conversations = Conversations(
        config=config.http,
        catalogue=speaks.catalogue,
        synthesizer=speaks.synthesizer,
        engines=speaks.engines,
        sessions=sessions,
        turns=turns,
    )
    tasks = Tasks(
        config=config.http,
        catalogue=speaks.catalogue,
        synthesizer=speaks.synthesizer,
        sessions=sessions,
        turns=turns,
    )
    offered = (
        *flowing_routes(conversations),
        *indextts_routes(tasks),
        *openai_routes(conversations),
        *speech_routes(conversations),
        *more,
        *console_routes(),
    )
    server = HttpServer(config.http, token=token, health=lambda: _health(speaks), more_routes=offered)
    indextts = _indextts(config, tasks)
    async with AsyncExitStack() as ports:
        await ports.enter_async_context(server.serving(tls))
        if indextts is not None:
            await ports.enter_async_context(indextts.serving())
        try:
            yield server, indextts
        finally:
            sessions.close()
            sessions.interrupt_all(ShuttingDown())


def _indextts(config: Config, tasks: Tasks) -> Port | None:
    port = config.http.indextts_port
    return None if port is None else own_port(tasks, config.http, port, config.wyoming.allow)


def _health(speaks: Speech) -> dict[str, object]:
    return {"voices": len(speaks.catalogue.listed()), "engines": sorted(speaks.engines)}
