"""The console's addresses: the page itself at `/`, its files beneath it. What they do stands in them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..http.pages import pages
from ..http.routes import Route

FOLDER = Path(__file__).parent / "page"
FILES: Mapping[str, str] = {
    "/": "index.html",
    **{
        f"/console/{name}": name
        for name in (
            "api.js",
            "cache.js",
            "catalogue.js",
            "composer.js",
            "console.css",
            "console.js",
            "credentials.js",
            "dom.js",
            "errors.js",
            "events.js",
            "history.js",
            "live.js",
            "measures.js",
            "pairing.js",
            "problems.js",
            "resting.js",
            "services.js",
            "settings.js",
            "spent.js",
            "studio.js",
            "take.js",
            "voices.js",
            "wave.js",
            "words.js",
        )
    },
}
"""Address → file."""


def routes() -> tuple[Route, ...]:
    return pages(FOLDER, FILES)
