"""`/api/cache`: how much is kept, how often it was heard, and how to forget it. Never what was said."""

from __future__ import annotations

from aiohttp import web

from ...errors import ConfigError
from ...synthesis.cache.store import Counts
from ..http.fields import a_name
from ..http.routes import Handler
from .answers import answer
from .bodies import read_parameters
from .services import Services


def cache(services: Services) -> Handler:
    async def tell(request: web.Request) -> web.Response:
        read_parameters(request, {})
        store = services.cache
        counts = await store.counted() if store is not None else Counts()
        return answer(
            {
                "enabled": store is not None,
                "limit": store.limit if store is not None else 0,
                "bytes": counts.bytes,
                "entries": counts.entries,
                "hits": counts.hits,
                "shared": counts.shared,
                "misses": counts.misses,
                "stored": counts.stored,
                "evicted": counts.evicted,
                "damaged": counts.damaged,
                "failures": counts.failures,
            }
        )

    return tell


def clear_cache(services: Services) -> Handler:
    async def clear(request: web.Request) -> web.Response:
        wanted = read_parameters(request, {"voice": a_name, "engine": a_name})
        if services.cache is None:
            return answer({"removed": 0})
        try:
            removed = await services.cache.clear(wanted.get("voice"), wanted.get("engine"))
        except OSError as error:
            raise ConfigError(str(error)) from error
        return answer({"removed": removed})

    return clear
