"""Where a server is asked for what, and with which credentials: made from the engine's options, checked once. No I/O."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import SplitResult, parse_qsl, quote, urlsplit

from ... import __version__
from ...errors import ConfigError, CredentialsRefused
from .profiles import Profile

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_SAFE = "".join(map(chr, range(0x21, 0x7F)))
"""What may stand in an address as it is."""
_LOCAL = "localhost"


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """Of one configured server."""

    speech: str
    lists: tuple[str, ...]
    """Addresses of its list of voices, tried in this order."""
    models: str
    headers: Mapping[str, str] = field(repr=False)
    """Of every request."""
    api_key: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    """What no message may tell."""
    peer: str
    """What it is called in messages."""
    home: bool
    """It is the vendor's own service, which is paid for."""
    keyless: bool
    """It wants a key and has none."""

    @classmethod
    def of(cls, row: Profile, options: Mapping[str, Any]) -> Self:
        """Raises ConfigError where an address is none, or a header cannot carry what it should."""
        parts = _parts(options["url"] or row.url)
        base, query = _base(parts, row), f"?{parts.query}" if parts.query else ""
        key = (options["api_key"] or "").strip()
        home = parts.hostname == urlsplit(row.url).hostname != _LOCAL
        stranger = not home and urlsplit(row.url).hostname != _LOCAL
        return cls(
            speech=f"{base}{row.speech}{query}",
            lists=tuple(f"{base}{path}{query}" for path in row.lists),
            models=f"{base}{row.models}{query}",
            headers=_headers(key, options["headers"]),
            api_key=key,
            secrets=_secrets(key, options["headers"], query),
            peer=f"The server {parts.netloc}" if stranger else row.title,
            home=home,
            keyless=home and row.needs_key and not key and "authorization" not in map(str.lower, options["headers"]),
        )

    @property
    def account(self) -> Hashable:
        """The same for everybody who shares the service's limits."""
        return (self.speech, self.api_key)

    def check(self) -> None:
        """Raise CredentialsRefused, in words, where nothing can come of a request."""
        if self.keyless:
            msg = f"{self.peer} needs an API key: set `api_key` of the engine in Herald's console or in herald.yaml."
            raise CredentialsRefused(msg)


def place(url: str) -> str:
    """An address as it may be shown: credentials may stand in its query."""
    return url.partition("?")[0]


def _parts(text: str) -> SplitResult:
    """As it goes over the wire: a host in IDNA, everything else in ASCII."""
    text = text.strip()
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and not re.search(r"[\s@#]", text)
        host = (parts.hostname or "").encode("idna").decode()
        netloc = f"[{host}]" if ":" in host else host
        netloc += f":{parts.port}" if parts.port is not None else ""
        parts = parts._replace(netloc=netloc, path=quote(parts.path, safe=_SAFE), query=quote(parts.query, safe=_SAFE))
    except ValueError:
        good = False
    if not good:
        shown = place(text).rpartition("@")[2]
        msg = f"url is an address such as http://localhost:8880/v1, not {shown!r}"
        raise ConfigError(msg)
    return parts


def _base(parts: SplitResult, row: Profile) -> str:
    """Of a base or a whole address: what all paths go behind."""
    path = parts.path.rstrip("/")
    if row.speech and path.endswith(row.speech):
        path = path.removesuffix(row.speech)
    elif not path:
        path = row.version
    return f"{parts.scheme}://{parts.netloc}{path}"


def _secrets(key: str, headers: Mapping[str, str], query: str) -> tuple[str, ...]:
    """Whole headers and their words: a server repeats a token without the `Bearer` before it."""
    values = [word for value in headers.values() for word in (value, *value.split())]
    return tuple(filter(None, (key, *values, *(value for _, value in parse_qsl(query.removeprefix("?"))))))


def _headers(key: str, more: Mapping[str, str]) -> dict[str, str]:
    """A header's name may be written in any case, and must not come twice."""
    own = {
        "User-Agent": f"herald/{__version__}",
        "Accept-Encoding": "identity",  # a server that compresses audio holds it back, and gains nothing
        **({"Authorization": f"Bearer {key}"} if key else {}),
    }
    given = {name.lower() for name in more}
    headers = {**{name: value for name, value in own.items() if name.lower() not in given}, **more}
    for name, value in headers.items():
        if not (_HEADER_NAME.fullmatch(name) and value.isascii() and value.isprintable()):
            what = "api_key" if name == "Authorization" and name not in more else f"the header {name!r}"
            msg = f"{what} has a character that no HTTP header can carry, such as a line break or an invisible one"
            raise ConfigError(msg)
    return headers
