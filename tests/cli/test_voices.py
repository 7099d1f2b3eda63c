"""`herald voices`: what is listed, and in which form."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from wyoming_server.cli.options import parse
from wyoming_server.cli.voices import chosen
from wyoming_server.models import Gender, Voice

from .conftest import Ran

Herald = Callable[..., Ran]

CONFIG = """
engines: {espeak: {enabled: false}, tone: {}}
voices:
  xiaohe: {engine: tone, language: [zh-CN, en-US], gender: female, description: "晚饭\\t好了"}
  dad: {engine: tone, language: en-GB}
"""


@pytest.fixture
def voices(herald: Herald, tmp_path: Path) -> Herald:
    path = tmp_path / "voices.yaml"
    path.write_text(CONFIG)
    return lambda *arguments: herald("voices", "--config", str(path), *arguments)


def test_a_pipe_gets_a_voice_a_line_with_tabs_between(voices: Herald) -> None:
    ran = voices()
    assert (ran.code, ran.err) == (0, "")
    assert [line.split("\t") for line in ran.out.splitlines()] == [
        ["xiaohe", "zh-CN, en-US", "female", "tone", "晚饭 好了"],
        ["dad", "en-GB", "", "tone", "dad"],
        ["tone/tone", "en-US", "", "tone", "Test tone"],
    ]


def test_a_terminal_gets_a_table(voices: Herald, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")
    lines = voices().out.splitlines()
    assert lines[1].split() == ["Name", "Language", "Gender", "Engine", "Description"]
    assert any(line.split() == ["dad", "en-GB", "tone", "dad"] for line in lines)


def test_a_program_gets_json(voices: Herald) -> None:
    first = json.loads(voices("--json", "--gender", "female").out)[0]
    assert first == {
        "name": "xiaohe",
        "languages": ["zh-CN", "en-US"],
        "gender": "female",
        "engine": "tone",
        "engine_voice": "xiaohe",
        "description": "晚饭\t好了",
        "scene": "",
        "emotions": [],
    }
    assert voices("--json", "--language", "fr").out == "[]\n"


def test_nothing_found_says_what_there_is(voices: Herald) -> None:
    ran = voices("--language", "fr", "--gender", "male")
    assert ran.code == 2
    assert ran.err == "herald: No voice fits --language fr --gender male. The languages are en, zh; the engines tone.\n"


def test_no_voice_at_all_points_to_the_check(herald: Herald) -> None:
    Path("none.yaml").write_text("engines: {espeak: {enabled: false}}")
    ran = herald("voices", "--config", "none.yaml")
    assert (ran.code, ran.err) == (1, "herald: There are no voices. To see why: herald check\n")


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ("", "a b c d"),
        ("--language zh", "a b"),
        ("--language ZH_hk", "b"),
        ("--language en", "b c"),
        ("--language z", ""),
        ("--engine cloud", "c d"),
        ("--gender male", "a"),
        ("--language en --engine cloud", "c"),
    ],
)
def test_a_language_is_a_prefix_and_all_wishes_must_be_met(options: str, names: str) -> None:
    def voice(name: str, engine: str, *languages: str, gender: Gender | None = None) -> Voice:
        return Voice(name=name, engine=engine, engine_voice=name, languages=languages, gender=gender)

    voices = [
        voice("a", "espeak", "zh-CN", gender=Gender.MALE),
        voice("b", "espeak", "zh-HK", "en", gender=Gender.FEMALE),
        voice("c", "cloud", "en-US"),
        voice("d", "cloud", "zho"),
    ]
    assert " ".join(found.name for found in chosen(voices, parse(["voices", *options.split()]))) == names
