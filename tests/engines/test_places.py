"""Marks of what an engine tells: at the right place, in order, and never in the way."""

from __future__ import annotations

from collections.abc import Iterable
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_server.engines.places import WORDS_MAX, Places, Word
from wyoming_server.models import AudioFormat, Mark, MarkKind, Sentence

RATE = 1_000
"""Frames of a second, so that a millisecond is one."""


def pcm(seconds: float) -> bytes:
    return bytes(2 * round(RATE * seconds))


def places(*texts: str, start: int = 0) -> Places:
    made = Places(AudioFormat(rate=RATE))
    for text in texts:
        made.sent(Sentence(text=text, start=start))
        start += len(text)
    return made


def told(made: Places, *sentences: tuple[str, float]) -> list[Mark]:
    """Each with its seconds."""
    marks: list[Mark] = []
    for text, seconds in sentences:
        marks += [*made.begins(text), *made.heard(pcm(seconds)), *made.ends()]
    return marks


def shown(marks: Iterable[Mark]) -> list[tuple[str, float, int, int, str]]:
    short = {MarkKind.SENTENCE_START: "<", MarkKind.SENTENCE_END: ">", MarkKind.WORD: "w"}
    return [(short[mark.kind], mark.time, mark.start, mark.end, mark.text) for mark in marks]


def test_sentences_as_they_are_told() -> None:
    assert shown(told(places(" One. ", "Two!  Three"), ("One.", 1), (" Two!", 0.5), ("Three", 2))) == [
        ("<", 0, 1, 5, "One."),
        (">", 1, 1, 5, "One."),
        ("<", 1, 6, 10, "Two!"),
        (">", 1.5, 6, 10, "Two!"),
        ("<", 1.5, 12, 17, "Three"),
        (">", 3.5, 12, 17, "Three"),
    ]


@pytest.mark.parametrize(
    ("text", "told_as", "expected"),
    [
        ("One.  Two\nand. Three.", ["One. ", "Two and."], ["One.", "Two\nand."]),
        ("One. Two. Three.", ["One. Two.", "Three."], ["One. Two.", "Three."]),
        ("One, two. Three.", ["One,", "two.", "Three."], ["One,", "two.", "Three."]),
        ("One (two). Three.", ["One two", "Three"], ["One (two).", "Three."]),
        ("Take 5. Go.", ["Take five. ", "Go."], ["Take 5.", "Go."]),
        ("Take 5. Now 6. Go.", ["Take five. Now six.", "Go."], ["Take 5. Now 6.", "Go."]),
        ("Take 5. Go.", ["", "Go."], ["Take 5.", "Go."]),
        ("*** One. Two.", ["One.", "Two."], ["*** One.", "Two."]),
        ("5. Something. Then.", ["Then."], ["Then."]),
        ("好的。“再见。”", ["好的。", "再见。"], ["好的。", "“再见。”"]),
        ("A. B.", ["A.", "B.", "C."], ["A.", "B."]),
    ],
)
def test_sentences_in_other_words(text: str, told_as: list[str], expected: list[str]) -> None:
    marks = told(places(text), *((sentence, 1.0) for sentence in told_as))
    assert [mark.text for mark in marks if mark.kind is MarkKind.SENTENCE_START] == expected
    assert all(text[mark.start : mark.end] == mark.text for mark in marks)


def test_a_sentence_without_audio_is_not_marked() -> None:
    made = places("One. Two.")
    assert [*made.begins("One."), *made.begins("Two."), *made.ends()] == []


def test_audio_without_a_sentence_is_marked_with_all_there_is() -> None:
    made = places(" One. Two. ", start=5)
    assert shown([*made.heard(pcm(1)), *made.heard(pcm(1)), *made.ends()]) == [
        ("<", 0, 6, 15, "One. Two."),
        (">", 2, 6, 15, "One. Two."),
    ]


def test_text_that_comes_later_is_marked_where_it_is_likely_to_begin() -> None:
    made = places("One. ")
    marks = [*made.heard(pcm(0.1))]
    made.sent(Sentence(text="Two. ", start=5))
    for _ in range(6):
        marks += made.heard(pcm(0.1))
    marks += made.ends()
    assert [(mark.kind, mark.text) for mark in marks] == [
        (MarkKind.SENTENCE_START, "One."),
        (MarkKind.SENTENCE_END, "One."),
        (MarkKind.SENTENCE_START, "Two."),
        (MarkKind.SENTENCE_END, "Two."),
    ]


def test_audio_without_a_text_is_not_marked() -> None:
    made = places("One.")
    marks = told(made, ("One.", 1))
    assert [*made.heard(pcm(1)), *made.ends()] == []
    assert len(marks) == 2
    assert made.seconds == 2


