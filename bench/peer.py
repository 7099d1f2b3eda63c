"""The peer that Herald is compared with: PyPI's `wyoming_openai`, in an environment of its own, made when it is first needed."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from tests.ports import free_port

from .processes import ROOT, Python, Server, process, ready

NAME = "wyoming_openai"
PACKAGE = "wyoming-openai~=0.8.0"
CACHE = ROOT / ".cache"
ENVIRONMENT = CACHE / "bench-peer"
DEBIAN = CACHE / "python3.14" / "usr" / "bin" / "python3.14"
"""Where script/setup has script/python314 put one."""
PYTHONS = ("python3.14", "python3.13", "python3.12", "python3")
IS_NEW_ENOUGH = "import sys; sys.exit(sys.version_info < (3, 12))"
TOLD = f"import sys; from importlib.metadata import version; print(version('{NAME}'), sys.version.split()[0])"
VOICE = "alloy"


class Unavailable(Exception):
    """What a bench needs cannot be had here; says why."""


@asynccontextmanager
async def peer(upstream: int) -> AsyncIterator[Server]:
    """In front of the endpoint at that port, on its defaults. Raises Unavailable."""
    python = await environment()
    port = free_port()
    command = [
        # -P: what is in this folder is none of its business
        *("-P", "-m", NAME, "--uri", f"tcp://127.0.0.1:{port}"),
        *("--tts-openai-url", f"http://127.0.0.1:{upstream}/v1", "--tts-openai-key", "x", "--tts-backend", "OPENAI"),
        *("--tts-models", "tts-1", "--tts-streaming-models", "tts-1", "--tts-voices", VOICE, "--languages", "en", "zh"),
    ]
    with tempfile.TemporaryFile() as log:
        async with process(command, python=Python(python, settings()), stdout=log, stderr=log) as child:
            server = Server(name=NAME, pid=child.pid, address=("127.0.0.1", port))
            try:
                await ready(server)
            except TimeoutError as error:
                log.seek(0)
                raise RuntimeError(log.read().decode(errors="replace")) from error
            yield server


def settings() -> Sequence[str]:
    """Of the machine's variables those that it would follow; a proxy stands between it and the endpoint."""
    begins = ("TTS_", "STT_", "WYOMING_", "OPENAI_")
    return [name for name in os.environ if name.startswith(begins) or name.lower().endswith("_proxy")]


async def environment() -> str:
    """Its Python."""
    python = ENVIRONMENT / "bin" / "python"
    marker = ENVIRONMENT / "holds"
    if not (python.exists() and marker.exists() and marker.read_text() == PACKAGE):
        await _make(python)
        marker.write_text(PACKAGE)
    return str(python)


async def told() -> str:
    """For people: the versions."""
    version, of_python = (await _run(await environment(), "-c", TOLD)).split()
    return f"{NAME} {version} on Python {of_python}, Herald on Python {sys.version.split()[0]}"


async def _make(python: Path) -> None:
    base = await _interpreter()
    print(f"  installing {PACKAGE} with {base} into {ENVIRONMENT.relative_to(ROOT)}", flush=True)
    shutil.rmtree(ENVIRONMENT, ignore_errors=True)
    if (uv := _uv()) is not None:
        await _run(uv, "venv", "--no-project", "--python", base, ENVIRONMENT)
        await _run(uv, "pip", "install", "--python", python, PACKAGE)
    else:
        await _run(base, "-m", "venv", ENVIRONMENT)
        await _run(python, "-m", "pip", "install", "--disable-pip-version-check", PACKAGE)


def _uv() -> str | None:
    """The machine's own, or the one that script/setup has put into .cache."""
    own = CACHE / "uv" / "bin" / "uv"
    return shutil.which("uv") or (str(own) if own.exists() else None)


async def _interpreter() -> str:
    for candidate in _candidates():
        if await _succeeds(candidate, "-c", IS_NEW_ENOUGH):
            return candidate
    msg = (
        f"{NAME} needs Python 3.12 or later, and none is here. script/python314 {DEBIAN.parents[2].relative_to(ROOT)} brings one."
    )
    raise Unavailable(msg)


def _candidates() -> Iterator[str]:
    """This one first: then both run on the same."""
    yield sys.executable
    yield from filter(None, map(shutil.which, PYTHONS))
    if DEBIAN.exists():
        yield str(DEBIAN)


async def _succeeds(*command: str) -> bool:
    child = await asyncio.create_subprocess_exec(*command, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL)
    return not await child.wait()


async def _run(*command: str | Path) -> str:
    """What it says. Raises Unavailable."""
    child = await asyncio.create_subprocess_exec(*command, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT, cwd=ROOT)
    output = (await child.communicate())[0].decode(errors="replace")
    if child.returncode:
        msg = f"{' '.join(map(str, command))} failed:\n{output.strip()[-2000:]}"
        raise Unavailable(msg)
    return output
