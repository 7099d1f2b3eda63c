"""A service that speaks in sessions as a process of its own."""

from __future__ import annotations

import argparse
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from ..common import process
from .server import Service


class Start(Protocol):
    """A simulator that can be started with numbers."""

    def __call__(self, *, port: int = 0, **options: Any) -> AbstractAsyncContextManager[Service[Any, Any, Any]]: ...


def parser(name: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m tests.simulators.{name}", description=process.__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--pace", type=float, default=0, help="times real time; 0: at once")
    parser.add_argument("--delay", type=float, default=0, help="seconds before the first audio")
    parser.add_argument("--piece", type=float, default=0.2, help="seconds of audio in a message; 0: a sentence")
    parser.add_argument("--split", type=int, default=0, help="bytes that a message has at most; 0: no limit")
    parser.add_argument("--latency", type=float, default=0, help="seconds before a start is answered")
    parser.add_argument("--all", action="store_true", help="an entry for every audio message, too")
    return parser


async def run(start: Start, options: dict[str, Any]) -> None:
    """With what the parser found."""
    without = () if options.pop("all") else ("audio",)
    async with start(**options) as running:
        await process.tell(running, without=without)
