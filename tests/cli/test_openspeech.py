"""What an engine with credentials, options of its own and voices of persons adds to the command."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import cloud
from wyoming_server.cli.options import parse
from wyoming_server.cli.say import order
from wyoming_server.engines.tone import ToneEngine
from wyoming_server.errors import RequestError

from .conftest import Ran

Herald = Callable[..., Ran]

CONFIG = """
engines:
  espeak: {enabled: false}
  tone:
  openspeech: {token: access-token}
"""


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> type[cloud.CloudEngine]:
    return cloud.install(monkeypatch)


@pytest.fixture
def config(engine: type[cloud.CloudEngine]) -> Path:
    path = Path("herald.yaml")
    path.write_text(CONFIG)
    return path


@pytest.fixture
def say(herald: Herald, config: Path) -> Herald:
    return lambda *arguments: herald("say", "--config", str(config), "Hello.", "-q", "-o", "hello.wav", *arguments)


@pytest.fixture
def check(herald: Herald, config: Path) -> Herald:
    return lambda *arguments: herald("check", "--config", str(config), *arguments)


# say


def test_a_voice_is_found_by_the_id_that_one_engine_lists(say: Herald) -> None:
    assert say("--voice", "zh_female_one") == Ran(code=0, out="", err="")


def test_an_id_that_two_engines_list_is_told_with_both_names(herald: Herald, config: Path) -> None:
    config.write_text(f"{CONFIG}  beeps: {{type: tone}}\n")
    ran = herald("say", "--config", str(config), "Hello.", "--voice", "tone", "-o", "hello.wav")
    assert (ran.code, ran.err) == (
        2,
        "herald: 2 engines have a voice 'tone'. Name one with its engine: beeps/tone or tone/tone.\n",
    )


def test_operation_and_encoding_are_settings_of_the_engine(say: Herald) -> None:
    assert order(parse("say x --operation query --encoding mp3 --set operation=submit".split())).settings.extras == {
        "operation": "query",
        "encoding": "mp3",
    }
    assert say("--voice", "zh_female_one", "--operation", "query", "--encoding", "mp3").code == 0
    ran = say("--voice", "zh_female_one", "--encoding", "ogg_opus")
    assert ran.code == 2
    assert "encoding" in ran.err


def test_an_engine_that_has_no_such_options_says_so(say: Herald) -> None:
    ran = say("--voice", "tone/tone", "--operation", "query")
    assert ran.code == 2
    assert ran.err.startswith("herald: Test tone voices take no operation; they take ")
    assert not Path("hello.wav").exists()


def test_a_person_speaks_only_with_consent(say: Herald) -> None:
    ran = say("--voice", "openspeech/S_1")
    assert ran.code == 2
    assert "--consent" in ran.err
    assert not Path("hello.wav").exists()
    assert say("--voice", "openspeech/S_1", "--consent").code == 0
    assert Path("hello.wav").exists()


def test_consent_is_no_word_to_a_server() -> None:
    with pytest.raises(RequestError, match="--consent does not reach unix:///run/h: consent is stated where a voice is served"):
        order(parse("say x --consent --uri unix:///run/h".split()))


# check


def test_a_check_without_names_tries_no_credentials(check: Herald, engine: type[cloud.CloudEngine]) -> None:
    ran = check()
    assert ran.code == 0
    assert "Engine openspeech  Cloud, 2 voices\n" in ran.out
    assert "Credentials" not in ran.out
    assert (engine.tried, engine.prepared) == ([], [])


def test_a_named_engine_is_tried_live_and_no_other_started(
    check: Herald, engine: type[cloud.CloudEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []

    async def start(engine: ToneEngine) -> None:
        started.append(engine.name)

    monkeypatch.setattr(ToneEngine, "start", start)
    ran = check("openspeech")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        "Configuration  herald.yaml",
        "Engine openspeech  Cloud, 2 voices",
        "Credentials    They are good for every voice.",
        "",
        "Nothing is wrong.",
    ]
    assert started == ["openspeech"]
    assert engine.tried == [None]


def test_bad_credentials_are_wrong(check: Herald, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HERALD_ENGINES__OPENSPEECH__TOKEN", "old")
    ran = check("openspeech", "tone")
    assert ran.code == 1
    assert "Credentials    WRONG: The access token is wrong.\n" in ran.out
    assert "Engine tone    Test tone, 1 voice\nCredentials    Test tone needs no credentials.\n\n1 is wrong.\n" in ran.out


@pytest.mark.parametrize(
    ("lines", "options", "tried"),
    [
        ("", "", None),
        ("", "--voice en_male_two", "en_male_two"),
        ("", "--voice openspeech/S_1 --consent", "S_1"),
        ("default_voice: openspeech/en_male_two", "", "en_male_two"),
        ("default_voice: en-US", "", None),  # which means a voice of another engine
        ("default_voice: tone/tone", "", None),
        ("voices: {dad: {engine: openspeech, voice: S_1, consent: true}}", "", "S_1"),
        ("voices: {dad: {engine: openspeech, voice: S_1, consent: true}}", "--voice zh_female_one", "zh_female_one"),
        ("voices: {beep: {engine: tone, voice: tone}}", "", None),
    ],
)
def test_it_is_tried_with_the_voice_that_was_named_else_the_chosen_default(
    check: Herald, engine: type[cloud.CloudEngine], lines: str, options: str, tried: str | None
) -> None:
    Path("herald.yaml").write_text(f"{CONFIG}{lines}\n")
    assert check("openspeech", *options.split()).code == 0
    assert engine.tried == [tried]


@pytest.mark.parametrize(
    ("voice", "words"),
    [
        ("nobody", "There is no voice 'nobody'."),
        ("openspeech/S_1", "--consent on the command line"),
        ("beep", "The voice beep is one of tone. Try: herald check tone --voice beep"),
    ],
)
def test_a_voice_that_cannot_be_tried_is_wrong(
    check: Herald, config: Path, engine: type[cloud.CloudEngine], voice: str, words: str
) -> None:
    config.write_text(f"{CONFIG}voices: {{beep: {{engine: tone, voice: tone}}}}\n")
    ran = check("openspeech", "--voice", voice)
    assert ran.code == 1
    assert "Credentials    WRONG: " in ran.out
    assert words in ran.out
    assert engine.tried == []


def test_a_voice_needs_the_engine_that_it_shall_try(check: Herald) -> None:
    ran = check("--voice", "xiaohe")
    assert (ran.code, ran.out) == (2, "")
    assert "herald check ENGINE --voice xiaohe" in ran.err


def test_an_engine_that_is_not_configured_is_told_with_how_to(herald: Herald, engine: type[cloud.CloudEngine]) -> None:
    Path("herald.yaml").write_text("engines: {espeak: {enabled: false}}")
    ran = herald("check", "--config", "herald.yaml", "openspeech", "tone", "piper")
    assert ran.code == 1
    assert "Configure it in herald.yaml, engines: {openspeech: {…}}, or in the environment (OPENSPEECH_APPID, " in ran.out
    assert "Configure it in herald.yaml, engines: {tone: {…}}.\n" in ran.out
    assert "Engine piper   WRONG: There is no such engine. The engines are" in ran.out
    assert ran.out.endswith("\n3 are wrong.\n")


def test_the_variables_that_were_used_are_told(
    herald: Herald, engine: type[cloud.CloudEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"TOKEN": cloud.GOOD_TOKEN, "VOICE_TYPE": "zh_female_one", "CLUSTER": "", "OTHER": "x"}.items():
        monkeypatch.setenv(f"OPENSPEECH_{name}", value)
    ran = herald("check", "openspeech")
    assert ran.code == 0
    assert ran.out.splitlines()[0].endswith(", and OPENSPEECH_TOKEN, OPENSPEECH_VOICE_TYPE")
    assert engine.tried == ["zh_female_one"]


# voices, serve


def test_a_program_is_told_scenes_and_emotions(herald: Herald, config: Path) -> None:
    first = json.loads(herald("voices", "--config", str(config), "--engine", "openspeech", "--json").out)[0]
    assert (first["scene"], first["emotions"]) == ("story", ["happy", "sad"])


def test_a_configuration_without_consent_is_not_served(herald: Herald, config: Path) -> None:
    config.write_text(f"{CONFIG}voices: {{dad: {{engine: openspeech, voice: S_1}}}}\n")
    ran = herald("serve", "--config", str(config))
    assert ran.code == 2
    assert "voices.dad.consent must be true" in ran.err
