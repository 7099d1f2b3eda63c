"""`GET /api/events`: what changes in a server, as server-sent events (docs/monitoring.md, "Events")."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import aiohttp

from .errors import NotHerald
from .wire import CONNECT_TIMEOUT, TIMEOUT, Wire, answered, checked, failures

LINE_MAX = 64 * 1024
"""Bytes of a line."""
EVENT_MAX = 256 * 1024
"""Characters of an event."""
SILENCE = 40.0
"""Seconds after which a silent server is gone: it says something every 15."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    name: str
    data: dict[str, Any]


async def events(wire: Wire) -> AsyncGenerator[Event]:
    """From `hello` on. Ends with the server's connection; raises HeraldError where it breaks, falls silent, or is refused."""
    async with failures(wire.address):
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT, sock_read=SILENCE)
        async with wire.session.get(
            wire.address.url / "api/events",
            headers=wire.headers,
            ssl=wire.address.ssl,
            allow_redirects=False,
            timeout=timeout,
            read_bufsize=LINE_MAX,
        ) as response:
            if response.status != HTTPStatus.OK:
                async with asyncio.timeout(TIMEOUT):
                    checked(response.status, await answered(response), wire.address)
            if response.content_type != "text/event-stream":
                msg = f"What answers at {wire.address} is no Herald."
                raise NotHerald(msg)
            async for event in _parsed(response.content):
                yield event


async def _parsed(stream: aiohttp.StreamReader) -> AsyncGenerator[Event]:
    name, data = "", ""
    async for line in stream:
        match line.decode().rstrip("\r\n").partition(":"):
            case ("", "", _):
                if name and data:
                    yield Event(name=name, data=_object(data))
                name, data = "", ""
            case ("event", _, value):
                name = value.strip()
            case ("data", _, value):
                data += value.strip()
                if len(data) > EVENT_MAX:
                    msg = f"an event of more than {EVENT_MAX} characters"
                    raise ValueError(msg)


def _object(data: str) -> dict[str, Any]:
    told = json.loads(data)
    if not isinstance(told, dict):
        msg = "an event that is no JSON object"
        raise ValueError(msg)  # noqa: TRY004  # told as NotHerald, like all that is no JSON
    return told
