"""The page on which a person tries voices: its files, as they lie beside this module. What they do stands in them.

What there is to read is one table: nothing that a client sends becomes a path.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from aiohttp import ETag, web

from ..http.routes import Handler, Route

PAGE = "/ws/v1/tts/test"
_FOLDER = Path(__file__).parent / "page"
_SCRIPT = "text/javascript"
FILES: Mapping[str, tuple[str, str]] = {
    PAGE: ("index.html", "text/html"),
    f"{PAGE}/icon.svg": ("icon.svg", "image/svg+xml"),
    f"{PAGE}/line.js": ("line.js", _SCRIPT),
    f"{PAGE}/messages.js": ("messages.js", _SCRIPT),
    f"{PAGE}/page.css": ("page.css", "text/css"),
    f"{PAGE}/page.js": ("page.js", _SCRIPT),
    f"{PAGE}/pcm.js": ("pcm.js", _SCRIPT),
    f"{PAGE}/player.js": ("player.js", _SCRIPT),
    f"{PAGE}/statistics.js": ("statistics.js", _SCRIPT),
    f"{PAGE}/transcript.js": ("transcript.js", _SCRIPT),
    f"{PAGE}/voices.js": ("voices.js", _SCRIPT),
    f"{PAGE}/words.js": ("words.js", _SCRIPT),
}
"""Address → file, and its media type; all of them are UTF-8."""
HEADERS: Mapping[str, str] = {
    # whatever could bring the page something foreign, or it elsewhere, is shut
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-cache",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def pages() -> tuple[Route, ...]:
    """The page and its files. Anybody may read them: they know nothing, and ask for the token themselves."""
    return tuple(
        Route(method="GET", path=path, handler=_file((_FOLDER / name).read_bytes(), media_type), is_open=True)
        for path, (name, media_type) in FILES.items()
    )


def _file(content: bytes, media_type: str) -> Handler:
    tag = ETag(value=sha256(content).hexdigest()[:16])

    async def answer(request: web.Request) -> web.Response:
        if {tag.value, "*"} & {known.value for known in request.if_none_match or ()}:
            response = web.Response(status=304, headers=HEADERS)
        else:
            response = web.Response(body=content, content_type=media_type, charset="utf-8", headers=HEADERS)
        response.etag = tag
        return response

    return answer
