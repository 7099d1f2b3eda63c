"""What stands before the making of a reply: one that was made before is heard again, one that is being made is heard along.

Only where all of the text is known before it is begun; and only what came to its end, unhindered, is kept. In memory that is what
`sharing` does, with the key as the share's id: whoever leaves stops nobody else.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from ...channel import Channel
from ...errors import HeraldError
from ...models import FormatWish, Mark, SynthesisRequest, Waiting
from ...progress import Progress
from ..making import Begun, Making, SourceEvent, Took, TookBy
from ..shaping import Source
from ..sharing.shares import MEBIBYTE, Limits, Shares
from ..sources import Sources
from ..spoken import reads_speakable, spoken_at_once
from .entry import Finished, Placed, Replay
from .key import key_of
from .store import Store
from .whole import looked_at

SHARES = Limits(shares=256, share_size=256 * MEBIBYTE, total_size=1024 * MEBIBYTE, keep=0)
"""Beyond what a reply of `max_text` can take: what limits is SHARED_MAX."""
SHARED_MAX = 64 * MEBIBYTE
"""Bytes of replies in hand; while there are more, new ones pass by the cache."""

HEAD = 0.4
"""Seconds of audio behind which a replay lets everybody else begin: less than is unpacked at once."""
HEAD_START = 0.01
"""Seconds that it lets them."""


class Caching(NamedTuple):
    """What replies are kept with."""

    store: Store
    max_text: int
    """Characters of a text whose reply is kept."""


class _Wanted(NamedTuple):
    """A reply that may be kept."""

    request: SynthesisRequest
    """As it is asked for, so that others can hear it too."""
    key: str
    text: str
    """As it is spoken."""
    source: Source
    """What would come of it now."""


class CachedReplies:
    """A Making that asks `inner` only for what is not in the store."""

    def __init__(self, inner: Making, sources: Sources, caching: Caching) -> None:
        self._inner = inner
        self._sources = sources
        self._store, self._max_text = caching
        self._shares: Shares[SourceEvent] = Shares(SHARES)

    async def events(self, request: SynthesisRequest, text: AsyncIterable[str], took: Took) -> AsyncGenerator[SourceEvent, None]:
        """See Making."""
        if not (request.cache and request.voice.cache):
            async with aclosing(self._inner.events(request, text, took)) as events:
                async for event in events:
                    yield event
            return
        async with looked_at(text, self._max_text) as look:
            wanted = self._wanted(request, look.whole)
            made = self._inner.events(request, look.text, took) if wanted is None else self._heard(request, wanted, took)
            async with aclosing(made) as events:
                async for event in events:
                    yield event

    def _wanted(self, request: SynthesisRequest, whole: str | None) -> _Wanted | None:
        if whole is None:
            return None
        text = "".join(spoken_at_once([whole], speakable=reads_speakable(request)))
        if not text.strip():
            return None
        common, source = self._common(request)
        return _Wanted(common, self._key(common, text, source), text, source)

    def _key(self, common: SynthesisRequest, text: str, source: Source) -> str:
        return key_of(common, text, source, *self._sources.makers(common))

    def _common(self, request: SynthesisRequest) -> tuple[SynthesisRequest, Source]:
        """At the engine's own rate, unless it can do better for who asks; its text is clean already."""
        own = replace(request, format=FormatWish(), speakable_text=False)
        source = self._sources.source(own)
        if (rate := request.format.rate) is not None and rate > source.format.rate:
            finer = replace(own, format=FormatWish(rate=rate))
            wished = self._sources.source(finer)
            if wished.format.rate > source.format.rate:
                return finer, wished
        return own, source

    def _heard(self, request: SynthesisRequest, wanted: _Wanted, took: Took) -> AsyncGenerator[SourceEvent, None]:
        """What is at hand is heard without anybody to wait for."""
        replay = self._store.at_hand(wanted.key)
        return self._once(request, wanted, took) if replay is None else self._replayed(replay, wanted, request)

    async def _once(self, request: SynthesisRequest, wanted: _Wanted, took: Took) -> AsyncGenerator[SourceEvent, None]:
        """For all who ask for it meanwhile: looked for once, and made once."""
        is_first, progress = False, _Counted(took)

        def make(_text: AsyncIterable[str], took: TookBy) -> AsyncGenerator[SourceEvent, None]:
            nonlocal is_first
            is_first = True
            return self._kept_or_made(wanted, partial(took, request.voice.engine))

        if self._shares.size > SHARED_MAX or len(self._shares) >= SHARES.shares:
            made = make(_whole(wanted.text), progress.took)
        else:
            made = self._shares.listen(wanted.key, {}, _whole(wanted.text), progress, make)
        async with aclosing(made) as events:
            async for event in events:
                if isinstance(event, Begun):
                    self._store.counts.shared += not is_first
                    yield replace(event, request=request, source=_own(wanted.source, event.source, is_first=is_first))
                else:
                    yield event

    async def _kept_or_made(self, wanted: _Wanted, took: Took) -> AsyncGenerator[SourceEvent, None]:
        replay = await self._store.find(wanted.key)
        made = self._recorded(wanted, took) if replay is None else self._replayed(replay, wanted, wanted.request)
        async with aclosing(made) as events:
            async for event in events:
                yield event

    async def _replayed(self, replay: Replay, wanted: _Wanted, request: SynthesisRequest) -> AsyncGenerator[SourceEvent, None]:
        source = replace(wanted.source, format=replay.format, live=False, learned=False)
        self._store.counts.hits += 1
        try:
            yield Begun(source=source, conversion=None, request=request)
            head = replay.format.size(HEAD)
            for event in replay.events(wanted.text):
                yield event
                if isinstance(event, bytes):
                    await asyncio.sleep(HEAD_START if 0 < head <= len(event) else 0)  # others have something to hear, too
                    head -= len(event)
        finally:
            self._store.heard(wanted.key)  # not before: the thread that notes it would take time from the first audio

    async def _recorded(self, wanted: _Wanted, took: Took) -> AsyncGenerator[SourceEvent, None]:
        """What is made, and kept if it comes to its end."""
        self._store.counts.misses += 1
        recording = _Recording(self._store.limit)
        async with aclosing(self._inner.events(wanted.request, _whole(wanted.text), took)) as events:
            async for event in events:
                recording.add(event)
                yield event
        if (finished := recording.finished) is not None and self._is_as_asked(wanted):
            voice = wanted.request.voice
            self._store.keep(wanted.key, finished, wanted.text, voice=voice.name, engine=voice.engine)

    def _is_as_asked(self, wanted: _Wanted) -> bool:
        """Whether it would still be asked for so: the configuration, or the engine's own service, may have changed meanwhile."""
        try:
            return self._key(wanted.request, wanted.text, self._sources.source(wanted.request)) == wanted.key
        except HeraldError:
            return False


