"""CreateToken, the request that buys a token for Aliyun NLS: the signed query that goes up, the answer that comes down. Pure.

Who sends it, caches the token and asks only once at a time, stands elsewhere. An answer that is none raises ProtocolError or
TooLarge; one that says no is a `Refusal`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from ..errors import ProtocolError, TooLarge
from .json_messages import number, section, shown

HOST = "nls-meta.cn-shanghai.aliyuncs.com"
REGION = "cn-shanghai"
VERSION = "2019-02-28"
ANSWER_MAX = 64 << 10
"""Bytes of an answer."""
TOKEN_MAX = 1_000
"""Characters of a token."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Token:
    id: str = field(repr=False)
    """What is sent as `?token=`, and never shown."""
    expires: float
    """Unix time, in seconds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    code: str
    """The vendor's name of the error, "InvalidAccessKeyId.NotFound" for one; "" where there is none."""
    message: str


def create_token_query(*, access_key_id: str, access_key_secret: str, time: datetime, nonce: str, region: str = REGION) -> str:
    """The query of `GET https://HOST/`, percent-encoded and signed: it must go out as it stands."""
    query = _query(
        {
            "AccessKeyId": access_key_id,
            "Action": "CreateToken",
            "Format": "JSON",
            "RegionId": region,
            "SignatureMethod": "HMAC-SHA1",
            "SignatureNonce": nonce,
            "SignatureVersion": "1.0",
            "Timestamp": time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "Version": VERSION,
        }
    )
    return f"Signature={_encoded(_signature(query, access_key_secret))}&{query}"


def _query(parameters: Mapping[str, str]) -> str:
    return "&".join(f"{_encoded(name)}={_encoded(value)}" for name, value in sorted(parameters.items()))


def _encoded(text: str) -> str:
    return quote(text, safe="-_.~")


def _signature(query: str, secret: str) -> str:
    signed = f"GET&{_encoded('/')}&{_encoded(query)}"
    return base64.b64encode(hmac.digest(f"{secret}&".encode(), signed.encode(), hashlib.sha1)).decode()


def read_answer(body: bytes) -> Token | Refusal:
    """What the service answers, whatever its HTTP status."""
    answer = _load(body)
    token = section(answer, "Token")
    if not token:
        code, message = shown(answer.get("Code")), shown(answer.get("Message")) or shown(answer.get("ErrMsg"))
        if not code and not message:
            msg = "The answer to CreateToken has neither a token nor an error."
            raise ProtocolError(msg)
        return Refusal(code=code, message=message or code)
    token_id, expires = token.get("Id"), number(token.get("ExpireTime"))
    if not isinstance(token_id, str) or not 0 < len(token_id) <= TOKEN_MAX or expires is None or expires <= 0:
        msg = f"The token of CreateToken has no Id of 1 to {TOKEN_MAX} characters, or no ExpireTime."
        raise ProtocolError(msg)
    return Token(id=token_id, expires=expires)


def _load(body: bytes) -> dict[str, Any]:
    if len(body) > ANSWER_MAX:
        msg = f"An answer to CreateToken of {len(body)} bytes; {ANSWER_MAX} are allowed."
        raise TooLarge(msg)
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError) as error:
        msg = f"The answer to CreateToken is not JSON in UTF-8: {error}."
        raise ProtocolError(msg) from error
    if not isinstance(answer, dict):
        msg = "The answer to CreateToken is not a JSON object."
        raise ProtocolError(msg)
    return answer
