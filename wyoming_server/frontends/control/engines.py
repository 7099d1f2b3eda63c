"""`/api/engines` and `/api/converters`: how they are, and their credentials. No value of a credential is in any answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from typing import Any

from aiohttp import web

from ...administration import CredentialStatus, Kind, ServiceStatus, nobody
from ...converters.registry import CONVERTERS, converter_class
from ...engines.registry import ENGINES, engine_class
from ...errors import UnknownService
from ..http.fields import Readers, a_name
from ..http.routes import Handler
from .answers import answer
from .bodies import credentials, read_body, read_parameters
from .services import Services

Work = Callable[[Services, Kind, str, web.Request], Awaitable[Mapping[str, Any]]]
"""What is done with one engine or converter, and answered."""

_SET: Readers = {"credentials": credentials}
_VERIFY: Readers = {"credentials": credentials, "voice": a_name}


def listed(services: Services, kind: Kind) -> Handler:
    async def tell(request: web.Request) -> web.Response:
        read_parameters(request, {})
        await _imported()
        return answer({f"{kind}s": [described(status) for status in services.administration.services(kind)]})

    return tell


def with_one(work: Work) -> Callable[[Services, Kind], Handler]:
    """The handler of an address with a name in it."""

    def made(services: Services, kind: Kind) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            read_parameters(request, {})
            await _imported()
            return answer(await work(services, kind, request.match_info["name"], request))

        return handle

    return made


@with_one
async def one(services: Services, kind: Kind, name: str, _: web.Request) -> Mapping[str, Any]:
    return described(services.administration.service(kind, name))


@with_one
async def set_credentials(services: Services, kind: Kind, name: str, request: web.Request) -> Mapping[str, Any]:
    fields = await read_body(request, _SET, required=_SET)
    return described(await services.administration.set_credentials(kind, name, fields["credentials"]))


@with_one
async def delete_credentials(services: Services, kind: Kind, name: str, _: web.Request) -> Mapping[str, Any]:
    return described(await services.administration.delete_credentials(kind, name))


@with_one
async def verify(services: Services, kind: Kind, name: str, request: web.Request) -> Mapping[str, Any]:
    fields = await read_body(request, _VERIFY)
    verdict = await services.administration.verify(kind, name, fields.get("credentials"), fields.get("voice"))
    return {"ok": verdict.ok, "code": verdict.code, "message": verdict.message, "seconds": round(verdict.seconds, 3)}


async def _imported() -> None:
    """Every type that there is: those that nobody configured are told, too, and importing them takes a tenth of a second."""
    await asyncio.to_thread(_import)


@cache
def _import() -> None:
    for its_type in ENGINES:
        engine_class(its_type)
    for its_type in CONVERTERS:
        converter_class(its_type)


def described(status: ServiceStatus) -> dict[str, Any]:
    return {
        "name": status.name,
        "kind": status.kind,
        "type": status.type,
        "title": status.title,
        "configured": status.configured,
        "state": status.state,
        "code": status.code,
        "message": status.message,
        "since": status.since.isoformat() if status.since is not None else None,
        "any_of": [list(names) for names in status.any_of],
        "credentials": [_credential(credential) for credential in status.credentials],
        "breaker": status.breaker,
    }


def described_now(services: Services, kind: Kind, name: str) -> dict[str, Any]:
    """For events, which also tell of one that is there no more."""
    try:
        status = services.administration.service(kind, name)
    except UnknownService:
        status = nobody(kind, name)
    return described(status)


def _credential(status: CredentialStatus) -> dict[str, Any]:
    field = status.field
    return {
        "name": field.name,
        "label": field.label,
        "help": field.help,
        "kind": field.kind,
        "required": field.required,
        "secret": status.secret,
        "set": status.set,
        "source": status.source,
        "read_only": status.read_only,
    }
