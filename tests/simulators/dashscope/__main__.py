"""The service as a process of its own: see `speech.process`."""

from __future__ import annotations

import asyncio

from ..speech.process import parser, run
from .server import simulator


async def main() -> None:
    await run(simulator, vars(parser("dashscope").parse_args()))


if __name__ == "__main__":
    asyncio.run(main())
