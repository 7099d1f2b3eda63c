"""What is told and counted of one reply, in values: while it runs, and when it is over."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import HeraldError
from ..models import Notice
from ..progress import Part
from ..sessions import End, Outcome, Session
from .hub import Json

NAME_MAX = 256
"""Characters of a name that a client chose: no front end takes longer ones."""
MESSAGE_MAX = 500
"""Characters of a message."""
QUOTATION_MIN = 8
"""Characters of a quotation that may tell something of the text."""

_QUOTATION = re.compile(rf"(?<!\w)(?:'(?:[^'\\]|\\.){{{QUOTATION_MIN},}}'|\"(?:[^\"\\]|\\.){{{QUOTATION_MIN},}}\")(?!\w)")
_SERVICE_SAID = re.compile(r" said: (?:\S+ ){0,2}$")
"""What `upstream.failures` puts before a service's own words, out of which it has taken the text already."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """A reply that is over."""

    session: str
    """As its client named it, or as Herald did."""
    front_end: str
    client: str
    voice: str
    engine: str
    """That spoke it, or was to; empty: nobody knows."""
    asked: bool
    """The engine was at work for it."""
    shared: bool
    """At what another reply had asked for."""
    outcome: Outcome
    code: str | None
    """Of the interrupt, or the failure."""
    message: str | None
    characters: int
    audio_seconds: float
    parts: Mapping[str, Part]
    """What each engine did of it, by its name."""
    interrupt_seconds: float | None
    notice: dict[str, Json] | None
    """What there was to know of it, such as that another voice spoke, and why."""

    @classmethod
    def of(cls, session: Session, end: End) -> Ended:
        progress = session.progress
        return cls(
            session=session.id[:NAME_MAX],
            front_end=session.front_end,
            client=session.client[:NAME_MAX],
            voice=(progress.voice or session.voice)[:NAME_MAX],
            engine=progress.engine,
            asked=progress.asked,
            shared=progress.shared,
            outcome=end.outcome,
            code=end.error.code if end.error is not None else None,
            message=words(end.error) if end.error is not None else None,
            characters=progress.characters,
            audio_seconds=progress.audio_seconds,
            parts=progress.parts,
            interrupt_seconds=end.interrupt_seconds,
            notice=_noticed(progress.notice),
        )


def described(session: Session) -> dict[str, Json]:
    """One that runs, as the HTTP API tells it."""
    progress = session.progress
    heard = progress.first_audio
    return {
        "id": session.id[:NAME_MAX],
        "front_end": session.front_end,
        "client": session.client[:NAME_MAX],
        "voice": (progress.voice or session.voice)[:NAME_MAX],
        "engine": progress.engine,
        "started": session.started.isoformat(),
        "characters": progress.characters,
        "audio_seconds": round(progress.audio_seconds, 3),
        "first_audio": round(heard - session.since, 6) if heard is not None else None,
        "state": _state(session),
        "position": progress.position,
    }


def _noticed(notice: Notice | None) -> dict[str, Json] | None:
    if notice is None:
        return None
    return {"code": notice.code, "message": words(notice), "voice": notice.voice[:NAME_MAX] or None}


def words(error: HeraldError | Notice) -> str:
    """What it says, shorter if need be, and without what it may quote of the text."""
    said = error.text if isinstance(error, Notice) else str(error)
    said = _QUOTATION.sub(lambda found: found[0] if _SERVICE_SAID.search(said, 0, found.start()) else "'…'", said)
    return said if len(said) <= MESSAGE_MAX else f"{said[: MESSAGE_MAX - 1]}…"


def _state(session: Session) -> str:
    """Waiting for its turn, for the engine's first audio, or for nothing any more."""
    progress = session.progress
    if progress.first_audio is not None:
        return "speaking"
    return "thinking" if progress.asked and progress.position is None else "waiting"
