"""Each engine's breaker, right before the sources: a reply that is made without asking an engine passes it by."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing
from time import monotonic

from ...errors import EngineError
from ...models import SynthesisRequest
from ..making import Begun, Making, SourceEvent, Took
from .breakers import Breakers


class Guard:
    """A Making."""

    def __init__(self, inner: Making, breakers: Breakers) -> None:
        self._inner = inner
        self._breakers = breakers

    async def events(self, request: SynthesisRequest, text: AsyncIterable[str], took: Took) -> AsyncGenerator[SourceEvent, None]:
        """Raises EngineUnavailable where the engine has failed too often of late, beside what the inner one raises."""
        engine, asked = request.voice.engine, monotonic()
        begun: Begun | None = None
        with self._breakers.of(engine).trial(insists=request.alone) as trial:
            try:
                async with aclosing(self._inner.events(request, text, took)) as events:
                    async for event in events:
                        if isinstance(event, bytes):
                            trial.heard()
                        elif isinstance(event, Begun):
                            begun = event
                        yield event
            except EngineError as error:
                if begun is not None and begun.converter_failed:
                    trial.forget()
                else:
                    self._breakers.on_failure(engine, error, asked)
                raise
