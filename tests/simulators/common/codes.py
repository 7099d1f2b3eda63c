"""What a service says when it refuses."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self


@dataclass(frozen=True, kw_only=True)
class Told:
    """A code and its words."""

    code: int | str
    """A number or a name, as the service has it."""
    message: str

    def because(self, why: str) -> Self:
        return replace(self, message=f"{self.message}: {why}")


class Refused(Exception):
    """A rule was broken. Never leaves the simulator: it is what the client is told."""

    def __init__(self, told: Told) -> None:
        super().__init__(told.message)
        self.told = told
