"""`python -m bench`: runs benches by name, prints a table, and writes JSON if asked to; or one campaign."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from .campaigns import CAMPAIGNS
from .lab import Size, laboratory
from .measures import BENCHES
from .peer import Unavailable
from .rows import Row, table


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench",
        description="Measures Herald against a floor. See docs/benchmarks.md.",
        epilog=f"Campaigns stand apart, and have arguments of their own (bench NAME --help): {', '.join(CAMPAIGNS)}.",
    )
    parser.add_argument("names", nargs="*", metavar="BENCH", help=f"{', '.join(BENCHES)}; default: all")
    parser.add_argument("--quick", action="store_true", help="less of everything: about three minutes")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 10, 50], metavar="N", help="of the bench latency")
    parser.add_argument("--minutes", type=float, help="of the bench endurance (default: 1; the target is for 10)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there too")
    parser.add_argument("--check", action="store_true", help="fail if a target is missed, or a bench cannot be run")
    arguments = parser.parse_args(argv)
    if unknown := sorted(set(arguments.names) - set(BENCHES)):
        parser.error(f"there is no bench {', '.join(unknown)}; there are {', '.join(BENCHES)}")
    return arguments


def machine() -> dict[str, Any]:
    """What the numbers depend on."""
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "wyoming": version("wyoming"),
        "load": round(os.getloadavg()[0], 2),
    }


async def run(arguments: argparse.Namespace) -> tuple[list[Row], list[str]]:
    """The rows, and the names of benches that cannot be run here."""
    rows: list[Row] = []
    left_out: list[str] = []
    size = Size.QUICK if arguments.quick else Size.FULL
    async with laboratory(size, clients=tuple(arguments.clients), minutes=arguments.minutes) as lab:
        for name in arguments.names or BENCHES:
            print(name, flush=True)
            try:
                mine = [row async for row in BENCHES[name](lab)]
            except Unavailable as why:
                print(f"  not run: {why}", flush=True)
                left_out.append(name)
                continue
            print(table(mine), flush=True)
            rows += mine
    return rows, left_out


def main() -> int:
    if sys.argv[1:] and sys.argv[1] in CAMPAIGNS:
        return CAMPAIGNS[sys.argv[1]](sys.argv[2:])
    arguments = parse(sys.argv[1:])
    begin = machine()
    print(", ".join(f"{name} {value}" for name, value in begin.items()))
    rows, left_out = asyncio.run(run(arguments))
    if arguments.json:
        result = {"machine": begin, "load_after": machine()["load"], "rows": [row.as_json() for row in rows]}
        arguments.json.write_text(json.dumps(result, indent=1, ensure_ascii=False, allow_nan=True) + "\n")
    missed = [row for row in rows if row.passed is False]
    without = f", not run: {', '.join(left_out)}" if left_out else ""
    print(f"{sum(row.passed is True for row in rows)} targets met, {len(missed)} missed{without}")
    return int(bool(missed or left_out) and arguments.check)


if __name__ == "__main__":
    sys.exit(main())
