"""How loud each voice is, learned from its own replies, and the one constant gain that makes all voices equally loud.

Fixed within a reply; kept in the state directory, so that a restart does not change how a voice sounds.
"""

from __future__ import annotations

import json
import logging
import math
from dataclasses import dataclass
from pathlib import Path

from ..audio.level import gain_for

_LOGGER = logging.getLogger(__name__)

TRUSTED_SECONDS = 3.0
"""Speech that must have been heard before a gain is applied."""
LEARNED_SECONDS = 60.0
"""Speech after which a voice is known: its gain never changes again."""
MAX_VOICES = 1000
"""Voices that are remembered: clients name variants as they like."""
MAX_FILE = 1 << 20
"""Bytes; more than MAX_VOICES take."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Heard:
    lufs: float
    seconds: float


class LoudnessStore:
    """Loudness by voice. Without a path nothing outlives the process."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._voices = _load(path) if path is not None else {}

    def gain(self, voice: str) -> float:
        """The factor for the voice's next reply; 1 until enough was heard."""
        heard = self._voices.get(voice)
        return gain_for(heard.lufs) if heard is not None and heard.seconds >= TRUSTED_SECONDS else 1.0

    def learning(self, voice: str) -> bool:
        heard = self._voices.get(voice)
        return heard is None or heard.seconds < LEARNED_SECONDS

    def learn(self, voice: str, lufs: float | None, seconds: float) -> None:
        """Add a reply of `seconds` at an integrated loudness of `lufs` (None: silence)."""
        if lufs is None:
            return
        before = self._voices.get(voice, _Heard(lufs=lufs, seconds=0))
        total = before.seconds + seconds
        power = (10 ** (before.lufs / 10) * before.seconds + 10 ** (lufs / 10) * seconds) / total
        self._voices[voice] = _Heard(lufs=10 * math.log10(power), seconds=total)
        if len(self._voices) > MAX_VOICES:
            del self._voices[next(iter(self._voices))]
        self._save()

    def _save(self) -> None:
        if self._path is None:
            return
        content = {
            name: {"lufs": round(voice.lufs, 2), "seconds": round(voice.seconds, 2)} for name, voice in self._voices.items()
        }
        scratch = self._path.with_suffix(".new")
        try:
            scratch.write_text(json.dumps(content, indent=1, sort_keys=True))
            scratch.replace(self._path)
        except OSError as error:
            _LOGGER.warning("The learned loudness cannot be kept: %s", error)


def _load(path: Path) -> dict[str, _Heard]:
    """What was kept; anything unreadable is learned anew."""
    try:
        if path.stat().st_size > MAX_FILE:
            _LOGGER.warning("The learned loudness in %s is too large and is learned anew", path)
            return {}
        content = json.loads(path.read_text())
        heard = {voice: _Heard(lufs=float(one["lufs"]), seconds=float(one["seconds"])) for voice, one in content.items()}
        return {voice: one for voice, one in heard.items() if math.isfinite(one.lufs) and math.isfinite(one.seconds)}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        _LOGGER.warning("The learned loudness in %s is unreadable and is learned anew: %s", path, error)
        return {}
