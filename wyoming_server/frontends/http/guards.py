"""Who may use an HTTP port: every request passes `Guards.middleware` before its handler, whatever it asks for.

Host and Origin keep foreign web pages out, the token or the network keeps foreign machines out, and a body may be as large as its
route says. What is below a request (its deadlines, the number of connections) stands in `connection`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Protocol

from aiohttp import web

from ...errors import AccessError, Busy, RequestError, TokenError, TooLarge
from ...networks import Networks
from ...state.tokens import Token
from .attempts import Attempts
from .hosts import Host, OwnNames, parse_host, same_origin
from .routes import BODY_MAX, Handler, Table

_LOOPBACK = Networks.parse(("loopback",))
_FORWARDED = frozenset({"forwarded", "via", "x-real-ip"})
_FORWARDED_PREFIX = "x-forwarded-"
_OWN_PAGES = frozenset({"same-origin", "none"})
"""Values of Sec-Fetch-Site: a page of Herald's, or the person at the browser."""


class Access(Protocol):
    """Which machines may use what is not open."""

    def check(self, request: web.Request) -> None:
        """Raises AccessError and Busy."""


class Guards:
    """One instance a port."""

    def __init__(self, *, access: Access, names: OwnNames, table: Table) -> None:
        self._access = access
        self._names = names
        self._table = table

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        route = self._table.get(request.match_info.route)
        self._check_origin(request, self._checked_host(request))
        if route is None or not route.is_open:
            try:
                self._access.check(request)
            except (AccessError, Busy) as error:
                if route is None or route.refuse is None:
                    raise
                return await route.refuse(request, error)
        limit = BODY_MAX if route is None else route.body_max
        _check_body(request, limit)
        return await handler(request if limit == request.client_max_size else request.clone(client_max_size=limit))

    def _checked_host(self, request: web.Request) -> Host:
        given = request.headers.getall("Host", [])
        host = parse_host(given[0]) if len(given) == 1 else None
        if host is None:
            msg = "A request needs one Host header, with a name or an address and perhaps a port."
            raise RequestError(msg)
        if host.name not in self._names:
            msg = f"{host.name} is not a name of this server; http.allowed_hosts may add it."
            raise AccessError(msg)
        return host

    def _check_origin(self, request: web.Request, host: Host) -> None:
        if not all(same_origin(origin, host) for origin in request.headers.getall("Origin", [])):
            msg = "A web page of another server (Origin) may not use Herald."
            raise AccessError(msg)


class ByToken:
    """This machine freely, others with the pairing token. One instance a port: it remembers who sent wrong ones."""

    def __init__(self, token: Token) -> None:
        self._token = token
        self._attempts = Attempts()

    def check(self, request: web.Request) -> None:
        if is_trusted(request.remote, request.headers):
            return
        address = request.remote or ""
        if wait := self._attempts.wait(address):
            msg = f"{address} sent too many wrong tokens; try again in {math.ceil(wait)} s."
            raise Busy(msg, retry_after=wait)
        candidates = _candidates(request)
        if any(self._token.compare(candidate) for candidate in candidates):
            return
        if not candidates:
            msg = "The pairing token is missing; `herald token` shows it. Send it as Authorization: Bearer."
            raise TokenError(msg)
        self._attempts.failed(address)
        msg = "The pairing token is wrong; `herald token` shows it."
        raise TokenError(msg)


class ByNetwork:
    """Peers of some networks, for clients that know no token. `setting` is the name of these networks for people."""

    def __init__(self, networks: Networks, setting: str) -> None:
        self._networks = networks
        self._setting = setting

    def check(self, request: web.Request) -> None:
        if _is_forwarded(request.headers):
            msg = f"A proxy brought this request for somebody else, whose address cannot be known here ({self._setting})."
            raise AccessError(msg)
        # without an address the peer has gone already
        if not request.remote or not self._networks.allows(request.remote):
            msg = f"The address {request.remote} may not speak here ({self._setting})."
            raise AccessError(msg)


def is_trusted(remote: str | None, headers: Mapping[str, str]) -> bool:
    """Whether a request comes from a program on this machine itself, and so needs no token.

    Not where a proxy brought it for somebody else, and not where a foreign page made a browser on this machine send it: for a
    picture or a sound a browser sends no Origin.
    """
    if not remote or not _LOOPBACK.allows(remote):
        return False
    if _is_forwarded(headers):
        return False
    return headers.get("Sec-Fetch-Site", "none").lower() in _OWN_PAGES


def _is_forwarded(headers: Mapping[str, str]) -> bool:
    return any(name.lower() in _FORWARDED or name.lower().startswith(_FORWARDED_PREFIX) for name in headers)


def _candidates(request: web.Request) -> list[str]:
    """What a request offers as the token, one a place, so that a request is never many guesses."""
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    given = (
        credentials.strip() if scheme.lower() == "bearer" else "",
        request.headers.get("X-NLS-Token", ""),
        request.query.get("token", ""),
    )
    return [candidate for candidate in given if candidate]


def _check_body(request: web.Request, limit: int) -> None:
    """A body whose size is not said beforehand is counted by aiohttp as the handler reads it (`client_max_size`)."""
    size = request.content_length
    if size is not None and size > limit:
        msg = f"A body of {size} bytes; {limit} are allowed."
        raise TooLarge(msg)
    coding = request.headers.get("Content-Encoding", "identity")
    if coding.lower() != "identity":
        msg = f"A body must come as it is, not with Content-Encoding {coding}."
        raise RequestError(msg)
