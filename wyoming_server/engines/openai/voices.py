"""The voices of a server: those that it tells, those of its row, and those that the user names. Data and look-ups only.

A voice that none of them knows may be a real person's; so is one that is made from a recording, whoever tells it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from typing import Any

from ...errors import ProtocolError
from ...models import RATE_MAX, RATE_MIN, Gender, Voice
from ...protocols.json_messages import number, shown
from .profiles import Profile

ID_MAX = 200
"""Characters of a voice's id."""
VOICES_MAX = 5_000
"""Voices of one list; more are left out."""
FACTS_KEPT = 100
"""Voices whose facts are put together once, not several times a request; clients may name them as they like."""
DESCRIPTION_MAX = 250
"""Characters."""

_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_LETTERED = re.compile(r"([a-z])([fm])_\w+(\([0-9.]{1,8}\))?", re.ASCII)
_GENDERS = {"f": Gender.FEMALE, "m": Gender.MALE, "female": Gender.FEMALE, "male": Gender.MALE, "neutral": Gender.NEUTRAL}
_ID_KEYS = ("id", "voice_id", "name", "voice")
_LANGUAGE_KEYS = ("languages", "language", "lang", "locale")
_LIST_KEYS = ("voices", "data", "items")
_UPLOADED = "uploaded_voices"
"""Where a server tells which of its voices were made from recordings."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VoiceFacts:
    """What is known of a voice; empty: nobody says."""

    languages: tuple[str, ...] = ()
    """BCP 47, the main one first."""
    gender: Gender | None = None
    description: str = ""
    model: str = ""
    """That speaks it."""
    rate: int | None = None
    """Hz of its audio."""
    recorded: bool = False
    """It is made from a recording of somebody."""


class Voices:
    """All that is known of an engine's voices; `told` is replaced whenever the server has been asked."""

    def __init__(self, row: Profile, configured: Mapping[str, Mapping[str, Any]], languages: tuple[str, ...]) -> None:
        self._told: Mapping[str, VoiceFacts] | None = None
        self._row = row
        self._configured = configured
        self._languages = languages or row.languages
        self._kept = lru_cache(FACTS_KEPT)(self._facts)

    @property
    def told(self) -> Mapping[str, VoiceFacts] | None:
        """By the server; None until it has told."""
        return self._told

    @told.setter
    def told(self, told: Mapping[str, VoiceFacts]) -> None:
        self._told = told
        self._kept.cache_clear()

    def listed(self, engine: str) -> list[Voice]:
        """The server's own list where it has told one, else the row's; behind them what only the user names."""
        ids = dict.fromkeys([*(self.told or self._row.known), *self._configured])
        return [self.voice(engine, voice_id) for voice_id in ids]

    def facts(self, voice_id: str) -> VoiceFacts:
        """What the user says counts first, then the server, then the row, then the id itself."""
        return self._kept(voice_id)

    def _facts(self, voice_id: str) -> VoiceFacts:
        known = (self.told or {}).get(voice_id, VoiceFacts())
        known = _filled(known, self._guess(voice_id))
        known = replace(known, **_said(self.said(voice_id)))
        return known if known.languages else replace(known, languages=self._languages)

    def said(self, voice_id: str) -> Mapping[str, Any]:
        """By the user."""
        return self._configured.get(voice_id, {})

    def voice(self, engine: str, voice_id: str) -> Voice:
        facts = self.facts(voice_id)
        return Voice(
            name=voice_id,
            engine=engine,
            engine_voice=voice_id,
            languages=facts.languages,
            description=facts.description or voice_id,
            gender=facts.gender,
        )

    def unlisted(self, engine: str, voice_id: str) -> Voice | None:
        """A voice by its bare id, where that is what the server takes: a client names no recording."""
        by_name = self._row.voice or voice_id in self._configured
        return self.voice(engine, voice_id) if by_name and is_id(voice_id) else None

    def needs_consent(self, voice_id: str) -> bool:
        """Whether it may be somebody's own. False where only the server's list can tell, and it has not told yet."""
        if self.said(voice_id).get("consent"):
            return False
        told = (self.told or {}).get(voice_id)
        if self._row.prompts or self.said(voice_id).get("ref_audio") or (told is not None and told.recorded):
            return True
        return told is None and not self._is_everybodys(voice_id) and not self.is_undecided(voice_id)

    def is_undecided(self, voice_id: str) -> bool:
        """Whether only the server's list can tell if it is somebody's own, and it has not told yet."""
        return bool(self._row.lists) and self.told is None and not (self._row.prompts or self._is_everybodys(voice_id))

    def _is_everybodys(self, voice_id: str) -> bool:
        return voice_id in self._configured or voice_id in self._row.known or bool(self._lettered(voice_id))

    def _guess(self, voice_id: str) -> VoiceFacts:
        if found := self._lettered(voice_id):
            return VoiceFacts(languages=(self._row.letters[found[1]],), gender=_GENDERS[found[2]])
        return VoiceFacts(gender=self._row.known.get(voice_id))

    def _lettered(self, voice_id: str) -> re.Match[str] | None:
        """The first part of an id, or a mixture of ids, that tells its language. All parts must be ids."""
        found = [_LETTERED.fullmatch(part) for part in re.split(r"[+-]", voice_id)]
        good = all(match is not None and match[1] in self._row.letters for match in found)
        return found[0] if good else None


