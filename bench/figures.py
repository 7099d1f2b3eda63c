"""Statistics of samples. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence


def median(samples: Sequence[float]) -> float:
    return statistics.median(samples)


def percentile(samples: Sequence[float], percent: float) -> float:
    """The smallest sample that at least `percent` % are no larger than."""
    ordered = sorted(samples)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Least squares: the change of the second number for one of the first."""
    return statistics.linear_regression(*zip(*points, strict=True)).slope


def milliseconds(begin: int, end: int) -> float:
    """Between two stamps in ns."""
    return (end - begin) / 1e6


def spread(samples: Sequence[float], unit: str = "ms") -> str:
    """For people."""
    return (
        f"{median(samples):.2f} / {percentile(samples, 95):.2f} / {percentile(samples, 99):.2f} {unit} "
        f"(median / p95 / p99 of {len(samples)})"
    )
