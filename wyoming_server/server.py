"""Life cycle: what speaks, then the front ends, started in order and ended in reverse."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from .config import Config
from .errors import ShuttingDown
from .frontends.discovery import advertised
from .frontends.flowing.connection import Services as Conversations
from .frontends.flowing.routes import routes as flowing_routes
from .frontends.http.server import HttpServer, Port
from .frontends.indextts.routes import own_port
from .frontends.indextts.routes import routes as indextts_routes
from .frontends.indextts.services import Services as Tasks
from .frontends.openai.routes import routes as openai_routes
from .frontends.wyoming.connection import Services
from .frontends.wyoming.info import InfoSource
from .frontends.wyoming.reply import TURNS
from .frontends.wyoming.server import WyomingServer
from .sessions import LocalSessions
from .speech import Speech, speech
from .synthesis import load_stages
from .tokens import PairingToken

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """A server that is ready, and where."""

    speech: Speech
    wyoming: WyomingServer
    http: HttpServer | None
    indextts: Port | None
    """The own port of the IndexTTS front end."""


@asynccontextmanager
async def running(config: Config, state: Path, token: PairingToken) -> AsyncIterator[Running]:
    """Everything that `config` asks for, ready while the block runs. Raises ConfigError where it cannot listen."""
    load_stages(converted=bool(config.converters))
    async with AsyncExitStack() as stack:
        speaks = await stack.enter_async_context(speech(config, state))
        turns = asyncio.Semaphore(TURNS)
        wyoming = WyomingServer(_services(config, speaks, turns))
        await stack.enter_async_context(wyoming.serving())
        http, indextts = None, None
        if config.http.enabled:
            http, indextts = await stack.enter_async_context(_http(config, token, speaks, turns))
        if config.wyoming.zeroconf:
            name = config.wyoming.zeroconf if isinstance(config.wyoming.zeroconf, str) else None
            for port, hosts in _tcp_ports(wyoming.uris).items():
                await stack.enter_async_context(advertised(port, name, hosts=hosts))
        yield Running(speech=speaks, wyoming=wyoming, http=http, indextts=indextts)


@asynccontextmanager
async def _http(
    config: Config, token: PairingToken, speaks: Speech, turns: asyncio.Semaphore
) -> AsyncIterator[tuple[HttpServer, Port | None]]:
    """The HTTP port and that of IndexTTS, with everything that speaks there: one namespace of sessions."""
    sessions = LocalSessions()
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
    more = (*flowing_routes(conversations), *indextts_routes(tasks), *openai_routes(conversations))
    server = HttpServer(config.http, token=token, health=lambda: _health(speaks), more_routes=more)
    indextts = _indextts(config, tasks)
    async with AsyncExitStack() as ports:
        for port in (server, indextts):
            if port is not None:
                await ports.enter_async_context(port.serving())
        try:
            yield server, indextts
        finally:
            sessions.close()
            sessions.interrupt_all(ShuttingDown())


def _indextts(config: Config, tasks: Tasks) -> Port | None:
    port = config.http.indextts_port
    return None if port is None else own_port(tasks, config.http, port, config.wyoming.allow)


async def serve(config: Config, state: Path, token: PairingToken) -> None:
    """Serve until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running(config, state, token) as ready:
        # What is here now stays: a collection that went through all of it would stall everybody who listens for 30 ms.
        gc.collect()
        gc.freeze()
        _announce(ready)
        await stop.wait()
        _LOGGER.info("Shutting down")
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)  # a second one ends it at once


def _services(config: Config, speaks: Speech, turns: asyncio.Semaphore) -> Services:
    return Services(
        config=config.wyoming,
        catalogue=speaks.catalogue,
        synthesizer=speaks.synthesizer,
        sessions=LocalSessions(),
        info=InfoSource(speaks.catalogue),
        turns=turns,
    )


def _announce(ready: Running) -> None:
    urls = ready.http.urls if ready.http is not None else []
    voices = ready.speech.catalogue.listed()
    if ready.indextts is not None:
        urls = [*urls, *(url.replace("http:", "ws:", 1) for url in ready.indextts.urls)]
    places = ", ".join(ready.wyoming.uris), ", ".join(urls) or "no port"
    _LOGGER.info("Ready: Wyoming on %s, HTTP on %s; %d voices", *places, len(voices))


def _health(speaks: Speech) -> dict[str, object]:
    return {"voices": len(speaks.catalogue.listed()), "engines": sorted(speaks.engines)}


def _tcp_ports(uris: Iterable[str]) -> dict[int, list[str]]:
    """Port → the hosts on which it is open."""
    ports: dict[int, list[str]] = {}
    for parts in map(urlsplit, uris):
        if parts.port is not None and parts.hostname is not None:
            ports.setdefault(parts.port, []).append(parts.hostname)
    return ports
