"""The service as a process of its own: see `duplex.process`."""

from __future__ import annotations

import asyncio

from ..duplex.process import parser, run
from .server import simulator


async def main() -> None:
    options = vars(parser("dashscope").parse_args())
    await run(simulator, everything=options.pop("all"), **options)


if __name__ == "__main__":
    asyncio.run(main())