class _Counted(Progress):
    """Of one who listens: what a share counts for him, told on."""

    __slots__ = ("_took",)

    def __init__(self, took: Took) -> None:
        super().__init__()
        self._took = took

    def took(self, engine: str, characters: int) -> None:
        self._took(characters)


class _Recording:
    """Of a reply that is being made. At most `limit` bytes of it."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._source: Source | None = None
        self._pcm = bytearray()
        self._marks: list[Placed] = []
        self._is_as_asked = True

    @property
    def finished(self) -> Finished | None:
        """The reply, at its end; `None`: it is not to be heard again."""
        if not self._is_as_asked or self._source is None or not self._pcm:
            return None
        return Finished(format=self._source.format, pcm=bytes(self._pcm), marks=tuple(self._marks))

    def add(self, event: SourceEvent) -> None:
        if isinstance(event, bytes):
            if len(self._pcm) + len(event) > self._limit:
                self._is_as_asked = False
            if self._is_as_asked:
                self._pcm += event
        elif isinstance(event, Mark):
            self._marks.append(Placed(len(self._pcm), event))
        elif isinstance(event, Begun) and self._source is None:
            self._source = event.source
        elif not isinstance(event, Waiting):
            self._is_as_asked = False  # a notice, or another voice


def _whole(text: str) -> Channel[str]:
    """As whoever comes next may see, too."""
    channel: Channel[str] = Channel()
    channel.push(text)
    channel.end()
    return channel


def _own(mine: Source, made: Source, *, is_first: bool) -> Source:
    """What was made, for one listener: what Herald does behind it is as that one asked."""
    return replace(mine, format=made.format, live=made.live, learned=made.learned and is_first)
