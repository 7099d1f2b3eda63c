"""What holds for the sentences of any text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wyoming_server.text.sentences import SentenceSplitter

from .feeding import borders, cut, split, work

WORDS = (
    *"abAB5 \n.,;:!?…。，！？、：؟।\"'”’“«»„()（）「」—–-/%€°",
    *("好", "が", "e\u0301", "👩‍👧", "🇩🇪", "\ud83d", "\ude00", "\u200d", "\ufe0f", "\u00a0"),
    *("Dr", "p.m", "U.S", "etc", "No", "3.5", "am 3. ", "word ", "你好", "Привет ", ". "),
)
TEXTS = st.lists(st.sampled_from(WORDS), max_size=120).map("".join) | st.text(max_size=100)
LIMITS = st.sampled_from([(24, 200, 300), (0, 1, 1), (3, 10, 20), (10, 50, 30), (8, 40, 60)])


@settings(max_examples=300)
@given(TEXTS, borders(), LIMITS)
def test_fragments_make_no_difference(text: str, places: list[int], limits: tuple[int, int, int]) -> None:
    first_min, soft_limit, hard_limit = limits
    whole = split([text], first_min=first_min, soft_limit=soft_limit, hard_limit=hard_limit)
    for fragments in (list(text), cut(text, places)):
        assert split(fragments, first_min=first_min, soft_limit=soft_limit, hard_limit=hard_limit) == whole


@given(TEXTS, st.integers(min_value=0, max_value=200))
def test_fragments_make_no_difference_to_the_moment(text: str, length: int) -> None:
    at_once, bit_by_bit = SentenceSplitter(), SentenceSplitter()
    beginning = text[:length]
    assert at_once.push(beginning) == [sentence for char in beginning for sentence in bit_by_bit.push(char)]


@settings(max_examples=200)
@given(TEXTS, LIMITS)
def test_nothing_but_white_space_is_lost(text: str, limits: tuple[int, int, int]) -> None:
    first_min, soft_limit, hard_limit = limits
    place = 0
    for sentence in split([text], first_min=first_min, soft_limit=soft_limit, hard_limit=hard_limit):
        assert not text[place : sentence.start].strip()
        assert text[sentence.start : sentence.end] == sentence.text == sentence.text.strip() != ""
        assert len(sentence.text) <= hard_limit
        place = sentence.end
    assert not text[place:].strip()


@given(TEXTS)
def test_no_more_than_one_sentence_is_kept_back(text: str) -> None:
    splitter = SentenceSplitter(soft_limit=20, hard_limit=30)
    end = 0
    for place, char in enumerate(text):
        for sentence in splitter.push(char):
            end = sentence.end
        assert len(text[end : place + 1].strip()) <= 30


@pytest.mark.parametrize("unit", ["word ", "a", "好", "Well, yes. ", "。", ".", "e.g. ", "a, ", " ", "\n", "“", "e\u0301", "1. "])
@pytest.mark.parametrize("is_whole", [True, False], ids=["whole", "fragments"])
def test_every_character_is_read_a_few_times_at_most(unit: str, is_whole: bool) -> None:
    text = unit * 1500
    assert work(lambda: split([text] if is_whole else text)) < 20 * len(text)
