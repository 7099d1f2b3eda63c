"""Where players fetch streams. Nothing is asked of the server here: a stream asks, when somebody reads it."""

from __future__ import annotations

import io
import wave
from contextlib import aclosing, suppress
from http import HTTPStatus
from weakref import WeakValueDictionary

from aiohttp import web
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.http import HomeAssistantView

from ..api import Outcome
from ..const import DOMAIN
from .stream import ANNOUNCEMENT, STREAMS, Stream, path

SILENT = "silence"
SILENCE = f"media-source://{DOMAIN}/{SILENT}"
"""A moment without a sound: what a player is told to announce so that it stops announcing."""
SILENCE_PATH = f"/api/{DOMAIN}/{SILENT}"
SILENCE_SECONDS, SILENCE_RATE = 0.1, 16_000
NOTHING = f"{path('nothing')}?play"
"""Where there is nothing: whoever announces that announces nothing."""


@callback
def register(hass: HomeAssistant) -> None:
    """Once, however many servers there are."""
    streams: WeakValueDictionary[str, Stream] = WeakValueDictionary()
    hass.data[STREAMS] = streams
    hass.http.register_view(StreamView(streams))
    hass.http.register_view(SilenceView())


class StreamView(HomeAssistantView):
    """For whoever has a stream's token. A part that is asked for is all of it, since players begin anew when they ask again."""

    requires_auth = False
    url = path("{token}")
    name = f"api:{DOMAIN}:{ANNOUNCEMENT}"

    def __init__(self, streams: WeakValueDictionary[str, Stream]) -> None:
        self._streams = streams

    async def head(self, request: web.Request, token: str) -> web.Response:
        """What it would be. Nobody speaks."""
        stream = self._streams.get(token)
        return web.Response(status=HTTPStatus.NOT_FOUND) if stream is None else web.Response(headers=_headers(stream))

    async def get(self, request: web.Request, token: str) -> web.StreamResponse:
        """All of it. One that fails, or is interrupted, on its way ends there: a player would only ask for it again."""
        stream = self._streams.get(token)
        if stream is None or _is_silenced(stream):
            return web.Response(status=HTTPStatus.NOT_FOUND)
        response = web.StreamResponse(headers=_headers(stream))
        with suppress(ConnectionError):  # the player is gone; mostly the handler is cancelled before that is seen
            async with aclosing(stream.read()) as audio:
                async for piece in audio:
                    if not response.prepared:
                        await response.prepare(request)
                    await response.write(piece)
            if not response.prepared:
                if _has_failed(stream):
                    return web.Response(status=HTTPStatus.BAD_GATEWAY)
                await response.prepare(request)
            await response.write_eof()
        return response


class SilenceView(HomeAssistantView):
    requires_auth = False
    url = SILENCE_PATH
    name = f"api:{DOMAIN}:{SILENT}"

    def __init__(self) -> None:
        self._wav = _silence()

    async def get(self, request: web.Request) -> web.Response:
        return web.Response(body=self._wav, content_type="audio/wav")


def _headers(stream: Stream) -> dict[str, str]:
    return {"Content-Type": stream.mime_type, "Cache-Control": "no-store"}


def _is_silenced(stream: Stream) -> bool:
    """By an interrupt, or by players that left: nobody hears more of it."""
    return stream.ended.done() and stream.ended.result().outcome in (Outcome.INTERRUPTED, Outcome.LEFT)


def _has_failed(stream: Stream) -> bool:
    return stream.ended.done() and stream.ended.result().outcome is Outcome.FAILED


def _silence() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setparams((1, 2, SILENCE_RATE, 0, "NONE", ""))
        sound.writeframes(bytes(2 * round(SILENCE_SECONDS * SILENCE_RATE)))
    return file.getvalue()
