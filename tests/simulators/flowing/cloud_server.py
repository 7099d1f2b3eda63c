"""The cloud's listening socket: NLS and CreateToken on one port."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from websockets.http11 import Request, Response

from ..common.codes import Told
from ..common.line import Line
from ..common.serving import json_response, response
from ..duplex.server import Simulator, running
from .accounts import Denied, TokenDesk
from .cloud import CloudOptions, CloudTalk

CLOUD_PATH = "/ws/v1"


class CloudSimulator(Simulator[CloudOptions]):
    """The running cloud, and what a test may see and do."""

    PATH = CLOUD_PATH

    def __init__(self, options: CloudOptions) -> None:
        super().__init__(options)
        self.desk = TokenDesk()
        """Its tokens; `desk.expire()` makes them all bad."""

    @property
    def token_url(self) -> str:
        """Of CreateToken, without the query."""
        return f"{self.http_url}/"

    def talk(self, line: Line, request: Request) -> CloudTalk | Response:
        query = parse_qs(request.path.partition("?")[2])
        token = request.headers.get("X-NLS-Token") or query.get("token", [""])[0]
        is_known = self.desk.is_good(self.options.account, token)
        if not is_known and self.options.account.bad_token == "handshake":
            return response(HTTPStatus.FORBIDDEN, f"Meta:ACCESS_DENIED:The token '{token}' is invalid!")
        return CloudTalk(self._world, line, is_known=is_known)

    def get(self, line: Line, request: Request) -> Response | None:
        path, _, query = request.path.partition("?")
        if path != "/":
            return None
        try:
            return json_response(HTTPStatus.OK, self.desk.create(self.options.account, query))
        except Denied as denied:
            return json_response(denied.status, denied.body)

    def refusal(self, status: int, told: Told) -> Response:
        return json_response(status, {"RequestId": "", "Code": str(told.code), "Message": told.message})


@asynccontextmanager
async def cloud(*, port: int = 0, **options: Any) -> AsyncIterator[CloudSimulator]:
    """A cloud on 127.0.0.1 until the block ends; `options` are those of `CloudOptions`."""
    async with running(CloudSimulator(CloudOptions(**options)), port) as simulator:
        yield simulator
