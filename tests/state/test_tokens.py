"""Where the pairing token comes from, who may read it, and that nothing shows it."""

from __future__ import annotations

import logging
import os
import pickle
from pathlib import Path
from stat import S_IMODE

import pytest

from wyoming_server.errors import ConfigError
from wyoming_server.state.tokens import TOKEN_BYTES, TOKEN_MAX, PairingToken

GIVEN = "a-token-that-was-given"


def test_the_first_start_makes_a_token_that_stays(tmp_path: Path) -> None:
    state = tmp_path / "deep" / "state"
    first = PairingToken.load(state, {})
    again = PairingToken.load(state, {})
    assert (first.created, again.created) == (True, False)
    assert first.value == again.value == (state / "token").read_text().strip()
    assert first.source == str(state / "token")
    assert len(first.value) >= TOKEN_BYTES * 4 / 3


def test_every_state_has_a_token_of_its_own(tmp_path: Path) -> None:
    assert PairingToken.load(tmp_path / "a", {}).value != PairingToken.load(tmp_path / "b", {}).value


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_only_its_owner_may_read_it(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        PairingToken.load(tmp_path / "state", {})
    finally:
        os.umask(before)
    assert S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    assert S_IMODE((tmp_path / "state" / "token").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["token"]


def test_a_directory_that_is_there_keeps_its_permissions(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    PairingToken.load(tmp_path, {})
    assert S_IMODE(tmp_path.stat().st_mode) == 0o755


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o606, 0o660])
def test_a_file_that_others_can_read_is_mended_and_told(tmp_path: Path, mode: int, caplog: pytest.LogCaptureFixture) -> None:
    made = PairingToken.load(tmp_path, {})
    (tmp_path / "token").chmod(mode)
    assert PairingToken.load(tmp_path, {}) == PairingToken(value=made.value, source=made.source)
    assert S_IMODE((tmp_path / "token").stat().st_mode) == 0o600
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert f"mode {mode:o}" in caplog.text
    assert made.value not in caplog.text


def test_a_process_that_was_first_has_made_everybodys_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Between looking for the file and putting one there.
    monkeypatch.setattr(Path, "exists", lambda path: False)
    first, second = PairingToken.load(tmp_path, {}), PairingToken.load(tmp_path, {})
    assert first.value == second.value
    assert not second.created
    assert [path.name for path in tmp_path.iterdir()] == ["token"]


def test_a_file_system_without_links_does_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(path: Path, target: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", no_links)
    made = PairingToken.load(tmp_path, {})
    assert made.created
    assert PairingToken.load(tmp_path, {}).value == made.value
    assert [path.name for path in tmp_path.iterdir()] == ["token"]


@pytest.mark.parametrize(
    ("environ", "value", "source"),
    [
        ({"HERALD_TOKEN": GIVEN}, GIVEN, "HERALD_TOKEN"),
        ({"HERALD_TOKEN": f" {GIVEN}\n"}, GIVEN, "HERALD_TOKEN"),
        ({"APPTOKEN": GIVEN}, GIVEN, "APPTOKEN"),
        ({"HERALD_TOKEN": GIVEN, "APPTOKEN": "another-token-of-old"}, GIVEN, "HERALD_TOKEN"),
        ({"HERALD_TOKEN": "", "APPTOKEN": GIVEN}, GIVEN, "APPTOKEN"),
    ],
)
def test_the_environment_gives_a_token_and_none_is_made(tmp_path: Path, environ: dict[str, str], value: str, source: str) -> None:
    token = PairingToken.load(tmp_path, environ)
    assert token == PairingToken(value=value, source=source)
    assert not list(tmp_path.iterdir())


def test_a_variable_may_name_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{GIVEN}\n")
    environ = {"HERALD_TOKEN_FILE": str(tmp_path / "secret"), "APPTOKEN": "another-token-of-old"}
    assert PairingToken.load(tmp_path, environ).value == GIVEN


def test_empty_variables_say_nothing(tmp_path: Path) -> None:
    assert PairingToken.load(tmp_path, {"HERALD_TOKEN": " ", "HERALD_TOKEN_FILE": "", "APPTOKEN": ""}).created


@pytest.mark.parametrize("given", ["two words", "tökén-of-some-length", "a\x00b", "x" * (TOKEN_MAX + 1)])
def test_a_token_that_no_header_can_carry_is_refused(tmp_path: Path, given: str) -> None:
    with pytest.raises(ConfigError, match="HERALD_TOKEN holds a token") as caught:
        PairingToken.load(tmp_path, {"HERALD_TOKEN": given})
    assert given not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\n", b"two words", b"\xff\xfe", b"x" * 100_000])
def test_a_damaged_file_is_told_and_kept(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "token").write_bytes(content)
    (tmp_path / "token").chmod(0o600)
    with pytest.raises(ConfigError, match="holds"):
        PairingToken.load(tmp_path, {})
    assert (tmp_path / "token").read_bytes() == content


def test_what_cannot_be_read_or_kept_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "token").mkdir(mode=0o700)
    with pytest.raises(ConfigError, match="--state"):
        PairingToken.load(tmp_path / "file", {})
    with pytest.raises(ConfigError, match="directory"):
        PairingToken.load(tmp_path, {})
    with pytest.raises(ConfigError, match=r"HERALD_TOKEN_FILE names .*nowhere"):
        PairingToken.load(tmp_path, {"HERALD_TOKEN_FILE": str(tmp_path / "nowhere")})


def test_a_short_token_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert PairingToken.load(tmp_path, {"APPTOKEN": "secret"}).value == "secret"
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "APPTOKEN has 6 characters" in caplog.text


# Another one


def test_a_rotated_token_is_another_one_that_stays(tmp_path: Path) -> None:
    first = PairingToken.load(tmp_path, {})
    second = PairingToken.rotate(tmp_path, {"APPTOKEN": " "})
    assert second.created
    assert first.value != second.value == PairingToken.load(tmp_path, {}).value
    assert second.source == str(tmp_path / "token")
    assert S_IMODE((tmp_path / "token").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["token"]


def test_a_token_may_be_rotated_before_there_is_one_and_where_it_is_damaged(tmp_path: Path) -> None:
    made = PairingToken.rotate(tmp_path / "state", {})
    assert PairingToken.load(tmp_path / "state", {}).value == made.value
    (tmp_path / "state" / "token").write_text("two words")
    made = PairingToken.rotate(tmp_path / "state", {})
    assert PairingToken.load(tmp_path / "state", {}).value == made.value


@pytest.mark.parametrize("variable", ["HERALD_TOKEN", "HERALD_TOKEN_FILE", "APPTOKEN"])
def test_a_token_of_the_environment_can_only_be_changed_there(tmp_path: Path, variable: str) -> None:
    kept = PairingToken.load(tmp_path, {})
    with pytest.raises(ConfigError, match=f"comes from {variable} in the environment") as caught:
        PairingToken.rotate(tmp_path, {variable: GIVEN})
    assert GIVEN not in str(caught.value)
    assert PairingToken.load(tmp_path, {}).value == kept.value


def test_a_token_that_cannot_be_replaced_is_told_and_stays(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "token").mkdir()
    for state in (tmp_path, tmp_path / "file"):
        with pytest.raises(ConfigError, match="--state"):
            PairingToken.rotate(state, {})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "token"]


@pytest.mark.parametrize(
    ("candidate", "right"),
    [(GIVEN, True), ("", False), (GIVEN[:-1], False), (f"{GIVEN} ", False), ("tökén", False), ("\udcff\ud800", False)],
)
def test_only_the_whole_token_is_right(candidate: str, *, right: bool) -> None:
    assert PairingToken(value=GIVEN, source="here").compare(candidate) is right


def test_nothing_shows_the_token(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    token = PairingToken.load(tmp_path, {})
    assert token.value not in f"{token} {token!r}"
    assert token.value not in caplog.text
    assert pickle.loads(pickle.dumps(token)) == token  # noqa: S301  # frozen with slots
