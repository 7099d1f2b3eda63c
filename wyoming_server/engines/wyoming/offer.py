"""What a Wyoming server says of itself: its `info`, read with care, as programs and voices. No I/O.

What one entry has wrong costs that entry, not the others. Numbers and lengths are limited, no name has a character that cannot
be seen, and the order is the server's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ...errors import EngineUnavailable, ProtocolError
from ...protocols.json_messages import section, shown

VOICES_MAX = 5_000
"""Voices and speakers of a program; more are left out."""
NAME_MAX = 128
"""Characters of a name."""
DESCRIPTION_MAX = 200
"""Characters."""
LANGUAGES_MAX = 200
"""Of one voice; more are left out."""
PROGRAMS_NAMED = 10
"""In an error."""

_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,4}")


@dataclass(frozen=True, kw_only=True, slots=True)
class OfferedVoice:
    """A voice, or one speaker of it."""

    name: str
    speaker: str | None = None
    languages: tuple[str, ...] = ()
    """BCP 47, as far as the server knows."""
    description: str = ""
    maker: str = ""
    version: str = ""
    """As its server has it: of the voice, not of the program."""

    @property
    def id(self) -> str:
        """What Herald calls it."""
        return self.name if self.speaker is None else f"{self.name}#{self.speaker}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """One program of a server."""

    program: str
    version: str
    streaming_text: bool
    """It takes a text in fragments."""
    voices: tuple[OfferedVoice, ...]
    """Those that are installed."""
    left_out: int = 0
    """Entries that could not be taken for voices, and what was beyond VOICES_MAX."""

    def voice(self, voice_id: str) -> OfferedVoice | None:
        return next((voice for voice in self.voices if voice.id == voice_id), None)


def read_offer(info: Mapping[str, Any], *, who: str, program: str | None = None) -> Offer:
    """The program of that name, else the first that is installed. `who` told it.

    Raises ProtocolError for what is no `info`, EngineUnavailable where there is no such program.
    """
    told = info.get("tts")
    programs = [entry for entry in told or () if isinstance(entry, dict)] if isinstance(told, list | None) else None
    if programs is None or (told and not programs):
        msg = f"The `info` of {who} is not as Wyoming has it: `tts` is no list of programs."
        raise ProtocolError(msg)
    installed = [entry for entry in programs if _is_installed(entry)]
    chosen = next((entry for entry in installed if program in (None, entry.get("name"))), None)
    if chosen is None:
        raise EngineUnavailable(_no_program(who, program, installed))
    if not isinstance(chosen.get("voices"), list):
        msg = f"The `info` of {who} is not as Wyoming has it: a program without a list of voices."
        raise ProtocolError(msg)
    return _offer(chosen)


def _no_program(who: str, program: str | None, installed: list[dict[str, Any]]) -> str:
    if program is None or not installed:
        return f"The Wyoming server at {who} offers no text-to-speech."
    names = ", ".join(visible(entry.get("name"), NAME_MAX) for entry in installed[:PROGRAMS_NAMED])
    return f"The Wyoming server at {who} has no installed program {program}; it has {names}."


def _offer(program: Mapping[str, Any]) -> Offer:
    entries = [entry for entry in program["voices"] if not isinstance(entry, dict) or _is_installed(entry)]
    found: dict[str, OfferedVoice] = {}
    beyond = bad = 0
    for entry in entries:
        voices = list(islice(_voices(entry), VOICES_MAX))
        bad += not voices
        for voice in voices:
            if len(found) < VOICES_MAX:
                found.setdefault(voice.id, voice)
            else:
                beyond += 1
    return Offer(
        program=visible(program.get("name"), NAME_MAX),
        version=visible(program.get("version"), NAME_MAX),
        streaming_text=program.get("supports_synthesize_streaming") is True,
        voices=tuple(found.values()),
        left_out=bad + beyond,
    )


def _voices(entry: Any) -> Iterator[OfferedVoice]:
    """The voice as it speaks by itself, then each of its speakers; none, where it has no proper name."""
    name = entry.get("name") if isinstance(entry, dict) else None
    if not _is_name(name):
        return
    description = visible(entry.get("description"), DESCRIPTION_MAX)
    facts: dict[str, Any] = {
        "name": name,
        "languages": _languages(entry.get("languages")),
        "maker": visible(section(entry, "attribution").get("name"), NAME_MAX),
        "version": visible(entry.get("version"), NAME_MAX),
    }
    yield OfferedVoice(description=description, **facts)
    speakers = entry.get("speakers")
    for told in speakers if isinstance(speakers, list) else ():
        speaker = told.get("name") if isinstance(told, dict) else None
        if _is_name(speaker):
            yield OfferedVoice(speaker=speaker, description=f"{description or name}, {speaker}", **facts)


def _is_installed(entry: Mapping[str, Any]) -> bool:
    """Servers in other languages than Python leave out what goes without saying."""
    return entry.get("installed") is not False


def _is_name(text: Any) -> bool:
    """It is sent back as it came, so it is taken as it is, or not at all."""
    return isinstance(text, str) and 0 < len(text) <= NAME_MAX and text.isprintable() and text.strip() == text


def _languages(told: Any) -> tuple[str, ...]:
    tags = (tag.replace("_", "-") for tag in told if isinstance(tag, str)) if isinstance(told, list) else ()
    return tuple(dict.fromkeys(islice((tag for tag in tags if _TAG.fullmatch(tag)), LANGUAGES_MAX)))


def visible(text: Any, limit: int) -> str:
    """A text for people: on one line, without what cannot be seen; "" for what is none."""
    line = "".join(char if char.isprintable() else " " for char in shown(text, limit))
    return " ".join(line.split())
