"""`POST /v1/audio/speech`: a task that speaks, and the request's own, which ends the reply however that went.

So an interrupt ends what the client hears at once, though the engine may take its time to stop. A client that leaves cancels the
request's task, and with it the other.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from typing import TypeAlias

from aiohttp import web

from ...channel import Channel
from ...errors import HeraldError, Interrupted, TooLarge
from ...models import ReplyStart
from ...protocols.json_messages import shown
from ...sessions import Session
from ..http.routes import Handler
from ..http.wire import ListenerGone
from ..pacing import FINE_STEP, Pacing
from .bodies import EventBody, PlainBody
from .reply import Reply
from .requests import Wish, read_wish
from .services import Services
from .sound import Sound

_LOGGER = logging.getLogger(__name__)

End: TypeAlias = HeraldError | ListenerGone | None
"""How the speaking ended; `None`: well."""


def speech(services: Services) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        wish = read_wish(await _body(request), services)
        client = request.remote or "a client"
        session = services.sessions.open(wish.session_id, voice=wish.request.voice.name, client=client)
        body = EventBody() if wish.events else PlainBody(wish.container)
        reply = Reply(request, body, session.id, limit=services.write_timeout)
        return await Speaking(services, wish, session, reply).run()

    return answer


async def _body(request: web.Request) -> bytes:
    """Raises TooLarge, also where the size was not said beforehand."""
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        msg = f"The body has more than {request.client_max_size} bytes, which are allowed."
        raise TooLarge(msg) from error


class Speaking:
    """One request. See `run`."""

    def __init__(self, services: Services, wish: Wish, session: Session, reply: Reply) -> None:
        self._synthesizer = services.synthesizer
        self._wish = wish
        self._session = session
        self._reply = reply
        self._sound = Sound(wish.container)
        self._pacing = Pacing(None, services.turns)
        self._ended: asyncio.Future[End] = asyncio.get_running_loop().create_future()

    async def run(self) -> web.StreamResponse:
        """The whole response. Raises HeraldError where none was begun, and ConnectionError where it is broken off."""
        self._session.on_interrupt = self._end
        try:
            async with asyncio.TaskGroup() as tasks:
                speaking = tasks.create_task(self._speak())
                speaking.add_done_callback(self._left)
                told = await self._tell(await self._ended)
        finally:
            self._sound.close()
        if isinstance(told, Exception):
            raise told
        return told

    # The task that speaks

    async def _speak(self) -> None:
        text: Channel[str] = Channel()
        text.push(self._wish.text)
        text.end()
        end: End = None
        try:
            async with self._session, aclosing(self._synthesizer.speak(self._wish.request, text)) as events:
                async for event in events:
                    if isinstance(event, ReplyStart):
                        self._sound.begin(event.format)
                    elif isinstance(event, bytes):
                        await self._audio(event)
        except (HeraldError, ListenerGone) as error:
            end = error
        self._end(end)

    async def _audio(self, pcm: bytes) -> None:
        """In steps; until something was sent in small ones, so that it is as early as the encoder makes it."""
        audio = self._sound.audio
        while pcm:
            size = audio.size(self._pacing.step if self._reply.begun else FINE_STEP)
            piece, pcm = pcm[:size], pcm[size:]
            seconds = audio.seconds(len(piece))
            await self._reply.send(self._sound.push(piece))
            await self._pacing.wait_for_real_time(seconds)
            await self._pacing.give_way(seconds)

    def _end(self, end: End) -> None:
        """Only the first call counts: an interrupt, or the end of the task."""
        if not self._ended.done():
            self._ended.set_result(end)

    def _left(self, _: asyncio.Task[None]) -> None:
        self._session.leave()  # also where its task was cancelled before it began
        self._end(HeraldError())  # something below cancelled the task, and nobody had asked for it

    # The request's own task

    async def _tell(self, end: End) -> web.StreamResponse | Exception:
        """The response, whole or none; or what is to be raised."""
        if isinstance(end, HeraldError) and not isinstance(end, Interrupted):
            _LOGGER.warning("%s: %s: %s", self._session.client, end.code, shown(str(end)))
            return await self._reply.fail(end) if self._reply.begun else end
        if not isinstance(end, ListenerGone):
            try:
                await self._reply.send(self._sound.end(cut=end is not None))
                return await self._reply.end()
            except ListenerGone:
                pass
        _LOGGER.info("%s: reads no more, given up", self._session.client)
        return self._reply.abort()
