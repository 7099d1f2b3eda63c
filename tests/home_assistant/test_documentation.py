"""docs/home_assistant.md says what there is, and its examples are such as Home Assistant takes; so does the Chinese page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from homeassistant.components.automation.config import PLATFORM_SCHEMA
from homeassistant.components.tts import ATTR_VOICE
from homeassistant.config_entries import ConfigSubentryData
from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv

from custom_components.herald.event import ENDS, LEFT, STARTED
from custom_components.herald.speech.formats import PREFERENCES
from custom_components.herald.tts import SETTINGS

from .conftest import paired
from .servers import Herald
from .test_architecture import PACKAGE

DOCS = PACKAGE.parents[1] / "docs"
PAGES = {name: (DOCS / f"home_assistant{name}.md").read_text(encoding="utf-8") for name in ("", ".zh-CN")}
SUBENTRIES = [
    ConfigSubentryData(
        data={"voice": None, "targets": [], "chime": None}, subentry_type="announcement_group", title="Everywhere", unique_id=None
    )
]


def chapter(page: str, number: int) -> str:
    return re.split(r"^##+ ", page, flags=re.MULTILINE)[number]


def headings(page: str) -> list[str]:
    return re.findall(r"^(##+) ", page, re.MULTILINE)


def examples(page: str) -> Iterator[Any]:
    for text in re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        yield yaml.safe_load(text)


def test_both_pages_are_built_alike() -> None:
    english, chinese = PAGES.values()
    assert headings(english) == headings(chinese)
    for mark in (r"^\| ", r"^- ", r"^```", r"^\d\. "):
        assert len(re.findall(mark, english, re.MULTILINE)) == len(re.findall(mark, chinese, re.MULTILINE)), mark


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_every_option_of_a_call_is_told(page: str) -> None:
    rows = re.findall(r"^\| (`[a-z_`、, ]+`) \|", chapter(page, 5), re.MULTILINE)
    assert [name for row in rows for name in re.findall(r"`(\w+)`", row)] == [ATTR_VOICE, *SETTINGS, *PREFERENCES]


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_every_kind_of_event_is_told(page: str) -> None:
    for word in (STARTED, *ENDS.values(), LEFT):
        assert f"`{word}`" in page


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_links_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page):
        assert target.startswith("https://") or (DOCS / target).exists(), target
    anchors = {title.strip().lower().replace(" ", "-") for title in re.findall(r"^##+ (.*)$", page, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([^)]+)\)", page)) <= anchors


@pytest.mark.usefixtures("enable_custom_integrations")
@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
async def test_examples_are_such_as_home_assistant_takes(hass: HomeAssistant, server: Herald, page: str) -> None:
    await paired(hass, server, subentries=SUBENTRIES)
    found = list(examples(page))
    assert len(found) == 5
    for example in found:
        match example:
            case {"action": _}:
                cv.SERVICE_SCHEMA(example)
            case {"triggers": _}:
                PLATFORM_SCHEMA(example)
            case {"logger": {"logs": logs}}:
                assert list(logs) == ["custom_components.herald"]
            case _:
                (script,) = example.values()
                cv.SCRIPT_SCHEMA(script["sequence"])
        for entity in re.findall(r"\b(?:tts|event|button|notify)\.(?:herald\w*|everywhere)", str(example)):
            assert hass.states.get(entity) is not None, entity


def test_the_readme_leads_to_the_page() -> None:
    root = PACKAGE.parents[1]
    assert "(docs/home_assistant.md)" in (root / "README.md").read_text(encoding="utf-8")
    assert "(docs/home_assistant.zh-CN.md)" in (root / "README.zh-CN.md").read_text(encoding="utf-8")
    assert Path(root / "docs" / "images" / "herald.svg").is_file()
