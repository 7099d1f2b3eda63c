"""What such a front end needs of the server, whoever has it all."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Protocol

from ...config import HttpConfig
from ...engines.base import Engine
from ...sessions import Sessions
from ...synthesis import Synthesizer
from ...voices import Catalogue


class Services(Protocol):
    @property
    def config(self) -> HttpConfig: ...

    @property
    def catalogue(self) -> Catalogue: ...

    @property
    def synthesizer(self) -> Synthesizer: ...

    @property
    def engines(self) -> Mapping[str, Engine]: ...

    @property
    def sessions(self) -> Sessions: ...

    @property
    def turns(self) -> asyncio.Semaphore:
        """See Pacing."""

    @property
    def write_timeout(self) -> float:
        """Seconds that a client may take nothing of what it is sent."""
