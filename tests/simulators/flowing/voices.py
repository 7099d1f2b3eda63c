"""The voices of the local server, and what it says of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

PRESET_RATE = 22_050
"""Hz, of the model that has the preset voices."""
CLONE_RATE = 24_000
"""Hz, of the model that clones."""


@dataclass(frozen=True, kw_only=True)
class VoiceFacts:
    """One voice."""

    type: Literal["preset", "clone"] = "clone"
    language: str = "zh-CN"
    gender: str = "unknown"
    description: str = ""
    sample_rate: int = CLONE_RATE
    available: bool = True


def _preset(language: str, gender: str) -> VoiceFacts:
    return VoiceFacts(type="preset", language=language, gender=gender, sample_rate=PRESET_RATE)


PRESETS: Mapping[str, VoiceFacts] = {
    "中文女": _preset("zh-CN", "female"),
    "中文男": _preset("zh-CN", "male"),
    "英文女": _preset("en-US", "female"),
    "英文男": _preset("en-US", "male"),
    "日语男": _preset("ja-JP", "male"),
    "韩语女": _preset("ko-KR", "female"),
    "粤语女": _preset("zh-HK", "female"),
}


def listed(voices: Mapping[str, VoiceFacts]) -> dict[str, Any]:
    return {"voices": list(voices), "total": len(voices)}


def described(voices: Mapping[str, VoiceFacts]) -> dict[str, Any]:
    """An object, with the names as its keys."""
    presets = sum(voice.type == "preset" for voice in voices.values())
    counts = {"total": len(voices), "preset_count": presets, "clone_count": len(voices) - presets}
    return {"voices": {name: asdict(voice) for name, voice in voices.items()}, **counts}
