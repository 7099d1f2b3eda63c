"""The command `herald`. Here: which code a command ends with, and how its errors are told. Each command has a module of its own.

Modules are imported when their command runs, so that `herald --version` answers at once.
"""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path

from .options import parse
from .plain import plain

FAILED, WRONG_USE = 1, 2
INTERRUPTED, BROKEN_PIPE = 130, 141
"""As a shell reports SIGINT and SIGPIPE."""

USER_ERRORS = frozenset({"config", "bad_request", "bad_setting", "unknown_voice", "text_too_long", "consent_required"})
"""Codes of what can only be put right by asking for something else."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the code to exit with."""
    _make_streams_usable()
    try:
        status = _run(parse(sys.argv[1:] if argv is None else argv))
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else FAILED
    except KeyboardInterrupt:
        status = INTERRUPTED
    except BrokenPipeError:
        status = BROKEN_PIPE
    return _flushed(status)


def _run(arguments: Namespace) -> int:
    """The command itself. An error that users may meet becomes a sentence; any other is a defect, and shown with all it has."""
    from ..errors import HeraldError  # noqa: PLC0415  # help and version do without

    try:
        status: int = import_module(f".{arguments.command}", __name__).run(arguments)
    except BrokenPipeError:
        raise
    except HeraldError as error:
        return _told(str(error), WRONG_USE if error.code in USER_ERRORS else FAILED, arguments)
    except OSError as error:
        return _told(_os_error(error), FAILED, arguments)
    return status


def _told(message: str, status: int, arguments: Namespace) -> int:
    """Inside `except`: debug also says where it arose."""
    if arguments.log_level == "debug":
        import traceback  # noqa: PLC0415

        traceback.print_exc()
    sys.stderr.writelines(f"herald: {plain(line)}\n" for line in message.splitlines())
    return status


def _os_error(error: OSError) -> str:
    reason = error.strerror or str(error)
    return f"{error.filename}: {reason}." if error.filename is not None else f"{reason}."


def _make_streams_usable() -> None:
    """A closed one becomes the null device, before a file can take its descriptor; what it cannot show becomes a `?`."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115  # as long as the process
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def _flushed(status: int) -> int:
    """`status`, unless the output can't be delivered: whoever read it may have had enough, or the disk is full."""
    try:
        sys.stdout.flush()
    except OSError as error:
        # Python would flush once more at exit, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return BROKEN_PIPE
        sys.stderr.write(f"herald: {_os_error(error)}\n")
        return FAILED
    return status
