"""Stored credentials: what they configure, what beats them, and what is said of those that are wrong or of no use."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from wyoming_server.config import Source, load_config
from wyoming_server.state.credentials import CredentialStore

from .loading import FILE, load, wrong

SECRET = "hunter2"


def engine(name: str = "openspeech", **values: str) -> dict[str, dict[str, dict[str, str]]]:
    return {"engines": {name: values}}


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    assert {record.levelname for record in caplog.records} <= {"WARNING"}
    return [record.getMessage() for record in caplog.records]


# What they configure


def test_an_engine_is_configured_by_stored_credentials_alone() -> None:
    config = load("", {}, engine(appid="1", token=SECRET))
    found = config.engines["openspeech"]
    assert (found.type, found.options["appid"], found.options["token"]) == ("openspeech", "1", SECRET)
    assert found.sources == {"appid": Source.STORED, "token": Source.STORED}
    assert list(config.engines) == ["openspeech", "espeak"]
    assert SECRET not in repr(config)


def test_a_converter_is_configured_by_stored_credentials_alone() -> None:
    config = load("", {}, {"converters": {"sami": {"appkey": "a", "token": "0123"}}})
    assert config.converters["sami"].options["token"] == "0123"
    assert config.converters["sami"].sources == {"appkey": Source.STORED, "token": Source.STORED}


def test_no_file_is_needed(folder: Path) -> None:
    config = load_config(None, {"HOME": str(folder)}, engine(api_key="k"))
    assert config.source is None
    assert config.engines["openspeech"].options["api_key"] == "k"


def test_what_the_store_reads_is_what_the_configuration_takes(folder: Path) -> None:
    store = CredentialStore(folder / "credentials.json")
    assert load("", {}, store.read()) == load("")
    store.replace("engines", "openspeech", {"api_key": SECRET})
    assert load("", {}, store.read()).engines["openspeech"].options["api_key"] == SECRET


@pytest.mark.parametrize("text", ["engines: {openspeech: }", "engines: {openspeech: {}}", "engines: {openspeech: {token: }}"])
def test_an_engine_in_the_file_without_credentials_gets_the_stored_ones(text: str) -> None:
    found = load(text, {}, engine(appid="1", token="2")).engines["openspeech"]
    assert (found.options["appid"], found.options["token"]) == ("1", "2")


@pytest.mark.parametrize("its_type", ["openspeech", "'openspeech'", "OpenSpeech"])
def test_an_engine_under_another_name_gets_its_own_and_the_type_stays_unconfigured(its_type: str) -> None:
    config = load(f"engines: {{my-cloud: {{type: {its_type}, cluster: x}}}}", {}, engine("my-cloud", token="2"))
    found = config.engines["my-cloud"]
    assert (found.type, found.options["token"]) == ("openspeech", "2")
    assert found.sources == {"cluster": Source.FILE, "token": Source.STORED}
    assert "openspeech" not in config.engines


def test_voices_of_the_file_may_name_an_engine_that_only_stored_credentials_configure() -> None:
    text = "voices: {xiaohe: {engine: openspeech, voice: zh_female_xiaohe_uranus_bigtts}}\ndefault_voice: xiaohe"
    assert load(text, {}, engine(api_key="k")).voices["xiaohe"].engine == "openspeech"
    assert "is not configured" in wrong(text)[0]


@pytest.mark.parametrize("value", ["0123", "no", "null", "1e5", " x ", "a: b", "~"])
def test_a_stored_value_is_text_whatever_it_looks_like(value: str) -> None:
    assert load("", {}, engine(appid=value)).engines["openspeech"].options["appid"] == value


# What beats them


def test_environment_beats_file_beats_stored_for_each_key() -> None:
    config = load(
        "engines: {openspeech: {appid: file, token: file, uid: file}}",
        {"OPENSPEECH_TOKEN": "environment", "HERALD_ENGINES__OPENSPEECH__CLUSTER": "environment"},
        engine(appid="stored", token="stored", api_key="stored"),
    )
    found = config.engines["openspeech"]
    assert {key: found.options[key] for key in found.sources} == {
        "appid": "file",
        "token": "environment",
        "api_key": "stored",
        "cluster": "environment",
        "uid": "file",
    }
    assert all(source == found.options[key] for key, source in found.sources.items())


def test_stored_values_join_an_engine_of_the_environment(folder: Path) -> None:
    (folder / "token").write_text("t")
    found = load("", {"OPENSPEECH_TOKEN_FILE": "token"}, engine(appid="1", token="2")).engines["openspeech"]
    assert (found.options["appid"], found.options["token"]) == ("1", "t")
    assert found.sources == {"token": Source.ENVIRONMENT, "appid": Source.STORED}


def test_an_empty_variable_says_nothing() -> None:
    found = load("", {"OPENSPEECH_TOKEN": ""}, engine(token="2")).engines["openspeech"]
    assert found.sources == {"token": Source.STORED}


@pytest.mark.parametrize(
    ("text", "environ"),
    [
        ("engines: {openspeech: {enabled: false}}", {}),
        ("engines: {openspeech: {enabled: no, nonsense: 1}}", {}),
        ("", {"HERALD_ENGINES__OPENSPEECH__ENABLED": "false"}),
    ],
)
def test_an_engine_that_is_switched_off_stays_off(text: str, environ: dict[str, str], caplog: pytest.LogCaptureFixture) -> None:
    assert list(load(text, environ, engine(api_key="k")).engines) == ["espeak"]
    assert not warnings(caplog)


def test_defaults_have_no_source_and_neither_have_type_and_enabled() -> None:
    config = load("engines: {tone: {type: tone, enabled: true, rate: 8000}}\nconverters: {gain: {rate: }}")
    assert config.engines["tone"].sources == {"rate": Source.FILE}
    assert config.engines["espeak"].sources == {}
    assert config.converters["gain"].sources == {}


# What is of no use


@pytest.mark.parametrize(
    ("text", "stored", "sentence"),
    [
        ("", engine("my-cloud", token=SECRET), "credentials of engines.my-cloud are not used: there is no engine of this name"),
        ("", {"converters": {"mine": {"token": SECRET}}}, "of converters.mine are not used: there is no converter of this name"),
        ("", engine("tone", token=SECRET), "The stored engines.tone.token is not used: tone has no such credential"),
        ("", engine("espeak", token=SECRET), "The stored engines.espeak.token is not used: espeak has no such credential"),
        ("engines: {tone: }", engine("tone", rate=SECRET), "stored engines.tone.rate is not used: tone has no such credential"),
        (
            "engines: {openspeech: {type: dashscope}}",
            engine(token=SECRET),
            "The stored engines.openspeech.token is not used: dashscope has no such credential",
        ),
        ("", engine(uid=SECRET), "The stored engines.openspeech.uid is not used: openspeech has no such credential"),
    ],
)
def test_what_is_of_no_use_is_left_out_with_a_warning_that_names_only_names(
    text: str, stored: Any, sentence: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    assert load(text, {}, stored) == load(text)
    (told,) = warnings(caplog)
    assert sentence in told
    assert SECRET not in caplog.text


def test_what_is_stored_for_nobody_is_known_by_its_names() -> None:
    stored = {
        "engines": {"mine": {"token": SECRET}, "tone": {"token": SECRET}, "openspeech": {"api_key": SECRET}},
        "converters": {},
    }
    config = load("engines: {tone: , openspeech: {enabled: false}}", {}, stored)
    assert config.unused == {"engines": {"mine": ("token",), "openspeech": ("api_key",)}, "converters": {}}
    assert SECRET not in repr(config)


def test_an_engine_of_an_unknown_type_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    (told,) = wrong("engines: {my-cloud: {type: openspech}}", {}, engine("my-cloud", token=SECRET))
    assert "engines.my-cloud.type must be one of" in told
    (told,) = wrong("engines: {my-cloud: }", {}, engine("my-cloud", token=SECRET))
    assert "engines.my-cloud.type is missing" in told
    assert not warnings(caplog)


@pytest.mark.parametrize("text", ["[]", "engines: []", "engines: 5", "engines: {openspeech: 5}", "engines: {openspeech: [a]}"])
def test_a_file_of_another_shape_is_told_as_ever(text: str) -> None:
    assert wrong(text, {}, engine(token=SECRET)) == wrong(text)


# What is wrong


NOT_SHOWN = "must be text of at most 256 characters or nothing (what stands there is not shown)."


def test_a_stored_value_that_is_not_allowed_is_told_without_it() -> None:
    assert wrong("log: {level: loud}", {"HERALD_WYOMING__RATE": "x"}, engine(token=SECRET * 100, appid=SECRET * 100)) == [
        'herald.yaml line 1: log.level must be one of debug, info, warning, error, not "loud".',
        f"Stored credentials: engines.openspeech.appid {NOT_SHOWN}",
        f"Stored credentials: engines.openspeech.token {NOT_SHOWN}",
        'HERALD_WYOMING__RATE: wyoming.rate must be a whole number from 8000 to 96000 (Hz), not "x".',
    ]


def test_values_that_do_not_go_together_are_told_with_the_names_of_the_stored_ones() -> None:
    bad = engine(token=f"{SECRET}\n{SECRET}", appid="1")
    end = "does not go together with the stored token, appid: token has a character that no HTTP header can carry"
    (alone,) = wrong("", {}, bad)
    assert alone.startswith(f"Stored credentials: engines.openspeech {end}")
    (beside,) = wrong("engines:\n  openspeech: {uid: x}", {}, bad)
    assert beside.startswith("herald.yaml line 2: engines.openspeech does not go together with the stored")
    assert SECRET not in alone + beside


def test_the_file_is_never_written(folder: Path) -> None:
    load("engines: {openspeech: }", {}, engine(token=SECRET))
    assert FILE.read_text() == "engines: {openspeech: }"
    assert [path.name for path in folder.iterdir()] == ["herald.yaml"]
