"""Every bench runs, at its smallest size, and yields its rows: code that nobody runs would rot. The numbers are not judged."""

from __future__ import annotations

import asyncio
import json
import math

import pytest

from bench.figures import median, percentile, slope
from bench.lab import Lab, Size, laboratory
from bench.measures import BENCHES
from bench.order import Order, Report
from bench.rows import Row, Target, table

ROWS = {
    "latency": 3,
    "resample": 4,
    "cpu": 16,
    "realtime": 4,
    "interrupt": 5,
    "describe": 5,
    "espeak": 5,
    "openspeech": 16,
    "flowing": 16,
    "http": 8,
    "indextts": 7,
    "sami": 9,
    "containers": 18,
    "cache": 20,
    "fallback": 7,
    "peers": 23,
    "start": 2,
    "memory": 4,
    "endurance": 1,
}
"""How many each yields, with one and two clients."""


async def run(name: str, lab: Lab) -> list[Row]:
    return [row async for row in BENCHES[name](lab)]


@pytest.mark.timeout(300)
async def test_every_bench_yields_its_rows() -> None:
    async with laboratory(Size.TINY, clients=(1, 2)) as lab, asyncio.timeout(250):
        rows = {name: await run(name, lab) for name in BENCHES}
    assert {name: len(some) for name, some in rows.items()} == ROWS
    for name, some in rows.items():
        assert all(row.bench == name and math.isfinite(row.value) for row in some)
        assert json.dumps([row.as_json() for row in some], allow_nan=False)
        assert len({row.what for row in some}) == len(some)


async def test_an_order_and_a_report_survive_their_way() -> None:
    order = Order(number=7, seconds=0.5, pace=0, stall=0.25)
    assert Order.parse(order.text()) == order
    report = Report(number=7, first=1, gone=None, late=0.5)
    assert Report.parse(report.line()) == report


def test_a_row_knows_whether_its_target_is_met() -> None:
    def row(value: float, target: Target | None) -> Row:
        return Row(bench="b", what="w", value=value, unit="ms", target=target)

    assert row(1.3, Target("≤", 1.3)).passed is True
    assert row(5, Target("<", 5)).passed is False
    assert row(5, None).passed is None
    assert table([row(5, Target("<", 5))]).split() == ["w", "5", "ms", "<", "5", "MISS"]


@pytest.mark.parametrize(("percent", "value"), [(50, 2), (95, 4), (25, 1), (100, 4)])
def test_a_percentile_is_one_of_the_samples(percent: float, value: float) -> None:
    assert percentile([4, 1, 3, 2], percent) == value


def test_median_and_slope() -> None:
    assert median([3, 1, 2]) == 2
    assert slope([(0, 1), (1, 3), (2, 5)]) == 2
