"""The floor of /ws/v1/indextts: the least that such a server can do. A bare lock is its queue, and its model only waits.

`prompt_audio` says for how many seconds. It checks nothing and makes no audio. Ends with its input.
"""

from __future__ import annotations

import asyncio
import json
import sys
from itertools import count

from aiohttp import web

from .indextts_client import PATH

WAV = bytes(30_000)
MODEL = asyncio.Lock()
NUMBERS = count()
RUNNING: set[str] = set()


async def speak(socket: web.WebSocketResponse, task_id: str, seconds: float) -> None:
    await socket.send_str(json.dumps({"type": "queued", "task_id": task_id}))
    async with MODEL:
        await socket.send_str(json.dumps({"type": "start", "task_id": task_id}))
        RUNNING.add(task_id)
        try:
            await asyncio.sleep(seconds)
        finally:
            RUNNING.discard(task_id)
    await socket.send_bytes(WAV)
    await socket.send_str(json.dumps({"type": "end", "task_id": task_id}))


async def converse(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse(compress=False)
    await socket.prepare(request)
    await socket.send_str(json.dumps({"status": "success"}))
    async with asyncio.TaskGroup() as group:
        tasks = []
        async for message in socket:
            asked = json.loads(message.data)
            if asked["type"] == "task_status":
                status = "running" if asked["task_id"] in RUNNING else "pending"
                await socket.send_str(json.dumps({"type": "task_status", "status": status}))
            else:
                tasks.append(group.create_task(speak(socket, str(next(NUMBERS)), float(asked["prompt_audio"]))))
        for task in tasks:
            task.cancel()
    return socket


async def main() -> None:
    application = web.Application()
    application.router.add_get(PATH, converse)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())
