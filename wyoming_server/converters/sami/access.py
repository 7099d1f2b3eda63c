"""Where SAMI is, and who asks: addresses and credentials, as herald.yaml or the environment gives them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

from ...errors import ConfigError, CredentialsRefused

URL = "wss://sami.bytedance.com/api/v1/ws"
TOKEN_URL = "https://open.volcengineapi.com/"  # noqa: S105  # an address, no secret
PEER = "SAMI"

_CREDENTIALS = ("appkey", "token", "access_key", "secret_key")
_WEBSOCKET = {"https": "wss", "http": "ws", "wss": "wss", "ws": "ws"}
_HTTP = {"https": "https", "http": "http"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """One customer's."""

    url: str
    """Of the websocket."""
    token_url: str
    """Of the open API, whose path is `/`: the signature says so."""
    appkey: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    """From the console; good for a day."""
    access_key: str = field(default="", repr=False)
    """With the secret it buys tokens."""
    secret_key: str = field(default="", repr=False)

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Self:
        """Raises ConfigError where an address is none, or a header cannot carry what it should."""
        credentials = {name: (options[name] or "").strip() for name in _CREDENTIALS}
        for name, text in credentials.items():
            if not (text.isascii() and text.isprintable()):
                msg = f"{name} has a character that no HTTP header can carry, such as a line break or an invisible one"
                raise ConfigError(msg)
        token_url = _url("token_url", options["token_url"], _HTTP, example=TOKEN_URL)
        if urlsplit(token_url).path != "/":
            msg = f"token_url has no path behind its host, as {TOKEN_URL} has none"
            raise ConfigError(msg)
        return cls(url=_url("url", options["url"], _WEBSOCKET, example=URL), token_url=token_url, **credentials)

    @property
    def makes_tokens(self) -> bool:
        return bool(self.access_key and self.secret_key)

    def check(self) -> None:
        """Raise CredentialsRefused, in words, where there is nothing to try."""
        if not (self.appkey and (self.token or self.makes_tokens)):
            msg = (
                f"{PEER} needs the appkey of an application, and an access key with its secret, or a token: set appkey, "
                "access_key and secret_key (or token) of the converter in Herald's console or in herald.yaml."
            )
            raise CredentialsRefused(msg)


def _url(name: str, text: str, schemes: Mapping[str, str], *, example: str) -> str:
    """With a path. Raises ConfigError."""
    text = text.strip()
    try:
        parts = urlsplit(text)
        good = parts.scheme in schemes and bool(parts.hostname) and not re.search(r"[\s@?#]", text)
        _ = parts.port
    except ValueError:
        good = False
    if not good:
        shown = text.partition("?")[0].rpartition("@")[2]  # passwords stand before and keys behind
        msg = f"{name} is an address such as {example}, not {shown!r}"
        raise ConfigError(msg)
    return f"{schemes[parts.scheme]}://{parts.netloc.lower()}{parts.path or '/'}"
