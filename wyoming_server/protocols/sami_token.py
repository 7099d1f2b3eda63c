"""SAMI's GetToken, a request to Volcengine's open API signed with an access key's secret (HMAC-SHA256, version 4), sans I/O."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from ..errors import ProtocolError
from .json_messages import dump, load, number, section, shown

SERVICE = "sami"
REGION = "cn-north-1"
ACTION = {"Action": "GetToken", "Version": "2021-07-27"}
TOKEN_VERSION = "volc-auth-v1"  # noqa: S105  # the protocol's name for it, no secret
LIFETIME_MAX = 86_400
"""Seconds that a token may live."""
TOKEN_MAX = 4_096
"""Characters of a token."""

_ALGORITHM = "HMAC-SHA256"
_SIGNED = ("content-type", "host", "x-content-sha256", "x-date")


@dataclass(frozen=True, kw_only=True, slots=True)
class Token:
    text: str = field(repr=False)
    expires_at: float | None
    """Seconds since 1970; `None` where the service does not tell."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """The service's answer, where it brings no token."""

    code: str
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedRequest:
    """A POST."""

    query: str
    headers: Mapping[str, str]
    body: bytes


def get_token(  # noqa: PLR0913  # what a signature is made of
    appkey: str, access_key: str, secret_key: str, *, host: str, now: datetime, lifetime: int = LIFETIME_MAX
) -> SignedRequest:
    """A GetToken. `host` as in the Host header, so without 80 or 443; `lifetime` in seconds."""
    body = dump({"appkey": appkey, "token_version": TOKEN_VERSION, "expiration": lifetime}).encode()
    query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in sorted(ACTION.items()))
    headers = {
        "Content-Type": "application/json",
        "Host": host,
        "X-Content-Sha256": hashlib.sha256(body).hexdigest(),
        "X-Date": now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ"),
    }
    signature = sign(headers, query, secret_key)
    scope = _scope(headers["X-Date"])
    authorization = f"{_ALGORITHM} Credential={access_key}/{scope}, SignedHeaders={';'.join(_SIGNED)}, Signature={signature}"
    return SignedRequest(query=query, headers={**headers, "Authorization": authorization}, body=body)


def sign(headers: Mapping[str, str], query: str, secret_key: str) -> str:
    """The signature of a POST to `/` with these headers, of which X-Content-Sha256 stands for the body."""
    small = {name.lower(): value.strip() for name, value in headers.items()}
    signed = "".join(f"{name}:{small[name]}\n" for name in _SIGNED)
    canonical = "\n".join(("POST", "/", query, signed, ";".join(_SIGNED), small["x-content-sha256"]))
    date, scope = small["x-date"], _scope(small["x-date"])
    to_sign = "\n".join((_ALGORITHM, date, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    key = secret_key.encode()
    for part in scope.split("/"):
        key = _hmac(key, part)
    return _hmac(key, to_sign).hex()


def _scope(date: str) -> str:
    return f"{date[:8]}/{REGION}/{SERVICE}/request"


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def read_answer(status: int, body: bytes) -> Token | Refused:
    """What a GetToken brought, with its HTTP status. Raises ProtocolError and TooLarge for what is no answer."""
    value = load(body.decode(errors="replace"))
    if text := _text(value, "token"):
        expires_at = number(_found(value, "expires_at"))
        return Token(text=text, expires_at=expires_at if expires_at and expires_at > 0 else None)
    error = section(section(value, "ResponseMetadata"), "Error")
    code, message = shown(error.get("Code")), shown(error.get("Message"))
    if not code:
        code = str(number(_found(value, "status_code")) or status)
        message = shown(_found(value, "status_text")) or shown(value.get("message"))
    return Refused(code=code, message=message)


def _found(value: Mapping[str, Any], key: str) -> Any:
    """At the top, or in the `Result` that Volcengine's gateway may put around it."""
    found = value.get(key)
    return section(value, "Result").get(key) if found is None else found


def _text(value: Mapping[str, Any], key: str) -> str:
    given = _found(value, key)
    if given is None or given == "":
        return ""
    if not isinstance(given, str) or len(given) > TOKEN_MAX or not (given.isascii() and given.isprintable()):
        msg = f"A token that is no text of at most {TOKEN_MAX} characters which a header can carry."
        raise ProtocolError(msg)
    return given
