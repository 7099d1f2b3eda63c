"""One connection, and the faults that strike it."""

from __future__ import annotations

from ..common.codes import Told
from ..speech import talk
from ..speech.world import O
from .faults import BEHAVIOURS, Fault, Faults, Stage
from .world import World


class Talk(talk.Talk[O]):
    """As any that speaks in sessions."""

    world: World[O]

    @property
    def faults(self) -> Faults:
        return self.world.faults

    async def strike(self, on: Stage, *, seconds: float = 0, text: str = "") -> Fault | None:
        fault = self.faults.take(on, seconds=seconds, text=text)
        if fault is not None:
            self.note("fault", kind=fault.kind, on=on, code=fault.told.code)
            await BEHAVIOURS[fault.kind](self, fault)
        return fault

    # what a protocol adds

    async def fail(self, told: Told) -> None:
        """Tells an error."""
        raise NotImplementedError

    def unknown(self) -> str:
        raise NotImplementedError
