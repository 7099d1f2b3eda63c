"""What a StartSynthesis may ask for, and what its numbers for speed mean."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_server.errors import BadSetting
from wyoming_server.protocols.flowing_settings import (
    CLOUD_SPEEDS,
    LOCAL_RATES,
    LOCAL_SPEEDS,
    OPTIONS_MAX,
    SAMPLE_RATES,
    STANDARD,
    Container,
    Settings,
    cloud_rate,
    cloud_speed,
    local_rate,
    local_speed,
)


def test_nothing_said_is_the_documents_default() -> None:
    assert Settings.parse({}) == Settings()
    assert Settings().payload() == {
        "format": "PCM",
        "volume": 50,
        "speech_rate": 0,
        "pitch_rate": 0,
        "enable_subtitle": False,
    }


def test_everything_said_is_read_and_written() -> None:
    payload = {
        "voice": "中文女",
        "format": "OGG_OPUS",
        "sample_rate": 24000,
        "channels": 2,
        "volume": 80,
        "speech_rate": -100,
        "pitch_rate": 20,
        "enable_subtitle": True,
        "platform": "python",
        "session_id": "kitchen",
        "options": {"emotion": "happy"},
        "pace": 1.5,
    }
    settings = Settings.parse(payload)
    assert settings.format is Container.OGG_OPUS
    assert settings.payload() == payload


def test_a_client_may_write_it_otherwise() -> None:
    """Lower case, the vendor's `volumn`, numbers as strings, null and "" for nothing said, and what nobody knows."""
    settings = Settings.parse(
        {
            "format": "wav",
            "volumn": "30",
            "sample_rate": "16000",
            "speech_rate": 10.0,
            "pitch_rate": None,
            "platform": "",
            "enable_subtitle": "True",
            "enable_phoneme_timestamp": True,
        }
    )
    assert settings == Settings(format=Container.WAV, volume=30, sample_rate=16000, speech_rate=10, enable_subtitle=True)
    assert Settings.parse({"volumn": 30, "volume": 40}).volume == 40
    assert Settings.parse({"enable_subtitle": 1}).enable_subtitle


def test_three_containers_are_the_documents_and_five_our_own() -> None:
    assert {str(container) for container in STANDARD} == {"PCM", "WAV", "MP3"}
    assert {str(container) for container in set(Container) - STANDARD} == {"FLAC", "OGG_OPUS", "WEBM_OPUS", "MKA", "WAV_F32"}


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("voice", 5, "voice is a text of at most 256 characters, not 5"),
        ("voice", "v" * 257, "voice is a text of at most 256 characters"),
        ("format", "AAC", "format is one of PCM, WAV, MP3, FLAC, OGG_OPUS, WEBM_OPUS, MKA, WAV_F32, not 'AAC'"),
        ("format", 1, "format is one of"),
        ("sample_rate", 12345, "sample_rate is one of 8000, .*, 44100, 48000 Hz, or 0 for the voice's own, not 12345"),
        ("sample_rate", "fast", "not 'fast'"),
        ("sample_rate", True, "not True"),
        ("volume", 101, "volume is a whole number from 0 to 100, not 101"),
        ("volume", -1, "not -1"),
        ("volume", 50.5, "not 50.5"),
        ("volume", [50], r"not \[50\]"),
        ("volume", float("nan"), "not nan"),
        ("speech_rate", 501, "speech_rate is a whole number from -500 to 500, not 501"),
        ("speech_rate", -501, "not -501"),
        ("pitch_rate", "501", "pitch_rate is a whole number from -500 to 500, not '501'"),
        ("enable_subtitle", "perhaps", "enable_subtitle is true or false, not 'perhaps'"),
        ("enable_subtitle", 2, "not 2"),
        ("enable_subtitle", {}, "not {}"),
        ("platform", {}, "platform is a text"),
        ("session_id", "s" * 257, "session_id is a text of at most 256 characters"),
        ("options", "fast", "options is an object with at most 64 entries, not 'fast'"),
        ("options", {str(n): n for n in range(OPTIONS_MAX + 1)}, "at most 64 entries"),
        ("pace", -1, "pace is a number from 0 to 600, not -1"),
        ("pace", "inf", "not 'inf'"),
    ],
)
def test_what_is_not_allowed_is_refused_by_name_value_and_range(name: str, value: Any, words: str) -> None:
    with pytest.raises(BadSetting, match=words) as caught:
        Settings.parse({name: value})
    assert caught.value.flowing_status == 40000001
    assert len(str(caught.value)) < 200
    with pytest.raises(BadSetting, match=words):
        Settings(**{name: value})


