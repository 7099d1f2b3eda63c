"""The figures at the end of `herald say`, on a clock that stands still unless it is moved."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from wyoming_server.cli import timing
from wyoming_server.cli.timing import Timing


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(timing, "perf_counter", clock)
    return clock


def test_the_line_has_all_figures(clock: Clock) -> None:
    figures = Timing()
    clock.now += 0.012
    figures.came(1)
    figures.taken()
    clock.now += 0.038
    figures.came(2.2)
    assert figures.summary("en-GB") == "first audio 12 ms · 3.2 s of audio in 0.05 s · real-time factor 0.016 · voice en-GB"
    assert "voice" not in figures.summary(None)


def test_the_time_of_a_player_is_not_the_speakers(clock: Clock) -> None:
    figures = Timing()
    for _ in range(3):
        clock.now += 0.1
        figures.came(1)
        clock.now += 5
        figures.taken()
    assert "3.0 s of audio in 0.30 s · real-time factor 0.1" in figures.summary(None)


async def test_time_begins_with_the_text_and_typing_is_no_real_time_factor(clock: Clock) -> None:
    async def typed() -> AsyncGenerator[str, None]:
        clock.now += 10
        yield "One. "
        clock.now += 10
        yield "Two."

    figures = Timing()
    async for _ in figures.text(typed()):
        clock.now += 0.25
        figures.came(1)
        figures.taken()
    assert figures.summary(None) == "first audio 250 ms · 2.0 s of audio in 10.50 s"


async def test_the_text_is_closed_with_its_reader(clock: Clock) -> None:
    closed = False

    async def endless() -> AsyncGenerator[str, None]:
        nonlocal closed
        try:
            while True:
                yield "and "
        finally:
            closed = True

    text = Timing().text(endless())
    assert await anext(text) == "and "
    await text.aclose()
    assert closed
    assert clock.now == 100
