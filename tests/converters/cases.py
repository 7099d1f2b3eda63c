"""One way to start every registered converter for the contract suite. A new converter adds one row to CASES."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import voluptuous as vol

from wyoming_server.converters.base import Converter
from wyoming_server.converters.registry import converter_class

from ..simulators.sami import simulator


def new_converter(converter_type: str, **options: Any) -> Converter:
    """A converter with its defaults, as the configuration would make it."""
    found = converter_class(converter_type)
    return found(converter_type, vol.Schema(dict(found.options_schema))(options))


@asynccontextmanager
async def gain(**options: Any) -> AsyncIterator[Converter]:
    async with new_converter("gain", **options) as converter:
        yield converter


@asynccontextmanager
async def gain_late() -> AsyncIterator[Converter]:
    async with gain(hold=0.3, rate=16_000, channels=2) as converter:
        yield converter


@asynccontextmanager
async def sami(service: dict[str, Any] | None = None, **options: Any) -> AsyncIterator[Converter]:
    keys = {"appkey": "sami-appkey", "token": "sami-token", "output_rate": 16_000}
    async with simulator(**(service or {})) as running:
        async with new_converter("sami", url=running.url, **{**keys, **options}) as converter:
            yield converter
        assert not running.all("refused")
        assert not running.habits


@asynccontextmanager
async def sami_late() -> AsyncIterator[Converter]:
    """A service with every habit at once, and stereo."""
    habits = {"delay": 0.005, "hold": 0.4, "burst": 0.2, "splits_samples": True}
    async with sami(habits, input_channels=2, output_channels=2) as converter:
        yield converter


@asynccontextmanager
async def sami_resampling() -> AsyncIterator[Converter]:
    async with sami({"last": "before"}, output_rate=24_000, downstream_align=True) as converter:
        yield converter


CASES: dict[str, Callable[[], AbstractAsyncContextManager[Converter]]] = {
    "gain": gain,
    "gain (late)": gain_late,
    "sami": sami,
    "sami (late)": sami_late,
    "sami (resampling)": sami_resampling,
}
