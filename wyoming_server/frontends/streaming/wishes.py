"""What one request is to be, and what is read of it in the same way whatever its fields are called."""

from __future__ import annotations

from dataclasses import dataclass

from ...audio.encode import WRITINGS, Container
from ...errors import TextTooLong
from ...models import AudioFormat, Range, SynthesisRequest
from ...synthesis import Synthesizer
from ..http.fields import BadField

SECONDS_AHEAD = Range(0, 600)
"""Of `pace`."""
BYTES_PER_CHARACTER = 12
"""As JSON may write one, when it writes everything as \\u escapes."""
REST_MAX = 64 * 1024
"""Bytes of a request beside its text."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """One text, one file."""

    request: SynthesisRequest
    """Its format has a rate: a file's is told before there is audio."""
    text: str
    container: Container
    session_id: str | None
    """As the client named it."""
    pace: float | None = None
    """Seconds ahead of real time that audio may be sent; `None`: as fast as it is made."""

    @property
    def audio(self) -> AudioFormat:
        """Of the PCM that becomes the file."""
        if self.request.format.rate is None:
            msg = "A file's rate is known before there is audio."
            raise ValueError(msg)
        return AudioFormat(rate=self.request.format.rate, channels=self.request.format.channels)


def body_max(max_text: int) -> int:
    """Bytes of a request with a text of so many characters."""
    return BYTES_PER_CHARACTER * max_text + REST_MAX


def checked_text(name: str, text: str, limit: int) -> str:
    """Raises BadField and TextTooLong."""
    if not text:
        msg = f"{name} is missing: the text to speak."
        raise BadField(name, msg)
    if len(text) > limit:
        msg = f"{name} has {len(text)} characters; {limit} are allowed (http.max_text)."
        raise TextTooLong(msg)
    return text


def file_rate(container: Container, wanted: int | None, request: SynthesisRequest, synthesizer: Synthesizer) -> int:
    """Hz of the PCM to ask for: the wanted ones, or the voice's own, or the nearest above that the container has.

    Raises BadField for `sample_rate`, and what the voice's engine says.
    """
    rates = WRITINGS[container].rates
    if wanted is not None:
        if rates and wanted not in rates:
            param = "sample_rate"
            msg = f"{param} of {container} is one of {', '.join(map(str, rates))} Hz, not {wanted}."
            raise BadField(param, msg)
        return wanted
    native = synthesizer.native_rate(request)
    if rates is None or native in rates:
        return native
    return min((rate for rate in rates if rate > native), default=max(rates))
