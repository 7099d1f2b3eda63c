"""What holds for every reply of one engine, whatever it is: as the configuration says it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypeAlias


class EngineLimits(Protocol):
    """See config.EngineConfig. `None` is no limit."""

    @property
    def max_text(self) -> int | None: ...

    @property
    def characters_per_day(self) -> int | None: ...

    @property
    def characters_per_month(self) -> int | None: ...

    @property
    def total_timeout(self) -> float: ...


Limits: TypeAlias = Mapping[str, EngineLimits]
"""By name of the engine. They are looked at each time, and so may change."""
NO_LIMITS: Limits = {}
