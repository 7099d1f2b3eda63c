"""The documentation says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from wyoming_server.converters.registry import CONVERTERS, converter_class
from wyoming_server.converters.sami.speakers import SPEAKERS
from wyoming_server.engines.registry import ENGINES, engine_class
from wyoming_server.errors import CODES

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])


def rows(page: str, heading: str = "") -> list[list[str]]:
    """The cells of every table row of a page in docs/, or of one chapter of it."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    lines = (text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0] if heading else text).splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]


def test_every_error_code_is_documented_with_its_sentence() -> None:
    documented = {cells[0].strip("`"): cells[1:] for cells in rows("wyoming.md") if cells[0].startswith("`") and len(cells) == 3}
    for code, meaning in CODES.items():
        assert documented[code] == [meaning.sentence, "yes" if meaning.retryable else "no"]


def test_every_engine_has_its_row_with_its_own_settings() -> None:
    documented = {cells[0].strip("`"): cells for cells in reversed(rows("engines.md"))}
    for engine_type in ENGINES:
        settings = documented[engine_type][3]
        for extra in engine_class(engine_type).extras_schema:
            assert f"`{extra}`" in settings


def test_every_time_limit_of_an_engine_or_a_converter_has_its_place_and_its_default() -> None:
    head, _, *table = rows("engines.md", "Time limits")
    common = [cell.strip("`") for cell in head[1:-1]]
    documented = {cells[0].strip("`"): cells[1:] for cells in table}
    classes = {name: engine_class(name).options_schema for name in ENGINES}
    classes |= {name: converter_class(name).options_schema for name in CONVERTERS}
    assert documented.keys() == classes.keys()
    for name, schema in classes.items():
        known = {str(marker): marker.default() for marker in schema if str(marker).endswith("_timeout")}
        told = {key: cell.strip("`") for key, cell in zip(common, documented[name], strict=False) if cell}
        assert told == {key: "none" if known[key] is None else str(known[key]) for key in common if key in known}
        former = {"open_timeout", "stall_timeout"}
        assert all(f"`{key}`" in documented[name][-1] for key in known.keys() - {*common} - former)


def test_every_converter_has_its_row_with_its_own_settings() -> None:
    documented = {cells[0].strip("`"): cells for cells in rows("converters.md")}
    for converter_type in CONVERTERS:
        settings = documented[converter_type][3]
        for setting in converter_class(converter_type).settings_schema:
            assert f"`{setting}`" in settings


def test_every_speaker_of_sami_has_its_row() -> None:
    documented = [cells[:2] for cells in rows("sami.md") if cells[0].startswith("`zh_")]
    assert documented == [[f"`{speaker.name}`", speaker.description] for speaker in SPEAKERS]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_files_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target
