"""The challenge by which a client learns that this is the server with which it was paired. The token itself goes nowhere.

It is open: who was paired with a server that moved must not tell a stranger the token.
"""

from __future__ import annotations

import math

from aiohttp import web

from ... import __version__
from ...errors import Busy, RequestError
from ...state.identity import NONCE_MAX, NONCE_MIN, is_nonce, proof
from ...state.tokens import Token
from ..http.attempts import Attempts
from ..http.routes import Handler

BURST = 20
"""Challenges that an address may send at once."""
FORGET = 1.0
"""Seconds after which one of them is forgotten."""


def pairing(server_id: str, token: Token) -> Handler:
    """The handler of GET /api/pairing?nonce=HEX."""
    challenges = Attempts(burst=BURST, forget=FORGET)

    async def prove(request: web.Request) -> web.Response:
        address = request.remote or ""
        if wait := challenges.wait(address):
            msg = f"{address} sent too many challenges; try again in {math.ceil(wait)} s."
            raise Busy(msg, retry_after=wait)
        challenges.failed(address)
        nonces = request.query.getall("nonce", [])
        if len(nonces) != 1 or not is_nonce(nonces[0]):
            msg = f"A challenge is one `nonce` of {NONCE_MIN} to {NONCE_MAX} hex digits, made for this request alone."
            raise RequestError(msg)
        answer = {"id": server_id, "version": __version__, "proof": proof(token.value, server_id, nonces[0])}
        return web.json_response(answer, headers={"Cache-Control": "no-store"})

    return prove
