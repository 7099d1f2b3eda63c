"""docs/indextts.md says what the front end does."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from wyoming_server.config import HttpConfig
from wyoming_server.frontends.indextts import failures
from wyoming_server.frontends.indextts.connection import BYTES_MAX, TASKS_MAX
from wyoming_server.frontends.indextts.outbox import BEHIND_MAX
from wyoming_server.frontends.indextts.requests import RATE
from wyoming_server.frontends.indextts.routes import WEBSOCKET
from wyoming_server.frontends.indextts.services import WRITE_TIMEOUT
from wyoming_server.frontends.indextts.tasks import KEPT, KEPT_MAX
from wyoming_server.protocols import indextts
from wyoming_server.protocols.indextts import AUDIO_MAX, EMOTIONS, EmoMode, Request, TaskStatus
from wyoming_server.protocols.json_messages import MESSAGE_MAX

PAGE = (Path(__file__).parent.parent.parent / "docs" / "indextts.md").read_text(encoding="utf-8").partition("## The front end")[2]
WORDS = [
    WEBSOCKET,
    *(field.name for field in fields(Request)),
    *sorted({*EmoMode} - {EmoMode.TEXT}),  # which is a field too
    *TaskStatus,
    *(getattr(indextts, name) for name in ("NO_TEXT", "BAD_MODE", "NO_EMO_AUDIO", "NO_EMO_VECTOR", "NO_EMO_TEXT")),
    failures.CANCELLED,
]


@pytest.mark.parametrize("word", WORDS)
def test_every_field_status_and_error_is_documented(word: str) -> None:
    assert f"`{word}`" in PAGE


@pytest.mark.parametrize("words", [indextts.MODEL_FAILED, indextts.SERVER_ERROR, failures.CLOSING])
def test_every_beginning_of_an_error_is_documented(words: str) -> None:
    assert f"`{words}：…`" in PAGE


def test_every_number_is_documented() -> None:
    said = (
        f"{RATE} Hz",
        ", ".join(EMOTIONS),
        f"{KEPT / 60:.0f} minutes",
        f"{KEPT_MAX:,} of those",
        f"up to {TASKS_MAX}",
        f"{AUDIO_MAX >> 20} MiB",
        f"{BEHIND_MAX >> 20} MiB: beyond it",
        f"| {WRITE_TIMEOUT:.0f}. One",
        f"{MESSAGE_MAX:,} characters",
        f"`http.max_text`, {HttpConfig().max_text:,}",
    )
    assert [words for words in said if words not in PAGE] == []
    assert BYTES_MAX == 4 * MESSAGE_MAX
