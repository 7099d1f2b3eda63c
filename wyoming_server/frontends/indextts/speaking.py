"""One task: its place in line, its synthesis, its WAV. However it ends, that is written down and told, once."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from uuid import uuid4

from ...audio.wav import wav_header
from ...channel import Channel
from ...errors import HeraldError, Interrupted, ShuttingDown, TooLarge
from ...models import AudioFormat, ReplyStart, SynthesisRequest
from ...protocols.indextts import AUDIO_MAX, Audio, Ended, Failed, Queued, Started, TaskStatus
from ...rates import address_of
from ...sessions import ListenerGone
from ..pacing import Pacing
from .failures import CANCELLED, is_defect, told
from .outbox import Outbox
from .requests import RATE
from .services import Services

_LOGGER = logging.getLogger(__name__)

_HEADER_SIZE = 44
_CANCELS = frozenset({Interrupted.code, ShuttingDown.code})
"""Codes of errors that are somebody's wish, and no failure."""


class Speaking:
    """Made when its request has come, which may raise ShuttingDown. `run` it in a task; `left` must hear that this has ended."""

    def __init__(self, services: Services, request: SynthesisRequest, text: str, outbox: Outbox) -> None:
        task_id = str(uuid4())
        voice = request.voice
        self._session = services.sessions.open(
            task_id, voice=voice.name, engine=voice.engine, client=outbox.client, front_end="indextts"
        )
        self._task = services.tasks.new(task_id)
        self._services = services
        self._request = request
        self._text = text
        self._outbox = outbox
        self._ids = {"task_id": task_id, "session_id": outbox.session_id}
        outbox.send(Queued(**self._ids))

    async def run(self) -> None:
        """To the end, and until the client has taken it. Raises ListenerGone, and a defect, of which the client is not told."""
        self._session.on_interrupt = self._fail  # at once, though the engine may take its time
        try:
            async with self._session:
                self._complete(await self._wav())
        except asyncio.CancelledError as error:
            if _was_asked_for():
                raise
            raise HeraldError from error
        except HeraldError as error:
            if is_defect(error):
                raise
            self._fail(error)
        await self._outbox.taken()

    def hush(self) -> None:
        """Nobody is there to be told anything."""
        self._services.tasks.end(self._task, TaskStatus.CANCELLED, CANCELLED)

    def left(self, done: asyncio.Task[None]) -> None:
        """`run` has ended, or was cancelled before it began."""
        self._session.leave()
        if done.cancelled() or isinstance(done.exception(), ListenerGone):
            self.hush()
        else:
            self._services.tasks.end(self._task, TaskStatus.FAILED, told(HeraldError()))

    # In line and speaking

    async def _wav(self) -> bytes:
        """The turn is given back before anything is sent: who reads slowly delays nobody, and who does not read has no turn."""
        queue = self._services.queues[self._request.voice.engine]
        while True:
            with queue.ask(self, address_of(self._outbox.client)) as turn:
                async for _ in turn.waiting():
                    pass
                if not self._outbox.is_behind:
                    self._services.tasks.run(self._task)
                    self._outbox.send(Started(**self._ids))
                    return await self._synthesised()
            await self._outbox.taken()

    async def _synthesised(self) -> bytes:
        audio, pieces, size = AudioFormat(rate=RATE), list[bytes](), 0
        pacing = Pacing(None, self._services.turns)
        text: Channel[str] = Channel()
        text.push(self._text)
        text.end()
        async with aclosing(self._services.synthesizer.speak(self._request, text, self._session.progress)) as events:
            async for event in events:
                if isinstance(event, ReplyStart):
                    audio = event.format
                elif isinstance(event, bytes):
                    pieces.append(event)
                    size += len(event)
                    _check_size(size, audio)
                    await pacing.wait_for_real_time(audio.seconds(len(event)))
                    await pacing.give_way(audio.seconds(len(event)))
        return b"".join((wav_header(audio, data_size=size), *pieces))

    # The end

    def _complete(self, wav: bytes) -> None:
        if self._services.tasks.end(self._task, TaskStatus.COMPLETED):
            self._outbox.send(Audio(data=wav), Ended(**self._ids))

    def _fail(self, error: HeraldError) -> None:
        words = told(error)
        wanted = error.code in _CANCELS
        if self._services.tasks.end(self._task, TaskStatus.CANCELLED if wanted else TaskStatus.FAILED, words):
            level = logging.INFO if wanted else logging.WARNING
            _LOGGER.log(level, "%s: %s: %s (task %s)", self._outbox.client, error.code, words, self._task.id)
            self._outbox.send(Failed(message=words, **self._ids))


def _check_size(size: int, audio: AudioFormat) -> None:
    """Raises TooLarge: a WAV is one message, and is held in memory until the client has taken it."""
    limit = AUDIO_MAX - _HEADER_SIZE
    if size > limit:
        length, longest = audio.seconds(size), audio.seconds(limit)
        msg = f"音频过长：{size} 字节（{length:.0f} 秒），最多 {limit} 字节（{longest:.0f} 秒）；请将 text 分成几次请求"
        raise TooLarge(msg)


def _was_asked_for() -> bool:
    """Whether somebody cancels this task, and no defect somewhere below looks like it."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
