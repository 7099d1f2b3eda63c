"""Where a server is, and how its certificate is known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import aiohttp
from yarl import URL

PORT = 10_231


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    host: str
    """A name, an IPv4 address, or an IPv6 address without brackets."""
    port: int = PORT
    tls: bool = False
    """Whether the port speaks HTTPS."""
    fingerprint: str | None = None
    """SHA-256 of the certificate to accept, 64 hex digits, where no authority vouches for it."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """From what people type: a host, host:port, or the beginning of an http or https URL. Raises ValueError."""
        text = text.strip().rstrip("/")
        if text.count(":") > 1 and "[" not in text and "//" not in text:
            text = f"[{text}]"
        url = URL(text if "//" in text else f"http://{text}")
        if url.scheme not in ("http", "https") or not url.host or url.path not in ("", "/") or url.query_string or url.user:
            msg = "an address is a host, host:port, or http(s)://host:port"
            raise ValueError(msg)
        port = url.explicit_port
        address = cls(host=url.host, port=PORT if port is None else port, tls=url.scheme == "https")
        str(address.url)  # raises where nothing can be asked there
        return address

    @property
    def url(self) -> URL:
        return URL.build(scheme="https" if self.tls else "http", host=self.host, port=self.port)

    @property
    def ssl(self) -> aiohttp.Fingerprint | bool:
        """For aiohttp's `ssl` argument."""
        return True if self.fingerprint is None else aiohttp.Fingerprint(bytes.fromhex(self.fingerprint))

    def pinned(self, fingerprint: str | None) -> Self:
        return replace(self, fingerprint=fingerprint)

    def __str__(self) -> str:
        """As `parse` reads it: always with the port, which nothing here has by default."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.url.scheme}://{host}:{self.port}"
