"""Who may speak: credentials in the handshake, and what they are granted."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass

from websockets.datastructures import Headers

from ..common.codes import Refused, Told
from .codes import V1

RESOURCES = frozenset(
    "seed-tts-1.0 seed-tts-2.0 seed-icl-1.0 seed-icl-2.0 volc.service_type.10029 volc.service_type.10048".split()
)
HMAC_HEADER = re.compile(r'HMAC256; access_token="(?P<token>[^"]*)"; mac="(?P<mac>[^"]*)"; h="(?P<names>[^"]*)"')


@dataclass(frozen=True, kw_only=True)
class Account:
    """The one customer."""

    appid: str = "1234567890"
    token: str = "access-token"
    api_key: str = "api-key"
    secret_key: str = "secret-key"
    app_key: str | None = None
    """What X-Api-App-Key must say; None: the app id."""
    voices: frozenset[str] | None = None
    """Licensed; None: every voice that there is."""
    resources: frozenset[str] = RESOURCES
    """Licensed."""
    clusters: frozenset[str] = frozenset({"volcano_tts", "volcano_icl"})
    parallel: int | None = None
    """Requests and sessions at once; None: as many as come."""
    bad_token: str = "grant"
    """What v1 says to wrong credentials: `grant` (3001) or `token` (45000010)."""

    def has_voice(self, voice: str) -> bool:
        return self.voices is None or voice in self.voices


def check_v1(account: Account, headers: Headers, path: str, message: bytes, app: dict[str, object]) -> None:
    """The credentials of a v1 connection, known to be right or wrong only with its first message."""
    given = headers.get("Authorization", "")
    if "x-api-key" in headers:
        right = headers["x-api-key"] == account.api_key
    elif given.startswith("HMAC256"):
        right = _is_signed(account, headers, path, message) and app.get("appid") == account.appid
    else:
        right = re.fullmatch(r"Bearer; ?" + re.escape(account.token), given) is not None and app.get("appid") == account.appid
    if not right:
        raise Refused(V1[account.bad_token])


def _is_signed(account: Account, headers: Headers, path: str, message: bytes) -> bool:
    match = HMAC_HEADER.fullmatch(headers["Authorization"])
    if match is None or match["token"] != account.token:
        return False
    lines = [f"GET {path} HTTP/1.1", *(headers.get(name.strip(), "") for name in match["names"].split(","))]
    signed = "".join(f"{line}\n" for line in lines).encode() + message
    mac = hmac.new(account.secret_key.encode(), signed, hashlib.sha256).digest()
    try:
        given = base64.urlsafe_b64decode(match["mac"] + "=" * (-len(match["mac"]) % 4))
    except binascii.Error:
        return False
    return hmac.compare_digest(given, mac)


def refuse_v3(account: Account, headers: Headers) -> tuple[int, Told] | None:
    """The HTTP status and body of a v3 handshake that is refused."""
    if not headers.get("X-Api-Resource-Id"):
        return 400, Told(code=45000001, message="X-Api-Resource-Id is required")
    if "X-Api-Key" in headers:
        wanted = {"X-Api-Key": account.api_key}
    else:
        app_key = account.appid if account.app_key is None else account.app_key
        wanted = {"X-Api-App-Key": app_key, "X-Api-App-Id": account.appid, "X-Api-Access-Key": account.token}
    missing = [name for name in wanted if name not in headers]
    if missing:
        return 401, Told(code=45000010, message=f"missing {', '.join(missing)}")
    if any(headers[name] != value for name, value in wanted.items()):
        return 403, Told(code=45000010, message="load grant: requested grant not found")
    return None
