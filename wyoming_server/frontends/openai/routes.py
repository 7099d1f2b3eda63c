"""What this front end has on the HTTP port."""

from __future__ import annotations

from ..http.routes import BODY_MAX, Handler, Route
from ..streaming.services import Services
from ..streaming.wishes import body_max
from .problems import refuse, telling
from .speech import speech
from .voices import model, models, speech_models, voices


def routes(services: Services) -> tuple[Route, ...]:
    lists = {
        "/v1/audio/voices": voices(services),
        "/v1/audio/models": speech_models(services),
        "/v1/models": models(services),
        "/v1/models/{model}": model(services),
    }
    return (
        _route("POST", "/v1/audio/speech", speech(services), max(BODY_MAX, body_max(services.config.max_text))),
        *(_route("GET", path, handler) for path, handler in lists.items()),
    )


def _route(method: str, path: str, handler: Handler, size: int = BODY_MAX) -> Route:
    return Route(method=method, path=path, handler=telling(handler), body_max=size, refuse=refuse)
