"""What Herald is configured with: every engine in front of its simulator, and voices with all that a voice may have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from .services import Service

WITHIN = 0.3
"""Seconds that anything is waited for, where a service stalls."""
OTHER = 0.35
"""The same, as a changed configuration has it."""
TOTAL = 1
"""Seconds that the slowest engine may take: the least that can be said."""
POOR = 2000
"""Characters that one engine may take in a day: it is soon poor."""
SHORT = 60
"""Characters of one text that another takes."""

TONE = 0.02
"""Seconds that the test tone makes of a character."""
TONES = ("tone", "turns", "stalling", "poor", "short")
"""Engines of that type."""

NATIVE: Mapping[str, str] = {
    "v1": "zh_female_wanwanxiaohe_moon_bigtts",
    "openspeech": "zh_female_vv_uranus_bigtts",
    "aliyun": "longxiaochun_v2",
    "cosyvoice": "中文女",
    "dashscope": "longanyang",
    "openai": "alloy",
    "indextts": "mum",
    "wyoming": "en_GB-alan-medium",
    "tone": "tone",
    "espeak": "en-GB",
}
"""A voice of each engine."""


@dataclass(frozen=True, kw_only=True)
class Voice:
    name: str
    engine: str
    services: tuple[str, ...] = ()
    """That may be asked for it: troubles of these are its own."""
    codes: frozenset[str] = frozenset()
    """Errors that it may end with though nothing is wrong."""
    settings: Mapping[str, Any] | None = None
    """As herald.yaml has them."""


def _clouds() -> list[Voice]:
    """Of every service: alone, with a fallback, with a hedge, kept, and converted."""
    names = [name for name in NATIVE if name not in ("tone", "espeak")]
    found = []
    for number, name in enumerate(names):
        other = names[(number + 3) % len(names)]
        variants: Mapping[str, tuple[tuple[str, ...], Mapping[str, Any]]] = {
            "": ((), {}),
            " then": ((other,), {"fallback": [other, "espeak"], "cache": False}),
            " hedged": ((other,), {"fallback": [other], "hedge": 0.05, "cache": False}),
            " late": ((), {"fallback": ["en-GB"], "first_audio_timeout": 0.1, "cache": False}),
            " converted": (("sami",), {"converter": _sami("bypass"), "cache": False}),
            " converted or nothing": (("sami",), {"converter": _sami("fail"), "cache": False}),
            " converted then": (("sami", other), {"converter": _sami("fail"), "fallback": [other], "cache": False}),
        }
        found += [
            Voice(name=name + how, engine=name, services=(name, *more), settings=settings)
            for how, (more, settings) in variants.items()
        ]
    return found


def _sami(on_failure: str) -> Mapping[str, Any]:
    return {"type": "sami", "speaker": "zh_male_huoli_stream", "on_failure": on_failure}


def _tone(name: str, engine: str = "tone", **more: Any) -> Voice:
    return Voice(name=name, engine=engine, codes=frozenset(more.pop("codes", ())), settings=more)


VOICES: Mapping[str, Voice] = {
    voice.name: voice
    for voice in (
        *_clouds(),
        Voice(name="espeak", engine="espeak"),
        Voice(name="espeak converted", engine="espeak", services=("sami",), settings={"converter": _sami("bypass")}),
        _tone("tone"),
        _tone("tone loud", converter={"type": "gain", "speaker": "loud"}),
        _tone(
            "tone broken",
            converter={"type": "gain", "speaker": "loud", "fail_at": 0.2, "on_failure": "bypass"},
            codes=["engine_failed"],
        ),
        _tone("fails", fail_at=0.3, codes=["engine_failed"], cache=False),
        _tone("fails at once", fail_at=0, codes=["engine_failed"], cache=False),
        _tone("fails then", fail_at=0.3, fallback=["in turns"], cache=False),
        _tone("in turns", engine="turns"),
        _tone("in turns then", engine="turns", fallback=["openai"], cache=False),
        _tone("never ends", engine="stalling", stall_at=0.2, codes=["engine_timeout"], cache=False),
        _tone("never ends then", engine="stalling", stall_at=0.2, fallback=["tone"], cache=False),
        _tone("poor", engine="poor", codes=["quota_exceeded"]),
        _tone("poor then", engine="poor", fallback=["espeak"], cache=False),
        _tone("short", engine="short", codes=["text_too_long"]),
    )
}
"""By name."""


def configuration(services: Mapping[str, Service], *, within: float = WITHIN) -> str:
    """herald.yaml."""
    return yaml.safe_dump(
        {
            "wyoming": {"uri": "tcp://127.0.0.1:0"},
            "http": {"host": "127.0.0.1", "port": 0, "indextts_port": 0, "zeroconf": False},
            "fallback": "none",
            "cache": {"size": 8},
            "engines": dict(_engines(services, within)),
            "converters": {"sami": {"url": services["sami"].simulator.url, **_account("sami"), **_limits(within)}, "gain": {}},
            "voices": {voice.name: _described(voice) for voice in VOICES.values()},
            "default_voice": "tone",
        },
        allow_unicode=True,
    )


def _described(voice: Voice) -> Mapping[str, Any]:
    consent = {"consent": True} if voice.engine == "indextts" else {}
    return {"engine": voice.engine, "voice": NATIVE.get(voice.engine, "tone"), **consent, **(voice.settings or {})}


def _engines(services: Mapping[str, Service], within: float) -> Mapping[str, Mapping[str, Any]]:
    types = {"v1": "openspeech", "aliyun": "flowing", "cosyvoice": "flowing"}
    tone = {"type": "tone", "per_character": TONE}
    engines: dict[str, Mapping[str, Any]] = {}
    for name, service in services.items():
        if name != "sami":
            place = {"uri": service.simulator.uri} if name == "wyoming" else {"url": service.simulator.url}
            engines[name] = {
                "type": types.get(name, name),
                **place,
                **_account(name),
                **_limits(within),
                "breaker_failures": 2,
                "breaker_seconds": 1,
            }
    return {
        **engines,
        "espeak": {"workers": 1},
        "tone": tone,
        "turns": {**tone, "concurrency": 1, "pace": 20},
        "stalling": {**tone, "total_timeout": TOTAL},
        "poor": {**tone, "characters_per_day": POOR},
        "short": {**tone, "max_text": SHORT},
    }


def _limits(within: float) -> Mapping[str, float]:
    return {"connect_timeout": within, "first_audio_timeout": within, "gap_timeout": within}


def _account(name: str) -> Mapping[str, Any]:
    """What the simulator's account asks for. That of openspeech is entered while Herald runs."""
    accounts: Mapping[str, Mapping[str, Any]] = {
        "v1": {"appid": "1234567890", "token": "access-token", "api": "v1"},
        "aliyun": {"dialect": "aliyun", "appkey": "app-key", "token": "nls-token"},
        "cosyvoice": {"dialect": "local"},
        "dashscope": {"api_key": "sk-api-key"},
        "openai": {"api_key": "sk-simulator"},
        "indextts": {"prompts": {"mum": {"file": "mum.wav", "consent": True}}},
        "sami": {"appkey": "sami-appkey", "token": "sami-token", "finish_timeout": WITHIN, "release": 0.05},
        "wyoming": {"refresh": 86_400},
    }
    return accounts.get(name, {})


def spoken_by(engine: str) -> Sequence[float]:
    """Seconds that a letter takes at least, and at most."""
    if engine in TONES:
        return (TONE, TONE)
    return (0.01, 1.0) if engine == "espeak" else (0.055, 0.2)
