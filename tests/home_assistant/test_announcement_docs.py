"""docs/announcements.md tells of every field, mode, reason and trigger, and of no other; so does the Chinese page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv

from custom_components.herald import const
from custom_components.herald.announcing import rooms, speaking, stream, targets, wanted
from custom_components.herald.announcing.model import Mode, State
from custom_components.herald.announcing.players import base, media_player
from custom_components.herald.api import Outcome
from custom_components.herald.event import LEFT
from custom_components.herald.services import ANNOUNCE_SCHEMA, INTERRUPT_SCHEMA
from custom_components.herald.trigger import TRIGGERS

from .forms import translations
from .test_architecture import PACKAGE
from .test_documentation import DOCS, examples, headings

PAGES = {name: (DOCS / f"announcements{name}.md").read_text(encoding="utf-8") for name in ("", ".zh-CN")}
EVERY_PAGE = pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
STEPS = {
    rooms.Step.INTERRUPT: {"interrupts it", "打断它"},
    rooms.Step.WAIT: {"waits", "等待"},
    rooms.Step.DROP: {"is skipped", "跳过自己"},
}


def table(page: str, number: int) -> list[list[str]]:
    """Cells of its rows, without the head."""
    found = re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE)[number]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in found.splitlines()[2:]]


def names(page: str, number: int, column: int = 0) -> list[str]:
    return [name for row in table(page, number) for name in re.findall(r"^`([\w.]+)`", row[column].strip("| "))]


def test_both_pages_are_built_alike() -> None:
    english, chinese = PAGES.values()
    assert headings(english) == headings(chinese)
    for mark in (r"^\| ", r"^- ", r"^```"):
        assert len(re.findall(mark, english, re.MULTILINE)) == len(re.findall(mark, chinese, re.MULTILINE)), mark
    assert re.findall(r"`[\w.]+`", english[: english.index("## Triggers")]) == (
        re.findall(r"`[\w.]+`", chinese[: chinese.index("## 触发器")])
    )


@EVERY_PAGE
def test_every_field_is_told(page: str) -> None:
    told = names(page, 0)
    fields = translations("en")["services"]["announce"]["fields"]
    assert set(told) == fields.keys()
    listed = yaml.safe_load((PACKAGE / "services.yaml").read_text(encoding="utf-8"))["announce"]["fields"]
    assert set(told) == {name for name in (*listed, *listed["more"]["fields"]) if name != "more"}


@EVERY_PAGE
def test_every_reason_is_told(page: str) -> None:
    told = set(zip(names(page, 1), reasons(page), strict=True))
    interrupted = {*speaking.By, LEFT, speaking.ENDS[Outcome.INTERRUPTED][1]}
    skipped = {rooms.BUSY, rooms.REPLACED, rooms.EXPIRED, speaking.LISTENING, targets.IN_GROUP, targets.SAME_DEVICE}
    failed = {error.reason for error in base.PlayerError.__subclasses__() if error is not base.NotSupported}
    assert told == {
        *(
            (State.COMPLETED, reason)
            for reason in (None, media_player.NOT_RESTORED, media_player.VOLUME_NOT_SET, wanted.NO_CHIME)
        ),
        *((State.INTERRUPTED, reason) for reason in interrupted),
        *((State.SKIPPED, reason) for reason in {*skipped, base.NotSupported.reason}),
        *((State.FAILED, reason) for reason in {*failed, speaking.SERVER_FAILED, "failed", None}),
    }


def reasons(page: str) -> list[str | None]:
    return [next(iter(re.findall(r"`(\w+)`", row[1])), None) for row in table(page, 1)]


@EVERY_PAGE
def test_the_modes_do_what_is_told(page: str) -> None:
    rows = table(page, 2)
    assert names(page, 2) == list(Mode)
    for mode, row in zip(Mode, rows, strict=True):
        told = [next(step for step, words in STEPS.items() if cell in words) for cell in row[1:4]]
        assert told == [rooms.TABLE[mode][rank] for rank in rooms.Rank], mode


@EVERY_PAGE
def test_what_an_interrupt_takes_is_told(page: str) -> None:
    assert "`session_id`" in page
    assert {str(key) for key in INTERRUPT_SCHEMA.schema} - {str(key) for key in cv.ENTITY_SERVICE_FIELDS} == {"session_id"}


@EVERY_PAGE
def test_every_trigger_is_told(page: str) -> None:
    assert names(page, 4) == [f"herald.{name}" for name in TRIGGERS]


@EVERY_PAGE
def test_the_seconds_are_those_of_the_code(page: str) -> None:
    assert (speaking.QUIET, const.LEAD, stream.FETCH) == (60, 1, 10)
    assert "within 10 seconds" in page or "在 10 秒内" in page
    assert "a minute at most" in page or "最多一分钟" in page


@EVERY_PAGE
def test_links_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page):
        assert target.startswith("https://") or (DOCS / target).exists(), target
    for file, anchor in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", page):
        text = (DOCS / file).read_text(encoding="utf-8") if file else page
        assert anchor in {title.strip().lower().replace(" ", "-") for title in re.findall(r"^##+ (.*)$", text, re.MULTILINE)}


@EVERY_PAGE
async def test_examples_are_such_as_home_assistant_takes(hass: HomeAssistant, page: str) -> None:
    found = list(examples(page))
    assert len(found) == 6
    for example in found:
        for action in actions(example):
            data = {**action.get("target", {}), **action.get("data", {})}
            {"herald.announce": ANNOUNCE_SCHEMA, "herald.interrupt": INTERRUPT_SCHEMA}[action["action"]](data)
        match example:
            case {"action": _}:
                cv.SERVICE_SCHEMA(example)
            case {"sequence": sequence}:
                cv.SCRIPT_SCHEMA(sequence)
            case {"triggers": triggers, "actions": sequence}:
                assert {one["trigger"].partition(".")[2] for one in triggers} <= TRIGGERS.keys()
                cv.SCRIPT_SCHEMA(sequence)
            case _:
                assert {"session_id", "targets"} == example.keys()


def actions(example: Any) -> list[dict[str, Any]]:
    """Those of ours, wherever they stand."""
    found: list[dict[str, Any]] = []
    if isinstance(example, dict):
        if str(example.get("action", "")).startswith("herald."):
            found.append(example)
        for value in example.values():
            found += actions(value)
    elif isinstance(example, list):
        for value in example:
            found += actions(value)
    return found


def test_the_other_pages_lead_here() -> None:
    for name, page in PAGES.items():
        assert f"(home_assistant{name}.md)" in page
        assert f"(announcements{name}.md" in Path(DOCS / f"home_assistant{name}.md").read_text(encoding="utf-8")
