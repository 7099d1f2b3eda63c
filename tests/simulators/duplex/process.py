"""A simulator as a process of its own: the port on the first line, then the journal by lines, until standard input ends."""

from __future__ import annotations

import argparse
import asyncio
import sys
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from ..openspeech.journal import Entry
from .server import Simulator


class Service(Protocol):
    """A simulator that can be started with numbers."""

    def __call__(self, *, port: int = 0, **options: Any) -> AbstractAsyncContextManager[Simulator[Any]]: ...


def parser(name: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m tests.simulators.{name}", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--pace", type=float, default=0, help="times real time; 0: at once")
    parser.add_argument("--delay", type=float, default=0, help="seconds before the first audio")
    parser.add_argument("--piece", type=float, default=0.2, help="seconds of audio in a message; 0: a sentence")
    parser.add_argument("--split", type=int, default=0, help="bytes that a message has at most; 0: no limit")
    parser.add_argument("--latency", type=float, default=0, help="seconds before a start is answered")
    parser.add_argument("--all", action="store_true", help="an entry for every audio message, too")
    return parser


async def run(service: Service, *, everything: bool, **options: Any) -> None:
    def tell(entry: Entry) -> None:
        if everything or entry.what != "audio":
            sys.stdout.write(entry.line() + "\n")
            sys.stdout.flush()

    async with service(**options) as running:
        sys.stdout.write(f"{running.port}\n")
        sys.stdout.flush()
        running.on_entry(tell)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
