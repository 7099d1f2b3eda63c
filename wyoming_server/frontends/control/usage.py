"""`/api/usage` and `/api/errors`: what every engine did since the start, took today and this month, and what failed lately."""

from __future__ import annotations

from aiohttp import web

from ...monitoring.spending import described as spent
from ...monitoring.usage import described
from ...state.calendar import Period
from ..http.routes import Handler
from .answers import answer
from .bodies import read_parameters
from .services import Services


def usage(services: Services) -> Handler:
    async def tell(request: web.Request) -> web.Response:
        read_parameters(request, {})
        spending = services.monitor.spending
        await spending.counters.refresh()
        periods = {"today": spent(spending, Period.DAY), "month": spent(spending, Period.MONTH)}
        return answer({**described(services.monitor.usage), **periods})

    return tell


def errors(services: Services) -> Handler:
    async def tell(request: web.Request) -> web.Response:
        read_parameters(request, {})
        return answer({"errors": services.monitor.errors.described()})

    return tell
