"""Which keys herald.yaml has, and what each may be. Defaults stand in `values`, engines' own keys in the engines.

docs/configuration.md says the same for people; a test holds the two together.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import voluptuous as vol

from ..converters.registry import CONVERTERS
from ..engines.registry import ENGINES
from ..models import RATE_MAX, RATE_MIN, SETTING_NAMES, SETTING_RANGES, Gender, OnFailure
from ..networks import Networks, networks_of
from .fields import Check, Items, Value, unseen

NAME_MAX = 100
"""Characters of the name of a voice or an alias."""
SOCKET_PATH_MAX = 107
"""Bytes of a Unix socket's path on Linux."""
PORT_MAX = 65_535
CHARACTERS_MAX = 10**12
"""Of a limit."""
_DNS_LABEL_MAX = 63

ENGINE_NAME_PATTERN = r"[a-z][a-z0-9_-]*"
_LANGUAGE = r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*"
_HOST = r"[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?"


def _whole(low: int, high: int, unit: str = "") -> Value:
    return Value(vol.All(int, vol.Range(low, high)), unit=unit)


def _number(low: float, high: float, unit: str = "") -> Value:
    return Value(vol.All(vol.Any(int, float), vol.Range(low, high)), unit=unit)


def _limit(high: int, unit: str = "") -> Value:
    """One that need not be there."""
    return Value(vol.Maybe(vol.All(int, vol.Range(1, high))), f"a whole number from 1 to {high}, or none", unit)


def _time(low: float, high: float) -> Value:
    """One that need not be there."""
    check = vol.Maybe(vol.All(vol.Any(int, float), vol.Range(low, high)))
    return Value(check, f"a number from {low:g} to {high:g}, or none", "seconds")


def _one_of(*words: str) -> Value:
    return Value(vol.All(str, vol.Lower, vol.In(words)))


def _matches(pattern: str, words: str) -> Value:
    return Value(vol.All(str, vol.Match(re.compile(rf"(?:{pattern})\Z"))), words)


def _name(text: str) -> str:
    """A name that can be said, shown and logged: no control character, no line break."""
    if not 1 <= len(text) <= NAME_MAX or text != text.strip() or any(unicodedata.category(c) in ("Cc", "Zl", "Zp") for c in text):
        raise ValueError
    return text


def _uri(text: str) -> str:
    """An address to listen on."""
    parts = urlsplit(text)
    if parts.scheme == "unix":
        good = not parts.netloc and parts.path.startswith("/") and 1 < len(parts.path.encode()) <= SOCKET_PATH_MAX
    else:
        good = parts.scheme == "tcp" and bool(parts.hostname) and parts.port is not None and not parts.path
    if not good or "@" in parts.netloc or parts.query or parts.fragment or re.search(r"\s", text):
        raise ValueError
    return text


def _network(text: str) -> str:
    networks_of(text)
    return text.lower()


def _service_name(text: str) -> str:
    if len(_name(text).encode()) > _DNS_LABEL_MAX:
        raise ValueError
    return text


def _file(text: str) -> Path:
    if not text.startswith("/") or "\0" in text:
        raise ValueError
    return Path(text)


NAME = Value(vol.All(str, _name), f"a name of 1 to {NAME_MAX} characters, without control characters or spaces around it")
ENGINE_NAME = _matches(ENGINE_NAME_PATTERN, "a name of small letters, digits, _ and -, with a letter first")
LANGUAGE = _matches(_LANGUAGE, "a language tag such as en-GB or zh-CN")
TEXT = Value(str)
FLAG = Value(bool)
FILE = Value(vol.Maybe(vol.All(str, _file)), "an absolute path, such as /etc/herald/herald.pem")
ADVERTISED = Value(vol.Any(bool, vol.All(str, _service_name)), f"true, false, or a name of at most {_DNS_LABEL_MAX} bytes")

WYOMING: Mapping[str, Check] = {
    "uri": Items(Value(vol.All(str, _uri), "tcp://HOST:PORT, tcp://[::]:PORT or unix:///path"), tuple),
    "rate": Value(vol.Maybe(vol.All(int, vol.Range(RATE_MIN, RATE_MAX))), f"a whole number from {RATE_MIN} to {RATE_MAX}", "Hz"),
    "allow": Items(Value(vol.All(str, _network), "private, loopback, any, or a network such as 192.168.1.0/24"), Networks.parse),
    "max_connections": _whole(1, 10_000),
    "max_text": _whole(1, 1_000_000, "characters"),
    "text_timeout": _number(1, 3_600, "seconds"),
    "write_timeout": _number(1, 3_600, "seconds"),
    "zeroconf": ADVERTISED,
}

