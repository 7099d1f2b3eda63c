"""docs/http.md says what the front end does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from wyoming_server.audio.encode import WRITINGS
from wyoming_server.errors import CODES
from wyoming_server.frontends.http.fields import NAME_MAX, OPTIONS_MAX
from wyoming_server.frontends.speech_api.requests import FORMATS, KNOWN, TEXT_FORMATS
from wyoming_server.frontends.streaming.wishes import SECONDS_AHEAD
from wyoming_server.models import RATE_MAX, RATE_MIN, SETTING_RANGES, WORDS_MAX

PAGE = (Path(__file__).parent.parent.parent / "docs" / "http.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return re.split(r"^#+ ", PAGE.partition(f"# {title}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def rows(title: str) -> dict[str, str]:
    """First cell → the rest, of a section's table."""
    lines = [line.strip("|").split("|", 1) for line in section(title).splitlines() if line.startswith("| `")]
    return {name.strip(" `"): rest for name, rest in lines}


def test_every_field_is_documented() -> None:
    assert list(rows("Fields")) == list(KNOWN)


def test_every_format_is_documented_with_its_type_and_rates() -> None:
    documented = rows("Formats")
    assert list(documented) == list(FORMATS)
    for name, container in FORMATS.items():
        writing = WRITINGS[container]
        assert f"`{writing.media_type}" in documented[name]
        if writing.rates:
            assert f"{', '.join(map(str, writing.rates[:-1]))} or {writing.rates[-1]} Hz" in documented[name]


@pytest.mark.parametrize("name", SETTING_RANGES)
def test_every_range_is_documented(name: str) -> None:
    low, high = SETTING_RANGES[name]
    assert f"{low:g} to {high:g}" in rows("Fields")[name]


def test_every_number_is_documented() -> None:
    fields = rows("Fields")
    assert f"{RATE_MIN} to {RATE_MAX} Hz" in fields["sample_rate"]
    assert f"{SECONDS_AHEAD.low} to {SECONDS_AHEAD.high}" in fields["pace"]
    assert f"at most {NAME_MAX} characters" in fields["session_id"]
    assert f"at most {OPTIONS_MAX} settings" in fields["options"]
    assert f"{WORDS_MAX:,} characters" in fields["instructions"]
    assert all(f"`{name}`" in fields["text_format"] for name in TEXT_FORMATS)


def test_every_code_that_is_named_is_one() -> None:
    named = re.findall(r"\(`(\w+)`\)", section("Errors"))
    assert named
    for code in named:
        row = next(line for line in section("Errors").splitlines() if f"(`{code}`)" in line)
        assert row.startswith(f"| {CODES[code].http_status}")
