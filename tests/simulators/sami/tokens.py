"""GetToken: signatures checked, tokens handed out, counted and known again."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from time import monotonic, time
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

from ..common.codes import Refused
from .codes import OK, SAMI
from .world import Account

SCOPE = ("cn-north-1", "sami", "request")
WANTED = {"Action": "GetToken", "Version": "2021-07-27"}
VERSION = "volc-auth-v1"
LIFETIME_MAX = 86_400
FRESH = 15 * 60
"""Seconds that an X-Date may be off."""
SIGNED = ("content-type", "host", "x-content-sha256", "x-date")
"""What must be signed, at least."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """A GetToken as it came."""

    query: str
    headers: Mapping[str, str]
    """Names in small letters."""
    body: bytes


class Denied(Exception):
    """GetToken is refused: HTTP status, and the gateway's code and words."""

    def __init__(self, status: int, number: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.body = gateway(number, code, message)


def gateway(number: int | str, code: str, message: str) -> dict[str, Any]:
    """What the open API's gateway says before the service is asked."""
    about = {"RequestId": uuid4().hex, **WANTED, "Service": SCOPE[1], "Region": SCOPE[0]}
    return {"ResponseMetadata": {**about, "Error": {"CodeN": number, "Code": code, "Message": message}}}


class TokenDesk:
    """Hands tokens out and knows them again."""

    def __init__(self) -> None:
        self.tokens: dict[str, float] = {}
        """Each token of GetToken with the Unix time at which it expires."""
        self._calls: list[float] = []

    def check(self, account: Account, appkey: str | None, token: str | None) -> None:
        """What a message says of itself; raises Refused."""
        if appkey != account.appkey:
            raise Refused(SAMI["appkey"])
        if not account.is_open:
            raise Refused(SAMI["arrears"])
        if not token:
            raise Refused(SAMI["no token"])
        if token != account.token and token not in self.tokens:
            raise Refused(SAMI["token"])
        if token != account.token and self.tokens[token] <= time():
            raise Refused(SAMI["expired"])

    def is_good(self, account: Account, token: str) -> bool:
        try:
            self.check(account, account.appkey, token)
        except Refused:
            return False
        return True

    def expire(self) -> None:
        """All tokens that were handed out: no longer good, whatever was said of them."""
        self.tokens = dict.fromkeys(self.tokens, 0)

    def get(self, account: Account, call: Call) -> tuple[dict[str, Any], int]:
        """What GetToken answers, and for how many seconds; raises Denied, and Refused for what the service itself refuses."""
        _check_query(call.query)
        _check_signature(account, call)
        now = monotonic()
        self._calls = [at for at in self._calls if at > now - 60]
        if account.tokens_per_minute is not None and len(self._calls) >= account.tokens_per_minute:
            raise Denied(HTTPStatus.TOO_MANY_REQUESTS, 100018, "FlowLimitExceeded", "Request was rejected due to flow limit.")
        self._calls.append(now)
        lifetime = _lifetime(account, call.body)
        token, expires = uuid4().hex, time() + lifetime
        self.tokens[token] = expires
        told = {"expires_at": int(expires)} if account.tells_expiry else {}
        return {"task_id": uuid4().hex, "token": token, **told, "status_code": OK.code, "status_text": OK.message}, lifetime


def _lifetime(account: Account, body: bytes) -> int:
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict) or set(found) != {"appkey", "token_version", "expiration"}:
        raise Refused(SAMI["invalid payload"].because("the body is an object of appkey, token_version and expiration"))
    if found["token_version"] != VERSION:
        raise Refused(SAMI["illegal payload"].because("token_version"))
    lifetime = found["expiration"]
    if type(lifetime) is not int or not 0 < lifetime <= LIFETIME_MAX:
        raise Refused(SAMI["illegal payload"].because(f"expiration is a number of seconds up to {LIFETIME_MAX}"))
    if found["appkey"] != account.appkey:
        raise Refused(SAMI["appkey"])
    return lifetime


def _check_query(query: str) -> None:
    given = dict(parse_qsl(query, keep_blank_values=True))
    if given != WANTED:
        raise Denied(HTTPStatus.NOT_FOUND, 100008, "InvalidActionOrVersion", f"Could not find operation {query}.")


def _check_signature(account: Account, call: Call) -> None:
    kind, _, rest = call.headers.get("authorization", "").partition(" ")
    said = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    if kind != "HMAC-SHA256" or set(said) != {"Credential", "SignedHeaders", "Signature"}:
        raise Denied(HTTPStatus.UNAUTHORIZED, 100004, "MissingAuthenticationToken", "The request is missing a signature.")
    access_key, _, scope = said["Credential"].partition("/")
    date = call.headers.get("x-date", "")
    if abs(_seconds(date) - time()) > FRESH:
        raise Denied(HTTPStatus.BAD_REQUEST, 100006, "InvalidTimestamp", "The Signature of the request is expired.")
    if access_key != account.access_key:
        raise Denied(HTTPStatus.UNAUTHORIZED, 100009, "InvalidAccessKey", "The AccessKey of the request is invalid.")
    good = scope == "/".join((date[:8], *SCOPE)) and set(SIGNED) <= set(said["SignedHeaders"].split(";"))
    if not good or not hmac.compare_digest(said["Signature"], signature(call, said["SignedHeaders"], account.secret_key)):
        words = "The request signature we calculated does not match the signature you provided."
        raise Denied(HTTPStatus.UNAUTHORIZED, 100010, "SignatureDoesNotMatch", words)


def signature(call: Call, signed_headers: str, secret: str) -> str:
    """Of a POST to `/`; the body counts, not what its header says of it."""
    lines = "".join(f"{name}:{call.headers.get(name, '').strip()}\n" for name in signed_headers.split(";"))
    body = hashlib.sha256(call.body).hexdigest()
    request = f"POST\n/\n{call.query}\n{lines}\n{signed_headers}\n{body}"
    date = call.headers["x-date"]
    scope = (date[:8], *SCOPE)
    text = f"HMAC-SHA256\n{date}\n{'/'.join(scope)}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = secret.encode()
    for part in (*scope, text):
        key = hmac.digest(key, part.encode(), "sha256")
    return key.hex()


def _seconds(date: str) -> float:
    try:
        return datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return 0
