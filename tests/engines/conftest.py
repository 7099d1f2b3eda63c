"""Fixtures of the engines' tests."""

from __future__ import annotations

import pytest

from wyoming_server.upstream import attempts


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before an engine tries again."""
    monkeypatch.setattr(attempts, "PAUSE", 0.001)


@pytest.fixture
def two_attempts(no_pause: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second pause would take longer than what is left of 0.6 s."""
    monkeypatch.setattr(attempts, "PAUSE", 0.25)
    monkeypatch.setattr(attempts, "JITTER", 0)
