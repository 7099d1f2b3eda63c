"""Who can be chosen, and by which languages: Home Assistant compares tags letter by letter, and refuses what is not listed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from homeassistant.components import tts
from homeassistant.util import language as language_util

from ..api import Catalogue, Voice


def able(catalogue: Catalogue) -> list[Voice]:
    """Whoever may speak: not those whose consent nobody states."""
    return [voice for voice in catalogue.voices.values() if voice.consent or not voice.needs_consent]


def languages(voices: Iterable[Voice]) -> list[str]:
    """Full tags and base tags: zh-CN and zh."""
    tags = {tag for voice in voices for tag in _tags(voice)}
    return sorted(tags | {_base(tag) for tag in tags})


def choices(voices: Iterable[Voice], language: str) -> list[tts.Voice]:
    """Those for a language, in the server's order. Where a description is not one voice's alone, its engine stands beside it."""
    listed = [voice for voice in voices if speaks(voice, language)]
    heads = Counter(head for voice in listed for head in set(_heads(voice)))
    return [tts.Voice(voice.name, next(head for head in _heads(voice) if heads[head] == 1)) for voice in listed]


def speaks(voice: Voice, language: str) -> bool:
    """Also a variant of a base language, and whoever does not tell the variant."""
    return any(language in (tag, _base(tag)) or tag == _base(language) for tag in _tags(voice))


def default_language(catalogue: Catalogue, wanted: str, country: str | None) -> str:
    """The default voice's variant of `wanted`, or its main language: it is who speaks where nobody is named."""
    if (default := catalogue.voices.get(catalogue.default or "")) is not None:
        return variant(default, wanted, country)
    tags = languages(able(catalogue))
    return next(iter((*language_util.matches(wanted, tags, country), *tags)), wanted)


def variant(voice: Voice, wanted: str, country: str | None) -> str:
    """As which it speaks `wanted`, or its main language."""
    return next(iter(language_util.matches(wanted, _tags(voice), country)), voice.language)


def voice_for(catalogue: Catalogue, language: str) -> str | None:
    """The default voice where it speaks that language; None: the server knows who."""
    default = catalogue.voices.get(catalogue.default or "")
    return default.name if default is not None and speaks(default, language) else None


def _tags(voice: Voice) -> list[str]:
    return [tag for tag in dict.fromkeys((*voice.languages, voice.language)) if tag]


def _base(tag: str) -> str:
    return tag.partition("-")[0]


def _heads(voice: Voice) -> tuple[str, ...]:
    """What may stand for it in a list, the shortest first; the last is nobody else's."""
    title = voice.description or voice.name
    return title, f"{title} ({voice.engine})", f"{title} ({voice.name})", voice.name
