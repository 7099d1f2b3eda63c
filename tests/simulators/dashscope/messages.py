"""The messages of the service, written by hand, and those that a task tells."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ..common.codes import Told
from ..common.line import Line
from ..common.writing import written
from ..duplex.reading import billed
from ..duplex.sound import Word, riff, words
from ..speech.talk import Speaking
from ..speech.world import O


def event(name: str, task_id: str, payload: dict[str, Any] | None = None, **header: Any) -> str:
    own = {"task_id": task_id, "event": name, **header, "attributes": {}}
    return written({"header": own, "payload": payload or {}})


def failed(task_id: str, told: Told) -> str:
    return event("task-failed", task_id, error_code=told.code, error_message=told.message)


class Telling:
    """A task, in messages."""

    def __init__(self, line: Line, task_id: str, *, has_header: bool, has_words: bool) -> None:
        self._line = line
        self._task_id = task_id
        self._header_due = has_header
        self._has_words = has_words
        self._index = -1
        self._begins = 0.0
        """Seconds of audio before this sentence."""
        self._words: list[Word] = []
        """Of this sentence."""
        self._billed = 0

    async def _result(self, kind: str, shown: list[Word], *, text: str | None = None, usage: int | None = None) -> None:
        sentence = {"index": self._index, "words": [asdict(word) for word in shown]}
        output = {"sentence": sentence, "type": kind} | ({} if text is None else {"original_text": text})
        payload = {"output": output} | ({} if usage is None else {"usage": {"characters": usage}})
        await self._line.tell(event("result-generated", self._task_id, payload))

    async def started(self) -> None:
        await self._line.tell(event("task-started", self._task_id))

    async def begun(self, sentence: str, speaking: Speaking[O]) -> None:
        self._index += 1
        self._begins = speaking.seconds
        self._words = words(sentence, speaking.manner, self._begins) if self._has_words else []
        await self._result("sentence-begin", [], text=sentence)

    async def audio(self, data: memoryview, sentence: str, speaking: Speaking[O]) -> None:
        """Each binary message is announced."""
        spoken = (speaking.seconds - self._begins) / speaking.manner.character
        await self._result("sentence-synthesis", [word for word in self._words if word.end_index <= spoken + 1e-6])
        if self._header_due:
            self._header_due = False
            data = memoryview(riff(speaking.manner.rate) + data)
        await self._line.tell(bytes(data))

    async def ended(self, sentence: str, speaking: Speaking[O]) -> None:
        self._billed += billed(sentence)
        await self._result("sentence-end", self._words, text=sentence, usage=self._billed)

    async def completed(self, characters: int) -> None:
        payload = {"output": {"sentence": {"words": []}}, "usage": {"characters": characters}}
        await self._line.tell(event("task-finished", self._task_id, payload))
