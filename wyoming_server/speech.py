"""What can speak: the configured engines and their voices, everything below the front ends, put together in one place."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from .config import Config
from .converters.base import Converter
from .converters.registry import converter_class
from .engines.base import Engine, Utterance
from .engines.registry import engine_class
from .errors import EngineError, HeraldError
from .loudness import LoudnessStore
from .models import Voice
from .synthesis import Synthesizer
from .voices import Catalogue

_LOGGER = logging.getLogger(__name__)

LOUDNESS_FILE = "loudness.json"
PATIENCE = 1.0
"""Seconds that a server's start waits for engines to tell their voices; those that take longer come when they do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Speech:
    """Ready to speak."""

    engines: Mapping[str, Engine]
    failures: Mapping[str, EngineError]
    """Why an engine could not be started; it is tried again when it is asked to speak."""
    converters: Mapping[str, Converter]
    catalogue: Catalogue
    synthesizer: Synthesizer


@asynccontextmanager
async def speech(config: Config, state: Path | None, *, prepare: bool = True) -> AsyncIterator[Speech]:
    """The configured engines, started, and what speaks with them.

    `state`: where learned loudness is kept, if anywhere. `prepare`: engines may connect already, so that the first reply need not
    wait for it, and those that are slow to tell their voices are not waited for.
    """
    async with AsyncExitStack() as stack:
        engines = {name: engine_class(one.type)(name, one.options) for name, one in config.engines.items()}
        failures: dict[str, EngineError] = {}
        for name, engine in engines.items():
            stack.push_async_callback(engine.aclose)
            try:
                await engine.start()
            except EngineError as error:
                failures[name] = error
                _LOGGER.warning("The engine %s could not be started: %s", name, error)
        converters = {name: converter_class(one.type)(name, one.options) for name, one in config.converters.items()}
        for name, converter in converters.items():
            stack.push_async_callback(converter.aclose)
            try:
                await converter.start()
            except EngineError as error:
                _LOGGER.warning("The converter %s could not be started: %s", name, error)
        catalogue = Catalogue(config, engines)
        await stack.enter_async_context(_current(catalogue, engines, within=PATIENCE if prepare else None))
        if prepare:
            _prepare(engines, failures, catalogue)
        loudness = LoudnessStore(state / LOUDNESS_FILE if state is not None else None)
        yield Speech(
            engines=engines,
            failures=failures,
            converters=converters,
            catalogue=catalogue,
            synthesizer=Synthesizer(engines, loudness, converters),
        )


@asynccontextmanager
async def _current(catalogue: Catalogue, engines: Mapping[str, Engine], *, within: float | None) -> AsyncIterator[None]:
    """The catalogue, kept as the engines tell it. `within`: seconds that their first answers are waited for."""
    changed: asyncio.Queue[str] = asyncio.Queue()
    for name, engine in engines.items():
        engine.on_voices_changed = partial(changed.put_nowait, name)
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


def _prepare(engines: Mapping[str, Engine], failures: Mapping[str, EngineError], catalogue: Catalogue) -> None:
    """Tell every engine that was started which of its voices are likely to be asked for."""
    likely = catalogue.likely()
    for name, engine in engines.items():
        if name in failures:
            continue
        try:
            engine.prepare([_utterance(voice) for voice in likely if voice.engine == name])
        except HeraldError as error:
            _LOGGER.warning("The engine %s could not be prepared: %s", name, error)


def _utterance(voice: Voice) -> Utterance:
    return Utterance(voice=voice.engine_voice, language=voice.language, settings=voice.settings)
