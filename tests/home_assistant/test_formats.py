"""Which format is asked for, on each version of Home Assistant."""

from __future__ import annotations

from typing import Any

import pytest

from custom_components.herald.speech.formats import LEAD, RATES, answer
from wyoming_server.protocols.flowing_settings import SAMPLE_RATES

OLD, NEW = (2026, 10), (2026, 11)
FLOATS = ("wav", "WAV_F32")


def options(
    name: str | None = None, rate: Any = None, channels: Any = None, width: Any = None, bitrate: Any = None
) -> dict[str, Any]:
    given = {"format": name, "sample_rate": rate, "sample_channels": channels, "sample_bytes": width, "bitrate": bitrate}
    return {f"preferred_{key}": value for key, value in given.items() if value is not None}


@pytest.mark.parametrize("version", [OLD, NEW])
@pytest.mark.parametrize(
    ("name", "extension", "made"),
    [(None, "mp3", "MP3"), ("mp3", "mp3", "MP3"), ("wav", "wav", "WAV"), ("flac", "flac", "FLAC"), ("ogg", "ogg", "OGG_OPUS")],
)
def test_a_format_alone_is_made_as_it_is(version: tuple[int, int], name: str | None, extension: str, made: str) -> None:
    found = answer(options(name), version)
    assert (found.extension, found.format, found.rate, found.channels) == (extension, made, None, 1)


@pytest.mark.parametrize(
    "asked",
    [
        options("wav", 22_050, 1, 2),  # a Wyoming satellite
        options("wav", 16_000, 1, 2),  # a telephone, a speaker of ESPHome
        options("flac", 48_000, 1, 2),  # a Voice PE
        options("mp3", 44_100, 2),
        options(rate=24_000),
        options("mp3", bitrate=64),
        options("aac"),
    ],
)
def test_up_to_2026_10_floats_are_what_is_converted_at_once(asked: dict[str, Any]) -> None:
    found = answer(asked, OLD)
    assert (found.extension, found.format, found.channels) == (*FLOATS, 1)
    assert found.rate == asked.get("preferred_sample_rate")


@pytest.mark.parametrize(
    ("asked", "made"),
    [
        (options("wav", 22_050, 1, 2), ("wav", "WAV", 22_050, 1)),
        (options("wav", "16000", "1", "2"), ("wav", "WAV", 16_000, 1)),
        (options("flac", 48_000, 1, 2), ("flac", "FLAC", 48_000, 1)),
        (options("flac", 44_100, 2), ("flac", "FLAC", 44_100, 2)),
        (options("mp3", 48_000, 2), ("mp3", "MP3", 48_000, 2)),
        (options(rate=16_000), ("mp3", "MP3", 16_000, 1)),
        (options("ogg", 48_000, 2), ("ogg", "OGG_OPUS", 48_000, 2)),
    ],
)
def test_from_2026_11_on_it_is_made_exactly_as_it_is_asked_for(asked: dict[str, Any], made: tuple[str, str, int, int]) -> None:
    found = answer(asked, NEW)
    assert (found.extension, found.format, found.rate, found.channels) == made


@pytest.mark.parametrize(
    ("asked", "made"),
    [
        (options("mp3", bitrate=64), ("wav", "WAV", None)),
        (options("flac", 96_000), ("wav", "WAV", None)),
        (options("flac", 48_000, 6), ("wav", "WAV", 48_000)),
        (options("flac", 48_000, 1, 3), ("wav", "WAV", 48_000)),
        (options("ogg", 16_000), ("wav", "WAV", 16_000)),
        (options("aac", 16_000), ("wav", "WAV", 16_000)),
        (options("wav", 16_000, 1, 1), ("matroska", "MKA", 16_000)),
        (options("wav", 96_000), ("matroska", "MKA", None)),
    ],
)
def test_what_the_server_cannot_make_has_another_extension_so_that_it_is_converted(
    asked: dict[str, Any], made: tuple[str, str, int | None]
) -> None:
    found = answer(asked, NEW)
    assert (found.extension, found.format, found.rate) == made
    assert found.extension != asked.get("preferred_format", "mp3")
    assert found.channels == 1


def test_a_satellite_is_little_ahead_a_telephone_not_held_up_and_a_player_well_fed() -> None:
    for version in (OLD, NEW):
        assert answer(options("wav", 22_050, 1, 2), version, lead=0.7).pace == 0.7
        assert answer(options("wav", 22_050, 1, 2), version).pace == LEAD  # an announcement: FFmpeg waits for 4 s of it
        assert answer(options("wav", 16_000, 1, 2), version).pace is None
        assert answer({}, version).pace == answer(options("flac", 48_000, 1, 2), version).pace == LEAD


def test_the_rates_are_the_servers() -> None:
    assert frozenset(SAMPLE_RATES) == RATES
