"""`herald serve` in a process of its own, forked from one that has loaded it. Nothing of Home Assistant is here.

Each test has a server of its own, and of a server's start nearly all the time goes to imports: they are made once for all tests.
`multiprocessing` keeps the process that has them, and forks it: a tenth of a second instead of one or two.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from threading import Thread

from wyoming_server.cli import main
from wyoming_server.converters.registry import CONVERTERS
from wyoming_server.engines.registry import ENGINES

LOADED = (
    "__main__",
    "tests.home_assistant.forked",
    "wyoming_server.cli.serve",
    "wyoming_server.server",
    "wyoming_server.audio.ffmpeg",
    "wyoming_server.audio.lossless",
    "wyoming_server.audio.loudness",
    "wyoming_server.audio.resample",
    "wyoming_server.synthesis.cache.memory",
    "soxr",
    "voluptuous_openapi",
    *(path.partition(":")[0] for path in (*ENGINES.values(), *CONVERTERS.values())),
)
"""Modules that a server loads when it first needs them: /api/engines takes all of the engines' and converters'."""


def forking() -> ForkServerContext:
    context = get_context("forkserver")
    context.set_forkserver_preload(list(LOADED))
    return context


def serve(options: Sequence[str], log: Connection) -> None:
    """In the process: `log` is its standard error."""
    os.dup2(log.fileno(), 2)
    log.close()
    sys.stderr = os.fdopen(2, "w", buffering=1, encoding="utf-8", closefd=False)
    Thread(target=_end_with_the_tests, daemon=True).start()
    sys.exit(main(["serve", *options]))


def _end_with_the_tests() -> None:
    """Also where they are killed, and stop nobody."""
    tests = parent_process()
    assert tests is not None
    tests.join()
    os.kill(os.getpid(), signal.SIGTERM)
