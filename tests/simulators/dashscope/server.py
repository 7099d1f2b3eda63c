"""The listening socket: one path, and an API key in a header."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from websockets.http11 import Request, Response

from ..common.codes import Told
from ..common.line import Line
from ..common.serving import json_response
from ..duplex.server import Simulator, running
from .codes import DASHSCOPE
from .talk import DashScopeOptions, DashScopeTalk

PATH = "/api-ws/v1/inference"


class DashScopeSimulator(Simulator[DashScopeOptions]):
    """The running service, and what a test may see and do."""

    PATH = PATH

    def talk(self, line: Line, request: Request) -> DashScopeTalk | Response:
        account = self.options.account
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or key != account.api_key:
            return self.refusal(HTTPStatus.UNAUTHORIZED, DASHSCOPE["key"])
        workspace = request.headers.get("X-DashScope-WorkSpace")
        if account.workspaces is not None and workspace is not None and workspace not in account.workspaces:
            return self.refusal(HTTPStatus.FORBIDDEN, DASHSCOPE["workspace"])
        return DashScopeTalk(self._world, line)

    def refusal(self, status: int, told: Told) -> Response:
        return json_response(status, {"code": told.code, "message": told.message, "request_id": str(uuid4())})


@asynccontextmanager
async def simulator(*, port: int = 0, **options: Any) -> AsyncIterator[DashScopeSimulator]:
    """A service on 127.0.0.1 until the block ends; `options` are those of `DashScopeOptions`."""
    async with running(DashScopeSimulator(DashScopeOptions(**options)), port) as service:
        yield service
