"""What a failure's words may hold when they are shown to others: nothing of the text."""

from __future__ import annotations

import pytest

from wyoming_server.errors import EngineError, HeraldError, ProtocolError, TextTooLong
from wyoming_server.models import Notice, shortened
from wyoming_server.monitoring.replies import MESSAGE_MAX, words
from wyoming_server.upstream.failures import Asked, Row, Said, broken, explained

SECRET = "The door's code is four seven one one."
ASKED = Asked(peer="The cloud", voice="zh_female_one", how="model 1")
ROWS = [Row(error=EngineError, says="The voice {voice} failed.")]


@pytest.mark.parametrize(
    "error",
    [
        ProtocolError(f"The text to be spoken is a string, not {shortened([SECRET])}."),
        ProtocolError(f"The text to be spoken is a string, not {shortened({'said: a b': SECRET})}."),
        explained(ROWS, Said(codes=(3001,), message=f"Illegal input text {SECRET!r}", sent=SECRET), ASKED).error,
        broken(ProtocolError(f"A frame of text {SECRET!r}."), ASKED).error,
        EngineError(f"The connection ended (code 1007, {SECRET!r})."),
    ],
)
def test_no_text_is_quoted(error: HeraldError) -> None:
    shown = words(error)
    assert "…" in shown
    assert not any(word in shown for word in ("four", "seven", "code is"))


def test_a_services_own_words_stay() -> None:
    failed = explained(ROWS, Said(codes=(3001,), message="quota exceeded for types: concurrency", sent=SECRET), ASKED)
    assert words(failed.error) == str(failed.error)
    assert "3001 'quota exceeded for types: concurrency' (voice zh_female_one, model 1)" in words(failed.error)


def test_plain_sentences_with_apostrophes_stay() -> None:
    sentence = "The engine's queue is the account's, and the voice 'dad' isn't in it: say \"please\"."
    assert words(EngineError(sentence)) == sentence
    assert words(Notice(code="engine_failed", text=sentence)) == sentence


def test_words_are_bounded() -> None:
    shown = words(TextTooLong("a" * 5000))
    assert len(shown) == MESSAGE_MAX
    assert shown.endswith("a…")
