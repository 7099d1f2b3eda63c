"""What went wrong, as an error for the user: rows of codes and words → what happened, what to do, and whether trying again helps.

The rows are each engine's own, and so is which code counts first. What no service tells, but only the clock, the line or the
codec, is here for all of them.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from enum import StrEnum

from ..errors import EngineError, EngineTimeout, EngineUnavailable, HeraldError, ProtocolError, TooLarge
from .attempts import Failed

TOLD_MAX = 300
"""Characters of a service's own message that are repeated."""
ECHO_MIN = 8
"""Characters of the text that are taken for a quotation of it where they stand in the service's message."""
MANY = math.inf
"""Retries, as often as the time for first audio allows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What was asked of whom: every message names it."""

    peer: str
    """The service, as people call it."""
    voice: str
    how: str
    """By what the service was told which model speaks, or what else may be wrong."""
    task_id: str = ""
    """The vendor's support asks for it."""

    def __str__(self) -> str:
        task_id = self.task_id if self.task_id.isprintable() else ""  # it is a peer's
        return ", ".join(filter(None, (f"voice {self.voice}", self.how, task_id and f"task id {task_id}")))


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One meaning."""

    codes: Collection[int | str] | None = None
    """`None`: whatever the code."""
    words: tuple[str, ...] = ()
    """One of them stands in the message, in small letters, `{voice}` being the one asked for; none: whatever the message."""
    error: type[HeraldError]
    says: str
    """What happened and what to do; `{voice}` and `{how}` of what was asked."""
    retries: float = 0

    def fits(self, code: int | str, message: str, voice: str) -> bool:
        words = [word.replace("{voice}", voice) for word in self.words]
        return (self.codes is None or code in self.codes) and (not words or any(word in message for word in words))


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """What a service told, whichever way."""

    codes: tuple[int | str, ...]
    """Those that may be in the table, the one that counts first in front: its own, then that of HTTP."""
    message: str
    sent: str = field(default="", repr=False)
    """The text that it may repeat, which is not for logs."""
    secret: str = field(default="", repr=False)
    """A credential that it may repeat."""


_ELSE = Row(error=EngineError, says="The service failed in a way that its documents do not tell; see its own words.")


def explained(rows: Sequence[Row], said: Said, asked: Asked) -> Failed:
    """The first row that fits counts."""
    message, voice = said.message.lower(), asked.voice.lower()
    row = next((row for code in said.codes for row in rows if row.fits(code, message, voice)), _ELSE)
    open_words = said.message.replace(said.secret, "…") if said.secret else said.message
    words = without(open_words[:TOLD_MAX], said.sent) + ("…" if len(open_words) > TOLD_MAX else "")
    told = " ".join([*_shown(said.codes), repr(words)])
    says = row.says.format(voice=asked.voice, how=asked.how)
    return Failed(row.error(f"{says} {asked.peer} said: {told} ({asked})."), row.retries)


def _shown(codes: Iterable[int | str]) -> list[str]:
    return [str(code) for code in codes if code]


def without(message: str, sent: str) -> str:
    """The message without what it quotes of the text that was sent."""
    quotation = min(ECHO_MIN, max(len(sent.strip()), 2))
    matcher = SequenceMatcher(None, "", sent, autojunk=False)
    while True:
        matcher.set_seq1(message)
        found = matcher.find_longest_match()
        if found.size < quotation:
            return message
        message = f"{message[: found.a]}…{message[found.a + found.size :]}"


class Late(StrEnum):
    """What did not happen in time."""

    LIST = "did not tell its voices"
    CONNECT = "did not accept a connection"
    START = "did not begin a session"
    FIRST_AUDIO = "sent no audio"
    MORE_AUDIO = "sent no more audio"


def late(what: Late, seconds: float, asked: Asked) -> Failed:
    return Failed(EngineTimeout(f"{asked.peer} {what} within {seconds:g} s ({asked})."), retries=MANY)


def broken(error: ProtocolError | TooLarge, asked: Asked) -> Failed:
    """What came is not the protocol."""
    return Failed(EngineError(f"What {asked.peer} sent cannot be read: {error} ({asked})."), retries=1)


def lost(error: HeraldError, asked: Asked) -> Failed:
    """The connection ended before the speech did."""
    return Failed(EngineUnavailable(f"{error} The speech is not complete ({asked})."), retries=2)
