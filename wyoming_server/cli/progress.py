"""What a command shows on a terminal while it works: `say` a bar for long texts or a line; `convert` and `cache` a bar.

rich is imported only when there is a bar to draw.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

LONG_TEXT = 500
"""Characters from which a bar is worth its line."""

_SPEAKING, _CONVERTING, _WARMING = "Speaking", "Converting", "Warming"
_TEENS = range(11, 14)


def wanted(length: int | None) -> bool:
    """Whether to draw one: on a terminal that nobody is typing the text into, for a text that is long, or may become so."""
    if not sys.stderr.isatty():
        return False
    return length > LONG_TEXT if length is not None else not sys.stdin.isatty()


class Progress:
    """Shows nothing."""

    def advance(self, characters: int, seconds: float) -> None:
        """`characters` are spoken so far (0: not known), and there are `seconds` of audio."""

    def wait(self, engine: str, position: int) -> None:
        """The reply stands in the engine's line."""


class _Line(Progress):
    """One line, when the reply first stands in line."""

    _told = False

    def wait(self, engine: str, position: int) -> None:
        if not self._told:
            self._told = True
            sys.stderr.write(f"{_waiting(engine, position)}\n")


class _Bar(Progress):
    def __init__(self, bar: Bar, length: int | None) -> None:
        self._bar = bar
        self._length = length
        self._task = bar.add_task(_SPEAKING, total=None, seconds=0.0)

    def advance(self, characters: int, seconds: float) -> None:
        # A server tells no marks: without them the bar only shows that it goes on.
        total = self._length if characters else None
        self._bar.update(self._task, description=_SPEAKING, completed=characters, total=total, seconds=seconds)

    def wait(self, engine: str, position: int) -> None:
        self._bar.update(self._task, description=_waiting(engine, position), refresh=True)


@contextmanager
def progress(length: int | None, *, quiet: bool) -> Iterator[Progress]:
    """Gives what takes the progress. A bar goes away at the end."""
    if quiet or not wanted(length):
        yield Progress() if quiet else _Line()
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415
    from rich.progress import Progress as Bar  # noqa: PLC0415

    seconds = TextColumn("{task.fields[seconds]:.1f} s of audio")
    speaking = TextColumn("{task.description}", markup=False)
    with Bar(speaking, BarColumn(), seconds, TimeElapsedColumn(), console=Console(stderr=True), transient=True) as bar:
        yield _Bar(bar, length)


@contextmanager
def converting(total: float | None, *, quiet: bool) -> Iterator[Callable[[float], None]]:
    """Gives what takes the seconds of audio that are made so far, of `total`, where that is known. A bar goes away at the end."""
    if quiet or not sys.stderr.isatty():
        yield lambda _seconds: None
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415
    from rich.progress import Progress as Bar  # noqa: PLC0415

    seconds = TextColumn("{task.completed:.1f} s" if total is None else "{task.completed:.1f} of {task.total:.1f} s")
    words = TextColumn("{task.description}")
    with Bar(words, BarColumn(), seconds, TimeElapsedColumn(), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(_CONVERTING, total=total)
        yield lambda made: bar.update(task, completed=made)


@contextmanager
def warming(total: int, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """Gives what takes how many sentences of `total` are done. A bar goes away at the end."""
    if quiet or not sys.stderr.isatty():
        yield lambda _done: None
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415
    from rich.progress import Progress as Bar  # noqa: PLC0415

    words = TextColumn("{task.description}")
    columns = words, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(_WARMING, total=total)
        yield lambda done: bar.update(task, completed=done)


def _waiting(engine: str, position: int) -> str:
    return f"Waiting for {engine}: {ordinal(position)} in line."


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th … 11th … 21st."""
    ending = "th" if number % 100 in _TEENS else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
