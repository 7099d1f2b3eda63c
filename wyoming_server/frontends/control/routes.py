"""What this front end has on the HTTP port. `openapi.yaml` says the same for people and programs; tests hold the two together."""

from __future__ import annotations

from collections.abc import Iterator

from ...administration import Kind
from ...synthesis.chimes import SIZE_MAX
from ..http.routes import Route
from . import engines
from .about import server
from .cache import cache, clear_cache
from .chimes import chime, chimes, delete_chime, store_chime
from .configuration import reload
from .events import events
from .metrics import metrics
from .openapi import openapi
from .pairing import pairing
from .services import Services
from .sessions import interrupt, interrupt_all, sessions
from .usage import errors, usage
from .voices import voice, voices


def routes(services: Services) -> tuple[Route, ...]:
    return (
        Route(method="GET", path="/api/server", handler=server(services)),
        Route(method="GET", path="/api/pairing", handler=pairing(services.about.id, services.token), is_open=True),
        Route(method="GET", path="/api/openapi.json", handler=openapi, is_open=True),
        Route(method="GET", path="/api/events", handler=events(services)),
        *_of_kind(services, Kind.ENGINE),
        *_of_kind(services, Kind.CONVERTER),
        Route(method="GET", path="/api/voices", handler=voices(services)),
        Route(method="GET", path="/api/voices/{name:.+}", handler=voice(services)),
        Route(method="GET", path="/api/sessions", handler=sessions(services)),
        Route(method="DELETE", path="/api/sessions", handler=interrupt_all(services)),
        Route(method="DELETE", path="/api/sessions/{id:.+}", handler=interrupt(services)),
        Route(method="GET", path="/api/usage", handler=usage(services)),
        Route(method="GET", path="/api/errors", handler=errors(services)),
        Route(method="GET", path="/api/chimes", handler=chimes(services)),
        Route(method="GET", path="/api/chimes/{sha256}", handler=chime(services)),
        Route(method="PUT", path="/api/chimes/{sha256}", handler=store_chime(services), body_max=SIZE_MAX),
        Route(method="DELETE", path="/api/chimes/{sha256}", handler=delete_chime(services)),
        Route(method="GET", path="/api/cache", handler=cache(services)),
        Route(method="DELETE", path="/api/cache", handler=clear_cache(services)),
        Route(method="POST", path="/api/config/reload", handler=reload(services)),
        Route(method="GET", path="/metrics", handler=metrics(services)),
    )


def _of_kind(services: Services, kind: Kind) -> Iterator[Route]:
    path = f"/api/{kind}s"
    yield Route(method="GET", path=path, handler=engines.listed(services, kind))
    yield Route(method="GET", path=f"{path}/{{name}}", handler=engines.one(services, kind))
    yield Route(method="PUT", path=f"{path}/{{name}}/credentials", handler=engines.set_credentials(services, kind))
    yield Route(method="DELETE", path=f"{path}/{{name}}/credentials", handler=engines.delete_credentials(services, kind))
    yield Route(method="POST", path=f"{path}/{{name}}/verify", handler=engines.verify(services, kind))
