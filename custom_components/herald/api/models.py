"""What a server tells, as values.

Each is made by `read` from the JSON of its API (docs/http.md). Unknown fields are passed over, so that a newer server can tell
more. Wrong ones raise KeyError, TypeError or ValueError, which the client calls NotHerald.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, Self

type Json = Mapping[str, Any]


class Model(Protocol):
    """What can be made of JSON."""

    @classmethod
    def read(cls, told: Json) -> Self: ...


class Kind(StrEnum):
    """Of a service that may need credentials."""

    ENGINE = "engine"
    CONVERTER = "converter"


class State(StrEnum):
    """Of an engine or a converter."""

    READY = "ready"
    UNTRIED = "untried"
    NOT_SET = "not_set"
    REFUSED = "refused"
    QUOTA = "quota"
    UNAVAILABLE = "unavailable"


class Outcome(StrEnum):
    """Of a session that has ended."""

    COMPLETED = "completed"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    LEFT = "left"


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    id: str
    """32 hex digits; it stays, whatever the address."""
    name: str
    version: str
    started: datetime
    revision: str
    """Of the catalogue: differs wherever anything that shapes the sound does."""
    formats: frozenset[str]
    fingerprint: str | None
    """SHA-256 of its certificate, 64 hex digits; None where the port speaks no TLS."""

    @classmethod
    def read(cls, told: Json) -> Self:
        tls = told["tls"]
        return cls(
            id=_text(told["id"]),
            name=_text(told["name"]),
            version=_text(told["version"]),
            started=_time(told["started"]),
            revision=_text(told["revision"]),
            formats=frozenset(told["capabilities"]["formats"]),
            fingerprint=None if tls is None else _text(tls["fingerprint"]),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class CredentialField:
    name: str
    label: str
    help: str
    kind: str
    """text, secret or url."""
    required: bool
    secret: bool
    set: bool
    source: str | None
    """environment, file or stored; None where it is not set."""
    read_only: bool
    """Set in the environment or a file, and to be changed only there."""

    @classmethod
    def read(cls, told: Json) -> Self:
        return cls(**{name: told[name] for name in cls.__slots__})


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """An engine or a converter."""

    name: str
    kind: Kind
    type: str
    title: str
    configured: bool
    state: State
    code: str | None
    message: str | None
    since: datetime | None
    any_of: tuple[tuple[str, ...], ...]
    """Sets of credentials of which any is enough; empty where it may work without."""
    credentials: tuple[CredentialField, ...]

    @classmethod
    def read(cls, told: Json) -> Self:
        since = told["since"]
        return cls(
            name=_text(told["name"]),
            kind=Kind(told["kind"]),
            type=_text(told["type"]),
            title=_text(told["title"]),
            configured=bool(told["configured"]),
            state=State(told["state"]),
            code=told["code"],
            message=told["message"],
            since=None if since is None else _time(since),
            any_of=tuple(tuple(names) for names in told["any_of"]),
            credentials=tuple(CredentialField.read(field) for field in told["credentials"]),
        )

    @property
    def failing(self) -> bool:
        """Whether somebody has something to mend."""
        return self.state in (State.NOT_SET, State.REFUSED, State.QUOTA, State.UNAVAILABLE)

    @property
    def stored(self) -> bool:
        """Whether the server stores credentials for it, which can be removed."""
        return any(field.source == "stored" for field in self.credentials)


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """Of a live trial of credentials."""

    ok: bool
    code: str | None
    message: str
    seconds: float

    @classmethod
    def read(cls, told: Json) -> Self:
        return cls(ok=bool(told["ok"]), code=told["code"], message=_text(told["message"]), seconds=float(told["seconds"]))


@dataclass(frozen=True, kw_only=True, slots=True)
class Voice:
    name: str
    """What requests say."""
    engine: str
    language: str
    """The main one; a BCP 47 tag."""
    languages: tuple[str, ...]
    gender: str | None
    description: str
    scene: str
    emotions: tuple[str, ...]
    configured: bool
    needs_consent: bool
    """It may be a real person's voice, and speaks only with `consent`."""
    consent: bool
    converter: str | None
    """The converter by which it is heard as somebody else."""

    @classmethod
    def read(cls, told: Json) -> Self:
        converter = told["converter"]
        return cls(
            name=_text(told["name"]),
            engine=_text(told["engine"]),
            language=_text(told["language"]),
            languages=tuple(_text(tag) for tag in told["languages"]),
            gender=told["gender"],
            description=_text(told["description"]),
            scene=_text(told["scene"]),
            emotions=tuple(told["emotions"]),
            configured=bool(told["configured"]),
            needs_consent=bool(told["needs_consent"]),
            consent=bool(told["consent"]),
            converter=None if converter is None else _text(converter["name"]),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Catalogue:
    revision: str
    default: str | None
    """The voice that speaks where none is named."""
    voices: Mapping[str, Voice]
    """By name."""

    @classmethod
    def read(cls, told: Json) -> Self:
        voices = [Voice.read(voice) for voice in told["voices"]]
        return cls(revision=_text(told["revision"]), default=told["default"], voices={voice.name: voice for voice in voices})


@dataclass(frozen=True, kw_only=True, slots=True)
class Spent:
    """Characters of an engine in a day or a month."""

    characters: int
    limit: int | None

    @classmethod
    def read(cls, told: Json) -> Self:
        limit = told["limit"]
        return cls(characters=_count(told["characters"]), limit=None if limit is None else _count(limit))


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    today: Mapping[str, Spent] = field(default_factory=dict)
    """By engine."""
    month: Mapping[str, Spent] = field(default_factory=dict)
    month_ends: datetime
    """The server's midnight at which it begins anew."""

    @classmethod
    def read(cls, told: Json) -> Self:
        today, month = (
            {name: Spent.read(spent) for name, spent in _object(told[period]["engines"]).items()} for period in ("today", "month")
        )
        return cls(today=today, month=month, month_ends=_time(told["month"]["ends"]))


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """Why another voice spoke than was asked for."""

    code: str
    message: str
    voice: str | None

    @classmethod
    def read(cls, told: Json) -> Self:
        return cls(code=_text(told["code"]), message=_text(told["message"]), voice=told["voice"])


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """A reply that was asked for, by any client."""

    id: str
    front_end: str
    client: str
    voice: str
    engine: str
    started: datetime
    characters: int
    audio_seconds: float
    first_audio: float | None
    """Seconds until there was something to hear."""

    @classmethod
    def read(cls, told: Json) -> Self:
        return cls(**_session(told))


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended(Session):
    """A session that has ended."""

    outcome: Outcome
    code: str | None
    message: str | None
    interrupt_seconds: float | None
    notice: Notice | None

    @classmethod
    def read(cls, told: Json) -> Self:
        notice = told["notice"]
        return cls(
            **_session(told),
            outcome=Outcome(told["outcome"]),
            code=told["code"],
            message=told["message"],
            interrupt_seconds=told["interrupt_seconds"],
            notice=None if notice is None else Notice.read(notice),
        )


def _session(told: Json) -> dict[str, Any]:
    names = ("id", "front_end", "client", "voice", "engine", "characters", "audio_seconds", "first_audio")
    return {**{name: told[name] for name in names}, "id": _text(told["id"]), "started": _time(told["started"])}


def _object(value: object) -> Json:
    if not isinstance(value, Mapping):
        msg = f"an object was expected, not {type(value).__name__}"
        raise TypeError(msg)
    return value


def _time(value: object) -> datetime:
    """A moment: without its zone, nobody could say which."""
    time = datetime.fromisoformat(_text(value))
    if time.tzinfo is None:
        msg = "a time without its zone"
        raise ValueError(msg)
    return time


def _count(value: object) -> int:
    if not isinstance(value, int):
        msg = f"a whole number was expected, not {type(value).__name__}"
        raise TypeError(msg)
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        msg = f"a text was expected, not {type(value).__name__}"
        raise TypeError(msg)
    return value
