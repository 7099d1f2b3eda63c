"""The messages of NLS, written by hand, and those that a session of the cloud tells."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal
from uuid import uuid4

from ..common.codes import Told
from ..common.line import Line
from ..common.writing import written
from ..duplex.sound import Word, riff, words
from ..speech.talk import Speaking
from ..speech.world import O
from .codes import OK

NAMESPACE = "FlowingSpeechSynthesizer"
SUCCESS = {"status_message": "GATEWAY|SUCCESS|Success.", "status_text": "Gateway:SUCCESS:Success."}


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What the document says in one way, and the service was seen to do in another."""

    success: Literal["status_message", "status_text"] = "status_message"
    """The key of the words that go with 20000000; the second was seen."""
    has_session_id: bool = True
    """In payloads. False was seen: then SynthesisStarted and SynthesisCompleted have no payload at all."""
    first_index: int = 1
    """Of a sentence; 0 was seen."""
    times_from: Literal["session", "sentence"] = "session"
    """Where the times of subtitles begin: not documented."""


def message(name: str, task_id: str, payload: dict[str, Any], *, key: Literal["status_message", "status_text"]) -> str:
    header = {"message_id": uuid4().hex, "task_id": task_id, "namespace": NAMESPACE, "name": name, "status": OK}
    return written({"header": header | {key: SUCCESS[key]}} | ({"payload": payload} if payload else {}))


def failed(task_id: str, told: Told) -> str:
    header = {"namespace": "Default", "name": "TaskFailed", "status": told.code, "message_id": uuid4().hex, "task_id": task_id}
    return written({"header": header | {"status_text": told.message}})


def subtitle(word: Word, *, is_sentence: bool = False) -> dict[str, Any]:
    return asdict(word) | {"sentence": is_sentence, "phoneme_list": []}


class CloudTelling:
    """A session of the cloud, in messages."""

    def __init__(self, line: Line, task_id: str, shape: Shape, *, has_header: bool, has_subtitles: bool) -> None:
        self._line = line
        self._task_id = task_id
        self._shape = shape
        self._payload: dict[str, Any] = {"session_id": uuid4().hex} if shape.has_session_id else {}
        self._header_due = has_header
        self._has_subtitles = has_subtitles
        self._count = 0
        self._begins = 0.0
        """Seconds of audio before this sentence."""
        self._words: list[Word] = []
        """Of this sentence."""
        self._shown: int | None = 0
        """How many of them were told; None: nothing was, yet."""

    async def _tell(self, name: str, **payload: Any) -> None:
        await self._line.tell(message(name, self._task_id, self._payload | payload, key=self._shape.success))

    async def started(self) -> None:
        await self._tell("SynthesisStarted", **({"index": 0} if self._payload else {}))

    async def begun(self, sentence: str, speaking: Speaking[O]) -> None:
        self._count += 1
        self._begins = speaking.seconds
        begins = self._begins if self._shape.times_from == "session" else 0.0
        self._words = words(sentence, speaking.manner, begins) if self._has_subtitles else []
        self._shown = None
        await self._tell("SentenceBegin", index=self._index)

    @property
    def _index(self) -> int:
        return self._shape.first_index + self._count - 1

    async def audio(self, data: memoryview, sentence: str, speaking: Speaking[O]) -> None:
        if self._header_due:
            self._header_due = False
            data = memoryview(riff(speaking.manner.rate) + data)
        await self._line.tell(bytes(data))
        spoken = (speaking.seconds - self._begins) / speaking.manner.character
        count = sum(word.end_index <= spoken + 1e-6 for word in self._words)
        if self._shown is None or count > self._shown:
            new, self._shown = self._words[self._shown or 0 : count], count
            await self._tell("SentenceSynthesis", subtitles=[subtitle(word) for word in new])

    async def ended(self, sentence: str, speaking: Speaking[O]) -> None:
        subtitles = [subtitle(word) for word in self._words]
        if self._words:
            last = self._words[-1].end_time
            whole = Word(text="", begin_index=0, end_index=len(sentence), begin_time=self._words[0].begin_time, end_time=last)
            subtitles = [subtitle(whole, is_sentence=True), *subtitles]
        await self._tell("SentenceEnd", index=self._index, subtitles=subtitles)

    async def completed(self, characters: int) -> None:
        await self._tell("SynthesisCompleted", **({"index": self._count} if self._payload else {}))
