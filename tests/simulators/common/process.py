"""A simulator as a process of its own: the port on the first line, then the journal by lines, until standard input ends."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Collection
from typing import Any

from .handle import Handle
from .journal import Entry


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def until_the_end() -> None:
    """Of standard input."""
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


async def tell(service: Handle[Any, Any, Any, Any], *, without: Collection[str] = ()) -> None:
    """`without`: entries that are not told."""

    def told(entry: Entry[Any]) -> None:
        if entry.what not in without:
            say(entry.line())

    say(f"{service.port}")
    for entry in service.journal:
        told(entry)
    service.on_entry(told)
    await until_the_end()
