"""Clients that ask for the same speech on and on, in a process of their own: they delay no measurement. Ends with its input.

Arguments: the server's port, how many clients, and the data of their `synthesize` as JSON. Tells when all have been heard.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from .client import Call


async def client(port: int, data: dict[str, Any], heard: asyncio.Event) -> None:
    while True:
        call = await Call.connect(("127.0.0.1", port))
        call.send("synthesize", **data)
        await call.heard()
        heard.set()
        await call.finished()
        call.leave()


async def main(port: int, clients: int, data: dict[str, Any]) -> None:
    async with asyncio.TaskGroup() as group:
        events = [asyncio.Event() for _ in range(clients)]
        tasks = [group.create_task(client(port, data, event)) for event in events]
        await asyncio.gather(*(event.wait() for event in events))
        print("heard", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        for task in tasks:
            task.cancel()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3])))
