"""The cloud or the local server as a process of its own: see `speech.process`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from ..speech.process import Start, parser, run
from . import cloud, local

SERVICES: Mapping[str, Start] = {"cloud": cloud, "local": local}


async def main() -> None:
    arguments = parser("flowing")
    arguments.add_argument("service", choices=SERVICES)
    options = vars(arguments.parse_args())
    await run(SERVICES[options.pop("service")], options)


if __name__ == "__main__":
    asyncio.run(main())
