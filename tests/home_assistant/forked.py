"""`herald serve` in a process of its own, forked from one that has loaded it. Nothing of Home Assistant is here.

What a server's start takes is nearly all imports; a test has a server of its own, so they are loaded once for all tests.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext

from wyoming_server.cli import main

LOADED = (
    "tests.home_assistant.forked",
    "wyoming_server.cli.serve",
    "wyoming_server.server",
    "wyoming_server.engines.tone",
    "wyoming_server.audio.resample",
    "wyoming_server.audio.loudness",
    "wyoming_server.synthesis.cache.memory",
    "av",
    "soxr",
)
"""Modules that most of these servers need."""


def forking() -> ForkServerContext:
    context = get_context("forkserver")
    context.set_forkserver_preload(list(LOADED))
    return context


def serve(options: Sequence[str], log: Connection) -> None:
    """In the process: `log` is its standard error."""
    os.dup2(log.fileno(), 2)
    log.close()
    sys.stderr = os.fdopen(2, "w", buffering=1, encoding="utf-8", closefd=False)
    sys.exit(main(["serve", *options]))
