"""The page on which a person tries voices: its files, as they lie beside this module. What they do stands in them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..http.pages import pages
from ..http.routes import Route

PAGE = "/ws/v1/tts/test"
FOLDER = Path(__file__).parent / "page"
FILES: Mapping[str, str] = {
    PAGE: "index.html",
    f"{PAGE}/line.js": "line.js",
    f"{PAGE}/messages.js": "messages.js",
    f"{PAGE}/page.css": "page.css",
    f"{PAGE}/page.js": "page.js",
    f"{PAGE}/statistics.js": "statistics.js",
    f"{PAGE}/transcript.js": "transcript.js",
    f"{PAGE}/voices.js": "voices.js",
    f"{PAGE}/words.js": "words.js",
}
"""Address → file."""


def page() -> tuple[Route, ...]:
    return pages(FOLDER, FILES)
