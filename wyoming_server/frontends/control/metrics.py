"""`GET /metrics`: numbers for Prometheus. Which there are stands in `monitoring.metrics`."""

from __future__ import annotations

from aiohttp import web

from ...monitoring.metrics import CONTENT_TYPE
from ..http.routes import Handler
from .answers import NEVER_OLD
from .services import Services


def metrics(services: Services) -> Handler:
    async def tell(_: web.Request) -> web.Response:
        headers = {"Content-Type": CONTENT_TYPE, **NEVER_OLD}
        return web.Response(body=services.monitor.metrics.rendered(), headers=headers)

    return tell