def test_sessions_follow_each_other() -> None:
    made = places("One. And some that is never spoken. ")
    marks = told(made, ("One.", 1))
    made.forget()
    made.sent(Sentence(text="Two.", start=50))
    marks += told(made, ("Two.", 1))
    assert shown(marks)[2:] == [("<", 1, 50, 54, "Two."), (">", 2, 50, 54, "Two.")]


# Words


def test_words_wait_for_their_audio() -> None:
    made = places("One two three.")
    words = [Word(text="One", begin=0), Word(text="two", begin=0.5), Word(text="three", begin=9)]
    assert list(made.words(words, since=0)) == []
    assert shown(made.heard(pcm(0.3))) == [("<", 0, 0, 14, "One two three."), ("w", 0, 0, 3, "One")]
    assert shown(made.heard(pcm(0.3))) == [("w", 0.5, 4, 7, "two")]
    assert shown(made.ends()) == [("w", 0.6, 8, 13, "three"), (">", 0.6, 0, 14, "One two three.")]


def test_words_that_come_late_keep_the_order() -> None:
    made = places("One two.")
    list(made.heard(pcm(1)))
    marks = list(made.words([Word(text="One", begin=0.4), Word(text="two", begin=0.1)], since=0))
    assert [(mark.text, mark.time) for mark in marks] == [("One", 0.4), ("two", 0.4)]


def test_words_are_found_in_their_own_sentence_each_once() -> None:
    made = places("the cat the dog. the end.")
    marks = list(made.begins("the cat the dog."))
    marks += made.heard(pcm(1))
    words = [Word(text=text, begin=index / 10) for index, text in enumerate(["the", "five", "the", "the", "", "end"])]
    marks += [*made.words(words, since=0), *made.ends()]
    assert [(mark.text, mark.start) for mark in marks if mark.kind is MarkKind.WORD] == [("the", 0), ("the", 8)]
    assert told(made, ("the end.", 1))[0].start == 17


def test_words_without_audio_take_no_memory_for_ever() -> None:
    made = places("a " * 4 * WORDS_MAX)
    for _ in range(3):
        assert list(made.words([Word(text="a", begin=1)] * WORDS_MAX, since=0)) == []
    marks = [*made.heard(pcm(2)), *made.ends()]
    assert sum(mark.kind is MarkKind.WORD for mark in marks) == WORDS_MAX


# Whatever comes


_STEPS = st.one_of(
    st.tuples(st.just("sent"), st.text(alphabet=[*"ab .!。好"], min_size=1, max_size=20)),
    st.tuples(st.just("begins"), st.text(alphabet=[*"ab .!。好"], max_size=20)),
    st.tuples(st.just("heard"), st.floats(0.001, 2)),
    st.tuples(st.just("words"), st.lists(st.tuples(st.sampled_from(["a", "b", "ab", "好", ""]), st.floats(-1, 5)), max_size=5)),
    st.tuples(st.just("ends"), st.none()),
    st.tuples(st.just("forget"), st.none()),
)


@given(st.lists(_STEPS, max_size=40))
def test_whatever_is_told_marks_are_in_order_and_in_pairs(steps: list[tuple[str, object]]) -> None:
    made, text = places(), ""
    marks: list[Mark] = []
    for what, value in [*steps, ("ends", None)]:
        if what == "sent":
            made.sent(Sentence(text=str(value), start=len(text)))
            text += str(value)
        elif what == "begins":
            marks += made.begins(str(value))
        elif what == "heard":
            marks += made.heard(pcm(value))  # type: ignore[arg-type]
        elif what == "words":
            marks += made.words([Word(text=word, begin=begin) for word, begin in value], since=0)  # type: ignore[attr-defined]
        elif what == "ends":
            marks += made.ends()
        else:
            marks += made.ends()
            made.forget()
    assert [mark.time for mark in marks] == sorted(mark.time for mark in marks)
    assert all(text[mark.start : mark.end] == mark.text != "" for mark in marks)
    sentences = [mark for mark in marks if mark.kind is not MarkKind.WORD]
    assert [mark.kind for mark in sentences] == [MarkKind.SENTENCE_START, MarkKind.SENTENCE_END] * (len(sentences) // 2)
    assert [mark.start for mark in sentences] == sorted(mark.start for mark in sentences)


def test_a_long_text_takes_time_in_proportion() -> None:
    def took(count: int) -> float:
        made = places()
        begun = perf_counter()
        for index in range(count):
            made.sent(Sentence(text="The kettle is boiling. ", start=23 * index))
            told(made, ("The kettle is boiling.", 0.1))
        return perf_counter() - begun

    short, long = (min(took(count) for _ in range(3)) for count in (300, 3_000))
    assert long < 25 * short
