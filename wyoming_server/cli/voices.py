"""`herald voices`: a table on a terminal, lines with tabs in a pipe, or JSON."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Sequence

from ..errors import EngineUnavailable, UnknownVoice
from ..models import Voice
from . import table
from .setting import quiet_logs, run_until_done
from .speakers import speaker

COLUMNS = ("Name", "Language", "Gender", "Engine", "Description")


def run(arguments: Namespace) -> int:
    quiet_logs(arguments)
    voices = run_until_done(_voices(arguments))
    found = chosen(voices, arguments)
    if arguments.json:
        sys.stdout.write(f"{json.dumps([_object(voice) for voice in found], ensure_ascii=False, indent=2)}\n")
    elif not voices:
        msg = "There are no voices. To see why: herald check"
        raise EngineUnavailable(msg)
    elif not found:
        raise UnknownVoice(_none_fits(voices, arguments))
    else:
        table.tell(COLUMNS, map(_row, found), fixed="Name")
    return 0


def chosen(voices: Sequence[Voice], arguments: Namespace) -> list[Voice]:
    """Those that meet every wish."""
    return [voice for voice in voices if _wanted(voice, arguments)]


async def _voices(arguments: Namespace) -> Sequence[Voice]:
    async with speaker(arguments) as speaks:
        return await speaks.voices()


def _wanted(voice: Voice, arguments: Namespace) -> bool:
    return (
        (arguments.language is None or any(_speaks(tag, arguments.language) for tag in voice.languages))
        and arguments.engine in (None, voice.engine)
        and arguments.gender in (None, voice.gender)
    )


def _speaks(tag: str, wanted: str) -> bool:
    """Whether a language is the one wanted, or a more special one: zh-CN for zh."""
    stem = wanted.replace("_", "-").lower()
    return tag.lower() == stem or tag.lower().startswith(f"{stem}-")


def _none_fits(voices: Sequence[Voice], arguments: Namespace) -> str:
    """Why the list is empty, and what could be asked for instead."""
    asked = " ".join(f"--{name} {value}" for name in ("language", "engine", "gender") if (value := getattr(arguments, name)))
    languages = sorted({tag.partition("-")[0] for voice in voices for tag in voice.languages})
    engines = sorted({voice.engine for voice in voices})
    return f"No voice fits {asked}. The languages are {', '.join(languages)}; the engines {', '.join(engines)}."


def _row(voice: Voice) -> tuple[str, ...]:
    return voice.name, ", ".join(voice.languages), voice.gender or "", voice.engine, voice.description


def _object(voice: Voice) -> dict[str, object]:
    return {
        "name": voice.name,
        "languages": voice.languages,
        "gender": voice.gender,
        "engine": voice.engine,
        "engine_voice": voice.engine_voice,
        "description": voice.description,
        "scene": voice.scene,
        "emotions": voice.emotions,
    }
