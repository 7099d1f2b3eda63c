"""In which format a reply is asked for: so that Home Assistant converts nothing, or, where it will, so that it begins at once.

Up to 2026.10 Home Assistant runs FFmpeg wherever a rate, channels, a width or a bit rate is asked for. Of 16-bit WAV FFmpeg waits
for 64 KiB before it gives out anything, a second or two; of WAV in floats for nothing. From 2026.11 on what comes with the wanted
extension goes out as it is, and what comes with another one is converted: of streamed 16-bit WAV at once, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from homeassistant.components.tts import (
    ATTR_PREFERRED_BITRATE,
    ATTR_PREFERRED_FORMAT,
    ATTR_PREFERRED_SAMPLE_BYTES,
    ATTR_PREFERRED_SAMPLE_CHANNELS,
    ATTR_PREFERRED_SAMPLE_RATE,
)
from homeassistant.const import MAJOR_VERSION, MINOR_VERSION

PREFERENCES = (
    ATTR_PREFERRED_FORMAT,
    ATTR_PREFERRED_SAMPLE_RATE,
    ATTR_PREFERRED_SAMPLE_CHANNELS,
    ATTR_PREFERRED_SAMPLE_BYTES,
    ATTR_PREFERRED_BITRATE,
)
VERSION = (MAJOR_VERSION, MINOR_VERSION)
"""Of Home Assistant."""
PASSES_THROUGH = (2026, 11)
"""The first version that passes on what is as it was asked for."""
DEFAULT = "mp3"
"""What Home Assistant wants where nobody asks."""
WIDTH = 2
"""Bytes of a sample, in everything that the server makes but floats."""
RATES = frozenset({8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000})
"""Hz that the server makes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """What Home Assistant calls by an extension."""

    name: str
    """To the server."""
    rates: frozenset[int] = RATES


KINDS: Mapping[str, Kind] = {
    "mp3": Kind(name="MP3"),
    "wav": Kind(name="WAV"),
    "flac": Kind(name="FLAC"),
    "ogg": Kind(name="OGG_OPUS", rates=frozenset({48_000})),
}

LEAD = 10.0
"""Seconds by which audio may be ahead of real time. Most replies are shorter: only of long ones an interrupt saves something.
Players that load a while before they begin, and Home Assistant's cache, have the others at once."""
LEADS: Mapping[tuple[str, int | None], float | None] = {
    # a telephone rings off a reply that is whole: nothing is heard of it before
    ("wav", 16_000): None,
}
"""By format and rate. None: as fast as it is made."""
UNFORGOTTEN = ("wav", 22_050)
"""What a Wyoming satellite asks for: it is sent whatever there is, and cannot be told to forget it. Of what is announced to it by
Home Assistant, an FFmpeg waits for more than four seconds; so only in a conversation."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What the server is asked for, and what Home Assistant is told of it."""

    extension: str
    """Home Assistant's; FFmpeg's name of a demuxer where it will convert."""
    format: str
    """The server's."""
    rate: int | None
    """Hz; None: the voice's own."""
    channels: int
    pace: float | None
    """Seconds ahead of real time; None: no limit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What whoever plays it asks for; None: anything."""

    format: str
    rate: int | None
    channels: int | None
    width: int | None
    bitrate: int | None

    @classmethod
    def read(cls, options: Mapping[str, Any]) -> Self:
        rate, channels, width, bitrate = (
            None if (value := options.get(name)) is None else int(value) for name in PREFERENCES if name != ATTR_PREFERRED_FORMAT
        )
        return cls(
            format=options.get(ATTR_PREFERRED_FORMAT) or DEFAULT, rate=rate, channels=channels, width=width, bitrate=bitrate
        )

    @property
    def is_bare(self) -> bool:
        """Nothing but a format is asked for."""
        return self.rate is self.channels is self.width is self.bitrate is None

    def is_made_by(self, kind: Kind) -> bool:
        """Exactly, by the server."""
        return (
            self.rate in {None, *kind.rates}
            and self.channels in (None, 1, 2)
            and self.width in (None, WIDTH)
            and self.bitrate is None
        )


def answer(options: Mapping[str, Any], version: tuple[int, int] | None = None, *, lead: float | None = None) -> Answer:
    """To a request with these options. `version`: of Home Assistant. `lead`: in a conversation, of what cannot be forgotten."""
    wanted, passes_through = Wanted.read(options), (version or VERSION) >= PASSES_THROUGH
    kind = KINDS.get(wanted.format)
    asked = (wanted.format, wanted.rate)
    pace = lead if lead is not None and asked == UNFORGOTTEN else LEADS.get(asked, LEAD)
    if kind is not None and (wanted.is_made_by(kind) if passes_through else wanted.is_bare):
        return Answer(extension=wanted.format, format=kind.name, rate=wanted.rate, channels=wanted.channels or 1, pace=pace)
    extension, name = _to_convert(wanted, passes_through=passes_through)
    rate = wanted.rate if wanted.rate in RATES else None
    return Answer(extension=extension, format=name, rate=rate, channels=1, pace=pace)


def _to_convert(wanted: Wanted, *, passes_through: bool) -> tuple[str, str]:
    """Extension and format."""
    if not passes_through:
        return "wav", "WAV_F32"
    if wanted.format == "wav":
        return "matroska", "MKA"  # by its own extension it would go out as it is; FFmpeg hears this at once, too
    return "wav", "WAV"
