"""Telephones: Home Assistant lets them announce what it speaks itself, and no address."""

from __future__ import annotations

from homeassistant.core import Context

from ..model import Announcement
from ..stream import Stream
from .base import NotSupported
from .playing import Playing


class Voip(Playing):
    """Nothing is played there, and nothing is paid for."""

    async def play(self, stream: Stream, announcement: Announcement, context: Context | None) -> None:
        await stream.interrupt()
        self._let_go.set()
        raise NotSupported
