"""What makes the events of a reply, in native form: the sources themselves, and whatever stands before them.

From the outside in: `sharing`, `fallback`, `cache`, `budget`, `sources`. Each holds the next as a Making, and is one.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

from ..models import SynthesisRequest
from .conversion import ConvertedEvent, VoiceConversion
from .shaping import Source

Took: TypeAlias = Callable[[int], None]
"""Told how many more characters went to the engine."""
TookBy: TypeAlias = Callable[[str, int], None]
"""Told which engine has taken how many more characters."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Begun:
    """What the events behind it are, up to the next Begun: the first event, and the first of every other voice that goes on."""

    source: Source
    conversion: VoiceConversion | None
    request: SynthesisRequest
    """Whose voice speaks now, with the settings that it was asked with: where a fallback goes on, its own."""

    @property
    def converter_failed(self) -> bool:
        """The converter did, and not the engine."""
        return self.conversion is not None and self.conversion.failed


SourceEvent: TypeAlias = Begun | ConvertedEvent
"""Begun, then PCM in its source's format, and marks whose time counts from that Begun; places in line, and notices."""


class Making(Protocol):
    """Makes replies."""

    def events(self, request: SynthesisRequest, text: AsyncIterable[str], took: Took) -> AsyncGenerator[SourceEvent, None]:
        """First Begun (before it stand only notices), then what is made of `text`, which may still be growing.

        Raises HeraldError; closing it, or cancelling the task that reads it, cancels upstream before it returns.
        """
        ...


@runtime_checkable
class _MayBeWhole(Protocol):
    @property
    def whole(self) -> tuple[str, ...] | None: ...


def whole(text: AsyncIterable[str]) -> tuple[str, ...] | None:
    """All its fragments, where it has ended already and nobody has read of it; `None`: it may still be being written."""
    return text.whole if isinstance(text, _MayBeWhole) else None


def known_text(text: AsyncIterable[str]) -> str | None:
    """The same in one piece."""
    return None if (fragments := whole(text)) is None else "".join(fragments)
