"""What every answer is: JSON that is true now, and that nobody may keep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

NEVER_OLD: Mapping[str, str] = {"Cache-Control": "no-store"}


def answer(document: Mapping[str, Any], status: int = 200) -> web.Response:
    return web.json_response(document, status=status, headers=NEVER_OLD)
