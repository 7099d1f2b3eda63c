"""The pairing token: one secret that opens the HTTP port to other machines.

Found in the environment, else kept in the state directory, where it is made at the first start. Nothing here shows or logs it.
"""

from __future__ import annotations

import hmac
import logging
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .errors import ConfigError

_LOGGER = logging.getLogger(__name__)

TOKEN_BYTES = 32
"""Random bytes in a token that is made here."""
TOKEN_MAX = 1024
"""Characters of a token that is given."""
TOKEN_SHORT = 16
"""A given token with fewer characters may be guessed."""

_VARIABLES = ("HERALD_TOKEN", "HERALD_TOKEN_FILE", "APPTOKEN")
"""Where a token may be given, in order; the last is that of a service that Herald replaces."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PairingToken:
    """See `load`."""

    value: str = field(repr=False)
    source: str
    """The environment variable or the file that it stands in."""
    created: bool = False
    """It was made just now: the moment to tell it to the owner."""

    @staticmethod
    def load(state: Path, environ: Mapping[str, str] = os.environ) -> PairingToken:
        """The token, made if there is none. Raises ConfigError where it cannot be read, kept, or sent in a header."""
        return _given(environ) or _kept(state / "token")

    def compare(self, candidate: str) -> bool:
        """Whether this is the token, in a time that does not tell how much of it is right."""
        return hmac.compare_digest(candidate.encode(errors="surrogatepass"), self.value.encode())


def _given(environ: Mapping[str, str]) -> PairingToken | None:
    """The token of the environment. An empty variable says nothing."""
    for name in _VARIABLES:
        text = environ.get(name, "").strip()
        if not text:
            continue
        value = _checked(_content(Path(text), name) if name.endswith("_FILE") else text, name)
        if len(value) < TOKEN_SHORT:
            _LOGGER.warning("%s has %d characters; with fewer than %d it may be guessed", name, len(value), TOKEN_SHORT)
        return PairingToken(value=value, source=name)
    return None


def _content(path: Path, variable: str) -> str:
    try:
        return _read(path)
    except OSError as error:
        msg = f"{variable} names {path}, which cannot be read: {error.strerror or error}."
        raise ConfigError(msg) from error


def _kept(path: Path) -> PairingToken:
    """The token of the state directory."""
    try:
        if not path.exists():
            return _made(path)
        _hide(path)
        return PairingToken(value=_checked(_read(path), str(path)), source=str(path))
    except OSError as error:
        msg = f"The pairing token cannot be kept in {path}: {error.strerror or error}. Give another state directory (--state)."
        raise ConfigError(msg) from error


def _made(path: Path) -> PairingToken:
    """A new token, in place whole or not at all."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    value = secrets.token_urlsafe(TOKEN_BYTES)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(f"{value}\n")
            file.flush()
            os.fsync(file.fileno())
        _place(draft, path)
    except FileExistsError:
        # Another process was first; its token is everybody's.
        return PairingToken(value=_checked(_read(path), str(path)), source=str(path))
    finally:
        draft.unlink(missing_ok=True)
    return PairingToken(value=value, source=str(path), created=True)


def _place(draft: Path, path: Path) -> None:
    """Unlike a rename, a link fails where another process was first; not every file system has links."""
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        raise
    except OSError:
        draft.replace(path)


def _hide(path: Path) -> None:
    """Take the file's permissions away from everybody else, and say so."""
    mode = path.stat().st_mode & 0o777
    if not mode & 0o077:
        return
    try:
        path.chmod(0o600)
    except OSError as error:
        _LOGGER.warning(
            "Other users may read the pairing token %s (mode %o), and that cannot be changed: %s", path, mode, error.strerror
        )
    else:
        _LOGGER.warning("Other users could read the pairing token %s (mode %o); now only its owner can", path, mode)


def _read(path: Path) -> str:
    """The beginning of a file: more than a token may have, if there is more."""
    with path.open("rb") as file:
        return file.read(2 * TOKEN_MAX).decode("ascii", errors="replace")


def _checked(text: str, where: str) -> str:
    token = text.strip()
    if not token:
        msg = f"{where} holds no token. Write one into it; or remove it, and the next start makes one."
        raise ConfigError(msg)
    if len(token) > TOKEN_MAX:
        msg = f"{where} holds a token of {len(token)} characters or more; {TOKEN_MAX} are allowed."
        raise ConfigError(msg)
    if not all("!" <= character <= "~" for character in token):
        msg = f"{where} holds a token with a space or a character outside ASCII, which no header can carry."
        raise ConfigError(msg)
    return token
