"""A connection: one task after the other, which message may come when, and what it must say."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..common.codes import Refused, Told
from ..common.fields import NUMBER, Field, check
from ..duplex.reading import DASHED_ID, HEX_ID, billed, document
from ..duplex.session import Session, Sessions
from ..duplex.sound import semitones
from ..speech.audio import Manner
from ..speech.world import Options
from .codes import DASHSCOPE
from .messages import Telling, event, failed
from .voices import MODELS, fits

RATES = (8_000, 16_000, 22_050, 24_000, 44_100, 48_000)
FORMATS = {"pcm": "pcm", "wav": "pcm", "mp3": "mp3", "opus": "ogg_opus", "Default": "mp3"}
"""Each, and the encoding of `audio`. "Default", with a rate of 0, is how the vendor's SDK leaves it open."""
HEADER = (
    Field(path="header", types=(dict,), required=True),
    Field(path="header.action", required=True, choices=("run-task", "continue-task", "finish-task")),
    Field(path="header.task_id", required=True),
    Field(path="header.streaming", required=True, choices=("duplex",)),
    Field(path="payload.input", types=(dict,), required=True),
)
RUN = (
    Field(path="payload.task_group", required=True, choices=("audio",)),
    Field(path="payload.task", required=True, choices=("tts",)),
    Field(path="payload.function", required=True, choices=("SpeechSynthesizer",)),
    Field(path="payload.model", required=True),
    Field(path="payload.parameters", types=(dict,), required=True),
    Field(path="payload.parameters.voice", required=True),
    Field(path="payload.parameters.text_type", required=True, choices=("PlainText", "SSML")),
    Field(path="payload.parameters.format", choices=tuple(FORMATS)),
    Field(path="payload.parameters.sample_rate", types=(int,), choices=(0, *RATES)),
    Field(path="payload.parameters.volume", types=(int,), within=(0, 100)),
    Field(path="payload.parameters.rate", types=NUMBER, within=(0.5, 2)),
    Field(path="payload.parameters.pitch", types=NUMBER, within=(0.5, 2)),
    Field(path="payload.parameters.word_timestamp_enabled", types=(bool,)),
)
TEXT = (Field(path="payload.input.text"), Field(path="payload.input.flush", types=(bool,)))
FINISH = (Field(path="payload.input.directive", choices=("cancel",)),)


@dataclass(frozen=True, kw_only=True)
class Account:
    """The one customer."""

    api_key: str = "sk-api-key"
    workspaces: frozenset[str] | None = None
    """That X-DashScope-WorkSpace may name; None: any, or none."""
    voices: frozenset[str] | None = None
    """That there are, for this account; None: every one that fits its model."""
    parallel: int | None = None
    """Tasks at once; None: as many as come."""


@dataclass(frozen=True, kw_only=True)
class DashScopeOptions(Options):
    """How the service behaves."""

    account: Account = field(default_factory=Account)
    reuse: float = 60
    """Seconds that a connection waits for its next task, or its first; 0: for ever."""
    text_timeout: float = 23
    """Seconds without text that end a task; 0: never."""
    closes_after_failure: bool = True
    text_limit: int = 20_000
    """Characters of a message, a Chinese one counting two; 0: no limit."""
    task_text_limit: int = 200_000
    """The same of a task."""


def manner(parameters: dict[str, Any]) -> Manner:
    return Manner(
        encoding=FORMATS[parameters.get("format", "mp3")],
        rate=parameters.get("sample_rate") or 22_050,
        speed=parameters.get("rate", 1.0),
        loudness=parameters.get("volume", 50) / 50,
        semitones=semitones(parameters.get("pitch", 1.0)),
    )


