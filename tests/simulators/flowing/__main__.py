"""The cloud or the local server as a process of its own: see `duplex.process`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from ..duplex.process import Service, parser, run
from . import cloud, local

SERVICES: Mapping[str, Service] = {"cloud": cloud, "local": local}


async def main() -> None:
    arguments = parser("flowing")
    arguments.add_argument("service", choices=SERVICES)
    options = vars(arguments.parse_args())
    await run(SERVICES[options.pop("service")], everything=options.pop("all"), **options)


if __name__ == "__main__":
    asyncio.run(main())
