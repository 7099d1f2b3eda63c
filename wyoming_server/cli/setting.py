"""What every command works with: the configuration, the state directory, an event loop that SIGTERM ends like Ctrl-C does."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from argparse import Namespace
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from ..config import Config, load_config, state_dir
from ..config.environment import CONSENT
from ..errors import ConfigError
from ..state.credentials import FILE, CredentialStore, Stored
from . import logs

_LOGGER = logging.getLogger(__name__)

TERMINATED = 143
"""As a shell reports SIGTERM."""

T = TypeVar("T")


def configuration(arguments: Namespace) -> Config:
    """Raises ConfigError. --consent is also meant for a voice that the environment names."""
    consent = {CONSENT: "true"} if getattr(arguments, "consent", False) else {}
    return load_config(arguments.config, {**os.environ, **consent}, _stored(arguments))


def _stored(arguments: Namespace) -> Stored:
    """The stored credentials; none where nobody knows of a state directory. Raises ConfigError where they cannot be read."""
    try:
        state = state_directory(arguments)
    except ConfigError:
        return {}
    return CredentialStore(state / FILE).read()


def state_directory(arguments: Namespace) -> Path:
    """Raises ConfigError where none is known."""
    return state_dir(arguments.state, os.environ)


def state_if_any(arguments: Namespace) -> Path | None:
    """The state directory, made if needed; `None`, and a warning, where it cannot be written: speaking goes without."""
    try:
        state = state_directory(arguments)
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (ConfigError, OSError) as error:
        _LOGGER.warning("Nothing that is learned can be kept: %s", error)
        return None
    if not os.access(state, os.W_OK | os.X_OK):
        _LOGGER.warning("Nothing that is learned can be kept: %s cannot be written", state)
        return None
    return state


def quiet_logs(arguments: Namespace) -> None:
    """Logs of a command that answers and ends: only what is amiss."""
    logs.set_up(arguments.log_level or "warning")


def run_until_done(work: Coroutine[Any, Any, T]) -> T:
    """Run `work`. Ctrl-C and SIGTERM cancel it, so that it cleans up; they raise KeyboardInterrupt and SystemExit."""
    try:
        return asyncio.run(_terminable(work))
    except asyncio.CancelledError:
        raise SystemExit(TERMINATED) from None


async def _terminable(work: Coroutine[Any, Any, T]) -> T:
    task = asyncio.create_task(work)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task
