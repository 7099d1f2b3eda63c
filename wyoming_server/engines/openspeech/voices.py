"""The vendor's public voices (`voices.csv`), and what the id of any other voice tells about it.

Data and look-ups only. No call with speech credentials lists voices, so the table ships with Herald; it is older than the
vendor's own list, and an account's clones are in neither. An id that is not in the table is therefore taken as it is, but may be
a real person's voice: it needs consent. How a voice is spoken stands in `routes`.
"""

from __future__ import annotations

import csv
import pkgutil
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from ...models import Gender, Voice

FILE = "voices.csv"
ABILITY_SEPARATOR = "、"

_ID = re.compile(r"[A-Za-z0-9_.-]{1,128}")
_GENDER = re.compile(r"_(female|male)_")

MANDARIN = ("zh-CN",)
LANGUAGES: Mapping[str, tuple[str, ...]] = {
    "zh": MANDARIN,
    "en": ("en-US",),
    "ja": ("ja-JP",),
    "es": ("es-ES",),
    "multi": ("ja-JP", "es-ES"),
}
"""Word of an id → BCP 47. All `multi_…` voices of the table speak Japanese or Spanish, whatever follows."""
_WORDS_BEFORE_THE_NAME = 3
"""`ICL_uranus_en_male_…`: behind them, `en` may be a syllable of a name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VoiceFacts:
    """One row of the table."""

    voice_type: str
    """The vendor's id."""
    name: str
    """The vendor's name for people."""
    languages: tuple[str, ...]
    """BCP 47, the main one first; never empty. An accent stands in `abilities`."""
    resource_id: str
    """What the account must be licensed for, and what v3 is told."""
    scene: str = ""
    """In the vendor's words."""
    emotions: tuple[str, ...] = ()
    """Values of the parameter `emotion`."""
    abilities: tuple[str, ...] = ()
    """What else the vendor says of it, in the vendor's words: accents, styles, 仅中文 (it speaks no English)."""

    @property
    def gender(self) -> Gender | None:
        return gender(self.voice_type)


@lru_cache(maxsize=1)
def voice_table() -> Mapping[str, VoiceFacts]:
    """The vendor's voices by id, in the vendor's order."""
    # importlib.resources takes longer to import than this to read
    shipped = pkgutil.get_data(__package__, FILE) or b""
    rows = map(_facts, csv.DictReader(shipped.decode().splitlines(), strict=True))
    return MappingProxyType({row.voice_type: row for row in rows})


def listed(engine_name: str) -> list[Voice]:
    """The table's voices, as the engine of this name offers them."""
    return [_voice(engine_name, facts) for facts in voice_table().values()]


def is_listed(voice_id: str) -> bool:
    return voice_id in voice_table()


def needs_consent(voice_id: str) -> bool:
    """Whether it may be somebody's own voice: everything that the vendor does not offer to everybody."""
    return not is_listed(voice_id)


def unlisted(engine_name: str, voice_id: str) -> Voice | None:
    """A voice by its bare id; None if no id looks like that. Of one that is in the table, everything is known all the same."""
    if not _ID.fullmatch(voice_id):
        return None
    guess = VoiceFacts(voice_type=voice_id, name=voice_id, languages=languages(voice_id), resource_id="")
    return _voice(engine_name, voice_table().get(voice_id, guess))


def gender(voice_id: str) -> Gender | None:
    found = _GENDER.search(voice_id)
    return Gender(found[1]) if found else None


def languages(voice_id: str) -> tuple[str, ...]:
    """What an id says of its languages. Mandarin if nothing: clones and small models are mostly that."""
    words = voice_id.split("_")[:_WORDS_BEFORE_THE_NAME]
    return next((LANGUAGES[word] for word in words if word in LANGUAGES), MANDARIN)


def _facts(row: Mapping[str, str]) -> VoiceFacts:
    abilities = row["abilities"]
    return VoiceFacts(
        voice_type=row["voice_type"],
        name=row["name"],
        languages=tuple(row["languages"].split()),
        resource_id=row["resource_id"],
        scene=row["scene"],
        emotions=tuple(row["emotions"].split()),
        abilities=tuple(abilities.split(ABILITY_SEPARATOR)) if abilities else (),
    )


def _voice(engine_name: str, facts: VoiceFacts) -> Voice:
    return Voice(
        name=facts.voice_type,
        engine=engine_name,
        engine_voice=facts.voice_type,
        languages=facts.languages,
        description=facts.name,
        gender=facts.gender,
        scene=facts.scene,
        emotions=facts.emotions,
    )
