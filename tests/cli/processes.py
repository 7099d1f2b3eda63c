"""The real command in processes of its own, and a server among them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERALD = (sys.executable, "-W", "error", "-W", "ignore:'audioop' is deprecated:DeprecationWarning", "-m", "wyoming_server")
ROOT = Path(__file__).parents[2]

TONE = """
http: {host: 127.0.0.1, port: 0}
engines: {tone: {per_character: 0.01}, espeak: {enabled: false}}
default_voice: tone/tone
"""


def start(*arguments: str, before: tuple[str, ...] = (), **options: Any) -> subprocess.Popen[bytes]:
    """`herald` with these arguments; standard output and error are pipes. `before`: a command that runs it."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.Popen([*before, *HERALD, *arguments], env=environment, **options)  # noqa: S603


@dataclass(kw_only=True)
class Serving:
    """A running `herald serve`."""

    process: subprocess.Popen[bytes]
    uri: str
    log: list[dict[str, Any]] = field(default_factory=list)

    def read_log(self, message: str) -> None:
        """Read the JSON log up to a message that begins so, or its end."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log.append(json.loads(line))
            if self.log[-1]["message"].startswith(message):
                return


@contextmanager
def serving(config: Path, folder: Path, *options: str) -> Iterator[Serving]:
    """A server on a Unix socket, ready while the block runs."""
    uri = f"unix://{folder / 'herald.sock'}"
    with start(
        "serve", "--config", str(config), "--state", str(folder), "--uri", uri, "--log-format", "json", *options
    ) as process:
        server = Serving(process=process, uri=uri)
        try:
            server.read_log("Ready")
            yield server
        finally:
            process.terminate()
            process.communicate(timeout=10)
