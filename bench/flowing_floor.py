"""The floor of /ws/v1/tts: the least that a websocket server can do. Relays the upstream's bytes with aiohttp's own writer.

It believes whatever a client says, hears nothing while it speaks, and encodes nothing. Ends with its input.
"""

from __future__ import annotations

import asyncio
import json
import sys

from aiohttp import web

from .flowing_client import PATH
from .relay import READ_SIZE, delivery


async def relay(upstream: int, order: str, socket: web.WebSocketResponse) -> None:
    async with delivery(upstream, order) as reader:
        while data := await reader.read(READ_SIZE):
            await socket.send_bytes(data)
    await socket.send_str(json.dumps({"header": {"name": "SynthesisCompleted"}}))


async def main(upstream: int) -> None:
    async def converse(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        order = ""
        async for message in socket:
            event = json.loads(message.data)
            if event["header"]["name"] == "RunSynthesis":
                order = event["payload"]["text"]
            elif event["header"]["name"] == "StopSynthesis":
                await relay(upstream, order, socket)
        return socket

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
    asyncio.run(main(int(sys.argv[1])))
