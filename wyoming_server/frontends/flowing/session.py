"""One session: text that is still being written becomes messages about sentences, and audio in the client's container."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Callable
from contextlib import aclosing

from ...audio.encode import Encoder
from ...audio.level import decay_tail
from ...models import Mark, Notice, ReplyStart
from ...progress import Progress
from ...protocols.flowing_events import Audio, Completed, ServerEvent
from ...protocols.json_messages import shown
from ...synthesis import Synthesizer
from ..http.wire import Wire
from ..pacing import Pacing
from .requests import Wish
from .sentences import Sentences

Tell = Callable[[ServerEvent], None]


class Speaking:
    """Tells the client everything of one session but its start and its failure. It waits with audio only."""

    def __init__(  # noqa: PLR0913  # what a session is made of
        self, wish: Wish, *, task_id: str, session_id: str, tell: Tell, wire: Wire, turns: asyncio.Semaphore
    ) -> None:
        self.task_id = task_id
        self.was_cut = False
        """It was ended before its text was spoken."""
        self._wish = wish
        self._session_id = session_id
        self._tell = tell
        self._wire = wire
        self._pacing = Pacing(wish.pace, turns)
        self._sentences = Sentences(task_id, session_id, subtitles=wish.subtitles)
        self._format = wish.audio
        self._encoder: Encoder | None = None
        self._last_frame = b""
        self._notice: Notice | None = None

    async def speak(self, synthesizer: Synthesizer, text: AsyncIterable[str], progress: Progress) -> None:
        """To the end of the text. Raises HeraldError and ListenerGone."""
        async with aclosing(synthesizer.speak(self._wish.request, text, progress)) as events:
            async for event in events:
                if isinstance(event, bytes):
                    await self._audio(event)
                elif isinstance(event, Mark):
                    for message in self._sentences.messages(event):
                        self._tell(message)
                elif isinstance(event, Notice):
                    self._notice = event
                elif isinstance(event, ReplyStart):
                    self._format = event.format
                    # opening a codec takes milliseconds: before there is audio, not when there is
                    self._encoder = Encoder(self._wish.container, event.format)

    def complete(self) -> None:
        """All of it was spoken."""
        self._flush(b"")
        self._completed()

    def cut(self) -> None:
        """End it here: what was sent becomes a whole file, with a short fade, since a hard stop clicks. Twice is fine."""
        if self.was_cut:
            return
        self.was_cut = True
        self._flush(decay_tail(self._last_frame, self._format))
        self._completed("interrupted")

    def close(self) -> None:
        """Free what it took. Twice is fine."""
        if self._encoder is not None:
            self._encoder.close()

    async def _audio(self, pcm: bytes) -> None:
        step = self._format.size(self._pacing.step)
        for start in range(0, len(pcm), step):
            piece = pcm[start : start + step]
            seconds = self._format.seconds(len(piece))
            await self._pacing.wait_for_real_time(seconds)
            self._send(piece)
            await self._wire.drained()
            await self._pacing.give_way(seconds)

    def _send(self, pcm: bytes) -> None:
        """All of a piece at once: an interrupt finds audio sent, or not begun. The first bit by bit, as the encoder makes it."""
        first, self._last_frame = not self._last_frame, pcm[-self._format.frame_size :]
        if self._encoder is None:
            return
        for data in self._encoder.pieces(pcm) if first else (self._encoder.push(pcm),):
            if data:
                self._tell(Audio(data=data))

    def _flush(self, tail: bytes) -> None:
        """The file's end. Without audio there is no file."""
        if self._encoder is not None and self._last_frame and (rest := self._encoder.push(tail) + self._encoder.flush()):
            self._tell(Audio(data=rest))

    def _completed(self, reason: str = "") -> None:
        notice = self._notice or Notice(code="", text="")
        self._tell(
            Completed(
                task_id=self.task_id,
                session_id=self._session_id,
                index=self._sentences.count,
                reason=reason,
                notice=shown(notice.text),
                notice_code=notice.code,
                voice=notice.voice,
            )
        )
