"""One reply: a task that speaks, and the request's own, which ends the response however that went.

So an interrupt ends what the client hears at once, though the engine may take its time to stop. A client that leaves cancels the
request's task, and with it the other.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import aclosing, nullcontext
from typing import TypeAlias

from aiohttp import web

from ...audio.encode import WRITINGS
from ...channel import Channel
from ...errors import HeraldError, Interrupted
from ...models import Notice
from ...protocols.json_messages import shown
from ...sessions import ListenerGone, Session
from ..pacing import FINE_STEP, Pacing
from .bodies import Body
from .reply import Reply
from .services import Services
from .sound import Sound
from .wishes import Wish

_LOGGER = logging.getLogger(__name__)

End: TypeAlias = HeraldError | ListenerGone | None
"""How the speaking ended; `None`: well."""
_NO_HEADERS: Mapping[str, str] = {}


async def spoken(  # noqa: PLR0913  # what a response is made of
    services: Services,
    request: web.Request,
    wish: Wish,
    body: Body,
    *,
    front_end: str,
    headers: Mapping[str, str] = _NO_HEADERS,
) -> web.StreamResponse:
    """The whole response, in a session of its own or the one that the wish names: whoever spoke there is interrupted.

    Raises HeraldError where none was begun, and ConnectionError where it is broken off.
    """
    client, voice = request.remote or "a client", wish.request.voice
    session = services.sessions.open(wish.session_id, voice=voice.name, engine=voice.engine, client=client, front_end=front_end)
    reply = Reply(request, body, {"X-Session-Id": session.id, **headers}, limit=services.write_timeout)
    return await Speaking(services, wish, session, reply).run()


class Speaking:
    """See `spoken`."""

    def __init__(self, services: Services, wish: Wish, session: Session, reply: Reply) -> None:
        self._synthesizer = services.synthesizer
        self._wish = wish
        self._session = session
        self._reply = reply
        self._sound = Sound(wish.container, wish.audio)
        self._pacing = Pacing(wish.pace, services.turns)
        self._encoding = nullcontext() if WRITINGS[wish.container].lossless else services.turns
        """Of many replies that have audio at the same moment, only few are encoded before an interrupt can be heard."""
        self._ended: asyncio.Future[End] = asyncio.get_running_loop().create_future()

    async def run(self) -> web.StreamResponse:
        self._session.on_interrupt = self._end
        self._sound.begin()
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
            speak = self._synthesizer.speak
            async with self._session, aclosing(speak(self._wish.request, text, self._session.progress)) as events:
                async for event in events:
                    if isinstance(event, bytes):
                        await self._audio(event)
                    elif isinstance(event, Notice):
                        self._reply.tell(notice=event)
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
            await self._pacing.wait_for_real_time(seconds)
            async with self._encoding:
                data = self._sound.push(piece)
            await self._reply.send(data)
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
