"""How much audio must be fed before a listener, who has what came of the file until then, hears a sound."""

from __future__ import annotations

import pytest

from wyoming_server.audio.encode import Container
from wyoming_server.models import AudioFormat

from .containers import HEARD_WITHIN, fed_before_sound

FEW = {8_000: 220, 16_000: 110}
"""Milliseconds of MP3, whose frames last 72 and 36 ms at these rates."""


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 24_000, 48_000])
@pytest.mark.parametrize("container", HEARD_WITHIN)
def test_a_sound_is_heard_early(container: Container, rate: int) -> None:
    limit = FEW.get(rate, HEARD_WITHIN[container]) if container is Container.MP3 else HEARD_WITHIN[container]
    assert fed_before_sound(container, AudioFormat(rate=rate)) <= limit


def test_aac_is_heard_after_four_frames() -> None:
    assert fed_before_sound(Container.AAC, AudioFormat(rate=48_000)) <= 90
