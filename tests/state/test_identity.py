"""The server's id stays, and its proof is that of the contract."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path
from stat import S_IMODE

import pytest

from wyoming_server.errors import ConfigError
from wyoming_server.state import secret_files
from wyoming_server.state.identity import FILE, is_nonce, proof, server_id

NONCE = "0123456789abcdef" * 2


def test_the_first_start_makes_an_id_that_stays(tmp_path: Path) -> None:
    state = tmp_path / "deep" / "state"
    made = server_id(state)
    assert len(bytes.fromhex(made)) == 16
    assert server_id(state) == made == (state / FILE).read_text().strip()
    assert S_IMODE((state / FILE).stat().st_mode) == 0o600
    assert server_id(tmp_path / "other") != made


def test_a_process_that_was_first_has_made_everybodys_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "exists", lambda path: False)  # between looking for the file and putting one there
    assert server_id(tmp_path) == server_id(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


@pytest.mark.parametrize(
    "text", ["", "\n", "abc", "A" * 32, "a" * 31, "a" * 33, "a" * 32 + "\nb", f" {'a' * 32}", "a" * 5_000_000, "é" * 32]
)
def test_a_broken_id_is_told_and_kept(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(ConfigError, match="does not hold the server's id, 32 hex digits"):
        server_id(tmp_path)
    assert (tmp_path / FILE).read_text() == text


def test_a_state_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"cannot be kept in .*Not a directory\. Give another state directory \(--state\)"):
        server_id(tmp_path / "file")
    (tmp_path / FILE).mkdir()
    with pytest.raises(ConfigError, match="Is a directory"):
        server_id(tmp_path)


def test_the_proof_is_that_of_the_contract() -> None:
    message = f"herald-pairing:{'a' * 32}:{NONCE}".encode()
    assert proof("a token", "a" * 32, NONCE) == hmac.new(b"a token", message, hashlib.sha256).hexdigest()
    others = {proof("another", "a" * 32, NONCE), proof("a token", "b" * 32, NONCE), proof("a token", "a" * 32, NONCE[::-1])}
    assert len(others | {proof("a token", "a" * 32, NONCE)}) == 4


@pytest.mark.parametrize(
    ("text", "good"),
    [
        (NONCE, True),
        (NONCE.upper(), True),
        ("f" * 128, True),
        ("f" * 31, False),
        ("f" * 129, False),
        ("g" * 32, False),
        ("f" * 32 + "\n", False),
        ("٣" * 32, False),
        ("", False),
    ],
)
def test_a_challenge_is_hex_digits(text: str, *, good: bool) -> None:
    assert is_nonce(text) is good


def test_only_the_beginning_of_a_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limits: list[int] = []
    read = secret_files.read

    def noting(path: Path, limit: int) -> bytes:
        limits.append(limit)
        return read(path, limit)

    monkeypatch.setattr(secret_files, "read", noting)
    server_id(tmp_path)
    assert limits == [64]
