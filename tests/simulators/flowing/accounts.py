"""Who may speak: the keys of the one customer, and the tokens that they buy with CreateToken."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from time import time
from typing import Any, Literal
from urllib.parse import parse_qsl, quote, urlencode
from uuid import uuid4

CREATE_TOKEN = {
    "Action": "CreateToken",
    "Version": "2019-02-28",
    "Format": "JSON",
    "RegionId": "cn-shanghai",
    "SignatureMethod": "HMAC-SHA1",
    "SignatureVersion": "1.0",
}
"""What CreateToken must say."""
OWN = ("AccessKeyId", "Timestamp", "SignatureNonce", "Signature")
"""What else it must have."""
FRESH = 15 * 60
"""Seconds that a Timestamp may be off."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """The one customer."""

    access_key_id: str = "access-key-id"
    access_key_secret: str = "access-key-secret"
    token: str | None = "nls-token"
    """Good for ever; None: only those of CreateToken are good."""
    token_seconds: float = 36 * 3600
    """How long those are."""
    appkey: str = "app-key"
    foreign_appkeys: frozenset[str] = frozenset({"others-app-key"})
    """Of other customers."""
    voices: frozenset[str] | None = None
    """That there are, for this account; None: every name is one."""
    parallel: int | None = None
    """Sessions at once; None: as many as come."""
    bad_token: Literal["handshake", "task"] = "handshake"
    """When wrong credentials are found: at once (403), or at StartSynthesis (40000001)."""


class Denied(Exception):
    """CreateToken is refused: HTTP status, code and words."""

    def __init__(self, status: HTTPStatus, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"RequestId": str(uuid4()).upper(), "HostId": "nls-meta.cn-shanghai.aliyuncs.com", "Code": code}
        self.body["Message"] = message


class TokenDesk:
    """Hands tokens out and knows them again."""

    def __init__(self) -> None:
        self.tokens: dict[str, float] = {}
        """Each token of CreateToken with the Unix time at which it expires."""
        self._nonces: set[str] = set()

    def is_good(self, account: Account, token: str) -> bool:
        return bool(token) and (token == account.token or self.tokens.get(token, 0) > time())

    def expire(self) -> None:
        """All tokens that were handed out: no longer good, whatever was said of them."""
        self.tokens = dict.fromkeys(self.tokens, 0)

    def create(self, account: Account, query: str) -> dict[str, Any]:
        """What CreateToken answers; raises Denied."""
        given = dict(parse_qsl(query, keep_blank_values=True))
        self._check(account, given)
        token, expires = uuid4().hex, time() + account.token_seconds
        self.tokens[token] = expires
        own = {"UserId": "1234567890", "Id": token, "ExpireTime": int(expires)}
        return {"NlsRequestId": uuid4().hex, "RequestId": str(uuid4()).upper(), "ErrMsg": "", "Token": own}

    def _check(self, account: Account, given: dict[str, str]) -> None:
        for name in (*CREATE_TOKEN, *OWN):
            if not given.get(name):
                raise Denied(HTTPStatus.BAD_REQUEST, f"Missing{name}", f"{name} is mandatory for this action.")
        for name, value in CREATE_TOKEN.items():
            if given[name] != value:
                raise Denied(HTTPStatus.BAD_REQUEST, f"Invalid{name}", f"The specified {name} {given[name]} is not valid.")
        if abs(_seconds(given["Timestamp"]) - time()) > FRESH:
            raise Denied(HTTPStatus.BAD_REQUEST, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.")
        if given["AccessKeyId"] != account.access_key_id:
            raise Denied(HTTPStatus.NOT_FOUND, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")
        if not hmac.compare_digest(given["Signature"], signature(given, account.access_key_secret)):
            raise Denied(
                HTTPStatus.BAD_REQUEST, "SignatureDoesNotMatch", "Specified signature is not matched with our calculation."
            )
        if given["SignatureNonce"] in self._nonces:
            raise Denied(HTTPStatus.BAD_REQUEST, "SignatureNonceUsed", "Specified signature nonce was used already.")
        self._nonces.add(given["SignatureNonce"])


def signature(given: dict[str, str], secret: str) -> str:
    """Of a query's parameters."""
    signed = sorted((name, value) for name, value in given.items() if name != "Signature")
    canonical = urlencode(signed, quote_via=quote, safe="~")
    digest = hmac.new(f"{secret}&".encode(), f"GET&%2F&{quote(canonical, safe='~')}".encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def _seconds(timestamp: str) -> float:
    try:
        return datetime.strptime(timestamp, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise Denied(
            HTTPStatus.BAD_REQUEST, "InvalidTimeStamp.Format", "Specified time stamp or date value is not well formatted."
        ) from None
