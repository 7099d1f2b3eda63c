"""A client that writes messages by hand: for tests of the simulators, which must not rest on the codecs under test."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ..common import raw


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
class Client(raw.Client[Got]):
    """One connection, and its session."""

    task_id: str
    key: str
    """Of the event's name in the header."""

    def read(self, message: bytes | str) -> Got:
        return got(message, self.key)

    def name(self, message: Got) -> str:
        return message.name
