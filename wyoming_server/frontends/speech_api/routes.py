"""What this front end has on the HTTP port."""

from __future__ import annotations

from ..http.routes import BODY_MAX, Route
from ..streaming.services import Services
from ..streaming.wishes import body_max
from .speech import interrupt, stream


def routes(services: Services) -> tuple[Route, ...]:
    size = max(BODY_MAX, body_max(services.config.max_text))
    return (
        Route(method="POST", path="/api/tts/stream", handler=stream(services), body_max=size),
        Route(method="POST", path="/api/tts/interrupt", handler=interrupt(services)),
    )
