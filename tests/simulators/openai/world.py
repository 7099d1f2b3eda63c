"""What all requests share: how the service behaves, what it has seen, and what is to go wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from .faults import Faults
from .journal import Journal
from .profiles import Profile
from .sound import WavSize

KEY = "sk-simulator"
"""What a profile that needs a key takes, unless the options name another."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """How the service behaves. Changed at any time, they hold from the next request on. None: as the profile says."""

    pace: float = 0
    """Audio comes at so many times real time; 0: at once."""
    latency: float = 0
    """Seconds before status and headers."""
    delay: float = 0
    """Seconds between them and the first audio."""
    piece: float = 0.1
    """Seconds of audio in one write."""
    split: int = 0
    """Bytes that a write has at most, odd or not; 0: no limit."""
    cuts: tuple[int, ...] = ()
    """Bytes of the first writes, one by one, from the first byte of the body on: `(1,) * 44` is a WAV header byte by byte."""
    rate: int | None = None
    """Hz of the audio."""
    wav_size: WavSize | None = None
    """Where the answer is streamed; a whole one tells the truth."""
    whole: bool | None = None
    """With Content-Length, and nothing before all of it is made; otherwise chunked."""
    key: str | None = None
    """That a client must bring; "": none."""
    voices: tuple[str, ...] | None = None
    models: tuple[str, ...] | None = None
    extra_fields: tuple[str, ...] = ()
    """That a request may have beside the profile's."""
    keep_alive: bool = True
    """Otherwise each connection is closed after its answer."""


@dataclass(kw_only=True)
class World:
    """One service, from its start to its end."""

    profile: Profile
    options: Options
    journal: Journal = field(default_factory=Journal)
    faults: Faults = field(default_factory=Faults)

    @property
    def key(self) -> str:
        """Empty: none is needed."""
        if self.options.key is not None:
            return self.options.key
        return KEY if self.profile.needs_key else ""

    @property
    def voices(self) -> Sequence[str]:
        return self.profile.some_voices if self.options.voices is None else self.options.voices

    @property
    def models(self) -> Sequence[str]:
        return self.profile.some_models if self.options.models is None else self.options.models
