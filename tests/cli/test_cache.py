"""`herald cache`: listed, cleared and warmed, beside a running server too."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Ran
from .processes import TONE, serving, start

Herald = Callable[..., Ran]
SENTENCES = "There is somebody at the door.\n\nDinner is ready.\nThere is somebody at the door.\n"


@pytest.fixture
def cache(herald: Herald, tone: Path, tmp_path: Path) -> Herald:
    (tmp_path / "sentences.txt").write_text(SENTENCES)
    return lambda *arguments: herald("cache", *arguments, "--config", str(tone), "--state", str(tmp_path / "state"))


@pytest.fixture
def warm(cache: Herald) -> Herald:
    assert cache("warm", "sentences.txt", "-q").code == 0
    return cache


def test_sentences_are_made_once(cache: Herald) -> None:
    ran = cache("warm", "sentences.txt")
    assert (ran.code, ran.out, ran.err) == (0, "", "2 replies made, 1 there already.\n")
    assert cache("warm", "sentences.txt").err == "0 replies made, 3 there already.\n"


def test_what_is_kept_is_listed_without_what_was_said(warm: Herald) -> None:
    ran = warm("list")
    assert (ran.code, ran.err.split(",")[0]) == (0, "2 replies kept")
    rows = [line.split("\t") for line in ran.out.splitlines()]
    assert {(voice, engine) for voice, engine, *_ in rows} == {("tone/tone", "tone")}
    assert sorted(seconds for _, _, seconds, *_ in rows) == ["0.2", "0.3"]
    assert sorted(row[5] for row in rows) == ["0", "1"]  # how often it was heard again
    told = json.loads(warm("list", "--json").out)
    assert {one["engine"] for one in told} == {"tone"}
    assert "door" not in ran.out + json.dumps(told)
    assert warm("list", "--engine", "other").out == ""


def test_a_terminal_gets_a_table(warm: Herald, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")
    assert warm("list").out.splitlines()[1].split() == ["Voice", "Engine", "Seconds", "Size", "Age", "Hits", "Key"]


def test_what_is_kept_can_be_forgotten(warm: Herald) -> None:
    assert warm("clear", "--voice", "other").err == "0 replies forgotten.\n"
    assert warm("clear", "--voice", "tone/tone").err == "2 replies forgotten.\n"
    assert warm("clear").err == "0 replies forgotten.\n"
    assert warm("list").out == ""


def test_where_nothing_was_kept_nothing_is_made(cache: Herald, tmp_path: Path) -> None:
    assert cache("list").err == "0 replies kept, 0 B of 256 MiB.\n"
    assert cache("clear").err == "0 replies forgotten.\n"
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("warm",), "the following arguments are required: FILE"),
        (("list", "sentences.txt"), "unrecognized arguments: sentences.txt"),
        (("clear", "--json"), "unrecognized arguments: --json"),
        (("warm", "sentences.txt", "--rate", "1"), "--rate is 8000 to 96000 Hz, not 1."),
        (("warm", "sentences.txt", "--voice", "nobody"), "nobody"),
        (("melt",), "invalid choice: 'melt'"),
    ],
)
def test_a_wrong_use_is_told(cache: Herald, arguments: tuple[str, ...], words: str) -> None:
    ran = cache(*arguments)
    assert ran.code == 2
    assert words in ran.err


def test_options_may_stand_before_the_file(cache: Herald, tmp_path: Path) -> None:
    (tmp_path / "sentences.txt").write_text("Dinner is ready.\n")
    assert cache("warm", "--voice", "tone/tone", "sentences.txt").code == 0


def test_a_sentence_that_is_too_long_is_told_before_anything_is_made(cache: Herald, tmp_path: Path) -> None:
    (tmp_path / "sentences.txt").write_text(f"Good.\n{'a' * 501}\n")
    ran = cache("warm", "sentences.txt")
    assert ran.err == "herald: sentences.txt line 2 has 501 characters; replies to 500 are kept (cache.max_text).\n"
    assert cache("list").out == ""


def test_a_sentence_that_fails_is_told_by_its_line_and_hinders_no_other(herald: Herald, tmp_path: Path) -> None:
    path = tmp_path / "tone.yaml"
    path.write_text(TONE.replace("{per_character: 0.01}", "{per_character: 0.01, fail_at: 0.2}"))
    (tmp_path / "sentences.txt").write_text("Short.\nThis one is so long that it fails.\nOther.\n")
    arguments = ("--config", str(path), "--state", str(tmp_path / "state"))
    ran = herald("cache", "warm", "sentences.txt", *arguments)
    assert ran.code == 1
    told = ran.err.splitlines()
    assert told[0].startswith("herald: sentences.txt line 2: The engine tone failed at 0.20 s")
    assert told[1:] == ["2 replies made, 0 there already, 1 failed."]
    assert "2 replies kept" in herald("cache", "list", *arguments).err


def test_where_every_sentence_would_fail_the_rest_is_not_tried(herald: Herald, tmp_path: Path) -> None:
    path = tmp_path / "tone.yaml"
    path.write_text(TONE.replace("{per_character: 0.01}", "{fail_at: 0, fail_with: quota_exceeded}"))
    (tmp_path / "sentences.txt").write_text(SENTENCES)
    ran = herald("cache", "warm", "sentences.txt", "--config", str(path), "--state", str(tmp_path / "state"))
    assert ran.code == 1
    assert ran.err.count("line") == 1
    assert ran.err.endswith("The sentences behind it were not tried.\n0 replies made, 0 there already, 1 failed.\n")


def test_what_has_nothing_to_say_is_not_told_as_made(cache: Herald, tmp_path: Path) -> None:
    (tmp_path / "sentences.txt").write_text("Dinner is ready.\n---\n")
    assert cache("warm", "sentences.txt").err == "1 reply made, 0 there already, 1 not kept.\n"


def test_a_cache_that_is_off_is_not_warmed(herald: Herald, tmp_path: Path) -> None:
    path = tmp_path / "tone.yaml"
    path.write_text(TONE + "cache: {enabled: false}\n")
    (tmp_path / "sentences.txt").write_text(SENTENCES)
    ran = herald("cache", "warm", "sentences.txt", "--config", str(path))
    assert (ran.code, ran.err) == (2, "herald: The cache is switched off (cache.enabled in herald.yaml).\n")
    assert "The cache is switched off" in herald("cache", "list", "--config", str(path)).err


def test_a_running_server_has_what_is_warmed(tmp_path: Path) -> None:
    config = tmp_path / "tone.yaml"
    config.write_text(TONE.replace("{per_character: 0.01}", "{per_character: 0.01, delay: 0.5}"))
    (tmp_path / "sentences.txt").write_text(SENTENCES)
    common = ("--config", str(config), "--state", str(tmp_path))
    with serving(config, tmp_path) as server:
        with start("cache", "warm", "sentences.txt", *common) as warming:
            assert warming.communicate(timeout=20)[1] == b"2 replies made, 1 there already.\n"
        assert first_audio("Dinner is ready.", server.uri) < 400


def first_audio(text: str, uri: str) -> int:
    """ms, as `herald say` tells it."""
    with start("say", text, "-o", "/dev/null", "--uri", uri) as saying:
        told = saying.communicate(timeout=20)[1].decode()
    return int(told.split("first audio ")[1].split(" ms")[0])
