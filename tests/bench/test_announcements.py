"""What the bench `announcements` makes of what it heard. It runs by itself, since it needs whole Home Assistants."""

from __future__ import annotations

from bench.home_assistant.announcements import Found, Turn, of_a_row, of_turns
from bench.rows import Row
from tests.whole.satellite import Chunk, Played

LOW, HIGH = 440, 880


def chunk(at: float, hertz: int, *, waits: float = 0.0) -> Chunk:
    return Chunk(time=at, begins=at + waits, seconds=0.5, quiet=0.0, hertz=hertz)


def missed(rows: list[Row]) -> list[str]:
    return [row.what for row in rows if row.passed is False]


def found(*played: Played, after: int = 0) -> Found:
    return Found(played=played, asked=2, after=after)


def test_a_row_in_which_each_stops_at_once_is_as_it_should_be() -> None:
    low = Played(start=0, chunks=[chunk(0.1, LOW)], stop=0.2)
    high = Played(start=0.3, chunks=[chunk(0.4, HIGH, waits=0.3)], stop=0.5)
    assert missed(of_a_row(found(low, high))) == []


def test_what_comes_late_and_what_stays_too_long_is_found() -> None:
    high = Played(start=0.3, chunks=[chunk(0.4, HIGH)], stop=0.5)
    behind = Played(start=0, chunks=[chunk(0.1, LOW)], stop=0.2, late=[chunk(0.25, LOW)])
    among = Played(start=0.3, chunks=[chunk(0.4, LOW), chunk(0.5, HIGH)], stop=0.6)
    long = Played(start=0.3, chunks=[chunk(0.4, HIGH, waits=1.0)], stop=0.5)
    low = Played(start=0, chunks=[chunk(0.1, LOW)], stop=0.2)
    strange, still, after = (row.what for row in of_a_row(found(low, high))[:3])
    assert missed(of_a_row(found(behind, high))) == [strange]
    assert missed(of_a_row(found(low, among))) == [strange]
    assert missed(of_a_row(found(low, long))) == [still]
    assert missed(of_a_row(found(low, high, after=1))) == [after]


def test_a_turn_is_judged_by_its_slowest() -> None:
    good = Turn(first=40, cancelled=5, returned=30, silent=20, rest=0, asked=0, in_hand=94)
    assert missed(of_turns("player", [good] * 20)) == []
    assert missed(of_turns("player", [good] * 18 + [good._replace(first=151)] * 2)) == [
        "player: engine's first audio to first sample, p95"
    ]
    for worse in ({"in_hand": 95}, {"asked": 1}, {"rest": 1.1}):
        assert len(missed(of_turns("player", [good] * 19 + [good._replace(**worse)]))) == 1
