"""Which voice belongs to which model: by its name, as the service's own voices are named."""

from __future__ import annotations

import re
from collections.abc import Mapping

MODELS: Mapping[str, str] = {
    "cosyvoice-v1": r"long(?!.*_v\d)\w+|loongstella",
    "cosyvoice-v2": r"(long|loong)\w+_v2|longanyang|longanhuan|longhuhu",
    "cosyvoice-v3-flash": r"(long|loong)\w+_v3|longanyang|longanhuan|longhuhu",
    "cosyvoice-v3-plus": r"longanyang|longanhuan",
}
"""Each model, and a pattern of its whole voice ids. A cloned voice begins with its model's name."""


def fits(voice: str, model: str) -> bool:
    return re.fullmatch(MODELS[model], voice) is not None or voice.startswith(f"{model}-")
