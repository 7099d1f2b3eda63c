"""Logs: a line for people, an object for machines, and nothing that a peer could forge."""

from __future__ import annotations

import io
import json
import logging
import re
import warnings
from datetime import datetime

import pytest

from wyoming_server.cli import logs


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)


def logged(stream: io.StringIO, log_format: str = "text", level: str = "info") -> str:
    """What one warning, one information and one detail of the server leave behind."""
    logs.set_up(level, log_format, stream)
    logger = logging.getLogger("wyoming_server.frontends.wyoming.server")
    logger.warning("%s: gone", "192.168.1.5:1234")
    logger.info("Ready")
    logger.debug("detail")
    return stream.getvalue()


def test_a_terminal_gets_lines_with_time_level_and_short_name() -> None:
    warning, ready = logged(Terminal()).splitlines()
    line = r"\d\d:\d\d:\d\d\.\d{3} %s frontends\.wyoming\.server: %s"
    assert re.fullmatch(r"\x1b\[33m" + line % ("WARNING", "192.168.1.5:1234: gone") + r"\x1b\[0m", warning)
    assert re.fullmatch(line % ("INFO   ", "Ready"), ready)


def test_colours_can_be_declined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in logged(Terminal())


def test_text_in_a_file_has_the_date_and_no_colours() -> None:
    warning = logged(io.StringIO(), "text").splitlines()[0]
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} WARNING ", warning)


@pytest.mark.parametrize("stream", [Terminal(), io.StringIO()])
def test_machines_get_one_object_a_line(stream: io.StringIO) -> None:
    first, second = map(json.loads, logged(stream, "json").splitlines())
    assert datetime.fromisoformat(first.pop("time")).tzinfo is not None
    name = "wyoming_server.frontends.wyoming.server"
    assert first == {"level": "warning", "logger": name, "message": "192.168.1.5:1234: gone"}
    assert second["message"] == "Ready"


def test_an_exception_is_told_whole() -> None:
    stream = io.StringIO()
    logs.set_up("info", "json", stream)
    try:
        int("x")
    except ValueError:
        logging.getLogger("wyoming_server").exception("Failed")
    (line,) = stream.getvalue().splitlines()
    assert "Traceback" in json.loads(line)["exception"]
    assert "invalid literal" in json.loads(line)["exception"]


def test_a_peer_can_neither_forge_a_line_nor_steer_the_terminal() -> None:
    stream = Terminal()
    logs.set_up("info", "text", stream)
    logging.getLogger("wyoming_server").info("client %s", "x\n12:00:00 INFO server: fine\x1b[2J\x9b2J")
    assert stream.getvalue().count("\n") == 1
    assert r"x\x0a12:00:00 INFO server: fine\x1b[2J\x9b2J" in stream.getvalue()


def test_the_level_holds_for_our_own_and_asyncio_stays_quiet() -> None:
    stream = io.StringIO()
    assert "detail" in logged(stream, "text", "debug")
    logging.getLogger("asyncio").debug("Using selector: EpollSelector")
    assert "selector" not in stream.getvalue()


def test_warnings_of_libraries_are_logged() -> None:
    stream = io.StringIO()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logs.set_up("info", "json", stream)
        warnings.warn("old", DeprecationWarning, stacklevel=1)
        logging.captureWarnings(capture=False)
    assert "DeprecationWarning: old" in json.loads(stream.getvalue())["message"]
