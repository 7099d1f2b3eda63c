"""How a voice is spoken: which API, cluster and resource id it needs, and which of Herald's settings it then takes.

Rules only, in tables: an id, and what the configuration says instead, in; a Route out. No I/O. Sources: the vendor's pages on the
bidirectional API (6561/1329505), API v1 (6561/1257584) and its voices (6561/1257544), none of it checked against the service.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from ...errors import BadSetting
from ...models import Capabilities, Range, TextFormat, shortened
from .voices import VoiceFacts, voice_table

LOOK_AHEAD = 10.0
"""Seconds of paid speech that an interrupt may find unheard."""


ID_SHOWN = 64
"""Characters of a voice's id that an error repeats."""


class Api(StrEnum):
    """The vendor's protocols."""

    V1 = "v1"
    V3 = "v3"


class Family(StrEnum):
    """Which models speak a voice, and so what may be asked of it."""

    SMALL = "small"
    """The classic models, `BV…`: API v1 only."""
    SEED_1 = "seed_1"
    """The vendor's voices 1.0."""
    SEED_2 = "seed_2"
    """The vendor's voices 2.0: API v3 only; their style comes from words, not from a parameter."""
    CLONE = "clone"
    """An account's own voices, 1.0 or 2.0 by their resource id."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """How one voice is spoken."""

    api: Api
    cluster: str
    """v1 is told it; v3 knows none."""
    resource_id: str
    """v3 is told it; v1 knows none. The vendor refuses one that does not fit the voice."""
    family: Family
    emotional: bool
    """It takes an emotion, as far as anybody knows."""

    @property
    def second(self) -> bool:
        """A model 2.0 speaks it, a cloned voice maybe too."""
        return _is_second(self.family, self.resource_id)

    @property
    def instructible(self) -> bool:
        """It takes words about how to speak, as v3's `context_texts`: only models 2.0 do."""
        return self.api is Api.V3 and self.second


class _Rule(NamedTuple):
    family: Family
    resource_id: str


_CLONE_1 = _Rule(Family.CLONE, "seed-icl-1.0")
# An `S_…` id does not tell which cloning model it was trained for. 2.0 is what the vendor sells and recommends now, and what most
# published code sends for it; clones of the old model need an override.
_CLONE_2 = _Rule(Family.CLONE, "seed-icl-2.0")
_SEED_1 = _Rule(Family.SEED_1, "seed-tts-1.0")
_SEED_2 = _Rule(Family.SEED_2, "seed-tts-2.0")
_SMALL = _Rule(Family.SMALL, "seed-tts-1.0")

_BY_ID: tuple[tuple[re.Pattern[str], _Rule], ...] = (
    (re.compile(r"BV\d+(_\w+)?"), _SMALL),
    (re.compile(r"S_.+"), _CLONE_2),
    # the ids behind clones of the models 1 (icl_) and 2 and 3 (DiT_), as the vendor's cloning API tells them
    (re.compile(r"(icl|DiT)_.+"), _CLONE_1),
    (re.compile(r".+_(uranus|saturn)_bigtts|(saturn|ICL_uranus)_[a-z]{2}_.+"), _SEED_2),
    (re.compile(r".+_bigtts|(ICL_)?([a-z]{2}|multi)_(\w+_)?(fe)?male_.+"), _SEED_1),
)
"""The first that fits the whole id. One that fits none is nobody's but the account's: a clone, as the rest of `saturn_…` is."""

_BY_RESOURCE: Mapping[str, Family] = {
    "seed-tts-2.": Family.SEED_2,
    "seed-tts-1.": Family.SEED_1,
    "volc.service_type.": Family.SEED_1,
    "seed-icl-": Family.CLONE,
    "volc.megatts.": Family.CLONE,
}
"""Start of a resource id → whose it is. One that the configuration names is believed before the voice's id is."""

_CLUSTERS: Mapping[Family, str] = {Family.CLONE: "volcano_icl"}
_CLUSTER = "volcano_tts"

