"""A bench on one release of Home Assistant after the other: its options, its rows, and what it says in the end."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from ..peer import Unavailable
from ..rows import Row, table
from .house import bring

VERSIONS = ("2026.10.4", "newest")

Measure = Callable[[Path, int], Awaitable[list[Row]]]
"""Of a release, by its folder, and so many turns."""


def main(argv: Sequence[str], measure: Measure, *, bench: str, description: str, turns: int) -> int:
    """`turns`: how many there are of each kind, if the caller does not say."""
    parser = argparse.ArgumentParser(prog=f"bench {bench}", description=description)
    parser.add_argument("--versions", nargs="+", default=VERSIONS, metavar="VERSION", help="releases, or newest")
    parser.add_argument("--turns", type=int, default=turns, metavar="N", help=f"of each kind (default: {turns})")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there too")
    parser.add_argument("--check", action="store_true", help="fail if a target is missed, or a version cannot be had")
    arguments = parser.parse_args(argv)
    rows, complete = asyncio.run(_run(arguments.versions, measure, arguments.turns))
    if arguments.json:
        arguments.json.write_text(json.dumps({"rows": [one.as_json() for one in rows]}, indent=1) + "\n")
    missed = [one for one in rows if one.passed is False]
    print(f"{sum(one.passed is True for one in rows)} targets met, {len(missed)} missed")
    return int(bool(missed or not complete) and arguments.check)


async def _run(versions: Sequence[str], measure: Measure, turns: int) -> tuple[list[Row], bool]:
    """The rows, and whether all could be measured."""
    rows: list[Row] = []
    complete = True
    for version in versions:
        try:
            release = await bring(version)
        except Unavailable as why:
            print(f"  not run: {why}", flush=True)
            complete = False
            continue
        mine = await measure(release, turns)
        print(table(mine), flush=True)
        rows += mine
    return rows, complete
