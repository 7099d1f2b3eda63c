"""Clients of /api/tts that get into each other's way, and what is known of each reply: whether it still runs, and how it ended.

A request is sent without letting the server run, so that what comes next may meet it anywhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wyoming_server.audio.level import FADE_SECONDS
from wyoming_server.engines.tone import ToneEngine, sine
from wyoming_server.models import AudioFormat
from wyoming_server.sessions import End, Outcome, Session

from ..serving import until
from .flowing_serving import Alone
from .http_client import Answer, RawClient
from .openai_serving import body_of
from .speech_serving import INTERRUPT, post

YAML = """
wyoming: {uri: "tcp://127.0.0.1:0"}
http: {host: 127.0.0.1, port: 0}
engines:
  free: {type: tone, per_character: 0.01}
  one: {type: tone, per_character: 0.01, concurrency: 1}
  espeak: {enabled: false}
default_voice: free/tone
"""
VOICES = ("free/tone", "one/tone")
"""The second speaks one text at a time: the others wait in line."""
AUDIO = AudioFormat(rate=22_050)
FADE = AUDIO.size(FADE_SECONDS)
WAV_HEADER = 44
SOON = 5.0
"""Seconds, on a busy machine, for what takes milliseconds."""
SESSIONS = ("kitchen", "hall")
REPLIES = 10
"""Of an example, at most."""
INTERRUPTS = 6
"""That may be on their way at once."""


@dataclass(frozen=True, kw_only=True)
class Script:
    """How the engine speaks a text."""

    options: Mapping[str, Any]
    lasts: bool = False
    """Only an interrupt, or the client, ends it."""
    characters: int = 20


SCRIPTS: Mapping[str, Script] = {
    "quick": Script(options={}),
    "late": Script(options={"delay": 0.003}),
    "paced": Script(options={"pace": 20, "piece": 0.05}),
    "failing": Script(options={"fail_at": 0.1}),
    "thinking": Script(options={"delay": 60}, lasts=True),
    "stalled": Script(options={"stall_at": 0.1}, lasts=True),
}


@dataclass(frozen=True, kw_only=True)
class Heard:
    status: int
    pcm: bytes
    whole: bool


@dataclass(eq=False, kw_only=True)
class Reply:
    """One text that somebody wants to hear. Its tone is like no other's."""

    host: str
    """Its client's address, by which its session is known."""
    session_id: str
    script: Script
    frequency: int
    client: RawClient
    hearing: asyncio.Task[Heard]
    left: bool = False
    silenced: bool = False
    """It was interrupted, or replaced, for certain."""
    doubtful: bool = False
    """An interrupt that nobody waited for may have met it."""

    @property
    def expected(self) -> bytes:
        """Of its text."""
        return sine(AUDIO.rate, self.frequency, 0, AUDIO.size(self.script.characters * 0.01))

    def check(self, heard: Heard, end: End) -> None:
        """What was heard is its own audio, and ended as its session did."""
        assert heard.status == 200
        shared = _in_common(heard.pcm, self.expected)
        assert len(heard.pcm) - shared <= (FADE if end.outcome is Outcome.INTERRUPTED else 0), "other audio than its own"
        assert heard.whole == (end.outcome is not Outcome.FAILED)
        if end.outcome is Outcome.COMPLETED:
            assert heard.pcm == self.expected
        if end.outcome is Outcome.FAILED:
            assert self.script is SCRIPTS["failing"]
        if self.silenced or self.script.lasts:
            assert end.outcome is Outcome.INTERRUPTED
        assert end.outcome is not Outcome.LEFT


@dataclass
class Watch:
    """What the sessions tell."""

    started: dict[str, Session] = field(default_factory=dict)
    """By the client's address."""
    ended: dict[str, End] = field(default_factory=dict)

    def session_started(self, session: Session) -> None:
        self.started[session.client] = session

    def session_speaking(self, session: Session) -> None:
        pass

    def session_ended(self, session: Session, end: End) -> None:
        if self.started.get(session.client) is session:  # and none that a failed example left
            assert session.client not in self.ended, "a session ends once"
            self.ended[session.client] = end


