"""The window and the patience, by a clock that the test turns."""

from __future__ import annotations

from math import inf

from wyoming_server.converters.sami.window import Limits, Patience, Window

LIMITS = Limits(window=1, release=0.5, first_audio=8, gap=4, finish=2)


def filled(limits: Limits = LIMITS, *, now: float = 100) -> Window:
    window = Window(limits)
    for _ in range(10):
        assert window.due <= now
        window.sent(0.125, now)
        if window.due > now:
            break
    return window


def test_more_may_go_up_until_the_window_is_full() -> None:
    window = Window(LIMITS)
    for _ in range(8):
        assert window.due <= 100
        window.sent(0.125, 100)
    assert window.due == 100.5


def test_what_comes_down_opens_it() -> None:
    window = filled()
    window.heard(0.25, 101)
    assert window.due <= 101
    window.sent(0.25, 101)
    assert window.due == 101.5


def test_where_nothing_comes_down_as_much_goes_up_as_time_goes_by() -> None:
    window, sent = filled(), 0.0
    for step in range(1, 100):
        now = 100 + step / 10
        while window.due <= now:
            window.sent(0.125, now)
            sent += 0.125
    assert 8 < sent <= 10


def test_what_the_service_has_dropped_is_forgiven() -> None:
    window = filled()
    window.sent(0.125, 101)
    for step in range(40):
        now = 101 + step / 10
        window.heard(0.125, now)
        assert window.due <= now, "0.375 s are under way again, whatever was lost before"
        window.sent(0.125, now)


def test_more_audio_than_speech_is_no_credit() -> None:
    window = Window(LIMITS)
    window.heard(60, 100)
    assert filled().due == 100.5
    for _ in range(8):
        window.sent(0.125, 100)
    assert window.due == 100.5


def test_after_silence_the_time_begins_with_the_next_speech() -> None:
    window = Window(LIMITS)
    window.sent(0.5, 100)
    window.heard(0.5, 101)
    window.sent(1, 200)
    assert window.due == 200.5


def test_while_nobody_takes_what_came_nothing_goes_up_anyway() -> None:
    window = filled()
    window.hold()
    assert window.due == inf
    window.go_on(200)
    assert window.due == 200.5


def test_a_pace_is_kept_to_the_schedule_not_from_message_to_message() -> None:
    window = Window(Limits(window=60, pace=2))
    now = 100.0
    for _ in range(40):
        window.sent(0.1, now)
        now = window.due + 0.01
    assert window.due == 100 + 40 * 0.05 or abs(window.due - 102) < 1e-6


def test_a_pace_begins_anew_after_a_pause() -> None:
    window = Window(Limits(window=60, pace=1))
    window.sent(0.1, 100)
    window.sent(0.1, 200)
    assert abs(window.due - 200.1) < 1e-6


def test_nothing_is_owed_for_what_a_live_converter_may_keep() -> None:
    patience = Patience(LIMITS)
    patience.sent(0.9, 100)
    assert patience.deadline is None
    patience.sent(0.2, 101)
    assert patience.deadline == 109


def test_audio_settles_what_was_owed() -> None:
    patience = Patience(LIMITS)
    patience.sent(2, 100)
    patience.hear(103)
    assert patience.deadline is None
    patience.sent(1, 104)
    assert patience.deadline == 108


def test_with_a_small_window_less_may_be_kept() -> None:
    patience = Patience(Limits(window=0.2, first_audio=8))
    patience.sent(0.2, 100)
    assert patience.deadline == 108


def test_after_the_end_audio_is_owed_until_the_service_has_finished() -> None:
    patience = Patience(LIMITS)
    patience.sent(0.1, 100)
    patience.finish(101)
    assert patience.deadline == 109
    patience.hear(102)
    assert patience.deadline == 104


def test_time_in_which_nobody_took_anything_is_not_counted() -> None:
    patience = Patience(LIMITS)
    patience.sent(0.1, 100)
    patience.go_on(150)
    assert patience.deadline is None
    patience.finish(151)
    patience.go_on(160)
    assert patience.deadline == 168
