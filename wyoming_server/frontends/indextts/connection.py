"""One client: a task that reads, and one for each text that waits or is spoken, so that everything is answered at once.

What a client asks wrongly it is told, and the connection goes on; a defect of Herald's is told and ends it. The client's end is
the end of all its tasks.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from aiohttp import WSCloseCode, WSMsgType, web

from ...errors import Busy, HeraldError, RequestError
from ...protocols.indextts import Failed, Request, Status, StatusQuery, Welcome, decode_client
from ...protocols.json_messages import MESSAGE_MAX
from ...sessions import ListenerGone
from ..http.wire import Wire
from .failures import is_defect, told
from .outbox import Outbox
from .requests import read_request
from .services import Services
from .speaking import Speaking

_LOGGER = logging.getLogger(__name__)

BYTES_MAX = 4 * MESSAGE_MAX
"""Of one message: what MESSAGE_MAX characters may have. Of more than that a client is told no number, only a close code."""
TASKS_MAX = 100
"""Tasks of one connection that have not ended, or whose WAV the client has not taken."""


class Connection:
    """See `run`."""

    def __init__(self, services: Services, socket: web.WebSocketResponse, request: web.Request) -> None:
        self._services = services
        self._socket = socket
        self._session_id = str(uuid4())
        self._wire = Wire(socket, request, limit=services.write_timeout)
        self._outbox = Outbox(self._wire, request, session_id=self._session_id)
        self._group = asyncio.TaskGroup()
        self._speaking: dict[asyncio.Task[None], Speaking] = {}
        self._refused = 0

    async def run(self) -> None:
        """Serve the client until it leaves, takes nothing any more, or something breaks here."""
        code = WSCloseCode.OK
        _LOGGER.debug("%s: connected as session %s", self._outbox.client, self._session_id)
        try:
            await self._serve()
        except asyncio.CancelledError:
            code = WSCloseCode.GOING_AWAY
            raise
        finally:
            await self._wire.close(code)

    async def _serve(self) -> None:
        try:
            async with self._group:
                with self._speaking_ends():
                    self._outbox.send(Welcome(session_id=self._session_id))
                    await self._read()
        except* ListenerGone:
            if not self._wire.closed:
                _LOGGER.info("%s: reads no more, given up", self._outbox.client)
                self._wire.abort()
        except* Exception:  # the connection's edge: a defect must not end quietly
            _LOGGER.exception("%s: session %s failed", self._outbox.client, self._session_id)
            self._outbox.send(Failed(message=told(HeraldError()), session_id=self._session_id))

    @contextmanager
    def _speaking_ends(self) -> Iterator[None]:
        """With the reading, whatever ended it."""
        try:
            yield
        finally:
            for task, speaking in self._speaking.items():
                speaking.hush()
                task.cancel()

    async def _read(self) -> None:
        async for message in self._socket:
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return
            try:
                self._heed(message.data)
            except HeraldError as error:
                self._refuse(error)
            if self._outbox.is_behind:
                await self._outbox.taken()

    def _heed(self, data: str | bytes) -> None:
        match decode_client(data, text_max=self._services.config.max_text):
            case StatusQuery(task_id=task_id):
                self._tell_status(task_id)
            case Request() as asked:
                self._start(asked)

    def _start(self, asked: Request) -> None:
        if len(self._speaking) >= TASKS_MAX:
            msg = f"未完成的任务过多：{len(self._speaking)} 个，每个连接最多 {TASKS_MAX} 个"
            raise Busy(msg)
        services = self._services
        request = read_request(asked, services.catalogue, services.synthesizer)
        speaking = Speaking(services, request, asked.text, self._outbox)
        task = self._group.create_task(speaking.run())
        self._speaking[task] = speaking
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._speaking.pop(task).left(task)

    def _tell_status(self, task_id: str) -> None:
        """Of anybody's task."""
        task = self._services.tasks.find(task_id)
        if task is None:
            msg = f"任务不存在或已清理：{task_id}" if task_id else "缺少 task_id"
            raise RequestError(msg)
        status = Status(
            task_id=task.id,
            session_id=self._session_id,
            status=task.status,
            created_at=task.created_at,
            completed_at=task.completed_at,
            error_message=task.error_message,
        )
        self._outbox.send(status)

    def _refuse(self, error: HeraldError) -> None:
        """What was asked becomes no task."""
        if is_defect(error):
            raise error
        self._refused += 1
        # A client that asks wrongly without end must not fill the log.
        level = logging.WARNING if self._refused == 1 else logging.DEBUG
        _LOGGER.log(level, "%s: %s: %s", self._outbox.client, error.code, error)
        self._outbox.send(Failed(message=told(error), session_id=self._session_id))
