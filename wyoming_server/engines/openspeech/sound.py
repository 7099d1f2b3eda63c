"""What the service sends as audio → PCM in whole frames, whichever encoding it was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING

from ...audio.frames import WholeFrames
from ...errors import EngineError, ProtocolError, TooLarge
from ...upstream.attempts import Failed
from .job import PCM, Job

if TYPE_CHECKING:
    from ...audio.decode import Decoder

_GAIN_NOTHING = "Another encoding may help: set `encoding` of the voice, pcm needs no decoder."


class Sound:
    """One stream of audio: of a request (v1) or a session (v3)."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._frames = WholeFrames(job.format.frame_size)
        self._decoder = _decoder(job)
        self.came = 0
        """Bytes from the service."""

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """The PCM that can be told now, bit by bit, so that the caller can let others run in between. Never an empty piece."""
        self.came += len(data)
        try:
            pieces = self._decoder.pieces(data) if self._decoder is not None else iter((self._frames.push(data),))
            yield from filter(None, pieces)
        except (ProtocolError, TooLarge) as error:
            raise self._unreadable(error) from error

    def flush(self) -> bytes:
        """The rest. Raises Failed where what came was not audio of the encoding."""
        if self._decoder is None:
            return b""
        rest = self._decoder.flush()
        if self.came and not self._decoder.decoded:
            why = f"{self.came} bytes with no {self._job.encoding} in them"
            raise self._unreadable(why)
        return rest

    def _unreadable(self, why: object) -> Failed:
        return Failed(EngineError(f"OpenSpeech's audio cannot be decoded: {why} ({self._job.asked()}). {_GAIN_NOTHING}"))


def load_decoder() -> None:
    """Import now what the first reply in another encoding than PCM would wait for, and everybody with it."""
    import_module(f"{__package__.rpartition('.engines')[0]}.audio.ffmpeg")


def _decoder(job: Job) -> Decoder | None:
    if job.encoding == PCM:
        return None
    from ...audio.decode import Codec, Decoder  # noqa: PLC0415  # PyAV: 30 MB

    return Decoder(Codec(job.encoding), job.format.rate)
