"""The service as a process: the websocket's port on the first line, then the journal by lines, until standard input ends."""

from __future__ import annotations

import argparse
import asyncio
from typing import get_args

from ..common.process import tell
from . import simulator
from .journal import What
from .world import Options

SEPARATELY = "audio output habit".split()
"""Entries there are many of."""
NUMBERS = {
    "latency": "seconds before a StartTask is answered",
    "delay": "seconds from audio that came in to what is made of it",
    "hold": "seconds of output that are held back until FinishTask came; inf: all",
    "burst": "seconds of output that come at once",
    "pace": "output comes at so many times real time at most; 0: as fast as it can",
    "piece": "seconds of output in a message; 0: what was made of one message",
}
"""Of Options."""


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulators.sami", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--token-port", type=int, default=0, help="of GetToken; the journal's first line tells it")
    for name, words in NUMBERS.items():
        parser.add_argument(f"--{name}", type=float, default=getattr(Options(), name), help=words)
    parser.add_argument("--shapes", nargs="+", choices=Options().shapes, default=Options().shapes, help="of audio, in turn")
    parser.add_argument("--all", action="store_true", help="an entry for every message with audio, too")
    parser.add_argument("--quiet", action="store_true", help="no journal")
    return parser.parse_args()


async def main() -> None:
    options = vars(parsed())
    everything, quiet = options.pop("all"), options.pop("quiet")

    without = get_args(What) if quiet else () if everything else SEPARATELY
    async with simulator(**options | {"shapes": tuple(options["shapes"])}) as running:
        await tell(running, without=without)


if __name__ == "__main__":
    asyncio.run(main())
