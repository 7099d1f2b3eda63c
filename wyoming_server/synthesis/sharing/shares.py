"""The shares of a server, by the ids that clients give them: begun by the first who listens, kept for those who come late.

A share that is whole is kept for a while when nobody listens any more. One that failed, or whose last listener left before its
end, cannot be joined: the next request of its id begins anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ...ahead import ended
from ...errors import Busy, ShareConflict, TooLarge
from ...models import shortened
from ...progress import Progress
from .share import Listener, Make, Share

T = TypeVar("T")

MEBIBYTE = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What shares may take."""

    shares: int = 64
    share_size: int = 32 * MEBIBYTE
    """Bytes of one: 11 minutes at 24 kHz."""
    total_size: int = 128 * MEBIBYTE
    """Bytes of all together."""
    ahead: int = 8
    """Events that are made before the fastest listener takes them."""
    keep: float = 30.0
    """Seconds that a whole one is kept when nobody listens any more."""


class Shares(Generic[T]):
    """See Limits for what they may take; they are for one event loop."""

    def __init__(self, limits: Limits = Limits()) -> None:
        self._limits = limits
        self._open: dict[str, Share[T]] = {}
        """Those that can be joined, the oldest first."""
        self._all: set[Share[T]] = set()
        """And the others, until their last listener has left."""

    def __len__(self) -> int:
        return len(self._all)

    @property
    def size(self) -> int:
        """Bytes that are kept."""
        return sum(share.size for share in self._all)

    async def listen(
        self, share_id: str, wanted: Mapping[str, Any], text: AsyncIterable[str], progress: Progress, make: Make[T]
    ) -> AsyncGenerator[T, None]:
        """All that is made in the share of this id. Where there is none, it is begun with `make`.

        `wanted`: what must be the same for all who share, by its names for people. What the engine takes is counted in the
        `progress` of the first who listens. Raises ShareConflict, TooLarge and Busy, and whatever the making raises; closed by
        the last listener, it cancels the making.
        """
        share = self._joinable(share_id, wanted) or self._begun(share_id, wanted, make)
        listener = share.join(text, progress)
        try:
            await asyncio.sleep(0)  # its text, as far as it is there, is looked at before anything is heard
            async with aclosing(listener.events()) as events:
                async for event in events:
                    yield event
        finally:
            await self._leave(share_id, share, listener)

    def _joinable(self, share_id: str, wanted: Mapping[str, Any]) -> Share[T] | None:
        share = self._open.get(share_id)
        if share is None or share.error is not None:
            return None
        if differing := [name for name, value in wanted.items() if value != share.wanted[name]]:
            msg = f"The share {shortened(share_id)} has another {' and another '.join(differing)}. Use another id for this one."
            raise ShareConflict(msg)
        if share.kept is not None:
            share.kept.cancel()
            share.kept = None
        return share

    def _begun(self, share_id: str, wanted: Mapping[str, Any], make: Make[T]) -> Share[T]:
        limit = self._limits.shares
        if not self._has_room(lambda: len(self) < limit):
            msg = f"{len(self)} replies are shared already, and {limit} are allowed. Try again when one has ended."
            raise Busy(msg)
        share = Share(wanted, make, ahead=self._limits.ahead, may_grow=self._check_size)
        self._open.pop(share_id, None)
        self._open[share_id] = share
        self._all.add(share)
        return share

    async def _leave(self, share_id: str, share: Share[T], listener: Listener[T]) -> None:
        share.leave(listener)
        if share.listeners:
            await ended(listener.reading)
        elif share.is_whole:
            share.kept = asyncio.get_running_loop().call_later(self._limits.keep, self._forget, share_id, share)
            await ended(listener.reading)
        else:
            self._close(share_id, share)
            try:
                await ended(listener.reading, share.making)
            finally:
                self._all.discard(share)

    def _close(self, share_id: str, share: Share[T]) -> None:
        """Nobody joins it any more."""
        if self._open.get(share_id) is share:
            del self._open[share_id]

    def _forget(self, share_id: str, share: Share[T]) -> None:
        self._close(share_id, share)
        self._all.discard(share)

    def _check_size(self, share: Share[T], more: int) -> None:
        """Raises TooLarge and Busy."""
        limits = self._limits
        if share.size + more > limits.share_size:
            msg = f"A shared reply may have {limits.share_size} bytes; this one has {share.size + more}. Speak it in parts."
            raise TooLarge(msg)
        if not self._has_room(lambda: self.size + more <= limits.total_size):
            msg = f"Shared replies take {self.size} bytes, and {limits.total_size} are allowed. Try again when one has ended."
            raise Busy(msg)

    def _has_room(self, is_enough: Callable[[], bool]) -> bool:
        """If need be, by forgetting those that are only kept, the oldest first."""
        for share_id, share in [*self._open.items()]:
            if is_enough():
                break
            if share.kept is not None:
                share.kept.cancel()
                self._forget(share_id, share)
        return is_enough()
