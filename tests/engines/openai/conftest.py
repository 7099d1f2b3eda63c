"""Fixtures of the tests of `openai`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from wyoming_server.upstream import attempts


@pytest.fixture(autouse=True)
async def nothing_is_left() -> AsyncIterator[None]:
    """Every task that a test starts is gone at its end."""
    tasks = asyncio.all_tasks()  # this fixture's and the test's own come and go
    yield
    assert asyncio.all_tasks() - {asyncio.current_task()} <= tasks


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "PAUSE", 0.001)
