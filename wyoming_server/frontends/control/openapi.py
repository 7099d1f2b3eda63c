"""`GET /api/openapi.json`: what the API takes and answers, written by hand in openapi.yaml."""

from __future__ import annotations

import asyncio
import json
from functools import cache
from pathlib import Path

from aiohttp import web

from .answers import NEVER_OLD

FILE = Path(__file__).with_name("openapi.yaml")


async def openapi(_: web.Request) -> web.Response:
    return web.Response(body=await asyncio.to_thread(_document), content_type="application/json", headers=NEVER_OLD)


@cache
def _document() -> bytes:
    import yaml  # noqa: PLC0415  # only for those who ask

    return json.dumps(yaml.safe_load(FILE.read_bytes())).encode()
