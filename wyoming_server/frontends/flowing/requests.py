"""A StartSynthesis as a SynthesisRequest, or the reason why it can't be one. The one table of its settings → Herald's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...audio.encode import Container
from ...errors import BadSetting
from ...models import AudioFormat, FormatWish, SynthesisRequest
from ...protocols.flowing_settings import OWN_RATE, Settings, cloud_speed, short_text
from ...protocols.flowing_settings import Container as Format
from ...synthesis import Synthesizer
from ...voices import Catalogue
from ..streaming.wishes import file_rate

RATE = 22_050
"""Hz, where the client names none: the local servers' own."""
CONTAINERS: Mapping[Format, Container] = {
    Format.PCM: Container.PCM,
    Format.WAV: Container.WAV,
    Format.MP3: Container.MP3,
    Format.FLAC: Container.FLAC,
    Format.OGG_OPUS: Container.OGG_OPUS,
    Format.WEBM_OPUS: Container.WEBM_OPUS,
    Format.MKA: Container.MKA,
    Format.WAV_F32: Container.WAV_F32,
}
NORMAL_VOLUME = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What one session is to be."""

    request: SynthesisRequest
    container: Container
    audio: AudioFormat
    """Of the PCM that becomes the file."""
    session_id: str | None
    """As the client named it."""
    subtitles: bool
    pace: float | None
    """Seconds ahead of real time that audio may be sent; `None`: as fast as it is made."""


def read_wish(payload: Mapping[str, Any], catalogue: Catalogue, synthesizer: Synthesizer) -> Wish:
    """Raises BadSetting, UnknownVoice and what the voice's engine does not take."""
    settings = Settings.parse(payload)
    options = dict(settings.options)
    language = options.pop("language", None)
    voice = catalogue.find(settings.voice or None, None if language is None else short_text("language", language))
    request = synthesizer.request(voice, {**_settings(settings), **options})
    container, wanted = CONTAINERS[settings.format], settings.sample_rate
    rate = file_rate(container, None, request, synthesizer) if wanted == OWN_RATE else wanted or RATE
    audio = AudioFormat(rate=rate, channels=settings.channels or 1)
    return Wish(
        request=replace(request, format=FormatWish(rate=audio.rate, channels=audio.channels)),
        container=container,
        audio=audio,
        session_id=settings.session_id or None,
        subtitles=settings.enable_subtitle,
        pace=settings.pace,
    )


def _settings(settings: Settings) -> dict[str, Any]:
    """What is not the voice's own. Speed as the cloud means it, whose document this front end follows."""
    if settings.pitch_rate:
        msg = (
            'pitch_rate is 0 here: nobody documents what it means. Use options: {"pitch": semitones}, where the voice takes that.'
        )
        raise BadSetting(msg)
    said: dict[str, Any] = {}
    if settings.volume != NORMAL_VOLUME:
        said["volume"] = settings.volume
    if settings.speech_rate:
        said["speed"] = cloud_speed(settings.speech_rate)
    return said
