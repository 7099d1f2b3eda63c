"""Whether a server is the one that it says it is, asked without telling it the token."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Any

import aiohttp

from .address import Address
from .errors import NotHerald, WrongToken
from .wire import Wire


async def identify(session: aiohttp.ClientSession, address: Address) -> str:
    """The id that a server says it has; nobody has proved it. Raises HeraldError."""
    return _id(await _challenged(session, address, secrets.token_hex(32)), address)


async def prove(session: aiohttp.ClientSession, address: Address, token: str) -> str:
    """The id of the server, after it proved that it knows the token. Raises WrongToken where it does not, and HeraldError."""
    nonce = secrets.token_hex(32)
    told = await _challenged(session, address, nonce)
    server = _id(told, address)
    expected = hmac.new(token.encode(), f"herald-pairing:{server}:{nonce}".encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), str(told.get("proof")).encode(errors="replace")):
        msg = f"The server at {address} has another token."
        raise WrongToken(msg)
    return server


async def _challenged(session: aiohttp.ClientSession, address: Address, nonce: str) -> Mapping[str, Any]:
    return await Wire(session=session, address=address).ask("GET", "/api/pairing", params={"nonce": nonce})


def _id(told: object, address: Address) -> str:
    match told:
        case {"id": str(server), "proof": str()} if server and server.isprintable():
            return server
    msg = f"What answers at {address} is no Herald."
    raise NotHerald(msg)
