"""What engines and converters have in common: a name, options, credentials, and a life from `start` to `aclose`."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from .errors import EngineUnavailable
from .models import CredentialField


class Service(ABC):
    """One that is configured, serving any number of replies at once.

    `start` may fail with EngineUnavailable; the server then goes on without it and tries again when it is asked for something.
    """

    kind: ClassVar[str]
    """What people call one of these."""
    type: ClassVar[str]
    """Its name in the registry and in herald.yaml."""
    title: ClassVar[str]
    """Its name for people."""
    options_schema: ClassVar[Mapping[Any, Any]] = {}
    """voluptuous schema of its own keys in herald.yaml."""
    credentials: ClassVar[tuple[CredentialField, ...]] = ()
    """Those of its options that a person may enter in a form."""
    credential_sets: ClassVar[tuple[tuple[str, ...], ...]] = ()
    """Names of credentials that are enough together; any of the sets will do. Empty: it may work without."""

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        self.name = name
        self.options = options
        self._closed = False

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()

    async def start(self) -> None:
        """Make ready what every reply shares. Services that need nothing leave it."""

    async def aclose(self) -> None:
        """Stop whatever still goes on and free every resource. Twice is fine."""
        self._closed = True
        await self._close()

    def _check_open(self) -> None:
        if self._closed:
            msg = f"The {self.kind} {self.name} is closed."
            raise EngineUnavailable(msg)

    async def _close(self) -> None:
        """Free what `start`, and the replies, took."""
