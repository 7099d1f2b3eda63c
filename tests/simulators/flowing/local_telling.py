"""A session of the local server, in messages: each sentence has the index 1, and subtitles that are guesses nobody asked for."""

from __future__ import annotations

from typing import Any

from ..common.line import Line
from ..duplex.sound import Word, riff
from ..speech.talk import Speaking
from ..speech.world import O
from .messages import message, subtitle

MS_A_CHARACTER = 200
"""What the server guesses."""


class LocalTelling:
    """`asked` is the rate of the request, for headers; None: there are none."""

    def __init__(self, line: Line, task_id: str, session_id: str, *, asked: int | None, header_in_every_frame: bool) -> None:
        self._line = line
        self._task_id = task_id
        self._index = {"session_id": session_id, "index": 1}
        self._asked = asked
        self._header_in_every_frame = header_in_every_frame
        self._header_due = asked is not None

    async def _tell(self, name: str, payload: dict[str, Any]) -> None:
        await self._line.tell(message(name, self._task_id, payload, key="status_message"))

    async def started(self) -> None:
        await self._tell("SynthesisStarted", self._index)

    async def begun(self, sentence: str, speaking: Speaking[O]) -> None:
        await self._tell("SentenceBegin", self._index)

    async def audio(self, data: memoryview, sentence: str, speaking: Speaking[O]) -> None:
        if self._asked is not None and self._header_due:
            whole = self._header_in_every_frame
            self._header_due = whole
            data = memoryview((riff(self._asked, len(data)) if whole else riff(self._asked)) + data)
        await self._line.tell(bytes(data))
        await self._tell("SentenceSynthesis", {"subtitles": [_guess(sentence)]})

    async def ended(self, sentence: str, speaking: Speaking[O]) -> None:
        await self._tell("SentenceEnd", {"subtitles": [_guess(sentence)]})

    async def completed(self, characters: int) -> None:
        await self._tell("SynthesisCompleted", self._index)


def _guess(sentence: str) -> dict[str, Any]:
    size = len(sentence)
    return subtitle(
        Word(text=sentence, begin_index=0, end_index=size, begin_time=0, end_time=size * MS_A_CHARACTER), is_sentence=True
    )
