"""What fuzz tests of codecs share: characters of any kind, and JSON that is nearly as it should be."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

ROUNDS = 4000
UNICODE = st.characters(exclude_categories=["Cs"])
ODD: Sequence[Any] = (None, True, 0, -1, 1e308, 10**30, "", "x", "\ud800", "nan", [], [[]], {}, {"": None})
"""Where something else is expected."""
PIECES = ('"', "{", "}", "[", "]", ",", ":", "\\", "1e999", "null", "NaN", "\\ud800", "-", "")


def mutated(rng: random.Random, text: str) -> str:
    """A few characters changed, added, or left out."""
    mutant = list(text)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(mutant) + 1)
        mutant[at : at + rng.randint(0, 3)] = rng.choice(PIECES)
    return "".join(mutant)


def distorted(rng: random.Random, value: Any, odd: Sequence[Any] = ODD) -> Any:
    """A JSON value with odd things in some of its places."""
    if rng.random() < 0.15:
        return rng.choice(odd)
    if isinstance(value, dict):
        return {name: distorted(rng, inner, odd) for name, inner in value.items() if rng.random() < 0.95}
    return [distorted(rng, inner, odd) for inner in value] if isinstance(value, list) else value
