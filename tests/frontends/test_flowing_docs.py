"""docs/flowing.md says what the front end does."""

from __future__ import annotations

from pathlib import Path

import pytest

from wyoming_server.errors import CODES
from wyoming_server.protocols.flowing import NAMES
from wyoming_server.protocols.flowing_events import Kind
from wyoming_server.protocols.flowing_json import ID_MAX
from wyoming_server.protocols.flowing_settings import ALIASES, SAMPLE_RATES, Container, Settings
from wyoming_server.protocols.flowing_status import Status
from wyoming_server.protocols.json_messages import MESSAGE_MAX

PAGE = (Path(__file__).parent.parent.parent / "docs" / "flowing.md").read_text(encoding="utf-8")
SPOKEN = {Status.OK, Status.MESSAGE, Status.STATE, *(code.flowing_status for code in CODES.values())}
WORDS = [*(name for kind, name in NAMES.items() if kind is not Kind.AUDIO), *Container, *Settings.__slots__, *ALIASES]


@pytest.mark.parametrize("status", sorted(SPOKEN))
def test_every_status_is_documented(status: int) -> None:
    assert str(int(status)) in PAGE


@pytest.mark.parametrize("word", WORDS)
def test_every_message_format_and_setting_is_documented(word: str) -> None:
    assert f"`{word}`" in PAGE


def test_every_number_is_documented() -> None:
    assert f"{', '.join(map(str, SAMPLE_RATES[:-1]))} or {SAMPLE_RATES[-1]} Hz" in PAGE
    assert f"{MESSAGE_MAX:,} characters" in PAGE
    assert f"{ID_MAX} characters" in PAGE
