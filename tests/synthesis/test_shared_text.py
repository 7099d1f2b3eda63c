"""One text, several writers: who writes it, what the reader gets, and whose text is another."""

from __future__ import annotations

import asyncio
import random

import pytest

from wyoming_server.channel import Channel
from wyoming_server.models import PAUSE
from wyoming_server.synthesis.sharing.text import SharedText, Writer

TEXT = "Dinner is ready. 晚饭好了。😀 Come down!"
END, LEAVE, JOIN = object(), object(), object()


class Writers:
    """Acts a script: each step is a writer's name and what it writes or does. They join in the order of their first step."""

    def __init__(self) -> None:
        self.text = SharedText()
        self.by_name: dict[str, Writer] = {}

    def act(self, *script: tuple[str, object]) -> None:
        for name, step in script:
            if name not in self.by_name:
                self.by_name[name] = self.text.join()
            writer = self.by_name[name]
            if isinstance(step, str):
                writer.write(step)
            elif step is END:
                writer.end()
            elif step is LEAVE:
                self.text.leave(writer)

    @property
    def in_conflict(self) -> str:
        return "".join(name for name, writer in self.by_name.items() if writer.conflict is not None)

    def read(self) -> tuple[list[str], bool]:
        return read(self.text.fragments)


def read(channel: Channel[str]) -> tuple[list[str], bool]:
    """What is there, and whether that is all."""
    fragments: list[str] = []

    async def all_there_is() -> None:
        async for fragment in channel:
            fragments.append(fragment)  # noqa: PERF401  # what is there, though more may come

    reading = all_there_is()
    try:
        reading.send(None)
    except StopIteration:
        return fragments, True
    reading.close()
    return fragments, False


CASES: dict[str, tuple[list[tuple[str, object]], list[str], bool, str]] = {
    "one": ([("a", "One. "), ("a", "Two."), ("a", END)], ["One. ", "Two."], True, ""),
    "nothing": ([("a", END)], [], True, ""),
    "not yet": ([("a", "One. ")], ["One. "], False, ""),
    "the first writes it": ([("a", "One"), ("b", "One. Two."), ("b", END)], ["One"], False, ""),
    "and waits for nobody": ([("a", "One. Two."), ("a", END), ("b", "One")], ["One. Two."], True, ""),
    "in other pieces": ([("a", "One."), ("b", "O"), ("b", "ne. T"), ("a", " Two."), ("a", END)], ["One.", " Two."], True, ""),
    "a listener without a word": ([("a", JOIN), ("b", END), ("a", "One."), ("a", END)], ["One."], True, ""),
    "the first has none": ([("a", END), ("b", "One."), ("b", END)], [], True, "b"),
    "another text": ([("a", "One."), ("b", "Two."), ("a", END)], ["One."], True, "b"),
    "another text that was there before": ([("a", JOIN), ("b", "Two."), ("a", "One.")], ["One."], False, "b"),
    "a shorter text": ([("a", "One. Two."), ("b", "One. "), ("b", END)], ["One. Two."], False, "b"),
    "a shorter text that was there before": ([("a", "One."), ("b", "One."), ("b", END), ("a", "!")], ["One.", "!"], False, "b"),
    "a longer text": ([("a", "One."), ("b", "One. Two."), ("a", END)], ["One."], True, "b"),
    "a longer text than a whole one": ([("a", "One."), ("a", END), ("b", "One. ")], ["One."], True, "b"),
    "the next goes on": ([("a", "One. T"), ("b", "One. Two."), ("a", LEAVE), ("b", END)], ["One. T", "wo."], True, ""),
    "the next is behind": ([("a", "One. T"), ("b", "On"), ("a", LEAVE), ("b", "e. Two.")], ["One. T", "wo."], False, ""),
    "the next says something else": (
        [("a", "One. T"), ("b", "On"), ("c", "One. Two."), ("c", END), ("a", LEAVE), ("b", "ly.")],
        ["One. T", "wo."],
        True,
        "b",
    ),
    "the next has already ended shorter": (
        [("a", "One. T"), ("b", "One. T"), ("b", END), ("c", END), ("a", LEAVE)],
        ["One. T"],
        True,
        "",
    ),
    "nobody is left who writes": ([("a", "One. T"), ("b", END), ("a", LEAVE)], ["One. T"], True, ""),
    "nobody is left": ([("a", "One. T"), ("a", LEAVE)], ["One. T"], False, ""),
    "a pause of the first": ([("a", PAUSE), ("a", "One"), ("a", PAUSE), ("a", PAUSE), ("b", PAUSE)], ["One", PAUSE], False, ""),
    "half a character more": ([("a", "é"), ("b", "è"), ("a", END)], ["é"], True, "b"),
    "half a surrogate": ([("a", "\ud83d"), ("b", "\ud83d"), ("a", END)], ["\ud83d"], True, ""),
}


@pytest.mark.parametrize(("script", "fragments", "is_whole", "conflict"), CASES.values(), ids=CASES)
async def test_who_writes_the_text(script: list[tuple[str, object]], fragments: list[str], is_whole: bool, conflict: str) -> None:
    writers = Writers()
    writers.act(*script)
    assert (writers.read(), writers.in_conflict) == ((fragments, is_whole), conflict)


async def test_the_same_text_in_any_pieces_by_anybody_is_one_text() -> None:
    for seed in range(300):
        rng, text = random.Random(seed), SharedText()
        writers = {text.join(): 0 for _ in range(rng.randint(1, 4))}
        while not any(writer.has_ended for writer in writers):
            writer = rng.choice([*writers])
            if len(writers) > 1 and rng.random() < 0.05:
                text.leave(writer)
                del writers[writer]
                continue
            end = writers[writer] + rng.randint(0, 6)
            writer.write(TEXT[writers[writer] : end])
            writers[writer] = end
            if end >= len(TEXT):
                writer.end()
        for writer, done in writers.items():
            writer.write(TEXT[done:])
            writer.end()
        fragments, is_whole = read(text.fragments)
        assert ("".join(fragments), is_whole) == (TEXT, True)
        assert not [writer for writer in writers if writer.conflict]


async def test_a_reader_that_waits_gets_what_comes() -> None:
    text = SharedText()
    writer = text.join()
    reading = asyncio.create_task(anext(text.fragments))
    await asyncio.sleep(0)
    writer.write("One.")
    assert await asyncio.wait_for(reading, 5) == "One."