class DashScopeTalk(Sessions[DashScopeOptions]):
    """A connection of `/api-ws/v1/inference`."""

    async def run(self) -> None:
        self._await_task()
        await super().run()

    def _await_task(self) -> None:
        self.expect(self.options.reuse, self._close)

    async def _close(self) -> None:
        await self.line.hang_up(1000)

    def _await_text(self) -> None:
        self.expect(self.options.text_timeout, self.refuse, DASHSCOPE["timeout"])

    def started(self, session: Session[DashScopeOptions]) -> None:
        self._await_text()

    async def completed(self) -> None:
        self._await_task()

    async def obey(self, message: str | bytes) -> None:
        found = document(message, DASHSCOPE["parameter"])
        check(found, HEADER, DASHSCOPE["parameter"])
        self.addressed = task_id = found["header"]["task_id"]
        if not HEX_ID.fullmatch(task_id) and not DASHED_ID.fullmatch(task_id):
            raise Refused(DASHSCOPE["parameter"].because(f"header.task_id '{task_id}' is no UUID"))
        await ACTIONS[found["header"]["action"]](self, task_id, found)

    # what the client asks for

    async def _start(self, task_id: str, found: dict[str, Any]) -> None:
        if self.session is not None:
            raise Refused(DASHSCOPE["client"].because("a task is running"))
        if task_id in self.world.task_ids:
            raise Refused(DASHSCOPE["client"].because("a task_id that was used before"))
        check(found, RUN, DASHSCOPE["parameter"])
        payload, account = found["payload"], self.options.account
        model, parameters = payload["model"], payload["parameters"]
        if model not in MODELS:
            raise Refused(DASHSCOPE["model"].because(model))
        voice = parameters["voice"]
        if not fits(voice, model) or (account.voices is not None and voice not in account.voices):
            raise Refused(DASHSCOPE["voice"])
        if account.parallel is not None and self.world.journal.counters.sessions >= account.parallel:
            raise Refused(DASHSCOPE["busy"])
        self.expect(0)
        self.note("session", id=task_id, body=found)
        telling = Telling(
            self.line,
            task_id,
            has_header=parameters.get("format") == "wav",
            has_words=parameters.get("word_timestamp_enabled", False),
        )
        self.open(task_id, telling, manner(parameters))

    async def _text(self, task_id: str, found: dict[str, Any]) -> None:
        session = self._running(task_id)
        check(found, TEXT, DASHSCOPE["parameter"])
        given = found["payload"]["input"]
        if given.get("flush"):
            session.flush()
            return
        if "text" not in given:
            raise Refused(DASHSCOPE["parameter"].because("payload.input.text is required"))
        self._await_text()
        text: str = given["text"]
        self.note("text", len(text), session=task_id, text=text)
        session.billed += billed(text)
        self._check_length(billed(text), self.options.text_limit)
        self._check_length(session.billed, self.options.task_text_limit)
        await self.strike("text", text=text)
        session.add(text)

    def _check_length(self, count: int, limit: int) -> None:
        if limit and count > limit:
            raise Refused(DASHSCOPE["parameter"].because(f"a text of {count} characters; {limit} are allowed"))

    async def _finish(self, task_id: str, found: dict[str, Any]) -> None:
        session = self._running(task_id)
        check(found, FINISH, DASHSCOPE["parameter"])
        self.expect(0)
        if found["payload"]["input"].get("directive") == "cancel":
            self.work(self._cancelled, session)
        else:
            session.finish()

    async def _cancelled(self, session: Session[DashScopeOptions]) -> None:
        """No more audio; the task ends as it would otherwise."""
        assert session.task is not None
        session.task.cancel()
        self.note("cancelled", session.speaking.characters, by="finish-task")
        self.over(session)
        usage = {"usage": {"characters": session.billed}}
        await self.line.tell(event("task-finished", session.task_id, {"output": {"sentence": {"words": []}}, **usage}))
        await self.completed()

    def _running(self, task_id: str) -> Session[DashScopeOptions]:
        session = self.session
        if session is None or not session.is_started or session.is_finishing:
            raise Refused(DASHSCOPE["client"].because("no task, one that has not started, or one that is finishing"))
        if session.task_id != task_id:
            raise Refused(DASHSCOPE["client"].because("the task_id is not the running task's"))
        return session

    # what it is told

    async def fail(self, told: Told) -> None:
        if self.options.closes_after_failure:
            await super().fail(told)
            return
        session = self.session
        self.stop()
        if session is not None:
            self.over(session)
        await self.tell_failed(self.addressed if session is None else session.task_id, told)
        self._await_task()

    async def tell_failed(self, task_id: str, told: Told) -> None:
        await self.line.tell(failed(task_id, told))

    def unknown(self) -> str:
        return event("task-heartbeat", self.addressed)


ACTIONS: Mapping[str, Callable[[DashScopeTalk, str, dict[str, Any]], Awaitable[None]]] = {
    "run-task": DashScopeTalk._start,  # noqa: SLF001  # its own table
    "continue-task": DashScopeTalk._text,  # noqa: SLF001
    "finish-task": DashScopeTalk._finish,  # noqa: SLF001
}
