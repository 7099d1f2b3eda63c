"""What all connections share: how the service behaves, who may use it, what it has seen, and what is to go wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ..common import world
from .faults import Faults
from .journal import Entry, Journal, What

SPEAKERS = (
    "zh_female_qingxin_stream",
    "zh_female_tianmei_stream",
    "zh_male_chunhou_stream",
    "zh_male_commentate_stream",
    "zh_male_huoli_stream",
    "zh_male_xiaohai_stream",
    "zh_female_sichuan_stream",
    "zh_male_rap_stream",
    "zh_female_xiaoqian_stream",
    "zh_male_xiaojian_stream",
)
"""The page's ten."""
Shape = Literal["binary", "text", "event"]
"""Audio as a binary message; as `data` of a text message without an event; with one that nobody knows."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """The one customer."""

    appkey: str = "sami-appkey"
    access_key: str = "access-key"
    secret_key: str = "secret-key"
    token: str | None = "sami-token"
    """From the console, good for ever; None: only those of GetToken are good."""
    tokens_per_minute: int | None = None
    """GetToken calls; None: any number. The real service is said to take one."""
    tells_expiry: bool = True
    """Whether GetToken answers `expires_at`."""
    is_open: bool = True
    """Whether the service was opened, and is paid."""


@dataclass(frozen=True, kw_only=True)
class Options(world.Options):
    """How the service behaves. Changed at any time, they hold from the next task on."""

    account: Account = field(default_factory=Account)
    speakers: tuple[str, ...] = SPEAKERS
    invalid_speaker: Literal["failed", "status", "body"] = "failed"
    """How another speaker is refused: TaskFailed; TaskStarted with a bad status; the body of the HTTP 400 as a text message."""
    bad_token: Literal["task", "handshake"] = "task"
    """Where a token is looked at: in every text message; in the handshake's SAMI-Token, too (401)."""
    latency: float = 0
    """Seconds before a StartTask is answered."""
    delay: float = 0
    """Seconds from audio that came in to what is made of it."""
    hold: float = 0
    """Seconds of output that are held back until FinishTask came."""
    burst: float = 0
    """Seconds of output that come at once, after as long a silence."""
    pace: float = 0
    """Output comes at so many times real time at most; 0: as fast as it can."""
    piece: float = 0.1
    """Seconds of output in a message, more or less, unless `downstream_align` is asked for; 0: what was made of one message."""
    shapes: tuple[Shape, ...] = ("binary", "text", "event")
    """Of the messages with audio, in turn."""
    last: Literal["in TaskFinished", "before"] = "in TaskFinished"
    """Where the last audio is."""
    splits_samples: bool = False
    """Messages with audio end in the middle of a sample."""
    duration_max: float | None = None
    """Seconds of audio that a task takes."""
    data_max: int = 64 << 10
    """Bytes of audio that a message may bring up."""
    closes: bool = False
    """After TaskFinished, with 1000."""
    closes_after_failure: bool = True


@dataclass(kw_only=True)
class World(world.World[What, Entry, Options, Faults]):
    """One service, from its start to its end."""

    journal: Journal = field(default_factory=Journal)
    faults: Faults = field(default_factory=Faults)