SETTINGS = st.builds(
    Settings,
    voice=st.text(max_size=20),
    format=st.sampled_from(Container),
    sample_rate=st.none() | st.sampled_from(SAMPLE_RATES),
    volume=st.integers(0, 100),
    speech_rate=st.integers(-500, 500),
    pitch_rate=st.integers(-500, 500),
    enable_subtitle=st.booleans(),
    platform=st.text(max_size=20),
    session_id=st.text(max_size=20),
    options=st.dictionaries(st.text(max_size=5), st.none() | st.booleans() | st.integers() | st.text(max_size=5), max_size=5),
    pace=st.none() | st.floats(0, 600),
)


@given(SETTINGS)
def test_settings_come_back(settings: Settings) -> None:
    assert Settings.parse(settings.payload()) == settings


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*Settings.__dataclass_fields__, "volumn", "other"]), JSON))
def test_any_payload_is_settings_or_refused(payload: dict[str, Any]) -> None:
    with contextlib.suppress(BadSetting):
        settings = Settings.parse(payload)
        assert Settings.parse(settings.payload()) == settings


# Speed ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("speed", "rate"), [(0.5, -500), (0.8, -125), (1, 0), (1.2, 167), (1.25, 200), (2, 500)])
def test_the_clouds_rates_are_the_documents(speed: float, rate: int) -> None:
    """Its own example for 1.2 is 166, and its note that results are approximate."""
    assert cloud_rate(speed) == rate


@pytest.mark.parametrize(("speed", "rate"), [(0.002, -499), (0.5, -250), (1, 0), (1.5, 250), (2, 500)])
def test_the_local_servers_rates_are_linear(speed: float, rate: int) -> None:
    assert local_rate(speed) == rate
    assert local_speed(rate) == pytest.approx(speed)


@given(st.integers(-500, 500))
def test_a_rate_of_the_cloud_comes_back_from_its_speed(rate: int) -> None:
    assert CLOUD_SPEEDS.low <= cloud_speed(rate) <= CLOUD_SPEEDS.high
    assert cloud_rate(cloud_speed(rate)) == rate


@given(st.integers(-499, 500))
def test_a_rate_of_the_local_server_comes_back_from_its_speed(rate: int) -> None:
    assert local_rate(local_speed(rate)) == rate


@given(st.floats(CLOUD_SPEEDS.low, CLOUD_SPEEDS.high))
def test_a_speed_comes_back_as_near_as_a_whole_number_allows(speed: float) -> None:
    assert math.isclose(cloud_speed(cloud_rate(speed)), speed, rel_tol=1.1e-3)
    assert math.isclose(local_speed(local_rate(speed)), speed, abs_tol=1.001e-3)


@given(st.floats(0.5, 2), st.floats(0.5, 2))
def test_more_speed_is_never_a_smaller_rate(one: float, other: float) -> None:
    slow, fast = sorted((one, other))
    assert cloud_rate(slow) <= cloud_rate(fast)
    assert local_rate(slow) <= local_rate(fast)


@pytest.mark.parametrize(
    ("convert", "value"),
    [
        (cloud_rate, math.nextafter(CLOUD_SPEEDS.low, 0)),
        (cloud_rate, 2.01),
        (cloud_rate, float("nan")),
        (cloud_rate, 0),
        (cloud_speed, 501),
        (cloud_speed, -501),
        (local_rate, 0),
        (local_rate, 2.01),
        (local_rate, math.nextafter(LOCAL_SPEEDS.low, 0)),
        (local_speed, LOCAL_RATES.low - 1),
        (local_speed, 501),
    ],
)
def test_speed_out_of_range_is_refused(convert: Callable[[Any], float], value: float) -> None:
    with pytest.raises(BadSetting, match=r"from -?[\d.]+ to [\d.]+"):
        convert(value)
