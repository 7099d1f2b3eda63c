"""The voices of a service: those that Herald knows, those that the user names, and those that a local server tells.

A voice that Herald does not know by itself may be a real person's, whoever names it: local servers clone, and so does the cloud.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from ...errors import ProtocolError
from ...models import RATE_MAX, RATE_MIN, Gender, Voice
from ...protocols.json_messages import SHOWN_MAX, count, number, shown
from .account import Dialect

ID_MAX = 128
"""Characters of a voice's id."""
VOICES_MAX = 5_000
"""Voices of one list; more are left out."""
CLONE_RATE = 24_000
"""Hz. What local servers' cloned voices speak in, whatever they are asked for and say."""
LOCAL_RATES = (8_000, 16_000, 22_050, 24_000)
"""Hz. What such a server may be asked for, though it does as it likes."""
CLOUD_RATES = (8_000, 16_000, 24_000)
"""Hz. What the cloud's own voices can; of a voice that Herald does not know, nobody knows more."""

_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


@dataclass(frozen=True, kw_only=True, slots=True)
class VoiceFacts:
    """What is known of a voice."""

    languages: tuple[str, ...] = ("zh-CN",)
    """BCP 47, the main one first."""
    gender: Gender | None = None
    description: str = ""
    native_rate: int | None = None
    """Hz. None: nobody says."""


_BOTH = ("zh-CN", "en-US")


def _cloud(name: str, gender: Gender) -> VoiceFacts:
    return VoiceFacts(languages=_BOTH, gender=gender, description=name, native_rate=CLOUD_RATES[-1])


def _preset(language: str, gender: Gender) -> VoiceFacts:
    return VoiceFacts(languages=(language,), gender=gender, native_rate=22_050)


KNOWN: Mapping[Dialect, Mapping[str, VoiceFacts]] = {
    Dialect.ALIYUN: {
        "longxiaochun_v2": _cloud("龙小淳", Gender.FEMALE),
        "longxiaoxia_v2": _cloud("龙小夏", Gender.FEMALE),
        "longwan_v2": _cloud("龙婉", Gender.FEMALE),
        "longcheng_v2": _cloud("龙橙", Gender.MALE),
        "longhua_v2": _cloud("龙华", Gender.FEMALE),
        "longshu_v2": _cloud("龙书", Gender.MALE),
        "loongbella_v2": _cloud("Bella 2.0", Gender.FEMALE),
        "longanpei": _cloud("龙安培", Gender.FEMALE),
        "longhuhu": _cloud("龙呼呼", Gender.FEMALE),
        "longdaiyu": _cloud("龙黛玉", Gender.FEMALE),
    },
    Dialect.LOCAL: {
        "中文女": _preset("zh-CN", Gender.FEMALE),
        "中文男": _preset("zh-CN", Gender.MALE),
        "英文女": _preset("en-US", Gender.FEMALE),
        "英文男": _preset("en-US", Gender.MALE),
        "日语男": _preset("ja-JP", Gender.MALE),
        "韩语女": _preset("ko-KR", Gender.FEMALE),
        "粤语女": _preset("yue", Gender.FEMALE),
    },
}
"""From the vendor's page on streamed text (CosyVoice 2; it has more), and the presets of CosyVoice."""


class Voices:
    """All that is known of an engine's voices; `told` is replaced whenever the server has been asked."""

    def __init__(self, dialect: Dialect, configured: Mapping[str, Mapping[str, Any]]) -> None:
        self.told: Mapping[str, VoiceFacts] | None = None
        """By the server; None until it has told."""
        self._known = KNOWN[dialect]
        self._configured = configured

    def listed(self, engine: str) -> list[Voice]:
        """The server's own list where it has told one, else Herald's; behind them what only the user names."""
        ids = [*(self._known if self.told is None else self.told), *self._configured]
        return [self.voice(engine, voice_id) for voice_id in dict.fromkeys(ids)]

    def facts(self, voice_id: str) -> VoiceFacts:
        """What the user says counts first, then the server, then Herald."""
        known = (self.told or {}).get(voice_id) or self._known.get(voice_id, VoiceFacts())
        if known.native_rate is None and voice_id in self._known:
            known = replace(known, native_rate=self._known[voice_id].native_rate)
        return replace(known, **_said(self._configured.get(voice_id, {})))

    def is_known(self, voice_id: str) -> bool:
        """Whether Herald knows that it is nobody's own."""
        return voice_id in self._known

    def voice(self, engine: str, voice_id: str) -> Voice:
        facts = self.facts(voice_id)
        return Voice(
            name=voice_id,
            engine=engine,
            engine_voice=voice_id,
            languages=facts.languages,
            description=facts.description or voice_id,
            gender=facts.gender,
        )


def is_id(text: str) -> bool:
    """Whether a voice may be called so."""
    return 0 < len(text) <= ID_MAX and text.isprintable() and text.strip() == text


def _said(configured: Mapping[str, Any]) -> dict[str, Any]:
    """The user's own words as facts; what he leaves out is not among them."""
    said = {name: configured[name] for name in ("description", "native_rate") if configured.get(name)}
    if configured.get("language"):
        said["languages"] = tuple(configured["language"])
    if configured.get("gender"):
        said["gender"] = Gender(configured["gender"])
    return said


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """What a local server says instead of its voices."""

    status: int
    words: str


def read_voices(body: bytes) -> Mapping[str, VoiceFacts] | Refusal:
    """A local server's list: names, or objects with more about them, by name or one after the other. Raises ProtocolError."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError) as error:
        msg = f"The list of voices is not JSON: {error}."
        raise ProtocolError(msg) from error
    answer = answer if isinstance(answer, dict) else {}
    if "voices" not in answer:
        return Refusal(status=count(answer.get("status")), words=shown(answer.get("message")))
    return dict(islice(_entries(answer["voices"]), VOICES_MAX))


def _entries(listed: Any) -> Iterator[tuple[str, VoiceFacts]]:
    entries = listed if isinstance(listed, list) else []
    pairs = listed.items() if isinstance(listed, dict) else ((_name(entry), entry) for entry in entries)
    for name, entry in pairs:
        told = entry if isinstance(entry, dict) else {}
        if isinstance(name, str) and is_id(name) and told.get("available") is not False:
            yield name, _facts(told)


def _name(entry: Any) -> Any:
    return next((entry[key] for key in ("name", "voice", "id") if key in entry), "") if isinstance(entry, dict) else entry


def _facts(told: Mapping[str, Any]) -> VoiceFacts:
    language, gender, rate = told.get("language"), told.get("gender"), number(told.get("sample_rate"))
    return VoiceFacts(
        languages=(language,) if isinstance(language, str) and _TAG.fullmatch(language) else VoiceFacts().languages,
        gender=Gender(gender) if gender in list(Gender) else None,
        description=shown(told.get("description"), SHOWN_MAX // 4),
        native_rate=int(rate) if rate is not None and RATE_MIN <= rate <= RATE_MAX else None,
    )
