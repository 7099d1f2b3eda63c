"""What another process writes down, a line of JSON for each thing that happened, read as it comes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


class Journal:
    """Each line is read once: whoever waits for one looks often, beside a server whose time is measured."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0
        """Bytes."""

    def news(self) -> list[dict[str, Any]]:
        """Since the last look. A line that is not whole yet is left for the next one."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(self._read)
            whole = file.read().rpartition(b"\n")[0]
        self._read += len(whole) + 1 if whole else 0
        return [json.loads(line) for line in whole.splitlines()]
