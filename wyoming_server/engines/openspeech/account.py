"""Who pays: the credentials of one OpenSpeech account, where its service is, and what a handshake must carry."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import uuid
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

from ...errors import ConfigError, CredentialsRefused

MAINLAND = "wss://openspeech.bytedance.com"
V1_PATH = "/api/v1/tts/ws_binary"
V3_PATH = "/api/v3/tts/bidirection"
_CREDENTIALS = ("appid", "token", "api_key", "secret_key")
_SCHEMES = {"https": "wss", "http": "ws", "wss": "wss", "ws": "ws"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """Credentials and address, as herald.yaml or the environment gives them."""

    url: str
    """Base URL: scheme and host, maybe a path before the API's own."""
    appid: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    """The access token of the application."""
    api_key: str = field(default="", repr=False)
    """The newer console's key, instead of both."""
    secret_key: str = field(default="", repr=False)
    """Signs requests of v1 (HMAC); `token` is needed beside it."""
    uid: str = "herald"
    """Told to the vendor, who can find it in his logs."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """More headers for every handshake; they beat our own."""

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Self:
        """Raises ConfigError where an address is none, or a handshake cannot carry what it should."""
        credentials = {name: (options[name] or "").strip() for name in _CREDENTIALS}
        headers = options["headers"]
        for name, text in [*credentials.items(), *(("headers", f"{key}{value}") for key, value in headers.items())]:
            if not (text.isascii() and text.isprintable()):
                msg = f"{name} has a character that no HTTP header can carry, such as a line break or an invisible one"
                raise ConfigError(msg)
        return cls(url=base_url(options["url"]), uid=options["uid"], headers=headers, **credentials)

    @property
    def key(self) -> Hashable:
        """The same for everybody who shares the vendor's limits."""
        return ("openspeech", self.url, self.appid, self.api_key or self.token)

    @property
    def complete(self) -> bool:
        """Whether there is something to try."""
        return bool(self.api_key or (self.appid and self.token))

    def check(self) -> None:
        """Raise CredentialsRefused, in words, where there is not."""
        if not self.complete:
            msg = (
                "OpenSpeech has no credentials. Set appid and token (or api_key) of the engine in Herald's console or in "
                "herald.yaml, or OPENSPEECH_APPID and OPENSPEECH_TOKEN in the environment; the console of Volcengine's speech "
                "service shows them."
            )
            raise CredentialsRefused(msg)

    def v1_headers(self, first_message: bytes) -> dict[str, str]:
        """`first_message`: the request that will follow; a signature covers it."""
        if self.secret_key and self.token:
            own = self._signed(first_message)
        elif self.api_key:
            own = {"x-api-key": self.api_key}
        else:
            own = {"Authorization": f"Bearer; {self.token}"}
        return self._with_more(own)

    def v3_headers(self, resource_id: str) -> dict[str, str]:
        """App id under both of its names: the vendor's documents disagree."""
        if self.api_key:
            own = {"X-Api-Key": self.api_key}
        else:
            own = {"X-Api-App-Key": self.appid, "X-Api-App-Id": self.appid, "X-Api-Access-Key": self.token}
        return self._with_more({**own, "X-Api-Resource-Id": resource_id, "X-Api-Connect-Id": str(uuid.uuid4())})

    def _with_more(self, own: Mapping[str, str]) -> dict[str, str]:
        """A header's name may be written in any case, and must not come twice."""
        given = {name.lower() for name in self.headers}
        return {**{name: value for name, value in own.items() if name.lower() not in given}, **self.headers}

    def _signed(self, first_message: bytes) -> dict[str, str]:
        """HMAC of the request line, the named header's value and the message, as the vendor's own clients make it."""
        path = urlsplit(self.url + V1_PATH).path
        signed = f"GET {path} HTTP/1.1\n{_SIGNED_VALUE}\n".encode() + first_message
        mac = base64.urlsafe_b64encode(hmac.new(self.secret_key.encode(), signed, hashlib.sha256).digest()).decode()
        told = f'HMAC256; access_token="{self.token}"; mac="{mac}"; h="{_SIGNED_HEADER}"'
        return {_SIGNED_HEADER: _SIGNED_VALUE, "Authorization": told}


_SIGNED_HEADER, _SIGNED_VALUE = "Custom", "auth_custom"


def base_url(text: str) -> str:
    """`wss://host[:port][/path]` of a URL or a bare host name. Raises ConfigError."""
    text = text.strip()
    try:
        parts = urlsplit(text if "://" in text else f"wss://{text}")
        good = parts.scheme in _SCHEMES and bool(parts.hostname) and not re.search(r"[\s@?#]", text)
        _ = parts.port
    except ValueError:
        good = False
    if not good:
        shown = text.partition("?")[0].rpartition("@")[2]  # passwords stand before and keys behind
        msg = f"url is the base of the service, such as {MAINLAND}, or a host name, not {shown!r}"
        raise ConfigError(msg)
    return f"{_SCHEMES[parts.scheme]}://{parts.netloc}{parts.path.rstrip('/')}"
