"""Marks of a reply as the messages about sentences."""

from __future__ import annotations

from wyoming_server.frontends.flowing.sentences import Sentences
from wyoming_server.models import Mark, MarkKind
from wyoming_server.protocols.flowing_events import SentenceBegin, SentenceEnd, ServerEvent, Subtitles, Word

SPOKEN = "One. Two three."
BEGIN = Mark(kind=MarkKind.SENTENCE_START, time=1.0, start=5, end=15, text="Two three.")
END = Mark(kind=MarkKind.SENTENCE_END, time=2.0, start=5, end=15, text="Two three.")


def word(time: float, start: int, end: int) -> Mark:
    return Mark(kind=MarkKind.WORD, time=time, start=start, end=end, text=SPOKEN[start:end])


def told(*marks: Mark, subtitles: bool = True) -> list[ServerEvent]:
    sentences = Sentences("t", "s", subtitles=subtitles)
    return [message for mark in marks for message in sentences.messages(mark)]


def words(*marks: Mark) -> list[tuple[str, float | None, float | None, int | None, int | None]]:
    """Of the one sentence that they are."""
    last = told(*marks)[-1]
    assert isinstance(last, SentenceEnd)
    return [(one.text, one.begin_time, one.end_time, one.begin_index, one.end_index) for one in last.words]


def test_a_word_lasts_until_the_next_one_and_counts_from_its_sentence() -> None:
    assert words(BEGIN, word(1.1, 5, 8), word(1.5, 9, 14), END) == [("Two", 1100, 1500, 0, 3), ("three", 1500, 2000, 4, 9)]


def test_a_sentence_without_words_is_one() -> None:
    assert words(BEGIN, END) == [("Two three.", 1000, 2000, 0, 10)]


def test_no_word_ends_before_it_begins() -> None:
    assert words(BEGIN, word(1.5, 5, 8), word(1.4, 9, 14), END)[0][1:3] == (1500, 1500)
    assert words(BEGIN, word(2.5, 5, 8), END)[0][1:3] == (2500, 2500)


def test_subtitles_come_before_the_end_and_are_the_same() -> None:
    begin, subtitles, end = told(BEGIN, END)
    spoken = (Word(text="Two three.", begin_time=1000, end_time=2000, begin_index=0, end_index=10, sentence=True),)
    assert begin == SentenceBegin(task_id="t", session_id="s", index=1)
    assert subtitles == Subtitles(task_id="t", index=1, words=spoken)
    assert end == SentenceEnd(task_id="t", session_id="s", index=1, words=spoken)


def test_nobody_who_did_not_ask_gets_subtitles() -> None:
    assert told(BEGIN, word(1.1, 5, 8), END, subtitles=False) == [
        SentenceBegin(task_id="t", session_id="s", index=1),
        SentenceEnd(task_id="t", session_id="s", index=1),
    ]


def test_words_of_one_sentence_are_not_told_of_the_next() -> None:
    messages = told(BEGIN, word(1.1, 5, 8), END, word(2.1, 9, 14), BEGIN, END)
    assert isinstance(messages[-1], SentenceEnd)
    assert [one.text for one in messages[-1].words] == ["Two three."]
    assert messages[-1].index == 2
