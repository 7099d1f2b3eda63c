"""The local server's listening socket: the websocket, and the lists of voices."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from websockets.http11 import Request, Response

from ..common.line import Line
from ..common.serving import json_response
from ..duplex.server import Simulator, running
from .local import LocalOptions, LocalTalk
from .voices import described, listed

LOCAL_PATH = "/ws/v1/tts"
VOICES_PATH = "/stream/v1/tts/voices"


class LocalSimulator(Simulator[LocalOptions]):
    """The running server, and what a test may see and do."""

    PATH = LOCAL_PATH

    @property
    def voices_url(self) -> str:
        """Of the names; `/info` after it: of everything."""
        return self.http_url + VOICES_PATH

    def talk(self, line: Line, request: Request) -> LocalTalk:
        return LocalTalk(self._world, line, given=self._token(request))

    def _token(self, request: Request) -> str:
        given = request.headers.get("X-NLS-Token", "")
        if given or self.options.habits.header_only:
            return given
        return parse_qs(request.path.partition("?")[2]).get("token", [""])[0]

    def get(self, line: Line, request: Request) -> Response | None:
        answers = {VOICES_PATH: listed, f"{VOICES_PATH}/info": described}
        answer = answers.get(request.path.partition("?")[0])
        if answer is None:
            return None
        if self.options.token is not None and self._token(request) != self.options.token:
            words = "The token is missing or invalid"
            return json_response(HTTPStatus.UNAUTHORIZED, {"task_id": "", "result": "", "status": 40000001, "message": words})
        return json_response(HTTPStatus.OK, answer(self.options.voices))


@asynccontextmanager
async def local(*, port: int = 0, **options: Any) -> AsyncIterator[LocalSimulator]:
    """A server on 127.0.0.1 until the block ends; `options` are those of `LocalOptions`."""
    async with running(LocalSimulator(LocalOptions(**options)), port) as simulator:
        yield simulator
