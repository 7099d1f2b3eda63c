"""The configuration as the rest of Herald sees it: frozen values with their defaults, which stand nowhere else.

Names are those of herald.yaml. What a value may be stands in `schema`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from ..models import ConverterChoice, Gender, VoiceSettings
from ..networks import Networks

_HOME = Networks.parse(("private", "loopback"))


@dataclass(frozen=True, kw_only=True, slots=True)
class WyomingConfig:
    """The Wyoming server."""

    uri: tuple[str, ...] = ("tcp://0.0.0.0:10230",)
    """Where it listens: tcp://HOST:PORT, tcp://[::]:PORT, unix:///path."""
    rate: int | None = None
    """Hz of every reply that does not ask for a rate itself; `None`: the engine's own."""
    allow: Networks = _HOME
    """Who may connect."""
    max_connections: int = 200
    """Clients at the same time."""
    max_text: int = 50_000
    """Characters in one request."""
    text_timeout: float = 60
    """Seconds that an open text stream may bring nothing."""
    write_timeout: float = 30
    """Seconds that one write may stall because the client takes no audio."""
    zeroconf: bool | str = False
    """Whether to advertise `_wyoming._tcp`; a text is the name to advertise."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpConfig:
    """The HTTP server."""

    enabled: bool = True
    host: str = "0.0.0.0"  # noqa: S104  # pairing needs the network; anyone but loopback needs the token
    """Address or host name to listen on."""
    port: int = 10231
    """TCP port; 0 takes any free one."""
    indextts_port: int | None = None
    """TCP port of the IndexTTS front end alone, for clients that know no path and no token; `None`: only /ws/v1/indextts."""
    max_connections: int = 100
    """Clients at the same time."""
    request_timeout: float = 10
    """Seconds until a request's head and body must have come whole."""
    max_text: int = 50_000
    """Characters in one session of a websocket, or in one request."""
    text_timeout: float = 60
    """Seconds that an open text stream may bring nothing."""
    allowed_hosts: tuple[str, ...] = ()
    """Host names accepted beside IP addresses, localhost, the machine's own name with or without .local."""
    tls: bool = False
    """Whether `port` speaks TLS. Without files of the owner's, its certificate is made at the first start."""
    tls_certificate: Path | None = None
    """The owner's own certificate and those that it rests on, in PEM; together with its key."""
    tls_key: Path | None = None
    """The private key of that certificate, in PEM, without a password."""
    zeroconf: bool | str = True
    """Whether to advertise `_herald._tcp`, where others than this machine can come; a text is the name to advertise."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LogConfig:
    """What is logged, and how."""

    level: str = "info"
    """debug | info | warning | error"""
    format: str = "text"
    """text | json"""


@dataclass(frozen=True, kw_only=True, slots=True)
class LimitsConfig:
    """How much one client may ask for."""

    requests_per_minute: int | None = None
    """Replies that one address may ask for within a minute, at whatever front end; `None`: as many as it likes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CacheConfig:
    """Finished replies, kept to be heard again."""

    enabled: bool = True
    size: int = 256
    """MiB of all of them together."""
    max_text: int = 500
    """Characters of a text whose reply is kept."""


class Source(StrEnum):
    """Who said a value. Each beats those below it."""

    ENVIRONMENT = "environment"
    FILE = "file"
    STORED = "stored"
    """Entered while Herald ran: the only ones that can be changed so."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineConfig:
    """One speech engine that is switched on."""

    name: str
    type: str
    """Which engine it is: a name of the registry."""
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The engine's own keys, checked, with its defaults. May hold credentials, and so is never shown."""
    sources: Mapping[str, Source] = field(default_factory=dict)
    """Of the options that somebody said."""
    max_text: int | None = None
    """Characters of one text that it is given; `None`: as many as the front end takes."""
    characters_per_day: int | None = None
    """That it may take; `None`: no limit."""
    characters_per_month: int | None = None
    """That it may take; `None`: no limit."""
    total_timeout: float = 600
    """Seconds that it may be waited for in one reply, beside those that it takes to hear what it has made."""
    breaker_failures: int = 5
    """Failures in a row after which it is not asked for a while; 0: it always is."""
    breaker_seconds: float = 30
    """How long that while is; then one request at a time tries it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ConverterConfig:
    """One voice converter that is switched on."""

    name: str
    type: str
    """Which converter it is: a name of the registry."""
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The converter's own keys, checked, with its defaults. May hold credentials, and so is never shown."""
    sources: Mapping[str, Source] = field(default_factory=dict)
    """Of the options that somebody said."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VoiceConfig:
    """One voice: an engine's voice under a name of its own, with settings."""

    name: str
    engine: str
    """Name of the engine that speaks it; it is configured."""
    voice: str
    """The engine's own id of the voice; the name, where herald.yaml has none."""
    languages: tuple[str, ...] = ()
    """BCP 47 tags, the main one first (key `language`); empty: as the engine says."""
    gender: Gender | None = None
    """`None`: as the engine says."""
    description: str = ""
    """For people."""
    settings: VoiceSettings = VoiceSettings()
    """In herald.yaml these keys stand directly in the voice."""
    speakable_text: bool = True
    """Strip markdown, links, tables and emoji before speaking."""
    even_loudness: bool = True
    """Apply the learned gain, so that this voice is as loud as the others."""
    trim_silence: bool = True
    """Drop the silence before a reply's first sound."""
    aliases: tuple[str, ...] = ()
    """Other names that clients may use."""
    consent: bool = False
    """The speaker agreed to be cloned, prompted or imitated."""
    fallback: tuple[str, ...] = ()
    """Voices that speak instead when this one fails, the first first."""
    first_audio_timeout: float | None = None
    """Seconds that its engine has until first audio; `None`: as the engine's own option says."""
    hedge: float | None = None
    """Seconds after which the first fallback is asked too, if nothing is heard yet; `None`: never."""
    converter: ConverterChoice | None = None
    """Another speaker, as whom this voice is heard."""
    cache: bool = True
    """Keep what it said, to be heard again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Config:
    """Everything that Herald was told."""

    wyoming: WyomingConfig = WyomingConfig()
    http: HttpConfig = HttpConfig()
    log: LogConfig = LogConfig()
    cache: CacheConfig = CacheConfig()
    limits: LimitsConfig = LimitsConfig()
    engines: Mapping[str, EngineConfig] = field(default_factory=dict)
    """By name, in the file's order. `espeak` is always there unless it is switched off."""
    converters: Mapping[str, ConverterConfig] = field(default_factory=dict)
    """By name, in the file's order."""
    voices: Mapping[str, VoiceConfig] = field(default_factory=dict)
    """By name, in the file's order."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Another name → a voice: a configured one, `engine/id`, or a language."""
    default_voice: str | None = None
    """A voice, an alias or a language; `None`: one that speaks the system's language."""
    fallback: str = "espeak"
    """Who speaks when a voice and all its own fallbacks fail: a voice, an alias or a language.

    `espeak`: eSpeak NG, in the language of what is to be spoken; `none`: nobody.
    """
    source: Path | None = None
    """The file that was read."""
    unused: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict, compare=False)
    """Section → name → credentials that are stored for it, where nothing of this name is configured: it changes nothing else."""
