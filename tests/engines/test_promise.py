"""A reply's format is promised before its audio comes, and kept whatever comes; the next promise knows better."""

from __future__ import annotations

import pytest

from wyoming_server.engines.base import Utterance
from wyoming_server.engines.promise import Promises
from wyoming_server.engines.tone import sine
from wyoming_server.models import AudioFormat

PROMISED = AudioFormat(rate=24_000)


def tone(audio: AudioFormat) -> bytes:
    """A tenth of a second."""
    mono = sine(audio.rate, 440, 0, audio.rate // 10 * 2)
    return b"".join(mono[n : n + 2] * audio.channels for n in range(0, len(mono), 2))


def test_audio_as_it_was_promised_is_not_touched() -> None:
    keeper = Promises(24_000).keep("nova", PROMISED)
    assert keeper.push(tone(PROMISED), PROMISED) + keeper.flush() == tone(PROMISED)


@pytest.mark.parametrize("actual", [AudioFormat(rate=16_000), AudioFormat(rate=48_000), AudioFormat(rate=24_000, channels=2)])
def test_other_audio_is_made_what_was_promised(actual: AudioFormat) -> None:
    keeper = Promises(24_000).keep("nova", PROMISED)
    assert len(keeper.push(tone(actual), actual) + keeper.flush()) == len(tone(PROMISED))


def test_the_next_promise_is_what_was_heard() -> None:
    promises = Promises(24_000)
    promises.keep("nova", PROMISED).push(b"", AudioFormat(rate=44_100, channels=2))
    assert promises.format(Utterance(voice="nova")) == AudioFormat(rate=44_100)
    assert promises.format(Utterance(voice="onyx")) == PROMISED


def test_a_format_that_changes_on_the_way_is_followed() -> None:
    keeper = Promises(24_000).keep("nova", PROMISED)
    low = AudioFormat(rate=16_000)
    told = keeper.push(tone(low), low) + keeper.push(tone(PROMISED), PROMISED) + keeper.flush()
    assert len(told) == 2 * len(tone(PROMISED))
    assert told[-len(tone(PROMISED)) :] == tone(PROMISED)


def test_a_reply_keeps_its_promise_when_another_teaches_more() -> None:
    promises, begun = Promises(24_000), Utterance(voice="nova")
    assert promises.format(begun) == PROMISED
    promises.keep("nova", PROMISED).push(b"", AudioFormat(rate=16_000))
    assert promises.format(begun) == PROMISED
    assert promises.format(Utterance(voice="nova")) == AudioFormat(rate=16_000)


def test_a_promise_is_forgotten_with_its_reply() -> None:
    promises, begun = Promises(24_000), Utterance(voice="nova")
    promises.format(begun)
    del begun
    assert not promises._given  # noqa: SLF001
