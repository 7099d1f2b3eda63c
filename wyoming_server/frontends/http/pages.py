"""Static pages: a folder's files at the addresses of a table, with headers that shut out whatever is foreign.

What there is to read is in those tables: nothing that a client sends becomes a path. What several pages share (the player, the
words' mechanism, colours) lies in the folder beside this module, under /static/, on every port that has `shared`.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from aiohttp import ETag, web

from .routes import Handler, Route

FOLDER = Path(__file__).parent / "page"
FILES: Mapping[str, str] = {
    f"/static/{name}": name
    for name in (
        "base.css",
        "icon.svg",
        "ids.js",
        "language.js",
        "pcm.js",
        "player.js",
        "saving.js",
        "token.js",
    )
}
"""Address → file."""
MEDIA_TYPES: Mapping[str, str] = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
"""All of them are UTF-8."""
HEADERS: Mapping[str, str] = {
    # whatever could bring a page something foreign, or it elsewhere, is shut
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-cache",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def shared() -> tuple[Route, ...]:
    return pages(FOLDER, FILES)


def pages(folder: Path, files: Mapping[str, str]) -> tuple[Route, ...]:
    """`files`: address → file of the folder. Anybody may read them: they know nothing, and ask for the token themselves."""
    return tuple(
        Route(method="GET", path=path, handler=_file((folder / name).read_bytes(), MEDIA_TYPES[Path(name).suffix]), is_open=True)
        for path, name in files.items()
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
