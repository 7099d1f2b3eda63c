"""Binary messages → PCM in whole frames, with any WAV header that stands before a message's audio left out."""

from __future__ import annotations

from ...audio.frames import WholeFrames
from ...audio.wav import WavReader
from ...errors import ProtocolError
from ...models import AudioFormat


class Sound:
    """The audio of one session. A header's rate is not believed: some servers tell the wanted one, whatever they speak in."""

    def __init__(self, audio: AudioFormat) -> None:
        self._format = audio
        self._frames = WholeFrames(audio.frame_size)
        self._wav: WavReader | None = None

    def pcm(self, message: bytes) -> bytes:
        """Raises ProtocolError and TooLarge for WAV that is none, or of a shape that was not asked for."""
        if message[:4] == b"RIFF" and message[8:12] == b"WAVE":
            self._wav = WavReader()
        if self._wav is None:
            return self._frames.push(message)
        pcm = self._wav.frame(message)
        if self._wav.format is not None and self._wav.format.frame_size != self._format.frame_size:
            msg = f"The WAV audio has {self._wav.format.channels} channels; {self._format.channels} was asked for."
            raise ProtocolError(msg)
        return pcm
