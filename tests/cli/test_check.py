"""`herald check` and `herald token`: what they say, and when they fail."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from wyoming_server.config import HttpConfig
from wyoming_server.converters.gain import GainConverter
from wyoming_server.converters.sami.converter import SamiConverter
from wyoming_server.engines.tone import ToneEngine
from wyoming_server.errors import CredentialsRefused, EngineUnavailable
from wyoming_server.frontends.http.certificates import load_tls

from ..simulators.sami import simulator
from .conftest import Ran
from .processes import start

Herald = Callable[..., Ran]

ENGINES = "engines: {espeak: {enabled: false}, tone: {}}\n"


@pytest.fixture
def check(herald: Herald) -> Herald:
    """Checks a herald.yaml with this text."""

    def run(text: str, *arguments: str) -> Ran:
        Path("herald.yaml").write_text(text)
        return herald("check", "--config", "herald.yaml", *arguments)

    return run


def test_a_good_configuration_is_told_as_it_would_be_served(
    check: Herald, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HERALD_WYOMING__RATE", "16000")
    ran = check(
        f"""
        {ENGINES}
        wyoming: {{uri: ["tcp://[::]:10230"], allow: [loopback, 192.168.1.0/24], zeroconf: Kitchen}}
        http: {{host: "::", port: 10231}}
        voices: {{dad: {{engine: tone, language: en-GB, volume: 40}}}}
        default_voice: dad
        """
    )
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        "Configuration  herald.yaml, and HERALD_WYOMING__RATE",
        f"State          {tmp_path}/state/herald (made at the first start)",
        "Engine tone    Test tone, 1 voice",
        "Voices         2 voices (en)",
        "Voice dad      en-GB, engine tone",
        "Default voice  dad (en-GB, engine tone)",
        "Wyoming        tcp://[::]:10230, for loopback, 192.168.1.0/24",
        "Zeroconf       Kitchen",
        "HTTP           http://[::]:10231, for this machine, and others with the token",
        "",
        "Nothing is wrong.",
    ]
    assert not (tmp_path / "state").exists()


def test_without_a_file_the_defaults_are_checked(herald: Herald, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HERALD_ENGINES__ESPEAK__ENABLED", "false")
    monkeypatch.setenv("HERALD_ENGINES__TONE__TYPE", "tone")
    monkeypatch.setenv("HERALD_HTTP__ENABLED", "false")
    ran = herald("check")
    assert ran.code == 0
    assert f"none, the defaults ({tmp_path}/config/herald/herald.yaml does not exist), and HERALD_" in ran.out
    assert "HTTP           off\n" in ran.out


def test_the_port_of_indextts_is_told_where_there_is_one(herald: Herald, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HERALD_HTTP__INDEXTTS_PORT", "8770")
    assert "IndexTTS       ws://0.0.0.0:8770, for private, loopback\n" in herald("check").out


def test_a_wrong_configuration_is_told_line_by_line(check: Herald) -> None:
    ran = check("wyoming: {rat: 16000}\nhttp: {port: 99999}\n")
    assert (ran.code, ran.err) == (1, "")
    first, second, _, last = ran.out.splitlines()
    assert "Did you mean rate?" in first
    assert "99999" in second
    assert last == "2 are wrong."


def test_an_engine_that_cannot_start_says_why(check: Herald, monkeypatch: pytest.MonkeyPatch) -> None:
    async def start(_engine: ToneEngine) -> None:
        raise EngineUnavailable("The tuning fork is missing.")

    monkeypatch.setattr(ToneEngine, "start", start)
    ran = check(ENGINES)
    assert ran.code == 1
    assert "Engine tone    WRONG: The tuning fork is missing.\n" in ran.out
    assert ran.out.endswith("\n1 is wrong.\n")


def test_nothing_that_could_speak_is_wrong(check: Herald) -> None:
    ran = check("engines: {espeak: {enabled: false}}")
    assert ran.code == 1
    assert "Default voice  WRONG: No voice is available" in ran.out


def test_a_voice_whose_engine_does_not_take_its_settings_is_wrong(check: Herald) -> None:
    ran = check(ENGINES + "voices: {dad: {engine: tone, language: en, pitch: 2}}")
    assert ran.code == 1
    assert "WRONG: herald.yaml line 2: voices.dad.pitch" in ran.out
    assert "Test tone voices take no pitch" in ran.out


def test_a_default_voice_that_does_not_exist_is_wrong(check: Herald) -> None:
    ran = check(ENGINES + "default_voice: tone/ton")
    assert ran.code == 1
    assert "WRONG: " in ran.out
    assert "tone/ton" in ran.out


CONVERTERS = """
converters: {gain: , sami: {appkey: a, token: old}, off: {type: gain, enabled: false}}
voices: {dad: {engine: tone, language: en, converter: {type: sami, speaker: zh_male_huoli_stream}}}
"""


def test_converters_are_told_with_their_speakers_and_not_tried(check: Herald, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(SamiConverter, "verify")
    ran = check(ENGINES + CONVERTERS)
    assert ran.code == 0
    assert "Converter gain  Test gain, 6 speakers\nConverter sami  SAMI voice conversion, 10 speakers\n" in ran.out
    assert "Voice dad      en, engine tone, heard as sami/zh_male_huoli_stream\n" in ran.out
    assert "Credentials" not in ran.out


def test_a_named_converter_is_tried_live_and_nothing_else_started(check: Herald, monkeypatch: pytest.MonkeyPatch) -> None:
    async def verify(converter: SamiConverter) -> str:
        raise CredentialsRefused(f"The token {converter.options['token']} has expired.")

    async def begin(_engine: ToneEngine) -> None:
        raise AssertionError

    monkeypatch.setattr(SamiConverter, "verify", verify)
    monkeypatch.setattr(ToneEngine, "start", begin)
    ran = check(ENGINES + CONVERTERS, "gain", "sami")
    assert (ran.code, ran.err) == (1, "")
    assert ran.out.splitlines() == [
        "Configuration  herald.yaml",
        "Converter gain  Test gain, 6 speakers",
        "Credentials    Test gain needs no credentials.",
        "Converter sami  SAMI voice conversion, 10 speakers",
        "Credentials    WRONG: The token old has expired.",
        "",
        "1 is wrong.",
    ]


@pytest.mark.parametrize(("token", "code", "words"), [("sami-token", 0, b"accepted by "), ("old", 1, b"WRONG: ")])
async def test_a_converters_credentials_are_tried_at_its_service(
    monkeypatch: pytest.MonkeyPatch, token: str, code: int, words: bytes
) -> None:
    async with simulator() as service:
        for name, value in {"appkey": "sami-appkey", "token": token, "url": service.url}.items():
            monkeypatch.setenv(f"HERALD_CONVERTERS__SAMI__{name.upper()}", value)
        with start("check", "sami") as process:
            out, _ = await asyncio.to_thread(process.communicate, timeout=20)
        assert not service.all("audio")
    assert process.returncode == code
    assert b"Credentials    " + words in out


def test_an_engine_and_a_converter_of_one_name_are_both_tried(check: Herald) -> None:
    ran = check("engines: {espeak: {enabled: false}, tone: }\nconverters: {tone: {type: gain}}", "tone")
    assert ran.code == 0
    assert (
        "Engine tone    Test tone, 1 voice\nCredentials    Test tone needs no credentials.\nConverter tone  Test gain" in ran.out
    )


def test_a_converter_that_is_not_configured_is_told_with_how_to(check: Herald) -> None:
    ran = check(ENGINES + "converters: {gain: }\n", "sami", "piper")
    assert ran.code == 1
    assert (
        "Converter sami  WRONG: It is not configured, or switched off. Configure it in herald.yaml, converters: {sami: {"
        in ran.out
    )
    assert "There is no such engine. The engines are tone. The converters are gain.\n" in ran.out


def test_a_converter_that_cannot_start_says_why(check: Herald, monkeypatch: pytest.MonkeyPatch) -> None:
    async def begin(_converter: GainConverter) -> None:
        raise EngineUnavailable("The amplifier is missing.")

    monkeypatch.setattr(GainConverter, "start", begin)
    ran = check(ENGINES + "converters: {gain: }\n")
    assert ran.code == 1
    assert "Converter gain  WRONG: The amplifier is missing.\n" in ran.out


def test_a_state_directory_that_cannot_be_made_is_wrong(check: Herald) -> None:
    Path("file").touch()
    ran = check(ENGINES, "--state", "file/state")
    assert ran.code == 1
    assert "State          WRONG: file/state cannot be written.\n" in ran.out


def test_the_token_is_made_once_and_printed_alone(herald: Herald) -> None:
    first, second = herald("token"), herald("token")
    assert (first.code, first.err) == (0, "")
    assert first == second
    assert len(first.out.strip()) > 30


def test_a_token_of_the_environment_is_printed_too(herald: Herald, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HERALD_TOKEN", "chosen-by-the-owner")
    assert herald("token").out == "chosen-by-the-owner\n"
    assert not (tmp_path / "state").exists()


def test_a_token_that_cannot_be_kept_is_told(herald: Herald) -> None:
    Path("file").touch()
    ran = herald("token", "--state", "file/state")
    assert (ran.code, ran.out) == (2, "")
    assert "The pairing token cannot be kept" in ran.err


def test_a_rotated_token_is_printed_alone_and_what_it_means_is_told(herald: Herald) -> None:
    first, second = herald("token"), herald("token", "--rotate")
    assert second.code == 0
    assert first.out != second.out == herald("token").out
    assert "needs the new one" in second.err
    assert "until it is started again" in second.err
    assert second.out.strip() not in second.err


def test_a_token_of_the_environment_is_not_rotated(herald: Herald, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPTOKEN", "chosen-by-the-owner")
    ran = herald("token", "--rotate")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "herald: The pairing token comes from APPTOKEN in the environment, and can only be changed there.\n"
    assert not (tmp_path / "state").exists()


def test_the_certificate_is_told_once_it_is_there_and_none_is_made(check: Herald, tmp_path: Path) -> None:
    text = f"{ENGINES}http: {{tls: true}}\n"
    ran = check(text)
    assert "HTTP           https://0.0.0.0:10231, for this machine" in ran.out
    assert "TLS            made at the first start\n" in ran.out
    state = tmp_path / "state" / "herald"
    assert not state.exists()
    tls = load_tls(HttpConfig(tls=True), state)
    assert tls is not None
    assert f"TLS            SHA-256 {tls.fingerprint}, until {tls.expires:%Y-%m-%d}\n" in check(text).out
    tls.file.write_text("nonsense")
    ran = check(text)
    assert ran.code == 1
    assert "TLS            WRONG: " in ran.out