HTTP: Mapping[str, Check] = {
    "enabled": FLAG,
    "host": _matches(rf"{_HOST}|[0-9A-Fa-f:.]+", "an address such as 0.0.0.0 or ::, or a host name"),
    "port": _whole(0, PORT_MAX),
    "indextts_port": Value(vol.Maybe(vol.All(int, vol.Range(0, PORT_MAX))), f"a whole number from 0 to {PORT_MAX}"),
    "max_connections": _whole(1, 10_000),
    "request_timeout": _number(1, 3_600, "seconds"),
    "max_text": _whole(1, 1_000_000, "characters"),
    "text_timeout": _number(1, 3_600, "seconds"),
    "allowed_hosts": Items(_matches(_HOST, "a host name such as herald.example.net, without scheme and port"), tuple),
    "tls": FLAG,
    "tls_certificate": FILE,
    "tls_key": FILE,
    "zeroconf": ADVERTISED,
}

LOG: Mapping[str, Check] = {
    "level": _one_of("debug", "info", "warning", "error"),
    "format": _one_of("text", "json"),
}

CACHE: Mapping[str, Check] = {
    "enabled": FLAG,
    "size": _whole(1, 1_048_576, "MiB"),
    "max_text": _whole(1, 10_000, "characters"),
}

LIMITS: Mapping[str, Check] = {
    "requests_per_minute": _limit(6_000),
}

ENGINE_TYPE = _one_of(*ENGINES)

ENGINE: Mapping[str, Check] = {
    "type": ENGINE_TYPE,
    "enabled": FLAG,
    "max_text": _limit(1_000_000, "characters"),
    "characters_per_day": _limit(CHARACTERS_MAX, "characters"),
    "characters_per_month": _limit(CHARACTERS_MAX, "characters"),
    "total_timeout": _number(1, 86_400, "seconds"),
    "breaker_failures": _whole(0, 1_000),
    "breaker_seconds": _number(1, 86_400, "seconds"),
}
"""Beside these, each engine's own."""

CONVERTER_TYPE = _one_of(*CONVERTERS)

CONVERTER: Mapping[str, Check] = {
    "type": CONVERTER_TYPE,
    "enabled": FLAG,
}
"""Beside these, each converter's own."""

CHOICE: Mapping[Any, Any] = {
    vol.Required("type"): _matches(ENGINE_NAME_PATTERN, "the name of a converter"),
    vol.Required("speaker"): Value(vol.All(str, _name), "the converter's id of a speaker"),
    "on_failure": Value(vol.All(vol.In(list(OnFailure)), vol.Coerce(OnFailure))),
    "consent": FLAG,
}
"""A voice's converter. Beside these, the settings that only its converter knows."""

SETTINGS: Mapping[str, Check] = {
    name: _number(*SETTING_RANGES[name]) if name in SETTING_RANGES else TEXT for name in SETTING_NAMES
}

VOICE: Mapping[Any, Any] = {
    vol.Required("engine"): _matches(ENGINE_NAME_PATTERN, "the name of an engine"),
    "voice": Value(vol.All(str, _name), "the engine's id of a voice"),
    "language": Items(LANGUAGE, tuple),
    "gender": Value(vol.All(vol.In(list(Gender)), vol.Coerce(Gender))),
    "description": TEXT,
    **SETTINGS,
    "speakable_text": FLAG,
    "even_loudness": FLAG,
    "trim_silence": FLAG,
    "aliases": Items(NAME, tuple),
    "consent": FLAG,
    "cache": FLAG,
    "fallback": Items(NAME, tuple),
    "first_audio_timeout": _time(0.1, 300),
    "hedge": _time(0.05, 300),
    "converter": unseen,
}
"""Beside these, the voice settings that only its engine knows."""

SECTIONS: Mapping[str, Mapping[str, Check]] = {"wyoming": WYOMING, "http": HTTP, "log": LOG, "cache": CACHE, "limits": LIMITS}

NAMED: Mapping[str, tuple[str, ...]] = {"engines": tuple(ENGINES), "converters": tuple(CONVERTERS), "voices": (), "aliases": ()}
"""Sections whose keys are names of the user's, and names known there before any."""

TOP_KEYS = (*SECTIONS, *NAMED, "default_voice", "fallback")
