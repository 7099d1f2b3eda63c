"""One reply in a service's terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...models import AudioFormat
from ...upstream.failures import Asked
from ..base import Utterance


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """What is to be spoken how."""

    utterance: Utterance
    asked: Asked
    format: AudioFormat
    """Of the PCM that comes out."""
    payload: Mapping[str, Any] = field(repr=False)
    """What a session is started with."""


def nearest(wanted: int, rates: tuple[int, ...]) -> int:
    """The least rate that loses nothing of the wanted one, else the highest."""
    return next((rate for rate in rates if rate >= wanted), rates[-1])
