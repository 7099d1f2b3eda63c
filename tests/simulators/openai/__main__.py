"""The service as a process of its own: the port on the first line, then the journal by lines, until standard input ends."""

from __future__ import annotations

import argparse
import asyncio
import json

from ..common.process import say, until_the_end
from .journal import Moment, Request
from .profiles import PROFILES
from .server import simulator


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulators.openai", description=__doc__)
    parser.add_argument("--profile", choices=PROFILES, default="openai")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--pace", type=float, default=0, help="times real time; 0: at once")
    parser.add_argument("--latency", type=float, default=0, help="seconds before status and headers")
    parser.add_argument("--delay", type=float, default=0, help="seconds between them and the first audio")
    parser.add_argument("--piece", type=float, default=0.1, help="seconds of audio in one write")
    parser.add_argument("--split", type=int, default=0, help="bytes that a write has at most; 0: no limit")
    parser.add_argument("--rate", type=int, help="Hz; otherwise the profile's")
    parser.add_argument("--key", help="that a client must bring; empty: none; otherwise the profile's")
    return parser.parse_args()


async def main() -> None:
    def tell(moment: Moment, request: Request) -> None:
        say(json.dumps({"moment": moment, **json.loads(request.line())}))

    async with simulator(**vars(arguments())) as service:
        say(f"{service.port}")
        service.on_moment(tell)
        await until_the_end()


if __name__ == "__main__":
    asyncio.run(main())
