"""How the server behaves, and what goes wrong: data only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from wyoming.info import Attribution, TtsProgram, TtsVoice, TtsVoiceSpeaker

from ..common import faults

_SOMEBODY = Attribution(name="somebody", url="")


@dataclass(frozen=True, kw_only=True)
class Voice:
    """One of a program's."""

    name: str
    languages: tuple[str, ...] = ("en_GB",)
    speakers: tuple[str, ...] = ()
    installed: bool = True
    description: str | None = None

    def told(self) -> TtsVoice:
        speakers = [TtsVoiceSpeaker(name=name) for name in self.speakers] or None
        return TtsVoice(
            name=self.name,
            attribution=_SOMEBODY,
            installed=self.installed,
            description=self.description,
            version=None,
            languages=list(self.languages),
            speakers=speakers,
        )


@dataclass(frozen=True, kw_only=True)
class Program:
    """One of the server's."""

    name: str
    voices: tuple[Voice, ...]
    installed: bool = True

    def told(self, *, streaming: bool) -> TtsProgram:
        return TtsProgram(
            name=self.name,
            attribution=_SOMEBODY,
            installed=self.installed,
            description=None,
            version="2.5.2",
            voices=[voice.told() for voice in self.voices],
            supports_synthesize_streaming=streaming,
        )


ALAN = Voice(name="en_GB-alan-medium", description="alan (medium)")
PIPER = Program(name="piper", voices=(ALAN, Voice(name="de_DE-thorsten-low", languages=("de_DE",))))


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How it does its work. The defaults are Piper's."""

    programs: tuple[Program, ...] = (PIPER,)
    info: Mapping[str, Any] | None = None
    """The data of `info`, whatever the programs are."""
    streaming: bool = True
    """It takes text in fragments."""
    advertised: bool | None = None
    """What it says about that; None: the truth."""
    takes: Literal["fragments", "copy", "both"] = "fragments"
    """What of a text stream it speaks: its fragments, the whole text that comes before its end, or each."""
    cycles: Literal["sentence", "stream"] = "sentence"
    """How often it begins anew with audio-start."""
    ends: Literal["stopped", "hangs up", "silent"] = "stopped"
    """How it ends a text stream."""
    rates: tuple[int, ...] = (22_050,)
    """Hz, of one cycle after the other."""
    channels: int = 1
    width: int = 2
    """Bytes of a sample, as it says."""
    piece: int = 2_048
    """Bytes in a chunk."""
    bare: bool = False
    """Chunks without a format of their own."""
    inline: bool = False
    """An event's data stands in its header line."""
    silent: str = ""
    """Text with this in it gets an audio-stop and nothing else."""


Stage = Literal[
    "connection",  # before anything is read
    "describe",
    "text",  # a text, or a fragment, came
    "audio-start",  # before it
    "audio",  # before the chunk that comes after `after` others of this connection
    "audio-stop",  # before it
    "end",  # before the end of a text stream is told
]
Kind = Literal["stall", "hang up", "reset", "error", "garbage", "unknown", "skip"]


@dataclass(frozen=True, kw_only=True)
class Fault(faults.Fault):
    """Strikes the first occasion that fits, `times` times."""

    kind: Kind
    on: Stage
    after: int = 0
    """Chunks."""
    where: str = ""
    """Only a text with this in it."""
    text: str = "No."
    """Of an error."""
    code: str | None = None
