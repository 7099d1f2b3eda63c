"""Fixtures of the tests of `sami`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest


@pytest.fixture
async def nothing_is_left() -> AsyncIterator[None]:
    """Every task that a test starts is gone at its end."""
    tasks = asyncio.all_tasks()  # this fixture's and the test's own come and go
    yield
    assert asyncio.all_tasks() - {asyncio.current_task()} <= tasks
