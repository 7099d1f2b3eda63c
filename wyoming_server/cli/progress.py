"""The progress bar of `herald say`, for long texts on a terminal. rich is imported only when there is one to draw."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

LONG_TEXT = 500
"""Characters from which a bar is worth its line."""

Advance: TypeAlias = Callable[[int, float], None]
"""Told the characters spoken so far (0: not known) and the seconds of audio so far."""


def wanted(length: int | None) -> bool:
    """Whether to draw one: on a terminal that nobody is typing the text into, for a text that is long, or may become so."""
    if not sys.stderr.isatty():
        return False
    return length > LONG_TEXT if length is not None else not sys.stdin.isatty()


@contextmanager
def progress(length: int | None, *, shown: bool) -> Iterator[Advance]:
    """Gives what takes the progress. The bar goes away at the end."""
    if not shown:
        yield _nothing
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    columns = (TextColumn("Speaking"), BarColumn(), TextColumn("{task.fields[seconds]:.1f} s of audio"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None, seconds=0.0)

        def advance(characters: int, seconds: float) -> None:
            # A server tells no marks: without them the bar only shows that it goes on.
            bar.update(task, completed=characters, total=length if characters else None, seconds=seconds)

        yield advance


def _nothing(_characters: int, _seconds: float) -> None:
    pass
