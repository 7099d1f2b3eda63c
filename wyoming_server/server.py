"""Life cycle: what speaks, then the front ends, started in order and ended in reverse."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import socket
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from .administration import Administration, Load, Origin
from .config import Config
from .errors import HeraldError, ShuttingDown
from .frontends.console.routes import routes as console_routes
from .frontends.control.about import API
from .frontends.control.engines import described_now
from .frontends.control.routes import routes as control_routes
from .frontends.control.services import About
from .frontends.control.services import Services as Control
from .frontends.discovery import HERALD, WYOMING, Network, Service, others_can_come
from .frontends.flowing.connection import Services as Conversations
from .frontends.flowing.routes import routes as flowing_routes
from .frontends.http.certificates import Tls, load_tls
from .frontends.http.routes import Route
from .frontends.http.server import HttpServer, Port
from .frontends.indextts.routes import own_port
from .frontends.indextts.routes import routes as indextts_routes
from .frontends.indextts.services import Services as Tasks
from .frontends.openai.routes import routes as openai_routes
from .frontends.speech_api.routes import routes as speech_routes
from .frontends.wyoming.connection import Services
from .frontends.wyoming.info import InfoSource
from .frontends.wyoming.reply import TURNS
from .frontends.wyoming.server import WyomingServer
from .monitoring.cache import CacheNumbers
from .monitoring.hub import Topic
from .monitoring.monitor import Monitor
from .rates import Rates
from .sessions import LocalSessions
from .speech import Speech, speech
from .state.credentials import FILE as CREDENTIALS
from .state.credentials import CredentialStore
from .state.identity import server_id
from .state.tokens import HeldToken, PairingToken, Token
from .synthesis import load_stages

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """A server that is ready, and where."""

    id: str
    """See `identity`."""
    speech: Speech
    monitor: Monitor
    administration: Administration
    wyoming: WyomingServer
    http: HttpServer | None
    indextts: Port | None
    """The own port of the IndexTTS front end."""


@asynccontextmanager
async def running(config: Config, state: Path, token: PairingToken, *, load: Load | None = None) -> AsyncIterator[Running]:
    """Everything that `config` asks for, ready while the block runs. Raises ConfigError where it cannot listen.

    `load` reads the configuration anew, as it was read for `config`; without it nothing can be changed.
    """
    load_stages(converted=bool(config.converters))
    own_id = server_id(state)
    async with Network() as network, AsyncExitStack() as stack:
        speaks = await stack.enter_async_context(speech(config, state))
        monitor = Monitor(
            speaks.engines, speaks.converters, speaks.catalogue, spending=speaks.spending, breakers=speaks.synthesizer.breakers
        )
        if speaks.cache is not None:
            monitor.metrics.watch(CacheNumbers(speaks.cache))
        speaks.chimes.on_changed = lambda: monitor.hub.publish(Topic.CHIMES, {})
        held = HeldToken(token)
        administration = Administration(config, held, origin=_origin(config, state, token, load), speech=speaks, monitor=monitor)
        await stack.enter_async_context(administration)
        turns = asyncio.Semaphore(TURNS)
        rates = Rates(lambda: administration.config.limits.requests_per_minute)
        wyoming_sessions, http_sessions = LocalSessions(monitor, rates), LocalSessions(monitor, rates)
        wyoming = WyomingServer(_services(config, speaks, wyoming_sessions, turns))
        await stack.enter_async_context(wyoming.serving())
        http, indextts = None, None
        if config.http.enabled:
            tls = load_tls(config.http, state)
            control = Control(
                about=_about(config, own_id, tls),
                token=held,
                catalogue=speaks.catalogue,
                engines=speaks.engines,
                converters=speaks.converters,
                administration=administration,
                monitor=monitor,
                chimes=speaks.chimes,
                cache=speaks.cache,
                namespaces=(wyoming_sessions, http_sessions),
            )
            monitor.describe_service = partial(described_now, control)
            port = _http(config, tls, held, speaks, http_sessions, turns=turns, more=control_routes(control))
            http, indextts = await stack.enter_async_context(port)
        network.tell(*_services_to_find(config, wyoming, http, own_id))
        stack.callback(network.leave)
        stack.callback(monitor.close)
        yield Running(
            id=own_id,
            speech=speaks,
            monitor=monitor,
            administration=administration,
            wyoming=wyoming,
            http=http,
            indextts=indextts,
        )


def _origin(config: Config, state: Path, token: PairingToken, load: Load | None) -> Origin:
    store = CredentialStore(state / CREDENTIALS)
    if load is None:
        return Origin(load=lambda _: config, load_token=lambda: token, store=store)
    return Origin(load=load, load_token=partial(PairingToken.load, state), store=store)


@asynccontextmanager
async def _http(  # noqa: PLR0913  # what a server is made of
    config: Config,
    tls: Tls | None,
    token: Token,
    speaks: Speech,
    sessions: LocalSessions,
    *,
    turns: asyncio.Semaphore,
    more: tuple[Route, ...],
) -> AsyncIterator[tuple[HttpServer, Port | None]]:
    """The HTTP port and that of IndexTTS, with everything that speaks there: one namespace of sessions."""
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


async def serve(config: Config, state: Path, token: PairingToken, load: Load) -> None:
    """Serve until SIGTERM or SIGINT; SIGHUP reads everything anew."""
    stop, read_anew = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, read_anew.set)
    async with running(config, state, token, load=load) as ready, _reloading(ready.administration, read_anew):
        # What is here now stays: a collection that went through all of it would stall everybody who listens for 30 ms.
        gc.collect()
        gc.freeze()
        _announce(ready)
        await stop.wait()
        _LOGGER.info("Shutting down")
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)  # a second one ends it at once


@asynccontextmanager
async def _reloading(administration: Administration, wanted: asyncio.Event) -> AsyncIterator[None]:
    """While the block runs, everything is read anew whenever that is `wanted`. Several times while it is done are one."""
    task = asyncio.create_task(_reload_whenever(administration, wanted))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _reload_whenever(administration: Administration, wanted: asyncio.Event) -> None:
    while await wanted.wait():
        wanted.clear()
        try:
            reloaded = await administration.reload()
        except HeraldError as error:
            _LOGGER.error("The configuration stays as it was: %s", error)  # noqa: TRY400  # in words; nobody needs the stack
        else:
            _LOGGER.info("Reloaded: %s", ", ".join(reloaded.changed) or "nothing has changed")
            if reloaded.needs_restart:
                _LOGGER.warning("These are changed only by a restart: %s", ", ".join(reloaded.needs_restart))


def _about(config: Config, own_id: str, tls: Tls | None) -> About:
    return About(
        id=own_id,
        name=_name(config.http.zeroconf) or socket.gethostname(),
        started=datetime.now(UTC),
        fingerprint=tls.fingerprint if tls is not None else None,
    )


def _services(config: Config, speaks: Speech, sessions: LocalSessions, turns: asyncio.Semaphore) -> Services:
    return Services(
        config=config.wyoming,
        catalogue=speaks.catalogue,
        synthesizer=speaks.synthesizer,
        sessions=sessions,
        info=InfoSource(speaks.catalogue),
        turns=turns,
    )


def _announce(ready: Running) -> None:
    urls = ready.http.urls if ready.http is not None else []
    voices = ready.speech.catalogue.listed()
    if ready.indextts is not None:
        urls = [*urls, *(url.replace("http:", "ws:", 1) for url in ready.indextts.urls)]
    if ready.http is not None and (tls := ready.http.tls) is not None:
        _LOGGER.info("TLS with the certificate %s until %s, SHA-256 %s", tls.file, f"{tls.expires:%Y-%m-%d}", tls.fingerprint)
    places = ", ".join(ready.wyoming.uris), ", ".join(urls) or "no port"
    _LOGGER.info("Ready: Wyoming on %s, HTTP on %s; %d voices", *places, len(voices))


def _health(speaks: Speech) -> dict[str, object]:
    return {"voices": len(speaks.catalogue.listed()), "engines": sorted(speaks.engines)}


def _services_to_find(config: Config, wyoming: WyomingServer, http: HttpServer | None, own_id: str) -> Iterator[Service]:
    """What the local network is told of."""
    wanted = config.wyoming.zeroconf
    if wanted:
        for port, hosts in _tcp_ports(wyoming.uris).items():
            yield Service(type=WYOMING, port=port, hosts=tuple(hosts), name=_name(wanted))
    wanted = config.http.zeroconf
    if wanted and http is not None:
        known = {"id": own_id, "api": str(API), "tls": str(int(http.tls is not None))}
        for port, hosts in _tcp_ports(http.urls).items():
            if others_can_come(hosts):
                yield Service(type=HERALD, port=port, hosts=tuple(hosts), name=_name(wanted), properties=known)


def _name(zeroconf: bool | str) -> str | None:
    return zeroconf if isinstance(zeroconf, str) else None


def _tcp_ports(uris: Iterable[str]) -> dict[int, list[str]]:
    """Port → the hosts on which it is open."""
    ports: dict[int, list[str]] = {}
    for parts in map(urlsplit, uris):
        if parts.port is not None and parts.hostname is not None:
            ports.setdefault(parts.port, []).append(parts.hostname)
    return ports
