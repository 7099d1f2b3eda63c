"""Who this server is: an id that stays, and the proof that it knows the pairing token, which goes to nobody for that.

A client that was paired follows a server to another address only after such a proof. Everybody may know the id.
"""

from __future__ import annotations

import hmac
import re
import uuid
from contextlib import suppress
from pathlib import Path

from ..errors import ConfigError
from . import secret_files

FILE = "server_id"
"""In the state directory."""
NONCE_MIN, NONCE_MAX = 32, 128
"""Hex digits of a challenge. With fewer, answers could be collected beforehand."""

_ID = re.compile(rb"[0-9a-f]{32}\s?")
_READ_MAX = 64
_NONCE = re.compile(r"[0-9A-Fa-f]+")


def server_id(state: Path) -> str:
    """32 hex digits, made if there are none. Raises ConfigError where they cannot be kept, or are something else."""
    path = state / FILE
    try:
        if not path.exists():
            _make(path)
        kept = secret_files.read(path, _READ_MAX)
    except OSError as error:
        msg = f"The server's id cannot be kept in {path}: {error.strerror or error}. Give another state directory (--state)."
        raise ConfigError(msg) from error
    if not _ID.fullmatch(kept):
        msg = (
            f"{path} does not hold the server's id, 32 hex digits. Put back the file that was there; "
            "or remove it, and the next start makes a new id: what was paired must then be paired again."
        )
        raise ConfigError(msg)
    return kept.decode().strip()


def proof(token: str, server_id: str, nonce: str) -> str:
    """What only a server that knows `token` can say to `nonce`: HMAC-SHA256 in hex digits."""
    return hmac.digest(token.encode(), f"herald-pairing:{server_id}:{nonce}".encode(), "sha256").hex()


def is_nonce(text: str) -> bool:
    return NONCE_MIN <= len(text) <= NONCE_MAX and _NONCE.fullmatch(text) is not None


def _make(path: Path) -> None:
    with suppress(FileExistsError):  # another process was first; its id is everybody's
        secret_files.create(path, f"{uuid.uuid4().hex}\n".encode())
