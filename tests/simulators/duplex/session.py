"""A session, which speaks each sentence as soon as it is whole, and a connection that holds one session at a time."""

from __future__ import annotations

import asyncio
from typing import Generic, Protocol

from ..common.codes import Refused, Told
from ..common.faults import Over
from ..speech.audio import Manner
from ..speech.sentences import Sentences
from ..speech.talk import Speaking
from ..speech.world import O
from .talk import Talk


class Telling(Protocol):
    """How a service puts a session into messages."""

    async def started(self) -> None: ...

    async def begun(self, sentence: str, speaking: Speaking[O]) -> None: ...

    async def audio(self, data: memoryview, sentence: str, speaking: Speaking[O]) -> None: ...

    async def ended(self, sentence: str, speaking: Speaking[O]) -> None: ...

    async def completed(self, characters: int) -> None: ...


class Session(Generic[O]):
    """One session; `run` is its speaking, the rest is what the client sends meanwhile."""

    def __init__(self, talk: Sessions[O], task_id: str, telling: Telling, speaking: Speaking[O]) -> None:
        self.task_id = task_id
        self.speaking = speaking
        self.billed = 0
        """Characters of text so far, as the vendor counts them."""
        self.is_started = False
        self.is_finishing = False
        self.task: asyncio.Task[None] | None = None
        self._talk = talk
        self._telling = telling
        self._text = Sentences()
        self._sentences: asyncio.Queue[str | None] = asyncio.Queue()

    def add(self, fragment: str) -> None:
        self.say(*self._text.add(fragment))

    def say(self, *sentences: str) -> None:
        for sentence in sentences:
            self._sentences.put_nowait(sentence)

    def flush(self) -> None:
        """What came so far is a sentence."""
        self.say(*self._text.finish())

    def finish(self) -> None:
        """No more text comes."""
        self.is_finishing = True
        self.flush()
        self._sentences.put_nowait(None)

    async def run(self) -> None:
        talk = self._talk
        await talk.strike("start")
        if talk.options.latency:
            await asyncio.sleep(talk.options.latency)
        self.is_started = True
        await self._telling.started()
        talk.started(self)
        while (sentence := await self._sentences.get()) is not None:
            try:
                await self._speak(sentence)
            except Over:
                if not talk.goes_on:
                    raise
        await talk.strike("finish")
        talk.note("audio finished", self.speaking.characters, session=self.task_id)
        talk.over(self)
        await self._telling.completed(self.billed)
        talk.note("finished", self.speaking.characters, session=self.task_id)
        await talk.completed()

    async def _speak(self, sentence: str) -> None:
        talk, telling, speaking = self._talk, self._telling, self.speaking
        fault = await talk.strike("sentence", text=sentence)
        held: list[memoryview] = []

        async def write(data: memoryview, final: bool) -> None:
            if final and fault is not None and fault.kind == "late audio":
                held.append(data)
            else:
                await telling.audio(data, sentence, speaking)

        await telling.begun(sentence, speaking)
        problem = talk.problem(sentence)
        if problem is not None:
            await talk.refuse(problem)
            raise Over
        await speaking.say(sentence, write)
        await telling.ended(sentence, speaking)
        for data in held:
            await telling.audio(data, sentence, speaking)


class Sessions(Talk[O]):
    """A connection that holds one session at a time."""

    session: Session[O] | None = None
    addressed = ""
    """The task id of the client's last message: of what is refused before there is a session."""

    # what a protocol adds

    async def tell_failed(self, task_id: str, told: Told) -> None:
        raise NotImplementedError

    async def obey(self, message: str | bytes) -> None:
        """One message of the client; raises Refused."""
        raise NotImplementedError

    def started(self, session: Session[O]) -> None:
        """The client was told."""

    async def completed(self) -> None:
        """The client was told."""

    def problem(self, sentence: str) -> Told | None:
        """Why a sentence cannot be spoken, found only when its turn comes."""
        return None

    @property
    def goes_on(self) -> bool:
        """Whether the session outlives an error."""
        return False

    # what it uses

    async def take(self, message: str | bytes) -> None:
        if self.line.hung_up:
            return
        try:
            await self.obey(message)
        except Refused as refused:
            await self.refuse(refused.told)
        except Over:
            return

    async def refuse(self, told: Told) -> None:
        """A rule was broken."""
        self.note("refused", code=told.code, message=told.message)
        await self.fail(told)

    def open(self, task_id: str, telling: Telling, manner: Manner) -> Session[O]:
        """A session was accepted."""
        self.world.task_ids.add(task_id)
        self.session = session = Session(self, task_id, telling, self.begin(manner))
        session.task = self.work(session.run)
        return session

    def over(self, session: Session[O]) -> None:
        """Its end is about to be told."""
        if self.session is session:
            self.session = None
        self.end(session.speaking)

    async def fail(self, told: Told) -> None:
        """The session is over, and the connection too."""
        session = self.session
        self.expect(0)
        self.stop()
        if session is not None:
            self.over(session)
        await self.tell_failed(self.addressed if session is None else session.task_id, told)
        await self.line.hang_up(1000)
