"""HTTP as this client speaks it: bounded answers, and every failure as one of `errors`."""

from __future__ import annotations

import asyncio
import hashlib
import json
import ssl
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import aiohttp
from aiohttp.http import HttpProcessingError

from .address import Address
from .errors import CannotConnect, NotHerald, Refused, UntrustedCertificate, WrongCertificate, WrongToken

API = 1
"""The version of the server's API that is known here."""
TIMEOUT = 10.0
"""Seconds for a request, unless it says otherwise."""
CONNECT_TIMEOUT = 5.0
ANSWER_MAX = 8 * 1024 * 1024
"""Bytes of an answer that are read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wire:
    """The way to one server. `token` is None where nobody has proved yet that it is the right server."""

    session: aiohttp.ClientSession
    """Not closed here."""
    address: Address
    token: str | None = field(default=None, repr=False)

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.token is None else {"Authorization": f"Bearer {self.token}"}

    async def ask(self, method: str, path: str, *, seconds: float = TIMEOUT, **more: Any) -> Mapping[str, Any]:
        """The JSON object that answers one request. `path` is encoded as it shall go out; `more` is aiohttp's."""
        async with (
            failures(self.address),
            asyncio.timeout(seconds),
            self.session.request(
                method,
                self.address.url.with_path(path, encoded=True),
                headers=self.headers,
                ssl=self.address.ssl,
                allow_redirects=False,  # a token goes to this address alone
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT),
                **more,
            ) as response,
        ):
            return checked(response.status, await answered(response), self.address)


@asynccontextmanager
async def failures(address: Address) -> AsyncGenerator[None]:
    """Tells what aiohttp raises in the block as what it means."""
    try:
        yield
    except aiohttp.ServerFingerprintMismatch as error:
        raise WrongCertificate(error.got.hex()) from error
    except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError) as error:
        raise await _distrust(address, error) from error
    except TimeoutError as error:
        msg = f"{address} does not answer in time."
        raise CannotConnect(msg) from error
    except (aiohttp.ClientResponseError, aiohttp.InvalidURL, HttpProcessingError, RecursionError, ValueError) as error:
        msg = f"What answers at {address} is no Herald."
        raise NotHerald(msg) from error
    except (aiohttp.ClientError, OSError) as error:
        msg = f"{address} cannot be reached: {error}."
        raise CannotConnect(msg) from error


def checked(status: int, told: Mapping[str, Any], address: Address) -> Mapping[str, Any]:
    """The answer, unless it says no."""
    if status < HTTPStatus.MULTIPLE_CHOICES:
        return told
    code, message = told.get("code"), told.get("message")
    if not isinstance(code, str) or not isinstance(message, str):
        msg = f"What answers at {address} is no Herald: status {status}."
        raise NotHerald(msg)
    if code == "token_required":
        raise WrongToken(message)
    raise Refused(code, message, status)


async def answered(response: aiohttp.ClientResponse) -> Mapping[str, Any]:
    """The JSON object in it. Raises ValueError, and what aiohttp raises."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > ANSWER_MAX:
            msg = f"an answer of more than {ANSWER_MAX} bytes"
            raise ValueError(msg)
    told = json.loads(body) if body else {}
    if not isinstance(told, dict):
        msg = "an answer that is no JSON object"
        raise ValueError(msg)  # noqa: TRY004  # told as NotHerald, like all that is no JSON
    return told


async def _distrust(address: Address, error: Exception) -> CannotConnect:
    """Whose certificate was not trusted, for people to compare."""
    if not isinstance(error, aiohttp.ClientConnectorCertificateError):
        return CannotConnect(f"{address} speaks no TLS, or none that is known: {error}.")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            _, writer = await asyncio.open_connection(address.host, address.port, ssl=context)
    except (OSError, TimeoutError) as again:
        return CannotConnect(f"{address} cannot be reached: {again}.")
    try:
        certificate = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    finally:
        writer.transport.abort()
    return UntrustedCertificate(hashlib.sha256(certificate).hexdigest())
