"""The clock for upper bounds: it runs while a test waits, and not while the machine stands still."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from asyncio.subprocess import PIPE
from pathlib import Path

from .standstill import awake

ROOT = Path(__file__).parents[1]
CHILD = """
from time import monotonic
from tests.standstill import awake
begun, clock = awake(), monotonic()
print("ready", flush=True)
input()
print(awake() - begun, monotonic() - clock)
"""


async def test_it_runs_while_a_test_waits() -> None:
    begun = awake()
    await asyncio.sleep(0.2)
    assert awake() - begun > 0.1


async def test_it_does_not_run_while_the_process_is_stopped() -> None:
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", CHILD, cwd=ROOT, stdin=PIPE, stdout=PIPE)
    assert child.stdout is not None
    assert await child.stdout.readline() == b"ready\n"
    child.send_signal(signal.SIGSTOP)
    time.sleep(1)  # noqa: ASYNC251  # nothing of it runs
    child.send_signal(signal.SIGCONT)
    told, _ = await child.communicate(b"\n")
    by_itself, by_the_clock = map(float, told.split())
    assert by_the_clock - by_itself > 0.5
