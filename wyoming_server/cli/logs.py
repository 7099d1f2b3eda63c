"""How logs look: lines for people, or JSON for machines. Set up once, by the command that runs."""

from __future__ import annotations

import json
import logging
import os
import sys
from datetime import UTC, datetime
from typing import TextIO

from .plain import plain

PACKAGE = "wyoming_server."
QUIET = {"asyncio": logging.WARNING, "websockets": logging.INFO}
"""Loggers of libraries that tell nothing of use below a level, or what no log may hold: websockets tells every header."""

_COLOURS = {"DEBUG": "\x1b[2m", "WARNING": "\x1b[33m", "ERROR": "\x1b[31m", "CRITICAL": "\x1b[1;31m"}
_RESET = "\x1b[0m"


def set_up(level: str, log_format: str = "text", stream: TextIO | None = None) -> None:
    """Log to `stream` (standard error) from `level` on: `text` lines, or `json`."""
    stream = stream or sys.stderr
    terminal = stream.isatty()
    handler = logging.StreamHandler(stream)
    if log_format == "json":
        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(TextFormatter(dated=not terminal, colours=terminal and _wants_colours()))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name, least in QUIET.items():
        logging.getLogger(name).setLevel(least)
    logging.captureWarnings(capture=True)


def _wants_colours() -> bool:
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


class TextFormatter(logging.Formatter):
    """`12:34:56.789 WARNING frontends.wyoming: what happened`, one line a message."""

    def __init__(self, *, dated: bool, colours: bool) -> None:
        super().__init__()
        self._dated = dated
        self._colours = colours

    def format(self, record: logging.LogRecord) -> str:
        time = _time(record)
        stamp = f"{time:%Y-%m-%d} " if self._dated else ""
        message = plain(record.getMessage())
        name = record.name.removeprefix(PACKAGE)
        line = f"{stamp}{time:%H:%M:%S}.{time.microsecond // 1000:03} {record.levelname:<7} {name}: {message}"
        if record.exc_info:
            line = f"{line}\n{self.formatException(record.exc_info)}"
        colour = _COLOURS.get(record.levelname) if self._colours else None
        return f"{colour}{line}{_RESET}" if colour else line


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (ISO 8601 with the zone), level, logger, message, and exception where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        content = {
            "time": _time(record).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            content["exception"] = self.formatException(record.exc_info)
        return json.dumps(content)


def _time(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC).astimezone()