def is_id(text: str) -> bool:
    """Whether a voice may be called so."""
    return 0 < len(text) <= ID_MAX and text.isprintable() and text.strip() == text


def is_tag(text: str) -> bool:
    """Whether it looks like a language's tag in BCP 47."""
    return _TAG.fullmatch(text.replace("_", "-")) is not None


def _filled(known: VoiceFacts, guess: VoiceFacts) -> VoiceFacts:
    return replace(known, languages=known.languages or guess.languages, gender=known.gender or guess.gender)


def _said(configured: Mapping[str, Any]) -> dict[str, Any]:
    """The user's own words as facts; what he leaves out is not among them."""
    said = {name: configured[name] for name in ("description", "model", "rate") if configured.get(name)}
    if configured.get("language"):
        said["languages"] = tuple(configured["language"])
    if configured.get("gender"):
        said["gender"] = Gender(configured["gender"])
    return said


def read_voices(body: bytes) -> Mapping[str, VoiceFacts]:
    """A server's list, in any of the shapes that are in use. Raises ProtocolError.

    Names or objects, one after the other or by name, in `voices`, `data` or alone; or below the models that speak them.
    """
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError) as error:
        msg = f"The list of voices is not JSON: {error}."
        raise ProtocolError(msg) from error
    found: dict[str, VoiceFacts] = {}
    for name, facts in islice(_of_answer(answer), VOICES_MAX):
        found.setdefault(name, facts)
    return found | _recorded(answer, found)


def _recorded(answer: Any, found: Mapping[str, VoiceFacts]) -> dict[str, VoiceFacts]:
    """Those that were made from recordings. vLLM-Omni tells them as they were uploaded, and lists them in small letters."""
    listed: dict[str, list[str]] = {}
    for name in found:
        listed.setdefault(name.lower(), []).append(name)
    room = VOICES_MAX - len(found)
    recorded: dict[str, VoiceFacts] = {}
    for name in _names(answer.get(_UPLOADED)) if isinstance(answer, dict) else ():
        same = listed.get(name.lower())
        if same is None and room > 0:
            same, room = [name], room - 1
        recorded |= {one: replace(found.get(one, VoiceFacts()), recorded=True) for one in same or ()}
    return recorded


def _of_answer(answer: Any) -> Iterator[tuple[str, VoiceFacts]]:
    if isinstance(answer, dict) and isinstance(answer.get("models"), list):
        for model in filter(_is_object, answer["models"]):
            shared = VoiceFacts(model=shown(model.get("id")), rate=_rate(model), languages=_languages(model))
            yield from _entries(model.get("voices"), shared)
        return
    listed = next((answer[key] for key in _LIST_KEYS if key in answer), answer) if isinstance(answer, dict) else answer
    yield from _entries(listed, VoiceFacts())


def _entries(listed: Any, shared: VoiceFacts) -> Iterator[tuple[str, VoiceFacts]]:
    """`shared`: what is told of all of them."""
    entries = listed if isinstance(listed, list) else []
    pairs = listed.items() if isinstance(listed, dict) else ((_name(entry), entry) for entry in entries)
    for name, entry in pairs:
        if isinstance(name, str) and is_id(name):
            yield name, _facts(entry if isinstance(entry, dict) else {}, shared)


def _facts(told: Mapping[str, Any], shared: VoiceFacts) -> VoiceFacts:
    return VoiceFacts(
        languages=_languages(told) or shared.languages,
        gender=_GENDERS.get(shown(told.get("gender")).lower()),
        description=shown(told.get("description"), DESCRIPTION_MAX),
        model=shown(told.get("model")) or shared.model,
        rate=_rate(told) or shared.rate,
    )


def _languages(told: Mapping[str, Any]) -> tuple[str, ...]:
    found = next((told[key] for key in _LANGUAGE_KEYS if told.get(key)), ())
    tags = [found] if isinstance(found, str) else found if isinstance(found, list) else []
    return tuple(_written(tag) for tag in tags if isinstance(tag, str) and is_tag(tag))


def _written(tag: str) -> str:
    """`en_us` as `en-US`."""
    language, *more = tag.replace("_", "-").split("-")
    return "-".join([language.lower(), *(part.upper() if len(part) == len("US") else part for part in more)])


def _rate(told: Mapping[str, Any]) -> int | None:
    rate = number(told.get("sample_rate"))
    return int(rate) if rate is not None and RATE_MIN <= rate <= RATE_MAX else None


def _names(listed: Any) -> Iterator[str]:
    for entry in listed if isinstance(listed, list) else []:
        name = _name(entry)
        if isinstance(name, str) and is_id(name):
            yield name


def _name(entry: Any) -> Any:
    return next((entry[key] for key in _ID_KEYS if key in entry), "") if isinstance(entry, dict) else entry


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)
