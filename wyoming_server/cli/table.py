"""Rows for whoever reads standard output: a table on a terminal, lines with tabs between in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence


def tell(columns: Sequence[str], rows: Iterable[Sequence[str]], *, fixed: str) -> None:
    """`fixed`: the column that is never broken into lines."""
    cells = [[" ".join(cell.split()) for cell in row] for row in rows]
    if sys.stdout.isatty():
        _draw(columns, cells, fixed)
    else:
        sys.stdout.writelines("\t".join(row) + "\n" for row in cells)


def _draw(columns: Sequence[str], rows: Iterable[Sequence[str]], fixed: str) -> None:
    from rich import box  # noqa: PLC0415  # only where there is a table to draw
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        table.add_column(name, no_wrap=name == fixed, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    Console().print(table)
