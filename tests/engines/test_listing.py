"""What a service tells about itself is read at once, again and again, and only a change is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from wyoming_server.engines.listing import Listing
from wyoming_server.errors import EngineUnavailable

GONE = EngineUnavailable("It is gone.")


class Service:
    """Answers one reading after the other, each when it is let."""

    def __init__(self) -> None:
        self.answers: asyncio.Queue[str | EngineUnavailable] = asyncio.Queue()
        self.changes: asyncio.Queue[str | None] = asyncio.Queue()

    async def read(self) -> str:
        answer = await self.answers.get()
        self.answers.task_done()
        if isinstance(answer, EngineUnavailable):
            raise answer
        return answer

    @asynccontextmanager
    async def listing(self) -> AsyncIterator[Listing[str]]:
        made = Listing(self.read, every=0, who="it", changed=lambda: self.changes.put_nowait(made.latest))
        made.start()
        try:
            yield made
        finally:
            await made.aclose()


async def test_the_first_reading_is_waited_for() -> None:
    service = Service()
    async with service.listing() as listing:
        waiting = asyncio.create_task(listing.current())
        service.answers.put_nowait("one")
        assert await waiting == "one"


async def test_a_defect_is_told_and_leaves_nobody_waiting(caplog: pytest.LogCaptureFixture) -> None:
    async def defect() -> str:
        raise ValueError

    listing = Listing(defect, every=0, who="it", changed=lambda: None)
    with pytest.raises(EngineUnavailable):
        await listing.current()
    await listing.aclose()
    assert "ValueError" in caplog.text


async def test_only_what_differs_is_told() -> None:
    service = Service()
    async with service.listing():
        for answer in ("one", "one", GONE, "one", "two"):
            service.answers.put_nowait(answer)
        assert [await service.changes.get(), await service.changes.get()] == ["one", "two"]
        assert service.changes.empty()


async def test_a_service_that_never_answered_is_told_as_it_failed() -> None:
    service = Service()
    async with service.listing() as listing:
        service.answers.put_nowait(GONE)
        with pytest.raises(EngineUnavailable, match="It is gone"):
            await listing.current()
        service.answers.put_nowait("one")
        assert await service.changes.get() == "one"
        assert await listing.current() == "one"


async def test_a_service_that_is_gone_keeps_what_it_told() -> None:
    service = Service()
    async with service.listing() as listing:
        service.answers.put_nowait("one")
        await service.changes.get()
        service.answers.put_nowait(GONE)
        await service.answers.join()
        assert await listing.current() == "one"


async def test_whoever_waits_for_the_first_reading_is_told_of_the_end() -> None:
    service = Service()
    async with service.listing() as listing:
        waiting = asyncio.create_task(listing.current())
        await asyncio.sleep(0)
        await listing.aclose()
        with pytest.raises(EngineUnavailable):
            await asyncio.wait_for(waiting, 5)


async def test_nothing_is_read_behind_the_end() -> None:
    service = Service()
    async with service.listing() as listing:
        pass
    service.answers.put_nowait("one")
    with pytest.raises(EngineUnavailable):
        await asyncio.wait_for(listing.current(), 5)
    assert service.answers.qsize() == 1


async def test_an_error_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    service = Service()
    async with service.listing():
        for answer in ("one", GONE, GONE, "two"):
            service.answers.put_nowait(answer)
        while await service.changes.get() != "two":
            pass
    assert caplog.text.count("It is gone") == 1
