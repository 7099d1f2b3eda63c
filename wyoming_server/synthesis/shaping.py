"""What Herald does to an engine's audio for one listener: silence trimmed, loudness and volume, speed, rate and channels.

Which stages a reply needs is decided here, what each does in `audio`. Without one the engine's bytes go through untouched.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..audio.chain import PcmChain, Stage
from ..audio.level import volume_factor
from ..models import AudioFormat, Capabilities, Mark, Notice, SynthesisRequest, Voice, VoiceSettings, Waiting
from .loudness import LoudnessStore

if TYPE_CHECKING:
    from ..audio.live import LiveResampler
    from ..audio.loudness import LoudnessMeter
    from ..audio.tempo import Tempo
    from ..audio.trim import LeadTrim

_LOGGER = logging.getLogger(__name__)

EMPTY_REPLY = 0.02
"""Seconds of silence where the text has nothing to say: a listener waits for audio."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """What comes to be shaped."""

    name: str
    """Whose loudness it is."""
    engine: str
    format: AudioFormat
    settings: VoiceSettings
    """What was asked of the engine."""
    can: Capabilities
    """What the engine did of that."""
    live: bool = False
    """It comes no faster than it is heard."""
    learned: bool = True
    """False: of several listeners somebody else's shaper learns how loud it is."""


class Shaper:
    """What Herald does to a source's audio for one listener. numpy is loaded by the first reply that needs a stage."""

    def __init__(self, request: SynthesisRequest, source: Source, loudness: LoudnessStore) -> None:
        self._volume = source.settings.volume
        self._can = source.can
        self._engine = source.engine
        self._name = source.name
        self._learned = source.learned
        self._loudness = loudness
        self._live = source.live
        self._source = source.format
        self.target = AudioFormat(rate=request.format.rate or self._source.rate, channels=request.format.channels)
        self._trim = self._new_trim(request.voice)
        self._meter = self._new_meter(request.voice)
        self._speed = self._own_speed(source.settings.speed)
        self._tempo = self._new_tempo()
        self._live_resampler: LiveResampler | None = None
        stages = [self._trim, self._meter, self._tempo, *self._gain(request.voice), *self._resampler()]
        self._chain = PcmChain(self._source, [stage for stage in stages if stage is not None])
        self._marks: list[Mark] = []
        self._seconds = 0.0
        self._empty = True
        self._waited = False
        self._is_as_asked = True

    def shape(self, event: bytes | Mark | Waiting | Notice) -> Iterator[bytes | Mark | Waiting | Notice]:
        """A source's event as the listener gets it; long audio in pieces, so that it keeps nobody else waiting."""
        if isinstance(event, bytes):
            self._seconds += self._source.seconds(len(event))
            for piece in self._chain.pieces(event):
                if self._marks:
                    yield from self._due_marks()  # what was told before this audio is told before it
                if piece:
                    self._empty = False
                    yield piece
        elif isinstance(event, Mark):
            self._marks.append(event)
        else:
            if isinstance(event, Waiting):
                self._log_waiting(event)
            elif isinstance(event, Notice):
                self._is_as_asked = False
            yield event
        if self._marks:
            yield from self._due_marks()

    def finish(self, *, is_empty: bool = True) -> Iterator[bytes | Mark]:
        """What is still held; a moment of silence where nothing was said at all. `is_empty`: nobody spoke before."""
        rest = self._chain.flush()
        if self._meter is not None and self._is_as_asked:
            self._loudness.learn(self._name, self._meter.integrated(), self._seconds)
        yield from self._due_marks(at_the_end=True)
        if rest or (self._empty and is_empty):
            yield rest or self.target.silence(EMPTY_REPLY)

    def break_off(self) -> Iterator[bytes | Mark]:
        """What is still held, where somebody else goes on: nothing is learned of a part."""
        rest = self._chain.flush()
        yield from self._due_marks(at_the_end=True)
        if rest:
            yield rest

    def close(self) -> None:
        """Free what a stage holds outside Python, where the reply did not come to its end. Twice is fine."""
        for stage in (self._tempo, self._live_resampler):
            if stage is not None:
                stage.close()

    def _due_marks(self, *, at_the_end: bool = False) -> Iterator[Mark]:
        """Marks, where they are heard: known once it is known how much silence goes before the first sound."""
        if self._trim is not None and not (self._trim.started or at_the_end):
            return
        dropped = self._trim.dropped if self._trim is not None else 0.0
        for mark in self._marks:
            yield replace(mark, time=max(0.0, mark.time - dropped) / self._speed) if dropped or self._tempo else mark
        self._marks.clear()

    def _log_waiting(self, waiting: Waiting) -> None:
        """Once per reply: its later places follow from the first."""
        if not self._waited:
            self._waited = True
            _LOGGER.info("A reply waits for the engine %s, as number %d in line.", self._engine, waiting.position)

    def _new_trim(self, voice: Voice) -> LeadTrim | None:
        if not (self._can.speech and voice.trim_silence):
            return None
        from ..audio.trim import LeadTrim  # noqa: PLC0415  # numpy

        return LeadTrim(self._source.rate)

    def _new_meter(self, voice: Voice) -> LoudnessMeter | None:
        """While the voice's loudness is still being learned; a volume that the engine applies would mislead it."""
        by_engine = self._volume is not None and "volume" in self._can.settings
        wanted = self._learned and self._can.speech and voice.even_loudness
        if by_engine or not (wanted and self._loudness.learning(self._name)):
            return None
        from ..audio.loudness import LoudnessMeter  # noqa: PLC0415  # numpy

        return LoudnessMeter(self._source.rate)

    def _own_speed(self, wanted: float | None) -> float:
        """The factor that is left to Herald, for an engine that has only one speed."""
        return 1.0 if wanted is None or "speed" in self._can.settings else wanted

    def _new_tempo(self) -> Tempo | None:
        if self._speed == 1:
            return None
        from ..audio.tempo import Tempo  # noqa: PLC0415  # PyAV

        return Tempo(self._source, self._speed)

    def _gain(self, voice: Voice) -> list[Stage]:
        factor = self._loudness.gain(self._name) if self._can.speech and voice.even_loudness else 1.0
        if self._volume is not None and "volume" not in self._can.settings:
            factor *= volume_factor(self._volume)
        if factor == 1:
            return []
        from ..audio.gain import Gain, Limiter  # noqa: PLC0415  # numpy

        return [Gain(factor), Limiter(self._source.rate)] if factor > 1 else [Gain(factor)]

    def _resampler(self) -> list[Stage]:
        if self.target == self._source:
            return []
        if self._live:
            from ..audio.live import LiveResampler  # noqa: PLC0415  # PyAV

            self._live_resampler = LiveResampler(self._source, self.target)
            return [self._live_resampler]
        from ..audio.resample import Resampler  # noqa: PLC0415  # numpy and soxr

        return [Resampler(self._source, self.target)]
