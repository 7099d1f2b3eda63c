"""`script/bench scenarios [--count 2000] [--seed 1] [--from 0]`: seeded random scenarios against one real Herald in this process.

Clients of every front end ask it for speech, its services are the tests' simulators, which go wrong on demand, and meanwhile
somebody interrupts, hangs up, replaces, shares, reloads. After each scenario everybody was told how it ended, the monitoring says
the same, upstream has nothing in hand, and no slot, task, process or descriptor is left. A failure prints its seed, and the
scenario in words.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench scenarios", description="Plays random scenarios. See docs/benchmarks.md.")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1, help="of the first scenario; each has the next one")
    parser.add_argument("--from", type=int, default=0, dest="first", help="leave out so many of them")
    said = parser.parse_args(arguments)
    from .campaign import run, table  # noqa: PLC0415  # all simulators: benches start without them

    seeds = range(said.seed + said.first, said.seed + said.count)
    outcome = run(seeds, lambda line: print(line, flush=True))
    print(table(outcome.ends))
    print(f"{outcome.played} scenarios in {outcome.seconds:.0f} s, {len(outcome.wrong)} of them wrong")
    slowest, whose = outcome.longest_interrupt
    print(f"The slowest interrupt had stopped everything after {1000 * slowest:.0f} ms ({whose})")
    return int(bool(outcome.wrong))
