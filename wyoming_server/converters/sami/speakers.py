"""Whom VoiceConversionStream lists; its page says that it takes Chinese only, for now. Data only."""

from __future__ import annotations

from ...models import Gender
from ..base import Speaker

_LANGUAGES = ("zh-CN",)
_LISTED = (
    ("zh_female_qingxin_stream", "清新女声", Gender.FEMALE),
    ("zh_female_tianmei_stream", "甜美女声", Gender.FEMALE),
    ("zh_male_chunhou_stream", "醇厚男声", Gender.MALE),
    ("zh_male_commentate_stream", "磁性解说男声", Gender.MALE),
    ("zh_male_huoli_stream", "活力男声", Gender.MALE),
    ("zh_male_xiaohai_stream", "可爱男孩", Gender.MALE),
    ("zh_female_sichuan_stream", "四川女声", Gender.FEMALE),
    ("zh_male_rap_stream", "嘻哈歌手", Gender.MALE),
    ("zh_female_xiaoqian_stream", "邻家女孩", Gender.FEMALE),
    ("zh_male_xiaojian_stream", "开朗男声", Gender.MALE),
)

SPEAKERS = tuple(
    Speaker(name=name, description=description, languages=_LANGUAGES, gender=gender) for name, description, gender in _LISTED
)
