"""A client that writes messages by hand: for tests of the simulators, which must not rest on the codecs under test."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed


@dataclass(kw_only=True)
class Got:
    """One message of a service."""

    name: str
    """Of the event; "audio" for a binary message, "" for what is no event."""
    data: bytes = b""
    document: dict[str, Any] = field(default_factory=dict)

    @property
    def header(self) -> dict[str, Any]:
        header: dict[str, Any] = self.document["header"]
        return header

    @property
    def payload(self) -> dict[str, Any]:
        payload: dict[str, Any] = self.document.get("payload", {})
        return payload


def got(message: bytes | str, key: str) -> Got:
    """`key` of the event's name in the header."""
    if isinstance(message, bytes):
        return Got(name="audio", data=message)
    try:
        document = json.loads(message)
    except ValueError:
        return Got(name="", data=message.encode())
    return Got(name=document["header"][key], document=document)


def names(messages: Iterable[Got]) -> list[str]:
    """Of the events, audio once where it comes more than once in a row."""
    found: list[str] = []
    for message in messages:
        if message.name != "audio" or found[-1:] != ["audio"]:
            found.append(message.name)
    return found


def audio(messages: Iterable[Got]) -> bytes:
    return b"".join(message.data for message in messages if message.name == "audio")


@dataclass(kw_only=True)
class Client:
    """One connection, and its session."""

    line: ClientConnection
    task_id: str
    key: str
    """Of the event's name in the header."""

    async def receive(self) -> Got:
        return got(await self.line.recv(), self.key)

    async def until(self, *wanted: str) -> list[Got]:
        """All messages up to the first of these."""
        messages: list[Got] = []
        while not messages or messages[-1].name not in wanted:
            messages.append(await self.receive())
        return messages

    async def rest(self) -> list[Got]:
        """Until the connection ends, however."""
        messages: list[Got] = []
        try:
            while True:
                messages.append(await self.receive())
        except ConnectionClosed:
            return messages
