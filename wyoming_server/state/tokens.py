"""The pairing token: one secret that opens the HTTP port to other machines.

Found in the environment, else kept in the state directory, where it is made at the first start. Nothing here shows or logs it.
"""

from __future__ import annotations

import hmac
import logging
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from ..errors import ConfigError
from . import secret_files

_LOGGER = logging.getLogger(__name__)

FILE = "token"
"""In the state directory."""
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
        return _given(environ) or _kept(state / FILE)

    @staticmethod
    def rotate(state: Path, environ: Mapping[str, str] = os.environ) -> PairingToken:
        """A new token in the place of the kept one. Raises ConfigError where the environment gives it, or it cannot be kept."""
        if variable := _variable(environ):
            msg = f"The pairing token comes from {variable} in the environment, and can only be changed there."
            raise ConfigError(msg)
        token = _new(state / FILE)
        with _told(state / FILE):
            secret_files.replace(state / FILE, f"{token.value}\n".encode())
        return token

    def compare(self, candidate: str) -> bool:
        """Whether this is the token, in a time that does not tell how much of it is right."""
        return hmac.compare_digest(candidate.encode(errors="surrogatepass"), self.value.encode())


class HeldToken:
    """The pairing token that holds at this moment: a running server may be given another."""

    def __init__(self, token: PairingToken) -> None:
        self.now = token

    @property
    def value(self) -> str:
        return self.now.value

    def compare(self, candidate: str) -> bool:
        """See PairingToken."""
        return self.now.compare(candidate)


Token: TypeAlias = PairingToken | HeldToken
"""Whatever tells whether a candidate is right."""


def _variable(environ: Mapping[str, str]) -> str | None:
    """The variable that gives the token. An empty one says nothing."""
    return next((name for name in _VARIABLES if environ.get(name, "").strip()), None)


def _given(environ: Mapping[str, str]) -> PairingToken | None:
    """The token of the environment."""
    name = _variable(environ)
    if name is None:
        return None
    text = environ[name].strip()
    value = _checked(_content(Path(text), name) if name.endswith("_FILE") else text, name)
    if len(value) < TOKEN_SHORT:
        _LOGGER.warning("%s has %d characters; with fewer than %d it may be guessed", name, len(value), TOKEN_SHORT)
    return PairingToken(value=value, source=name)


def _content(path: Path, variable: str) -> str:
    try:
        return _read(path)
    except OSError as error:
        msg = f"{variable} names {path}, which cannot be read: {error.strerror or error}."
        raise ConfigError(msg) from error


def _kept(path: Path) -> PairingToken:
    """The token of the state directory."""
    with _told(path):
        if not path.exists():
            return _made(path)
        secret_files.hide(path, "pairing token")
        return PairingToken(value=_checked(_read(path), str(path)), source=str(path))


def _made(path: Path) -> PairingToken:
    """A new token, in place whole or not at all."""
    token = _new(path)
    try:
        secret_files.create(path, f"{token.value}\n".encode())
    except FileExistsError:
        # Another process was first; its token is everybody's.
        return PairingToken(value=_checked(_read(path), str(path)), source=str(path))
    return token


def _new(path: Path) -> PairingToken:
    return PairingToken(value=secrets.token_urlsafe(TOKEN_BYTES), source=str(path), created=True)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """What the system says of the file, as a ConfigError."""
    try:
        yield
    except OSError as error:
        msg = f"The pairing token cannot be kept in {path}: {error.strerror or error}. Give another state directory (--state)."
        raise ConfigError(msg) from error


def _read(path: Path) -> str:
    """The beginning of a file: more than a token may have, if there is more."""
    return secret_files.read(path, 2 * TOKEN_MAX).decode("ascii", errors="replace")


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