class Stage:
    """A server, and enough connections to it: opening one would let the server run."""

    def __init__(self, server: Alone, turns: asyncio.Semaphore) -> None:
        self.server = server
        self.watch = Watch()
        server.sessions.watcher = self.watch
        self.replies: list[Reply] = []
        self.asked: list[asyncio.Task[Answer]] = []
        """Interrupts."""
        self._turns = turns
        self._speakers: dict[str, RawClient] = {}
        self._interrupters: list[RawClient] = []
        """That have no interrupt on its way."""
        self._tasks: set[asyncio.Task[Any]] = set()
        """That were there before."""

    async def prepare(self) -> None:
        """For the next example, whatever a failed one left."""
        await self._disconnect()
        self._tasks = asyncio.all_tasks()
        self.replies, self.asked = [], []
        self.watch.started.clear()
        self.watch.ended.clear()
        for engine in self._engines():
            engine.journal.clear()
        port = int(self.server.http.urls[0].rpartition(":")[2])
        for number in range(REPLIES):
            host = f"127.0.0.{number + 2}"
            self._speakers[host] = RawClient(*await asyncio.open_connection("127.0.0.1", port, local_addr=(host, 0)))
        self._interrupters = [await RawClient.connect(self.server.http) for _ in range(INTERRUPTS)]

    # What clients do

    def start(self, loop: asyncio.AbstractEventLoop, session_id: str, script: str, voice: str, container: str) -> Reply:
        number = len(self.replies)
        host, how = f"127.0.0.{number + 2}", SCRIPTS[script]
        client, frequency = self._speakers[host], 300 + 50 * number
        fields = {"text": "a" * how.characters, "session_id": session_id, "voice": voice, "format": container}
        client.writer.write(post({**fields, "options": {**how.options, "frequency": frequency}}))
        reply = Reply(
            host=host,
            session_id=session_id,
            script=how,
            frequency=frequency,
            client=client,
            hearing=loop.create_task(_heard(client, WAV_HEADER if container == "wav" else 0)),
            doubtful=not all(asked.done() for asked in self.asked),
        )
        self.replies.append(reply)
        return reply

    def interrupt(self, loop: asyncio.AbstractEventLoop, session_id: str) -> asyncio.Task[Answer]:
        client = self._interrupters.pop()
        client.writer.write(post({"session_id": session_id}, path=INTERRUPT))
        for reply in self.replies:
            reply.doubtful |= reply.session_id == session_id
        asked = loop.create_task(client.answer())
        asked.add_done_callback(lambda _: self._interrupters.append(client))
        self.asked.append(asked)
        return asked

    @property
    def may_start(self) -> bool:
        return len(self.replies) < REPLIES

    @property
    def may_interrupt(self) -> bool:
        """Twice at once; where nothing has begun it would be no use."""
        return bool(self.replies) and len(self._interrupters) > 1

    # What is known

    def newest(self, session_id: str) -> Reply | None:
        """The one that speaks in this session for certain, until somebody ends it."""
        replies = [reply for reply in self.replies if reply.session_id == session_id]
        if not replies or self._is_unsettled(session_id):
            return None
        opened = sorted(replies, key=lambda reply: list(self.watch.started).index(reply.host))
        newest = opened[-1]
        ended = newest.left or newest.silenced or newest.doubtful or newest.host in self.watch.ended
        return newest if newest.script.lasts and not ended else None

    def is_silent(self, session_id: str) -> bool:
        """Nothing speaks in this session, for certain, nor will soon."""
        replies = (reply for reply in self.replies if reply.session_id == session_id)
        return not self._is_unsettled(session_id) and all(reply.host in self.watch.ended for reply in replies)

    def _is_unsettled(self, session_id: str) -> bool:
        """Somebody's request may still be on its way."""
        replies = (reply for reply in self.replies if reply.session_id == session_id)
        return any(reply.host not in self.watch.started for reply in replies) or not all(asked.done() for asked in self.asked)

    # What must be

    async def opened(self, reply: Reply) -> None:
        await until(lambda: reply.host in self.watch.started, within=SOON)

    async def is_silenced(self, reply: Reply) -> None:
        """Its listener hears no more, and has a whole file."""
        reply.silenced = True
        async with asyncio.timeout(SOON):
            heard = await asyncio.shield(reply.hearing)
        await until(lambda: reply.host in self.watch.ended, within=SOON)
        reply.check(heard, self.watch.ended[reply.host])

    async def all_is_well(self) -> None:
        """Whatever still speaks can be silenced; then nothing is left, and everybody heard what was his."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(SOON):
            await asyncio.gather(*self.asked)
        await until(lambda: all(reply.left or reply.host in self.watch.started for reply in self.replies), within=SOON)
        lasting = [reply for session_id in SESSIONS if (reply := self.newest(session_id)) is not None]
        answers = [await self.interrupt(loop, session_id) for session_id in SESSIONS]
        assert {answer.status for answer in answers} <= {200, 404}
        assert sum(answer.status == 200 for answer in answers) >= len(lasting), "no session that runs is unknown"
        stay = [reply for reply in self.replies if not reply.left]
        async with asyncio.timeout(SOON):
            heard = await asyncio.gather(*(reply.hearing for reply in stay))
            await self.server.sessions.until_idle()
        for reply, what in zip(stay, heard, strict=True):
            reply.check(what, self.watch.ended[reply.host])
        await self._nothing_is_left()

    async def _nothing_is_left(self) -> None:
        assert self.watch.started.keys() == self.watch.ended.keys()
        await self._disconnect()
        await until(lambda: asyncio.all_tasks() - {asyncio.current_task()} <= self._tasks, within=SOON)
        for engine in self._engines():
            began = sum(event.what == "started" for event in engine.journal)
            assert 2 * began == len(engine.journal), "what the engine began has an end"
            if engine.turns is not None:
                # A task that has just ended gives its turn back a moment later.
                async with asyncio.timeout(SOON):
                    with engine.turns.ask(self) as turn:
                        async for _ in turn.waiting():
                            pass
        async with asyncio.timeout(SOON), self._turns, self._turns:
            pass

    async def _disconnect(self) -> None:
        for client in (*self._speakers.values(), *self._interrupters):
            client.writer.transport.abort()
        await asyncio.gather(*(reply.hearing for reply in self.replies), *self.asked, return_exceptions=True)
        await self.server.sessions.until_idle()

    def _engines(self) -> list[ToneEngine]:
        return [engine for engine in self.server.speech.engines.values() if isinstance(engine, ToneEngine)]


def _in_common(one: bytes, other: bytes) -> int:
    """Bytes with which both begin."""
    size = min(len(one), len(other))
    return next((place for place in range(size) if one[place] != other[place]), size)


async def _heard(client: RawClient, header: int) -> Heard:
    """A whole answer, whose file begins with so many bytes of no audio."""
    head = (await client.reader.readuntil(b"\r\n\r\n")).decode()
    body, whole = await body_of(client)
    return Heard(status=int(head.split()[1]), pcm=body[header:], whole=whole)
