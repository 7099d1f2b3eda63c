"""The recordings that the service may imitate: prompts, which are its voices, and emotions.

They have names, which only the configuration gives; what they stand for is a path on the service's machine. A path from anybody
else is never sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import voluptuous as vol

from ...errors import BadSetting, ConfigError
from ...models import Gender, Voice, shortened
from ...protocols.indextts import EMOTIONS, NAME_MAX

DEFAULT_VOICE = "default"
"""The one of a service that is sent no prompt. Only where no prompts are configured."""
CALLED_MAX = 100
"""Characters of the name of a prompt or an emotion."""
DESCRIPTION_MAX = 1_000
LISTED_MAX = 20
"""Names in an error; the others are counted."""

_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")


def languages(given: Any) -> tuple[str, ...]:
    """Tags, the main one first, of a list or of text with commas. Raises vol.Invalid."""
    tags = [tag.strip() for tag in given.split(",")] if isinstance(given, str) else given
    if not isinstance(tags, list) or not tags or not all(isinstance(tag, str) and _TAG.fullmatch(tag) for tag in tags):
        msg = f"expected one or several language tags such as zh-CN, not {shortened(given)}"
        raise vol.Invalid(msg)
    return tuple(tags)


PATH = vol.All(str, vol.Length(min=1, max=NAME_MAX))
_PROMPT = vol.Schema(
    {
        vol.Required("file"): PATH,
        vol.Optional("language"): languages,
        vol.Optional("description", default=""): vol.All(str, vol.Length(max=DESCRIPTION_MAX)),
        vol.Optional("gender", default=None): vol.Maybe(vol.In(tuple(map(str, Gender)))),
        vol.Optional("consent", default=False): vol.Boolean(),
    }
)


def prompt(given: Any) -> dict[str, Any]:
    """A prompt as herald.yaml has it, a path or a mapping with more about it, as the latter. Raises vol.Invalid."""
    if not isinstance(given, str | Mapping):
        msg = "expected a path, or `file` with language, description, gender and consent"
        raise vol.Invalid(msg)
    try:
        found: dict[str, Any] = _PROMPT({"file": given} if isinstance(given, str) else dict(given))
    except vol.MultipleInvalid as invalid:
        msg = f"{'.'.join(map(str, invalid.path))}: {invalid.msg}"
        raise vol.Invalid(msg) from invalid
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class Prompt:
    """Whom the service imitates."""

    file: str
    """Path on the service's machine; empty: none is sent."""
    languages: tuple[str, ...]
    description: str = ""
    gender: Gender | None = None
    consent: bool = False
    """The speaker agreed."""

    def voice(self, name: str, engine: str) -> Voice:
        return Voice(
            name=name,
            engine=engine,
            engine_voice=name,
            languages=self.languages,
            description=self.description or name,
            gender=self.gender,
            emotions=EMOTIONS,
            consent=self.consent,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Files:
    """Those of one engine, by name."""

    prompts: Mapping[str, Prompt]
    """Never empty."""
    emotions: Mapping[str, str] = field(default_factory=dict)
    """Name → path."""

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Self:
        """Raises ConfigError for a name that no voice can have."""
        for kind in ("prompts", "emotions"):
            for name in options[kind]:
                _check_name(kind, name)
        prompts = {name: _prompt(entry, options["language"]) for name, entry in options["prompts"].items()}
        return cls(
            prompts=prompts or {DEFAULT_VOICE: Prompt(file="", languages=options["language"])}, emotions=dict(options["emotions"])
        )

    def missing(self, voice_id: str) -> str | None:
        """Why that is no voice; `None` if it is one."""
        if voice_id in self.prompts:
            return None
        return f"There is no prompt {shortened(voice_id)} among `prompts` of the engine: they are {_listed(self.prompts)}."

    def needs_consent(self, voice_id: str) -> bool:
        """A prompt is a real person's voice. Nobody knows whom a service without a prompt imitates: that is its own affair."""
        found = self.prompts.get(voice_id)
        return found is None or not (found.consent or not found.file)

    def emotion(self, name: str) -> str:
        """The path of a recording whose mood is imitated. Raises BadSetting."""
        if name in self.emotions:
            return self.emotions[name]
        found = self.prompts.get(name)
        if found is None or not found.file:
            names = _listed({**self.emotions, **{name: one for name, one in self.prompts.items() if one.file}})
            msg = f"emo_audio is a name among `emotions` or `prompts` of the engine, not {shortened(name)}: they are {names}."
            raise BadSetting(msg)
        return found.file


def _prompt(entry: Mapping[str, Any], default: tuple[str, ...]) -> Prompt:
    return Prompt(
        file=entry["file"],
        languages=entry.get("language", default),
        description=entry["description"],
        gender=Gender(entry["gender"]) if entry["gender"] else None,
        consent=entry["consent"],
    )


def _check_name(kind: str, name: str) -> None:
    if not (0 < len(name) <= CALLED_MAX and name.isprintable() and name.strip() == name):
        msg = f"{kind} have names of 1 to {CALLED_MAX} characters, without control characters or spaces around it, not {name!r}"
        raise ConfigError(msg)


def _listed(names: Iterable[str]) -> str:
    known = sorted(names)
    more = [f"and {len(known) - LISTED_MAX} more"] if len(known) > LISTED_MAX else []
    return ", ".join([*known[:LISTED_MAX], *more]) or "none"
