"""What can speak: the configured engines and their voices, everything below the front ends, put together in one place."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from .config import CacheConfig, Config, EngineConfig
from .converters.base import Converter
from .converters.registry import converter_class
from .engines.base import CONCURRENCY_MAX, Engine, Utterance
from .engines.registry import engine_class
from .engines.turns import Turns
from .errors import HeraldError
from .models import Voice
from .roster import Changes, Roster, ServiceConfig
from .state.counters import FILE as COUNTERS_FILE
from .state.counters import Counters, KeptCounters, LocalCounters
from .synthesis import Synthesizer, load_stages
from .synthesis.cache.replies import Caching
from .synthesis.cache.store import FOLDER as CACHE_FOLDER
from .synthesis.cache.store import DiskStore, disk_store
from .synthesis.chimes import FOLDER, ChimeStore
from .synthesis.fallback.breakers import Breakers
from .synthesis.loudness import LoudnessStore
from .synthesis.spending import Spending
from .voices import Catalogue

_LOGGER = logging.getLogger(__name__)

LOUDNESS_FILE = "loudness.json"
PATIENCE = 1.0
"""Seconds that a server's start waits for engines to tell their voices; those that take longer come when they do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Speech:
    """Ready to speak."""

    engines: Roster[Engine]
    converters: Roster[Converter]
    catalogue: Catalogue
    chimes: ChimeStore
    synthesizer: Synthesizer
    cache: DiskStore | None
    """Where finished replies are kept, if anywhere."""
    limits: dict[str, EngineConfig]
    """What holds for each engine, by name; whoever holds to it looks here."""
    spending: Spending
    changed: asyncio.Queue[str]
    """Names of engines whose voices are to be read again."""

    async def apply(self, config: Config) -> Changes:
        """Be what `config` says from now on; replies that are being spoken end as they began. What changed, by name."""
        async with self.prepared(config) as put:
            return put()

    @asynccontextmanager
    async def prepared(self, config: Config) -> AsyncIterator[Callable[[], Changes]]:
        """What is new in `config`, started, while nobody uses it yet. Calling what is given makes all of it true at one moment.

        Where it is not called, nothing has changed when the block ends.
        """
        await asyncio.to_thread(load_stages, converted=bool(config.converters))
        async with (
            self.engines.prepared(config.engines) as put_engines,
            self.converters.prepared(config.converters) as put_converters,
        ):

            def put() -> Changes:
                engines, converters = put_engines(), put_converters()
                self.hold_limits()
                self.catalogue.configure(config)
                self.limits.clear()
                self.limits.update(config.engines)
                self.synthesizer.breakers.renew(engines.names)
                for name in (*engines.added, *engines.replaced):
                    self.changed.put_nowait(name)
                _prepare(self.engines, self.catalogue, (*engines.added, *engines.replaced))
                return engines + converters

            yield put

    def hold_limits(self) -> None:
        """Nobody but these engines counts for how many requests an account may have at once.

        Not those that they have replaced, nor those that were only made to see whether a configuration is right.
        """
        limits: dict[Turns, int] = {}
        for engine in self.engines.values():
            if (turns := engine.turns) is not None:
                limits[turns] = min(limits.get(turns, CONCURRENCY_MAX), engine.options["concurrency"])
        for turns, limit in limits.items():
            turns.change(limit)


@asynccontextmanager
async def speech(config: Config, state: Path | None, *, prepare: bool = True) -> AsyncIterator[Speech]:
    """The configured engines, started, and what speaks with them.

    `state`: where learned loudness and chimes are kept, if anywhere. `prepare`: engines may connect already, so that the first
    reply need not wait for it, and those that are slow to tell their voices are not waited for.
    """
    async with AsyncExitStack() as stack:
        counters = await stack.enter_async_context(_counters(state))
        changed: asyncio.Queue[str] = asyncio.Queue()
        engines: Roster[Engine] = Roster(partial(_engine, changed), "engine")
        converters: Roster[Converter] = Roster(_converter, "converter")
        stack.push_async_callback(engines.aclose)
        await engines.apply(config.engines)
        stack.push_async_callback(converters.aclose)
        await converters.apply(config.converters)
        catalogue = Catalogue(config, engines)
        await stack.enter_async_context(_current(catalogue, changed, within=PATIENCE if prepare else None))
        if prepare:
            _prepare(engines, catalogue, engines)
        loudness = LoudnessStore(state / LOUDNESS_FILE if state is not None else None)
        chimes = ChimeStore(state / FOLDER if state is not None else None)
        await chimes.load()
        cache = await stack.enter_async_context(_cache(config.cache, state))
        if cache is not None and prepare:
            cache.open()
        caching = None if cache is None else Caching(cache, config.cache.max_text)
        limits = dict(config.engines)
        spending = Spending(counters, limits)
        yield Speech(
            engines=engines,
            converters=converters,
            catalogue=catalogue,
            chimes=chimes,
            synthesizer=Synthesizer(
                engines,
                loudness,
                converters,
                chimes,
                caching=caching,
                spending=spending,
                breakers=Breakers(limits),
                understudies=catalogue,
            ),
            cache=cache,
            limits=limits,
            spending=spending,
            changed=changed,
        )


@asynccontextmanager
async def _counters(state: Path | None) -> AsyncIterator[Counters]:
    if state is None:
        yield LocalCounters()
        return
    async with KeptCounters(state / COUNTERS_FILE) as counters:
        yield counters


@asynccontextmanager
async def _cache(config: CacheConfig, state: Path | None) -> AsyncIterator[DiskStore | None]:
    if state is None or not config.enabled:
        yield None
        return
    async with disk_store(state / CACHE_FOLDER, config.size << 20) as store:
        yield store


def _engine(changed: asyncio.Queue[str], name: str, config: ServiceConfig) -> Engine:
    engine = engine_class(config.type)(name, config.options)
    engine.on_voices_changed = partial(changed.put_nowait, name)
    return engine


def _converter(name: str, config: ServiceConfig) -> Converter:
    return converter_class(config.type)(name, config.options)


@asynccontextmanager
async def _current(catalogue: Catalogue, changed: asyncio.Queue[str], *, within: float | None) -> AsyncIterator[None]:
    """The catalogue, kept as the engines tell it. `within`: seconds that their first answers are waited for."""
    first = asyncio.create_task(catalogue.refresh())
    later = asyncio.create_task(_reread(catalogue, first, changed))
    try:
        await asyncio.wait([first], timeout=within)
        if first.done():
            first.result()
        yield
    finally:
        first.cancel()
        later.cancel()
        await asyncio.wait([first, later])


async def _reread(catalogue: Catalogue, first: asyncio.Task[None], changed: asyncio.Queue[str]) -> None:
    """Ask again whoever says that its voices have changed."""
    await asyncio.wait([first])
    while True:
        await catalogue.refresh_engine(await changed.get())


def _prepare(engines: Roster[Engine], catalogue: Catalogue, names: Iterable[str]) -> None:
    """Tell every engine of these that was started which of its voices are likely to be asked for."""
    likely = catalogue.likely()
    for name in names:
        if name in engines.failures:
            continue
        try:
            engines[name].prepare([_utterance(voice) for voice in likely if voice.engine == name])
        except HeraldError as error:
            _LOGGER.warning("The engine %s could not be prepared: %s", name, error)


def _utterance(voice: Voice) -> Utterance:
    return Utterance(voice=voice.engine_voice, language=voice.language, settings=voice.settings)
