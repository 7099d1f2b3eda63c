"""One way to start every registered engine for the contract suite. A new engine adds one row to CASES."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import voluptuous as vol

from wyoming_server.engines.base import Engine
from wyoming_server.engines.registry import engine_class


def new_engine(engine_type: str, **options: Any) -> Engine:
    """An engine with its defaults, as the configuration would make it."""
    found = engine_class(engine_type)
    return found(engine_type, vol.Schema(dict(found.options_schema))(options))


@asynccontextmanager
async def tone(**options: Any) -> AsyncIterator[Engine]:
    async with new_engine("tone", per_character=0.02, pace=200, **options) as engine:
        yield engine


@asynccontextmanager
async def tone_streaming() -> AsyncIterator[Engine]:
    async with tone(streaming_text=True) as engine:
        yield engine


@asynccontextmanager
async def espeak() -> AsyncIterator[Engine]:
    async with new_engine("espeak") as engine:
        yield engine


CASES: dict[str, Callable[[], AbstractAsyncContextManager[Engine]]] = {
    "espeak": espeak,
    "tone": tone,
    "tone (streaming text)": tone_streaming,
}
