"""How often one address may ask: the same for every front end, in words, and without remembering too much."""

from __future__ import annotations

import pytest

from wyoming_server import rates as module
from wyoming_server.errors import Busy
from wyoming_server.rates import Rates, address_of
from wyoming_server.sessions import LocalSessions


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def limited(per_minute: int | None) -> tuple[Clock, Rates]:
    clock = Clock()
    return clock, Rates(lambda: per_minute, clock)


def test_without_a_limit_everybody_may_ask() -> None:
    _, rates = limited(None)
    for _ in range(10_000):
        rates.admit("1.2.3.4")


def test_beyond_the_limit_it_is_said_when_to_come_again_and_that_is_true() -> None:
    clock, rates = limited(3)
    for _ in range(3):
        rates.admit("127.0.0.1")
        clock.now += 10
    with pytest.raises(Busy, match=r"^127\.0\.0\.1 has asked for 3 replies within a minute, .*Ask again in 31 s\.$"):
        rates.admit("127.0.0.1")
    clock.now += 31
    rates.admit("127.0.0.1")
    with pytest.raises(Busy, match=r"Ask again in 10 s"):
        rates.admit("127.0.0.1")


def test_who_is_refused_does_not_wait_longer_for_it() -> None:
    clock, rates = limited(1)
    rates.admit("a")
    for _ in range(100):
        with pytest.raises(Busy):
            rates.admit("a")
    clock.now += 61
    rates.admit("a")


def test_no_minute_has_more_than_the_limit_allows() -> None:
    clock, rates = limited(5)
    admitted: list[float] = []
    for step in range(4_000):
        clock.now = 1_000 + step * 0.37
        try:
            rates.admit("a")
        except Busy:
            continue
        admitted.append(clock.now)
    assert all(later - earlier >= 60 for earlier, later in zip(admitted, admitted[5:], strict=False))
    assert len(admitted) > 5 * 1_400 / 62


def test_each_address_has_a_minute_of_its_own() -> None:
    _, rates = limited(1)
    rates.admit("10.0.0.1:5000")
    rates.admit("10.0.0.2:5000")
    with pytest.raises(Busy):
        rates.admit("10.0.0.1:6000")


@pytest.mark.parametrize(
    ("client", "address"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("10.0.0.1:5000", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("[::ffff:10.0.0.1]:5000", "10.0.0.1"),
        ("::1", "::1"),
        ("[::1]:5000", "::1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2:9::9]:80", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("a local client", "a local client"),
        ("", ""),
    ],
)
def test_an_address_is_the_same_however_it_is_written(client: str, address: str) -> None:
    assert address_of(client) == address


def test_no_more_addresses_are_remembered_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ADDRESSES_MAX", 10)
    _, rates = limited(1)
    rates.admit("first")
    for number in range(9):
        rates.admit(str(number))
    with pytest.raises(Busy):
        rates.admit("first")
    for number in range(9, 20):
        rates.admit(str(number))
    rates.admit("first")


async def test_a_session_that_is_refused_interrupts_nobody() -> None:
    _, rates = limited(1)
    sessions = LocalSessions(gate=rates)
    session = sessions.open("kitchen", client="10.0.0.1")
    with pytest.raises(Busy):
        sessions.open("kitchen", client="10.0.0.1")
    assert sessions.find("kitchen") is session
    assert not session.ending
    session.leave()
