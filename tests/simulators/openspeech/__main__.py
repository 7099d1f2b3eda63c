"""The simulator as a process of its own: the port on the first line, then the journal by lines, until standard input ends."""

from __future__ import annotations

import argparse
import asyncio
import sys

from .accounts import Account
from .journal import Entry
from .server import simulator


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulators.openspeech", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--pace", type=float, default=0, help="times real time; 0: at once")
    parser.add_argument("--delay", type=float, default=0, help="seconds before the first audio")
    parser.add_argument("--piece", type=float, default=0.2, help="seconds of audio in a message; 0: a sentence")
    parser.add_argument("--split", type=int, default=0, help="bytes that a message has at most; 0: no limit")
    parser.add_argument("--latency", type=float, default=0, help="seconds before ConnectionStarted and SessionStarted")
    parser.add_argument("--idle-timeout", type=float, default=30, help="seconds; 0: never")
    parser.add_argument("--parallel", type=int, help="requests and sessions at once")
    parser.add_argument("--all", action="store_true", help="an entry for every audio message, too")
    return parser.parse_args()


async def main() -> None:
    options = vars(arguments())
    account = Account(parallel=options.pop("parallel"))
    everything = options.pop("all")

    def tell(entry: Entry) -> None:
        if everything or entry.what != "audio":
            sys.stdout.write(entry.line() + "\n")
            sys.stdout.flush()

    async with simulator(account=account, **options) as service:
        sys.stdout.write(service.url.rpartition(":")[2] + "\n")
        sys.stdout.flush()
        service.on_entry(tell)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
