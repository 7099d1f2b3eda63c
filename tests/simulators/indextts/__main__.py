"""The service as a process of its own: the port on the first line, then the journal by lines, until standard input ends."""

from __future__ import annotations

import argparse
import asyncio
from typing import get_args

from ..common.process import tell
from . import simulator
from .journal import What
from .server import MANNERS
from .sound import RATE


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulators.indextts", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--manner", choices=MANNERS, default="real", help="as it was seen to behave, or as its document says")
    parser.add_argument("--delay", type=float, default=0, help="seconds that the model takes for any text")
    parser.add_argument("--rtf", type=float, default=0, help="seconds that it takes for a second of audio")
    parser.add_argument("--rate", type=int, default=RATE, help="Hz")
    parser.add_argument("--quiet", action="store_true", help="no journal")
    return parser.parse_args()


async def main() -> None:
    options = vars(parsed())
    without = get_args(What) if options.pop("quiet") else ()
    async with simulator(**options) as running:
        await tell(running, without=without)


if __name__ == "__main__":
    asyncio.run(main())
