"""The audio events of one answer → PCM in the format that was promised. An answer may have its audio in several cycles.

A cycle is audio-start, audio-chunk …, audio-stop. Each may have a format of its own: some servers have another for every voice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from wyoming.event import Event

from ...errors import ProtocolError
from ...models import RATE_MAX, RATE_MIN, AudioFormat, shortened
from ..promise import Keeper, Promises

SLICE = 64 * 1024
"""Bytes that are worked on in one go: some servers send a whole text's audio in one event."""
WIDTH = 2
"""Bytes of a sample: Wyoming knows others, and no server of speech uses them."""


def audio_format(data: Mapping[str, Any], who: str) -> AudioFormat:
    """Of an audio-start, or an audio-chunk. Raises ProtocolError for one that is not understood."""
    rate, width, channels = (data.get(key) for key in ("rate", "width", "channels"))
    if not isinstance(rate, int) or not RATE_MIN <= rate <= RATE_MAX or width != WIDTH or channels not in (1, 2):
        told = [shortened(value) for value in (rate, width, channels)]
        msg = (
            f"{who} sends audio of {told[0]} Hz, {told[1]} bytes a sample, {told[2]} channels; "
            f"only 16-bit mono or stereo of {RATE_MIN} to {RATE_MAX} Hz is understood."
        )
        raise ProtocolError(msg)
    return AudioFormat(rate=rate, channels=channels)


class Sound:
    """Of one answer. `who` sends it."""

    def __init__(self, promises: Promises, voice: str, promised: AudioFormat, who: str) -> None:
        self.heard = False
        """Audio has come."""
        self._promises = promises
        self._voice = voice
        self._promised = promised
        self._who = who
        self._stops = 0
        self._told: Mapping[str, Any] = {}
        """The format, as the open cycle's start has it."""
        self._keeper: Keeper | None = None
        """Of the open cycle."""

    @property
    def whole(self) -> bool:
        """Every cycle so far has come to its audio-stop, and there was one: it may have been the last."""
        return self._stops > 0 and self._keeper is None

    def pcm(self, event: Event) -> Iterator[bytes]:
        """Raises ProtocolError."""
        if event.type == "audio-start":
            yield from self.rest()
            self._begin(event.data)
        elif event.type == "audio-chunk":
            keeper = self._keeper or self._begin(event.data)
            yield from self._kept(keeper, event)
        elif event.type == "audio-stop":
            self._stops += 1
            yield from self.rest()

    def rest(self) -> Iterator[bytes]:
        """Of the open cycle, which ends."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None and (rest := keeper.flush()):
            yield rest

    def _begin(self, data: Mapping[str, Any]) -> Keeper:
        """A keeper for each cycle: a part of a frame at the end of one is not the begin of the next."""
        audio_format(data, self._who)
        self._told = data
        self._keeper = self._promises.keep(self._voice, self._promised)
        return self._keeper

    def _kept(self, keeper: Keeper, event: Event) -> Iterator[bytes]:
        actual = audio_format({**self._told, **event.data}, self._who)
        payload = event.payload or b""
        for start in range(0, len(payload), SLICE):
            self.heard = True
            if pcm := keeper.push(payload[start : start + SLICE], actual):
                yield pcm
