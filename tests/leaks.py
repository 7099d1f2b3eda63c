"""Watches every log record of a whole test run for secrets, also what is below the level that is logged; one fails the run.

It knows the canaries (credentials that no other text contains), and every pairing token that a test makes. A plugin of pytest:
`tests/conftest.py` names it.
"""

from __future__ import annotations

import logging
import traceback
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

import pytest

from wyoming_server.state.tokens import PairingToken

CANARY = "canary"
"""Every canary begins with it, and goes on with what it is."""
SECRET_MIN = 12
"""Characters from which a token is taken for a secret; shorter ones are words of tests."""
LEAKED = 10
"""The run's exit code, none of pytest's own: script/test gives tests that failed a second chance, and a leak none."""
LATEST = 64
"""Tokens that are remembered; each test makes its own."""


def canary(*what: object) -> str:
    """A credential for tests, such as canary-openai-file-api_key-7Qx2."""
    return "-".join([CANARY, *map(str, what), "7Qx2"])


class Watch:
    """What is secret, and where it was seen."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._tokens: OrderedDict[str, None] = OrderedDict()

    def learn(self, token: str) -> None:
        if len(token) >= SECRET_MIN and token not in self._tokens:
            self._tokens[token] = None
            if len(self._tokens) > LATEST:
                self._tokens.popitem(last=False)

    def secrets_in(self, text: str) -> list[str]:
        found = [token for token in self._tokens if token in text]
        return found + [word for word in text.split(CANARY)[1:] if "7Qx2" in word[:200]]

    def look(self, name: str, level: int, parts: Sequence[object], error: BaseException | None = None) -> None:
        """At a log record, or what would be one: its message, its arguments, its traceback."""
        if level <= logging.DEBUG:
            return
        texts = [*map(str, parts), *map(repr, parts)]
        if error is not None:
            texts += traceback.format_exception(error)
        if any(map(self.secrets_in, texts)):
            message = texts[0] if not self.secrets_in(texts[0]) else "(the message itself)"  # this goes to a log too
            self.found.append(f"{logging.getLevelName(level)} of {name}: {message}")


WATCH = Watch()
"""Of this run."""
_UNDO = ExitStack()


def pytest_configure(config: pytest.Config) -> None:
    _replace(logging.Logger, "info", _seen_below)
    _replace(PairingToken, "__init__", _learnt)
    factory = logging.getLogRecordFactory()
    logging.setLogRecordFactory(_seen(factory))
    _UNDO.callback(logging.setLogRecordFactory, factory)


def pytest_unconfigure(config: pytest.Config) -> None:
    _UNDO.close()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if WATCH.found:
        session.exitstatus = LEAKED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if WATCH.found:
        terminalreporter.section("secrets in logs", red=True)
        for line in dict.fromkeys(WATCH.found):
            terminalreporter.line(line)


def _seen(factory: Callable[..., logging.LogRecord]) -> Callable[..., logging.LogRecord]:
    """Every record that is logged, before any handler has it."""

    def make(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = factory(*args, **kwargs)
        error = record.exc_info[1] if record.exc_info else None
        WATCH.look(record.name, record.levelno, [record.msg, record.args, _message(record)], error)
        return record

    return make


def _seen_below(info: Callable[..., None]) -> Callable[..., None]:
    """What would be logged at INFO, where a test does not switch that on."""

    def watched(self: logging.Logger, msg: object, *args: object, **kwargs: Any) -> None:
        if not self.isEnabledFor(logging.INFO):
            WATCH.look(self.name, logging.INFO, [msg, *args])
        info(self, msg, *args, **{**kwargs, "stacklevel": kwargs.get("stacklevel", 1) + 1})

    return watched


def _learnt(init: Callable[..., None]) -> Callable[..., None]:
    def learning(self: PairingToken, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        WATCH.learn(self.value)

    return learning


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError):  # a wrong format is told by whoever handles it
        return ""


def _replace(owner: type, name: str, wrap: Callable[[Callable[..., None]], Callable[..., None]]) -> None:
    original = getattr(owner, name)
    setattr(owner, name, wrap(original))
    _UNDO.callback(setattr, owner, name, original)
