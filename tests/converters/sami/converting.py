"""What the tests of `sami` share: the converter at a service, and what the service makes of speech."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from wyoming_server.converters.base import Conversion
from wyoming_server.converters.sami.converter import SamiConverter
from wyoming_server.models import AudioFormat

from ...simulators.sami import Account, Fault, SamiSimulator, simulator
from ...simulators.sami import converted as inverted
from ..cases import new_converter
from ..speech import how, speech

SPEAKER, OTHER = "zh_female_qingxin_stream", "zh_male_chunhou_stream"
KEYS = {"appkey": "sami-appkey", "token": "sami-token"}
ACCESS_KEY = {"appkey": "sami-appkey", "access_key": "access-key", "secret_key": "secret-key"}
BOUGHT = Account(token=None)
"""A customer whose only good tokens are those of GetToken."""
SOURCE = AudioFormat(rate=16_000)


def made(**options: Any) -> SamiConverter:
    converter = new_converter("sami", **{"output_rate": 16_000, **options})
    assert isinstance(converter, SamiConverter)
    return converter


@asynccontextmanager
async def at(
    *faults: Fault, converter: dict[str, Any] | None = None, **habits: Any
) -> AsyncIterator[tuple[SamiSimulator, SamiConverter]]:
    """A service, in which `faults` wait, and a converter with good credentials that wants the rate that it gives.

    `converter`: its options.
    """
    async with simulator(**habits) as service:
        service.faults.add(*faults)
        options = {"url": service.url, "token_url": service.token_url, **KEYS, **(converter or {})}
        async with made(**options) as speaker:
            yield service, speaker


def pcm(seconds: float = 0.5, *, seed: int = 0) -> bytes:
    return speech(seconds, SOURCE, seed=seed)


def other(pcm: bytes, target: AudioFormat = SOURCE) -> bytes:
    """What the service makes of it."""
    return inverted(pcm, SOURCE, target)


def conversion(speaker: str = SPEAKER, **settings: Any) -> Conversion:
    return Conversion(speaker=speaker, source=SOURCE, settings=settings)


__all__ = [
    "ACCESS_KEY",
    "BOUGHT",
    "KEYS",
    "OTHER",
    "SOURCE",
    "SPEAKER",
    "Account",
    "Fault",
    "SamiConverter",
    "SamiSimulator",
    "at",
    "conversion",
    "how",
    "made",
    "other",
    "pcm",
    "simulator",
]
