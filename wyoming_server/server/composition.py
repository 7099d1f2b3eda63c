"""Who needs whom: what speaks, then the front ends, started in order and ended in reverse."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from ..administration import Administration, Load, Origin
from ..config import Config
from ..frontends.control.engines import described_now
from ..frontends.control.routes import routes as control_routes
from ..frontends.control.services import About
from ..frontends.control.services import Services as Control
from ..frontends.discovery import Network
from ..frontends.http.certificates import Tls, load_tls
from ..frontends.http.server import HttpServer, Port
from ..frontends.wyoming.connection import Services
from ..frontends.wyoming.info import InfoSource
from ..frontends.wyoming.reply import TURNS
from ..frontends.wyoming.server import WyomingServer
from ..monitoring.cache import CacheNumbers
from ..monitoring.hub import Topic
from ..monitoring.monitor import Monitor
from ..rates import Rates
from ..sessions import LocalSessions
from ..speech import Speech, speech
from ..state.credentials import FILE as CREDENTIALS
from ..state.credentials import CredentialStore
from ..state.identity import server_id
from ..state.tokens import HeldToken, PairingToken
from ..synthesis import load_stages
from .advertising import given_name, services_to_find
from .ports import http_ports


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
            ports = http_ports(config, tls, held, speaks, http_sessions, turns=turns, more=control_routes(control))
            http, indextts = await stack.enter_async_context(ports)
        network.tell(*services_to_find(config, wyoming, http, own_id))
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


def _about(config: Config, own_id: str, tls: Tls | None) -> About:
    return About(
        id=own_id,
        name=given_name(config.http.zeroconf) or socket.gethostname(),
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
