"""What all tests share: how hypothesis runs, and that nothing is left behind or told that is secret."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import psutil
import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ("tests.leaks",)

# Two shared cores: slow input generation says nothing about the code.
settings.register_profile(
    "herald", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True, max_examples=60
)
settings.load_profile("herald")


@pytest.fixture
async def nothing_is_left() -> AsyncIterator[None]:
    """Every task that a test starts is gone at its end."""
    tasks = asyncio.all_tasks()  # this fixture's and the test's own come and go
    yield
    assert asyncio.all_tasks() - {asyncio.current_task()} <= tasks


@pytest.fixture
def no_process_is_left(nothing_is_left: None) -> Iterator[None]:
    """Nor a task."""
    processes = set(psutil.Process().children(recursive=True))
    yield
    assert set(psutil.Process().children(recursive=True)) <= processes
