"""Commands use the credentials that were stored, and say so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from wyoming_server.converters.sami.converter import SamiConverter
from wyoming_server.engines.openspeech.engine import OpenSpeechEngine
from wyoming_server.state.credentials import FILE, CredentialStore

from .conftest import Ran
from .processes import TONE, serving

Herald = Callable[..., Ran]


@pytest.fixture
def store(tmp_path: Path) -> CredentialStore:
    return CredentialStore(tmp_path / "state" / "herald" / FILE)


def test_check_says_whose_stored_credentials_are_in_use(
    herald: Herald, store: CredentialStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("herald.yaml").write_text("engines: {espeak: {enabled: false}, tone: , openspeech: {token: file}}\n")
    store.replace("engines", "openspeech", {"token": "hunter2"})
    store.replace("engines", "dashscope", {"api_key": "hunter2"})
    store.replace("converters", "sami", {"appkey": "hunter2", "token": "hunter2"})
    store.replace("converters", "of-no-use", {"token": "hunter2"})
    ran = herald("check", "--config", "herald.yaml")
    assert ran.out.splitlines()[0] == "Configuration  herald.yaml, and stored credentials of dashscope, sami"
    assert "Converter sami  SAMI voice conversion" in ran.out
    assert "hunter2" not in ran.out + ran.err
    monkeypatch.setenv("HERALD_WYOMING__RATE", "16000")
    ran = herald("check", "--config", "herald.yaml")
    assert ran.out.startswith("Configuration  herald.yaml, and HERALD_WYOMING__RATE, and stored credentials of dashscope, sami\n")


def test_check_tries_stored_credentials_live(herald: Herald, store: CredentialStore, monkeypatch: pytest.MonkeyPatch) -> None:
    async def engine(self: OpenSpeechEngine, _voice: str | None = None) -> str:
        return f"app {self.options['appid']}."

    async def converter(self: SamiConverter) -> str:
        return f"appkey {self.options['appkey']}."

    monkeypatch.setattr(OpenSpeechEngine, "verify", engine)
    monkeypatch.setattr(SamiConverter, "verify", converter)
    store.replace("engines", "openspeech", {"appid": "one"})
    store.replace("converters", "sami", {"appkey": "two"})
    ran = herald("check", "openspeech", "sami")
    assert ran.code == 0
    assert "Credentials    app one.\n" in ran.out
    assert "Credentials    appkey two.\n" in ran.out


def test_a_state_that_is_named_is_the_one_that_is_read(herald: Herald, tmp_path: Path) -> None:
    CredentialStore(tmp_path / "other" / FILE).replace("engines", "openspeech", {"api_key": "k"})
    assert "openspeech/" not in herald("voices", "--engine", "openspeech").out
    assert herald("voices", "--engine", "openspeech", "--state", "other").out.count("openspeech") > 100


@pytest.mark.parametrize("command", [("say", "x", "-o", "x.wav"), ("voices",), ("convert", "--list"), ("serve",)])
def test_credentials_that_cannot_be_read_are_told_and_left(
    herald: Herald, store: CredentialStore, tmp_path: Path, command: tuple[str, ...]
) -> None:
    path = tmp_path / "state" / "herald" / FILE
    store.replace("engines", "openspeech", {"api_key": "hunter2"})
    path.write_text('{"version": 1, hunter2')
    ran = herald(*command)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"herald: The stored credentials in {path} cannot be used: ")
    assert "hunter2" not in ran.err
    assert herald("check").out.startswith(f"Configuration  WRONG: The stored credentials in {path}")
    assert path.read_text() == '{"version": 1, hunter2'


def test_without_a_state_directory_there_are_none(herald: Herald, monkeypatch: pytest.MonkeyPatch, tone: Path) -> None:
    def no_home() -> Path:
        raise RuntimeError

    for name in ("HOME", "XDG_STATE_HOME", "HERALD_STATE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", no_home)
    ran = herald("say", "x", "-o", "x.wav", "-q", "--config", str(tone))
    assert ran.code == 0


def test_a_server_warns_of_what_it_does_not_use_in_its_own_log(tmp_path: Path) -> None:
    (tmp_path / "tone.yaml").write_text(TONE)
    CredentialStore(tmp_path / FILE).replace("engines", "of-no-use", {"token": "hunter2"})
    with serving(tmp_path / "tone.yaml", tmp_path) as server:
        pass
    (warning,) = [line for line in server.log if line["level"] == "warning"]
    assert "engines.of-no-use" in warning["message"]
    assert "hunter2" not in str(server.log)
