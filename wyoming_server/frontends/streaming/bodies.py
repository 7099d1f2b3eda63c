"""How audio is sent: what every way has, and the plain one. Bytes in, bytes out."""

from __future__ import annotations

from typing import Protocol

from ...errors import HeraldError


class Body(Protocol):
    media_type: str

    def audio(self, data: bytes) -> bytes:
        """A piece of the file, as it is sent."""

    def end(self) -> bytes:
        """What stands behind the last piece."""

    def failure(self, error: HeraldError) -> bytes:
        """What is still said before the transfer is broken off."""


class PlainBody:
    """The file as it is."""

    def __init__(self, media_type: str) -> None:
        self.media_type = media_type

    def audio(self, data: bytes) -> bytes:
        return data

    def end(self) -> bytes:
        return b""

    def failure(self, error: HeraldError) -> bytes:
        return b""
