"""Fixtures of the tests of `openai`."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def leaves_nothing(nothing_is_left: None) -> None:
    """In every test."""
