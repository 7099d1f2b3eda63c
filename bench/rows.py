"""The results: one row a measured number, with its target and how it fared; as a table and as JSON."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {"<": operator.lt, "≤": operator.le}


class Target(NamedTuple):
    comparison: str
    """< or ≤"""
    limit: float

    def met(self, value: float) -> bool:
        return _COMPARISONS[self.comparison](value, self.limit)


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One number."""

    bench: str
    what: str
    value: float
    unit: str
    target: Target | None = None
    """`None`: shown for orientation."""
    detail: str = ""
    """For people: what the value was made of."""

    @property
    def passed(self) -> bool | None:
        return self.target.met(self.value) if self.target is not None else None

    def as_json(self) -> dict[str, Any]:
        target = {"comparison": self.target.comparison, "limit": self.target.limit} if self.target is not None else None
        return {**asdict(self), "target": target, "passed": self.passed}


_MARKS = {True: "ok", False: "MISS", None: ""}


def table(rows: Sequence[Row]) -> str:
    """Lines for a terminal: what, value, target, mark; the detail below each where there is one."""
    cells = [(row.what, f"{row.value:.3g} {row.unit}", _target(row), _MARKS[row.passed]) for row in rows]
    widths = [max(len(line[column]) for line in cells) for column in range(4)]
    lines = []
    for row, line in zip(rows, cells, strict=True):
        what, value, target, mark = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        lines.append(f"  {what}  {value}  {target}  {mark}".rstrip())
        if row.detail:
            lines.append(f"      {row.detail}")
    return "\n".join(lines)


def _target(row: Row) -> str:
    return f"{row.target.comparison} {row.target.limit:.3g}" if row.target is not None else ""
