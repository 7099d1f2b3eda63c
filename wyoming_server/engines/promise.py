"""For services that tell the rate of their audio only with the audio, while a reply's format is promised before it.

What a voice turned out to have is promised the next time; until then its audio is made what was promised.
"""

from __future__ import annotations

import weakref

from ..audio.chain import PcmChain
from ..models import AudioFormat
from .base import Utterance

VOICES_MAX = 1_000
"""Voices whose format is remembered: clients may name them as they like."""


class Promises:
    """Those of one engine. `rate`: Hz of a voice that has not been heard yet."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._learned: dict[str, int] = {}
        self._given: dict[int, tuple[weakref.ref[Utterance], AudioFormat]] = {}
        """By the utterance's identity, as long as it is there."""

    def format(self, utterance: Utterance) -> AudioFormat:
        """What is promised for this reply, whatever is learned before it ends; mono."""
        key = id(utterance)
        if key not in self._given:
            audio = AudioFormat(rate=self._learned.get(utterance.voice, self._rate))
            self._given[key] = weakref.ref(utterance, lambda _: self._given.pop(key, None)), audio
        return self._given[key][1]

    def keep(self, voice: str, promised: AudioFormat) -> Keeper:
        """For one piece of audio in one format, such as a sentence."""
        return Keeper(self, voice, promised)

    def learn(self, voice: str, actual: AudioFormat) -> None:
        self._learned[voice] = actual.rate
        if len(self._learned) > VOICES_MAX:
            del self._learned[next(iter(self._learned))]


class Keeper:
    """Makes audio what was promised. See Promises.keep."""

    def __init__(self, promises: Promises, voice: str, promised: AudioFormat) -> None:
        self._promises = promises
        self._voice = voice
        self._promised = promised
        self._actual: AudioFormat | None = None
        self._chain = PcmChain(promised)

    def push(self, pcm: bytes, actual: AudioFormat) -> bytes:
        """What can be told now of audio that comes as `actual`. Where the format changes on the way, so does the work."""
        rest = b""
        if actual != self._actual:
            rest = self._chain.flush()
            self._actual, self._chain = actual, self._new_chain(actual)
            self._promises.learn(self._voice, actual)
        return rest + self._chain.push(pcm)

    def flush(self) -> bytes:
        """The rest, at the end."""
        return self._chain.flush()

    def _new_chain(self, actual: AudioFormat) -> PcmChain:
        if actual == self._promised:
            return PcmChain(actual)
        from ..audio.resample import Resampler  # noqa: PLC0415  # numpy and soxr

        return PcmChain(actual, [Resampler(actual, self._promised)])
