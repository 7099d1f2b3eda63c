"""What Herald on its defaults holds: idle, and after it has spoken; and what one eSpeak NG worker holds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import psutil

from ..client import Call
from ..lab import Lab
from ..processes import Server, herald
from ..rows import Row, Target

PYAV = ("/av/", "libavcodec")
"""In the path of a file that PyAV maps."""
LIBRARIES = ("numpy", "soxr", "aiohttp", "zeroconf", "espeakng_loader")


async def measure(_lab: Lab) -> AsyncIterator[Row]:
    async with herald() as server:
        yield resident("main process, idle", server, Target("≤", 70))
        yield pyav(server)
        await speak(server)
        yield resident("main process, after a resampled reply", server)
        yield worker(server)


def resident(what: str, server: Server, target: Target | None = None) -> Row:
    mapped = maps(server)
    native = [name for name in LIBRARIES if f"/{name}/" in mapped]
    detail = f"native code of: {', '.join(native) or 'none'} ({', '.join(LIBRARIES)} were looked for)"
    return Row(bench="memory", what=what, value=server.memory(), unit="MB", target=target, detail=detail)


def pyav(server: Server) -> Row:
    files = {line.split()[-1] for line in maps(server).splitlines() if any(mark in line for mark in PYAV)}
    return Row(bench="memory", what="PyAV in the main process, idle", value=len(files), unit="files", target=Target("≤", 0))


def maps(server: Server) -> str:
    return Path(f"/proc/{server.pid}/maps").read_text()


async def speak(server: Server) -> None:
    call = await Call.connect(server.address)
    call.send("synthesize", text="Dinner is ready.", voice={"name": "en-US"}, context={"rate": 16_000})
    await call.finished()
    call.leave()


def worker(server: Server) -> Row:
    workers = [child.memory_full_info() for child in psutil.Process(server.pid).children(recursive=True)]
    return Row(
        bench="memory",
        what="an eSpeak NG worker",
        value=max(info.rss for info in workers) / 1e6,
        unit="MB",
        target=Target("≤", 25),
        detail=f"{len(workers)} of them; unshared (PSS) {max(info.pss for info in workers) / 1e6:.1f} MB",
    )