_ONLY: Mapping[Family, Api] = {Family.SMALL: Api.V1, Family.SEED_2: Api.V3}
"""Families that only one API serves. The others take v3, which can cancel, unless told otherwise."""
_NOT_BIDIRECTIONAL = frozenset(
    {
        "ICL_zh_female_bingruoshaonv_tob",
        "ICL_zh_female_heainainai_tob",
        "ICL_zh_female_huoponvhai_tob",
        "ICL_zh_female_linjuayi_tob",
    }
)
"""Voices 1.0 that the bidirectional API does not speak yet, by the vendor's list: v1, unless told otherwise."""

_V3_RANGES = {"speed": Range(0.5, 2), "pitch": Range(-12, 12)}
# `speed_ratio` from 0.2 for small models and 0.1 for big ones: below Herald's own minimum. `pitch_ratio` 0.1 to 3 is -39 to 19
# semitones.
_V1_SMALL_RANGES = {"speed": Range(0.25, 3), "pitch": Range(-24, 19)}
_V1_RANGES = {"speed": Range(0.25, 2)}


def route(voice_id: str, overrides: Mapping[str, Any]) -> Route:
    """How to speak this voice; `overrides` may hold `api`, `cluster`, `resource_id` and `operation`, None being the rule's own.

    Raises BadSetting for an API that can't speak it.
    """
    facts = voice_table().get(voice_id)
    rule = _rule(voice_id)
    resource_id = overrides.get("resource_id") or (facts.resource_id if facts else rule.resource_id)
    family = _family(rule.family, resource_id)
    return Route(
        api=_api(voice_id, family, overrides),
        cluster=overrides.get("cluster") or _CLUSTERS.get(family, _CLUSTER),
        resource_id=resource_id,
        family=family,
        emotional=_is_emotional(family, resource_id, facts),
    )


def capabilities(route: Route) -> Capabilities:
    """Which of Herald's settings the voice takes there. Not `volume`: Herald's own gain is exact."""
    ranges = _ranges(route)
    settings = set(ranges)
    if route.emotional:
        # the small models know emotions, but no scale
        settings |= {"emotion"} if route.family is Family.SMALL else {"emotion", "emotion_scale"}
    if route.instructible:
        settings.add("instructions")
    return Capabilities(
        streaming_text=route.api is Api.V3,
        settings=frozenset(settings),
        ranges=ranges,
        text_formats=frozenset({TextFormat.TEXT} if route.api is Api.V3 else TextFormat),
        look_ahead=LOOK_AHEAD,
    )


def _rule(voice_id: str) -> _Rule:
    return next((rule for pattern, rule in _BY_ID if pattern.fullmatch(voice_id)), _CLONE_2)


def _family(by_id: Family, resource_id: str) -> Family:
    """A small model stays one: v1 is told no resource id."""
    if by_id is Family.SMALL:
        return by_id
    return next((family for start, family in _BY_RESOURCE.items() if resource_id.startswith(start)), by_id)


def _api(voice_id: str, family: Family, overrides: Mapping[str, Any]) -> Api:
    """Who names an operation wants v1, which alone has any; a cluster, where either will do, says what the account is used to."""
    only = _ONLY.get(family)
    wanted = overrides.get("api") or (Api.V1 if overrides.get("operation") else None)
    if wanted is None:
        return only or (Api.V1 if overrides.get("cluster") or voice_id in _NOT_BIDIRECTIONAL else Api.V3)
    try:
        api = Api(wanted)
    except ValueError as error:
        msg = f"api is {' or '.join(Api)}, not {shortened(wanted)}."
        raise BadSetting(msg) from error
    if only not in (None, api):
        msg = (
            f"The voice {voice_id[:ID_SHOWN]} speaks only API {only}, not {api}: "
            "leave out `api` and `operation`, or choose another voice."
        )
        raise BadSetting(msg)
    return api


def _is_emotional(family: Family, resource_id: str, facts: VoiceFacts | None) -> bool:
    """Where the table is silent, the vendor decides."""
    return not _is_second(family, resource_id) and (facts is None or bool(facts.emotions))


def _is_second(family: Family, resource_id: str) -> bool:
    return family is Family.SEED_2 or (family is Family.CLONE and resource_id.startswith("seed-icl-2."))


def _ranges(route: Route) -> Mapping[str, Range]:
    if route.api is Api.V3:
        return _V3_RANGES
    return _V1_SMALL_RANGES if route.family is Family.SMALL else _V1_RANGES
