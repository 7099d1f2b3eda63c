"""Feeds text to the splitter and to the clean-up, whole or in fragments, and counts the work they do."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from itertools import pairwise
from types import FrameType

from hypothesis import strategies as st

from wyoming_server.models import Sentence
from wyoming_server.text.sentences import SentenceSplitter
from wyoming_server.text.speakable import SpeakableText

WHOLE_SENTENCES = 10_000
"""As `first_min`: the first piece is a sentence as all others."""


def split(
    fragments: Iterable[str], *, first_min: int = WHOLE_SENTENCES, soft_limit: int = 200, hard_limit: int = 300
) -> list[Sentence]:
    splitter = SentenceSplitter(first_min=first_min, soft_limit=soft_limit, hard_limit=hard_limit)
    return [sentence for fragment in fragments for sentence in splitter.push(fragment)] + splitter.flush()


def texts(sentences: Iterable[Sentence]) -> list[str]:
    return [sentence.text for sentence in sentences]


def clean(fragments: Iterable[str]) -> str:
    speakable = SpeakableText()
    return "".join(map(speakable.push, fragments)) + speakable.flush()


def cut(text: str, borders: Iterable[int]) -> list[str]:
    """`text` in fragments."""
    places = [0, *sorted({border % (len(text) + 1) for border in borders}), len(text)]
    return [text[start:end] for start, end in pairwise(places)]


def borders() -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(min_value=0, max_value=10_000), max_size=30)


def work(action: Callable[[], object]) -> int:
    """How many calls, of Python's and of built-in functions, an action makes."""
    calls = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    previous = sys.getprofile()
    sys.setprofile(count)
    try:
        action()
    finally:
        sys.setprofile(previous)
    return calls
