"""Where a service of FlowingSpeechSynthesizer is, which dialect it speaks, and the credentials for it."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self
from urllib.parse import urlsplit

from ...errors import ConfigError, CredentialsRefused
from ...protocols.nls_token import HOST


class Dialect(StrEnum):
    """Whose idea of the protocol."""

    ALIYUN = "aliyun"
    """Aliyun's cloud: it splits the text by itself, and makes the rate that it is asked for."""
    LOCAL = "local"
    """A server over CosyVoice: one sentence at a time, at its model's own rate."""


URLS: Mapping[Dialect, str] = {
    Dialect.ALIYUN: "wss://nls-gateway-cn-beijing.aliyuncs.com/ws/v1",
    Dialect.LOCAL: "ws://localhost:8000/ws/v1/tts",
}
TOKEN_URL = f"https://{HOST}/"
PEERS: Mapping[Dialect, str] = {Dialect.ALIYUN: "Aliyun", Dialect.LOCAL: "The CosyVoice server"}
"""As they are called in messages."""

_CREDENTIALS = ("appkey", "token", "access_key_id", "access_key_secret")
_CLOUD_HOST = ".aliyuncs.com"
_WEBSOCKET = {"https": "wss", "http": "ws", "wss": "wss", "ws": "ws"}
_HTTP = {"wss": "https", "ws": "http"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """Credentials and address, as herald.yaml or the environment gives them."""

    dialect: Dialect
    url: str
    """Of the websocket."""
    appkey: str = field(default="", repr=False)
    """The cloud's project; told in every message."""
    token: str = field(default="", repr=False)
    access_key_id: str = field(default="", repr=False)
    """With the secret it buys tokens, each good for a day or so."""
    access_key_secret: str = field(default="", repr=False)
    token_url: str = TOKEN_URL
    region: str = ""

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Self:
        """Raises ConfigError where an address is none, or a handshake cannot carry what it should."""
        credentials = {name: (options[name] or "").strip() for name in _CREDENTIALS}
        for name, text in credentials.items():
            if not (text.isascii() and text.isprintable()):
                msg = f"{name} has a character that no HTTP header can carry, such as a line break or an invisible one"
                raise ConfigError(msg)
        dialect = _dialect(options, credentials)
        return cls(
            dialect=dialect,
            url=_url("url", options["url"] or URLS[dialect], _WEBSOCKET),
            token_url=_url("token_url", options["token_url"], {"https": "https", "http": "http"}),
            region=options["region"],
            **credentials,
        )

    @property
    def peer(self) -> str:
        return PEERS[self.dialect]

    @property
    def makes_tokens(self) -> bool:
        return bool(self.access_key_id and self.access_key_secret)

    @property
    def key(self) -> Hashable:
        """The same for everybody who shares the service's limits."""
        return (self.url, self.appkey, self.access_key_id or self.token)

    @property
    def complete(self) -> bool:
        """Whether there is something to try. A local server may want nothing."""
        return self.dialect is Dialect.LOCAL or bool(self.appkey and (self.token or self.makes_tokens))

    def check(self) -> None:
        """Raise CredentialsRefused, in words, where there is not."""
        if not self.complete:
            msg = (
                "Aliyun needs the appkey of a project, and an access key id with its secret, or a token: set appkey, "
                "access_key_id and access_key_secret (or token) of the engine in Herald's console or in herald.yaml."
            )
            raise CredentialsRefused(msg)

    def headers(self, token: str) -> dict[str, str]:
        return {"X-NLS-Token": token} if token else {}

    def http_url(self, path: str) -> str:
        """Of something else on the same host."""
        parts = urlsplit(self.url)
        return f"{_HTTP[parts.scheme]}://{parts.netloc}{path}"


def _dialect(options: Mapping[str, Any], credentials: Mapping[str, str]) -> Dialect:
    """What the configuration says, else the host that it names, else whether it has what only the cloud asks for."""
    if options["dialect"] is not None:
        return Dialect(options["dialect"])
    if options["url"]:
        return Dialect.ALIYUN if _host(options["url"]).endswith(_CLOUD_HOST) else Dialect.LOCAL
    return Dialect.ALIYUN if credentials["appkey"] or credentials["access_key_id"] else Dialect.LOCAL


def _host(url: str) -> str:
    """Empty where the address is none, which `_url` tells."""
    try:
        return urlsplit(url.strip()).hostname or ""
    except ValueError:
        return ""


def _url(name: str, text: str, schemes: Mapping[str, str]) -> str:
    """Without a path's trailing slash. Raises ConfigError."""
    text = text.strip()
    try:
        parts = urlsplit(text)
        good = parts.scheme in schemes and bool(parts.hostname) and not re.search(r"[\s@?#]", text)
        _ = parts.port
    except ValueError:
        good = False
    if not good:
        shown = text.partition("?")[0].rpartition("@")[2]  # passwords stand before and keys behind
        example = URLS[Dialect.LOCAL] if name == "url" else TOKEN_URL
        msg = f"{name} is an address such as {example}, not {shown!r}"
        raise ConfigError(msg)
    return f"{schemes[parts.scheme]}://{parts.netloc}{parts.path.rstrip('/') or '/'}"
