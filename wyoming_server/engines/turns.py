"""How many requests an engine takes at once, and a fair line for the others.

Decides synchronously, and waits nowhere but in `Turn.waiting`: a task that is cancelled, there or anywhere else, owes no more
than `leave`. Knows no engine and no text; whom a turn is for is an object that is compared by identity alone.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Hashable
from hashlib import sha256
from typing import ClassVar, Self
from weakref import WeakValueDictionary

from ..models import Waiting


class Turns:
    """At most `limit` requests at once, for one event loop.

    Of those in line, the owner that holds the fewest turns goes first; among equals the one whose client holds the fewest, and
    among those the one that has been so for longest. So a long reply that looks ahead keeps nobody from a first sentence, and a
    client with fifty replies keeps none from its turn: clients go in rounds. Nor is anybody kept back for ever: who, with his
    client, holds none, is passed by nobody.
    """

    _shared: ClassVar[WeakValueDictionary[bytes, Turns]] = WeakValueDictionary()

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._granted: set[Turn] = set()
        self._line: list[Turn] = []
        """The next one first."""

    @classmethod
    def shared(cls, key: Hashable, limit: int) -> Turns:
        """The turns of everybody who says this key, while one of them keeps them. Of different limits the smallest holds."""
        digest = sha256(repr(key).encode()).digest()  # it may be a credential, and would be kept here
        turns = cls._shared.setdefault(digest, cls(limit))
        turns.limit = min(turns.limit, limit)
        return turns

    @property
    def contended(self) -> bool:
        """Somebody who holds no turn waits for one: reason to give up a long one where it can be interrupted."""
        holders = {id(turn.owner) for turn in self._granted}
        return any(id(turn.owner) not in holders for turn in self._line)

    def change(self, limit: int) -> None:
        """Another limit from now on. Turns that are granted already stay so."""
        self.limit = limit
        self._settle()

    def ask(self, owner: object, client: str = "") -> Turn:
        """A turn for `owner`, granted already or in line. Whoever asks leaves it in the end; as a context manager it does so.

        `client`: for whom the owner speaks; empty: for nobody else.
        """
        turn = Turn(self, owner, client)
        self._line.append(turn)
        self._settle()
        return turn

    def _leave(self, turn: Turn) -> None:
        if turn.granted:
            self._granted.remove(turn)
        elif turn.position:
            self._line.remove(turn)
        else:
            return
        turn.move(granted=False, position=0)
        self._settle()

    def _settle(self) -> None:
        """Grant what there is room for, and tell the others where they stand now."""
        self._sort()
        while self._line and len(self._granted) < self.limit:
            turn = self._line.pop(0)
            self._granted.add(turn)
            turn.move(granted=True, position=0)
        for position, turn in enumerate(self._line, 1):
            turn.move(granted=False, position=position)

    def _sort(self) -> None:
        """Order the line by how many turns each one's owner, then its client, will hold before it.

        Grants in this order change it for nobody else. The sorts are stable and begin with the order so far: whose owner, or
        client, holds fewer now goes behind those who were so already. The first sort puts each client's own turns in order.
        """
        owners = self._held_before(lambda turn: id(turn.owner))
        self._line.sort(key=owners.__getitem__)
        clients = self._held_before(lambda turn: turn.client or id(turn.owner))
        self._line.sort(key=lambda turn: (owners[turn], clients[turn]))

    def _held_before(self, whose: Callable[[Turn], Hashable]) -> dict[Turn, int]:
        """How many turns each one in line will find held by its own kind."""
        held = Counter(map(whose, self._granted))
        before: dict[Turn, int] = {}
        for turn in self._line:
            before[turn] = held[whose(turn)]
            held[whose(turn)] += 1
        return before


class Turn:
    """One request's place: in line, then granted, then left. Only its Turns move it."""

    def __init__(self, turns: Turns, owner: object, client: str) -> None:
        self.owner = owner
        self.client = client
        self.granted = False
        self.position = 0
        """1: the next; 0: not in line, granted or left."""
        self.news = asyncio.Event()
        """Set whenever it was moved."""
        self._turns = turns

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.leave()

    def waiting(self) -> AsyncIterator[Waiting]:
        """Tells the place now and whenever it changes, and ends when the turn is granted. Nothing, where it is already."""
        return _Places(self)

    def leave(self) -> None:
        """Give it back, or leave the line. Twice is fine."""
        self._turns._leave(self)  # noqa: SLF001  # the two are one thing

    def move(self, *, granted: bool, position: int) -> None:
        if (granted, position) != (self.granted, self.position):
            self.granted, self.position = granted, position
            self.news.set()


class _Places:
    """No generator: one that is not read to its end would need closing."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self._told = 0

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Waiting:
        turn = self._turn
        while not turn.granted:
            if not turn.position:
                msg = "A turn was left while somebody waited for it."
                raise RuntimeError(msg)
            if turn.position != self._told:
                self._told = turn.position
                return Waiting(position=self._told)
            turn.news.clear()
            await turn.news.wait()
        raise StopAsyncIteration
