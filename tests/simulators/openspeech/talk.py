"""What v1 and v3 have in common: one connection, at most one thing spoken on it at a time, and faults that strike it."""

from __future__ import annotations

import json
from typing import ClassVar

from ..common.codes import Told
from ..speech import talk
from ..speech.audio import Manner
from ..speech.talk import Speaking
from .faults import BEHAVIOURS, Faults, How, Stage
from .frames import Style
from .world import Options, World


class Talk(talk.Talk[Options]):
    """One connection, which is closed when nothing is spoken on it for too long."""

    JSON_ERRORS: ClassVar[bool]
    world: World

    # what a protocol adds

    async def fail(self, told: Told, how: How) -> None:
        """Tells an error; what was spoken is over."""
        raise NotImplementedError

    async def end_early(self, told: Told) -> None:
        """Tells that what is spoken is over, as if nothing were wrong."""
        raise NotImplementedError

    def stray(self, audio: bytes) -> bytes:
        raise NotImplementedError

    def unknown(self) -> bytes:
        raise NotImplementedError

    # what it uses

    @property
    def faults(self) -> Faults:
        return self.world.faults

    @property
    def style(self) -> Style:
        return self.options.style

    async def run(self) -> None:
        self._await_next()
        await super().run()

    def begin(self, manner: Manner) -> Speaking[Options]:
        self.expect(0)
        return super().begin(manner)

    def end(self, speaking: Speaking[Options]) -> None:
        if self.speaking is speaking:
            super().end(speaking)
            self._await_next()

    def _await_next(self) -> None:
        self.expect(self.options.idle_timeout, self._close)

    async def _close(self) -> None:
        self.line.hang_up_now(1000)

    async def strike(self, on: Stage, *, seconds: float = 0, text: str = "") -> None:
        fault = self.faults.take(on, seconds=seconds, text=text)
        if fault is not None:
            self.note("fault", kind=fault.kind, on=on, code=fault.code)
            await BEHAVIOURS[fault.kind](self, fault)

    async def tell_error(self, told: Told, how: How) -> None:
        """As a frame of its own or as text."""
        message: bytes | str = json.dumps({"code": told.code, "message": told.message})
        if how != "text":
            unsaid = how == "unsaid gzip frame"
            style = Style(gzip=True) if how == "gzip frame" else self.style
            message = style.error(told, as_json=self.JSON_ERRORS, unsaid=unsaid)
        await self.line.tell(message)
