"""The variables of the program that Herald's OpenSpeech engine replaces."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests import cloud
from wyoming_server.config import EngineConfig
from wyoming_server.config.environment import OPENSPEECH, OTHER_NAMES, names_in_use

from .loading import load, wrong

PAGE = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
CLONE = {"OPENSPEECH_VOICE_TYPE": "S_nLVvYpzH1"}


@pytest.fixture(autouse=True)
def _openspeech(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud.install(monkeypatch)


def given(engine: EngineConfig) -> dict[str, str]:
    return {name: engine.options[name] for name in cloud.CREDENTIALS if engine.options[name] is not None}


def test_the_credentials_and_the_address_are_the_engines() -> None:
    config = load(
        "",
        {
            "OPENSPEECH_APPID": "0123",
            "OPENSPEECH_TOKEN": "t",
            "OPENSPEECH_CLUSTER": "volcano_icl",
            "OPENSPEECH_HOST": "openspeech.byteoversea.com",
            "OPENSPEECH_API_KEY": "k",
            "OPENSPEECH_SECRET_KEY": "s",
        },
    )
    assert given(config.engines["openspeech"]) == {
        "appid": "0123",
        "token": "t",
        "cluster": "volcano_icl",
        "url": "openspeech.byteoversea.com",
        "api_key": "k",
        "secret_key": "s",
    }
    assert (config.voices, config.default_voice) == ({}, None)


def test_a_voice_type_is_a_configured_voice_and_the_default() -> None:
    config = load("", {"OPENSPEECH_VOICE_TYPE": "zh_female_one"})
    voice = config.voices["openspeech"]
    assert (voice.engine, voice.voice, voice.consent) == ("openspeech", "zh_female_one", False)
    assert config.default_voice == "openspeech"
    assert "openspeech" in config.engines


@pytest.mark.parametrize(("file", "environ"), [("default_voice: en-GB", {}), ("", {"HERALD_DEFAULT_VOICE": "en-GB"})])
def test_a_default_voice_that_somebody_chose_stays(file: str, environ: dict[str, str]) -> None:
    config = load(file, {"OPENSPEECH_VOICE_TYPE": "zh_female_one", **environ})
    assert config.default_voice == "en-GB"
    assert config.voices["openspeech"].voice == "zh_female_one"


def test_a_voice_of_that_name_in_the_file_keeps_the_rest_of_what_it_says() -> None:
    file = "engines: {tone: }\nvoices: {OpenSpeech: {engine: tone, volume: 40}}"
    config = load(file, {"OPENSPEECH_VOICE_TYPE": "tone"})
    voice = config.voices["OpenSpeech"]
    assert (voice.engine, voice.voice, voice.settings.volume) == ("tone", "tone", 40)
    assert config.default_voice == "OpenSpeech"


def test_heralds_own_names_beat_them() -> None:
    file = "engines: {openspeech: {token: file, appid: file, cluster: file}}"
    environ = {"OPENSPEECH_TOKEN": "seed", "OPENSPEECH_APPID": "seed", "HERALD_ENGINES__OPENSPEECH__TOKEN": "own"}
    assert given(load(file, environ).engines["openspeech"]) == {"token": "own", "appid": "seed", "cluster": "file"}


def test_a_file_may_hold_the_value(folder: Path) -> None:
    (folder / "secret").write_text("from-the-file\n")
    assert given(load("", {"OPENSPEECH_TOKEN_FILE": "secret"}).engines["openspeech"]) == {"token": "from-the-file"}
    both = {"OPENSPEECH_TOKEN_FILE": "secret", "OPENSPEECH_TOKEN": "t"}
    assert wrong("", both) == ["OPENSPEECH_TOKEN_FILE: OPENSPEECH_TOKEN sets the same key; keep one of them."]
    assert given(load("", {**both, "HERALD_ENGINES__OPENSPEECH__TOKEN": "own"}).engines["openspeech"]) == {"token": "own"}


def test_an_engine_of_another_name_is_left_alone() -> None:
    assert "url" not in given(load("engines: {openspeech: {token: t}, tone: }", {"OPENSPEECH_HOSTS": "x"}).engines["openspeech"])
    config = load("engines: {tone: {rate: 8000}}", {"OPENSPEECH_TOKEN": "t"})
    assert config.engines["tone"].options["rate"] == 8000
    assert set(config.engines) == {"tone", "espeak", "openspeech"}


def test_a_cloned_voice_needs_consent_and_the_sentence_names_the_variable() -> None:
    told = (
        "OPENSPEECH_VOICE_TYPE: voices.openspeech.consent must be true: this voice may be a real "
        "person's. If that person agreed, set OPENSPEECH_CONSENT=true."
    )
    assert wrong("", CLONE) == [told]
    assert wrong("", {**CLONE, "OPENSPEECH_CONSENT": "false"}) == [told.replace("VOICE_TYPE", "CONSENT", 1)]
    assert load("", {**CLONE, "OPENSPEECH_CONSENT": "true"}).voices["openspeech"].consent is True


def test_consent_without_a_voice_says_nothing() -> None:
    assert load("", {"OPENSPEECH_CONSENT": "true"}) == load("")


def test_empty_ones_say_nothing() -> None:
    assert load("", dict.fromkeys(OTHER_NAMES, "")) == load("")


def test_a_wrong_value_is_told_with_the_variable_and_no_secret() -> None:
    lines = wrong("engines: {openspeech: 5}", {"OPENSPEECH_TOKEN": "hush"})
    assert any(line.startswith("OPENSPEECH_TOKEN: engines.openspeech holds no keys") for line in lines)
    assert not any("hush" in line for line in lines)


def test_those_in_use_can_be_told() -> None:
    environ = {"OPENSPEECH_TOKEN": "t", "OPENSPEECH_X": "x", "OPENSPEECH_HOST": "", "HERALD_STATE": "s", "HOME": "h"}
    assert names_in_use(environ) == ["HERALD_STATE", "OPENSPEECH_TOKEN"]


def test_every_one_is_documented() -> None:
    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", PAGE, re.MULTILINE))
    assert {name for name in OTHER_NAMES if not name.endswith("_FILE")} <= documented
    assert {name for name in documented if name.startswith(OPENSPEECH)} <= OTHER_NAMES.keys()


# Consent in the file


def test_a_voice_of_the_file_that_the_engine_does_not_list_needs_consent() -> None:
    file = "engines: {openspeech: }\nvoices:\n  dad:\n    engine: openspeech\n    voice: S_1\n"
    (line,) = wrong(file)
    assert line == (
        "herald.yaml line 3: voices.dad.consent must be true: this voice may be a real person's. "
        "If that person agreed, set `consent: true`."
    )
    assert load(f"{file}    consent: true\n").voices["dad"].consent is True
    assert load(file.replace("S_1", "zh_female_one")).voices["dad"].consent is False


def test_the_sentence_names_heralds_variable_where_that_named_the_voice() -> None:
    environ = {"HERALD_VOICES__DAD__ENGINE": "openspeech", "HERALD_VOICES__DAD__VOICE": "S_1"}
    assert wrong("engines: {openspeech: }", environ)[0].endswith("set HERALD_VOICES__DAD__CONSENT=true.")


@pytest.mark.parametrize("yaml", ["default_voice: openspeech/S_1", "aliases: {dad: openspeech/S_1}"])
def test_a_person_can_only_be_named_by_a_voice_with_consent(yaml: str) -> None:
    (line,) = wrong(f"engines: {{openspeech: }}\n{yaml}")
    assert "Give it an entry in `voices`, with `consent: true`." in line
    load(f"engines: {{openspeech: }}\n{yaml.replace('S_1', 'zh_female_one')}")
