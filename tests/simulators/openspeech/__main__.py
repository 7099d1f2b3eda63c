"""The service as a process of its own: see `speech.process`."""

from __future__ import annotations

import asyncio
from functools import partial

from ..speech.process import parser, run
from .accounts import Account
from .server import simulator


async def main() -> None:
    arguments = parser("openspeech")
    arguments.add_argument("--idle-timeout", type=float, default=30, help="seconds; 0: never")
    arguments.add_argument("--parallel", type=int, help="requests and sessions at once")
    options = vars(arguments.parse_args())
    await run(partial(simulator, account=Account(parallel=options.pop("parallel"))), options)


if __name__ == "__main__":
    asyncio.run(main())
