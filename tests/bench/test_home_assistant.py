"""What the bench `home_assistant` makes of what it heard. It runs by itself, since it needs whole Home Assistants."""

from __future__ import annotations

import pytest

from bench.home_assistant.command import FORMS, KINDS, PCM, Times, of_house
from wyoming_server.audio.encode import Container


def test_satellites_ask_for_rate_channels_and_width_and_browsers_for_nothing() -> None:
    assert [dict(form.options) for form in FORMS[:2]] == [
        {},
        {
            "preferred_format": "wav",
            "preferred_sample_rate": 22_050,
            "preferred_sample_channels": 1,
            "preferred_sample_bytes": 2,
        },
    ]
    assert PCM.order == {"format": "pcm"}
    assert FORMS[3].order == {"format": Container.FLAC, "sample_rate": 48_000}


@pytest.mark.parametrize(("version", "limits"), [("2026.10.4", [60, 60, 60, 60]), ("2026.11.0", [60, 20, 20, 60])])
def test_wav_has_a_lower_limit_where_nothing_is_converted(version: str, limits: list[int]) -> None:
    rows = [of_house(version, kind, [Times(250, 230)], 215, 205) for kind in KINDS]
    assert [row.target.limit for row in rows if row.target is not None] == limits


def test_what_is_added_is_above_the_servers_own_file() -> None:
    row = of_house("2026.11.0", KINDS[0], [Times(250, 230), Times(235, 231), Times(240, 240)], 215, 205)
    assert row.value == 25
    assert "above the server's PCM: 35.0 ms, first byte 26.0 ms" in row.detail
