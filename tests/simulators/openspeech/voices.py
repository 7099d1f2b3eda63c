"""Which voice needs which resource and cluster: by its name, as the service's own voices are named."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Family:
    """Voices of one kind."""

    name: str
    pattern: str
    """Of the whole voice_type."""
    resources: tuple[str, ...]
    """Any of these fits, on v3."""
    cluster: str | None
    """On v1; None: v1 does not know them."""
    speed: tuple[float, float] = (0.1, 2)
    """What `speed_ratio` may be, on v1."""
    subtitles: bool = False
    """Event 364; otherwise words at the end of a sentence."""


FAMILIES = (
    Family(name="clone", pattern=r"S_\w+", resources=("seed-icl-1.0", "seed-icl-2.0"), cluster="volcano_icl"),
    Family(
        name="2.0",
        pattern=r"\w+_(uranus|saturn)_bigtts|saturn_\w+_tob",
        resources=("seed-tts-2.0",),
        cluster=None,
        subtitles=True,
    ),
    Family(
        name="1.0",
        pattern=r"\w+_bigtts|ICL_\w+_tob",
        resources=("seed-tts-1.0", "volc.service_type.10029", "volc.service_type.10048"),
        cluster="volcano_tts",
    ),
    Family(
        name="small",
        pattern=r"BV\d+(_\w+)?",
        resources=("seed-tts-1.0", "volc.service_type.10029", "volc.service_type.10048"),
        cluster="volcano_tts",
        speed=(0.2, 3),
    ),
)
"""The first that matches."""


def family_of(voice: str) -> Family | None:
    """None: there is no such voice."""
    return next((family for family in FAMILIES if re.fullmatch(family.pattern, voice)), None)
