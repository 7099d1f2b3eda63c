"""What several who listen to one reply have in common, and what stays each one's own: the volume, and the format."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from ..models import FormatWish, SynthesisRequest
from .making import Begun, Making, SourceEvent, Took
from .sources import settings_of
from .spoken import reads_speakable


class WithoutVolume:
    """A Making that asks `inner`, for a reply that is shared, for every voice at the engine's own volume."""

    def __init__(self, inner: Making) -> None:
        self._inner = inner

    def events(self, request: SynthesisRequest, text: AsyncIterable[str], took: Took) -> AsyncGenerator[SourceEvent, None]:
        return self._shared(request, text, took) if request.share else self._inner.events(request, text, took)

    async def _shared(self, request: SynthesisRequest, text: AsyncIterable[str], took: Took) -> AsyncGenerator[SourceEvent, None]:
        async with aclosing(self._inner.events(common(request), text, took)) as events:
            async for event in events:
                yield replace(event, request=request) if isinstance(event, Begun) else event


def common(request: SynthesisRequest) -> SynthesisRequest:
    """What does not depend on who comes first: the engine's own rate, and its own volume."""
    voice = replace(request.voice, settings=replace(request.voice.settings, volume=None))
    return replace(request, voice=voice, settings=replace(request.settings, volume=None), format=FormatWish())


def identity(request: SynthesisRequest) -> Mapping[str, Any]:
    """What must be the same for all, by its names for people."""
    shared = common(request)
    voice = shared.voice
    return {
        "voice": (voice.engine, voice.engine_voice, voice.language),
        "converter": voice.converter,
        "settings": settings_of(shared),
        "text format": (shared.text_format, reads_speakable(shared)),
        "fallback": (shared.fallback, voice.fallback),
    }


def own(begun: Begun, request: SynthesisRequest, *, learned: bool) -> Begun:
    """For one listener, whose volume is left to Herald, and whose voice has settings of its own for what Herald does."""
    mine = request
    if _maker(begun.request) != _maker(request):  # somebody else speaks, for all
        mine = replace(begun.request, settings=replace(begun.request.settings, volume=request.settings.volume))
    source = begun.source
    can = replace(source.can, settings=source.can.settings - {"volume"})
    return replace(begun, request=mine, source=replace(source, settings=settings_of(mine), can=can, learned=learned))


def _maker(request: SynthesisRequest) -> tuple[object, ...]:
    return request.voice.engine, request.voice.engine_voice, request.voice.converter
