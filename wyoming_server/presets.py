"""Names that clients of other servers ask for, and who speaks for them here. Whatever is configured goes before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from .models import Gender


class Preset(NamedTuple):
    """Who will do."""

    gender: Gender | None = None
    """`None`: anybody."""
    languages: tuple[str, ...] = ()
    """BCP 47 tags, the best one first; empty: the default voice's."""


_WOMAN, _MAN, _ANYBODY = Preset(Gender.FEMALE), Preset(Gender.MALE), Preset()

_COSYVOICE: Mapping[str, Preset] = {
    "中文女": Preset(Gender.FEMALE, ("zh-CN",)),
    "中文男": Preset(Gender.MALE, ("zh-CN",)),
    "英文女": Preset(Gender.FEMALE, ("en-US",)),
    "英文男": Preset(Gender.MALE, ("en-US",)),
    "日语男": Preset(Gender.MALE, ("ja-JP",)),
    "韩语女": Preset(Gender.FEMALE, ("ko-KR",)),
    "粤语女": Preset(Gender.FEMALE, ("yue", "zh-HK")),
}
_OPENAI: Mapping[str, Preset] = {
    "alloy": _ANYBODY,
    "ash": _MAN,
    "ballad": _MAN,
    "cedar": _MAN,
    "coral": _WOMAN,
    "echo": _MAN,
    "fable": _ANYBODY,
    "marin": _WOMAN,
    "nova": _WOMAN,
    "onyx": _MAN,
    "sage": _WOMAN,
    "shimmer": _WOMAN,
    "verse": _MAN,
}
_INDEXTTS: Mapping[str, Preset] = {"asset/zero_shot_prompt.wav": _ANYBODY}
"""The prompt file of every example in the service's document."""

PRESETS: Mapping[str, Preset] = {**_COSYVOICE, **_OPENAI, **_INDEXTTS}
