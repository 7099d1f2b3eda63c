"""The vendor's public voices (`voices.csv`), and which model speaks a voice: each belongs to one version.

Data and look-ups only. The table ships with Herald, as no call lists the vendor's voices; it has the better known ones, from the
vendor's list (help.aliyun.com/zh/model-studio/cosyvoice-voice-list) as others have repeated it. An id that is not in it may be a
clone: it needs consent.
"""

from __future__ import annotations

import csv
import pkgutil
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from ...models import Gender, Voice, shortened

FILE = "voices.csv"
MODEL = "cosyvoice-v2"
"""Of a voice that tells nothing of its model, where the configuration does not either."""
INSTRUCTIBLE = frozenset({"longanyang", "longanhuan"})
"""Of the vendor's voices, those that take words about how to speak."""

_ID = re.compile(r"[A-Za-z0-9_.-]{1,128}")
_CLONE = re.compile(r"((?:cosyvoice|qwen-audio)-v?[0-9.]+(?:-(?:plus|flash|tts-plus|tts-flash))?)-.+")
"""The id of a clone begins with the model that it was made for."""
_BY_ENDING: Mapping[str, str] = {"_v2": "cosyvoice-v2", "_v3": "cosyvoice-v3-flash"}
MANDARIN = ("zh-CN",)


@dataclass(frozen=True, kw_only=True, slots=True)
class VoiceFacts:
    """One row of the table."""

    voice: str
    """The vendor's id."""
    model: str
    name: str
    """The vendor's name for people."""
    languages: tuple[str, ...]
    """BCP 47, the main one first; never empty."""
    gender: Gender | None = None
    description: str = ""
    """In the vendor's words."""


@lru_cache(maxsize=1)
def voice_table() -> Mapping[str, VoiceFacts]:
    """The vendor's voices by id: those of the newest model first."""
    # importlib.resources takes longer to import than this to read
    shipped = pkgutil.get_data(__package__, FILE) or b""
    rows = map(_facts, csv.DictReader(shipped.decode().splitlines(), strict=True))
    return MappingProxyType({row.voice: row for row in rows})


def model_of(voice_id: str) -> str:
    """Which model speaks the voice, where the configuration names none."""
    return own_model(voice_id) or MODEL


def own_model(voice_id: str) -> str | None:
    """The only model that a voice belongs to, as far as the table or its id tells."""
    if voice_id in voice_table():
        return voice_table()[voice_id].model
    if clone := _CLONE.fullmatch(voice_id):
        return clone[1]
    return next((model for ending, model in _BY_ENDING.items() if voice_id.endswith(ending)), None)


def mismatch(voice_id: str, model: str) -> str | None:
    """In words, why this model cannot speak this voice; None where nothing is known against it.

    Models of one generation share voices: what is said of `cosyvoice-v3-flash` holds for `-plus`, as far as anybody tells.
    """
    own = own_model(voice_id)
    if own is None or _generation(own) == _generation(model):
        return None
    belongs = f"The voice {shortened(voice_id)} belongs to the model {own}, not to {shortened(model)}"
    return f"{belongs}: leave out `model`, or choose another voice."


def instructible(voice_id: str, model: str) -> bool:
    """Whether the voice takes words about how to speak: clones of models 3, and two of the vendor's own."""
    return voice_id in INSTRUCTIBLE or (voice_id not in voice_table() and model.startswith("cosyvoice-v3"))


def listed(engine: str, model: str | None) -> list[Voice]:
    """The table's voices; those of one model's generation, where the configuration names a model."""
    return [_voice(engine, facts) for facts in voice_table().values() if model is None or not mismatch(facts.voice, model)]


def is_listed(voice_id: str) -> bool:
    return voice_id in voice_table()


def unlisted(engine: str, voice_id: str) -> Voice | None:
    """A voice by its bare id; None if no id looks like that."""
    if not _ID.fullmatch(voice_id):
        return None
    guess = VoiceFacts(voice=voice_id, model="", name=voice_id, languages=MANDARIN)
    return _voice(engine, voice_table().get(voice_id, guess))


def _generation(model: str) -> str:
    """`cosyvoice-v3-flash` → `cosyvoice-v3`."""
    return model.removesuffix("-flash").removesuffix("-plus")


def _facts(row: Mapping[str, str]) -> VoiceFacts:
    return VoiceFacts(
        voice=row["voice"],
        model=row["model"],
        name=row["name"],
        languages=tuple(row["languages"].split()),
        gender=Gender(row["gender"]) if row["gender"] else None,
        description=row["description"],
    )


def _voice(engine: str, facts: VoiceFacts) -> Voice:
    return Voice(
        name=facts.voice,
        engine=engine,
        engine_voice=facts.voice,
        languages=facts.languages,
        description=facts.name,
        gender=facts.gender,
        scene=facts.description,
    )
