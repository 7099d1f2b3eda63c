"""A simulator for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from .openspeech import OpenSpeechSimulator, simulator


@pytest.fixture
async def service() -> AsyncIterator[OpenSpeechSimulator]:
    async with simulator() as service:
        yield service
