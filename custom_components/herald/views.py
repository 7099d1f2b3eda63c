"""Where players and browsers fetch previews: they come from the server as they are made, and end there when nobody listens.

Home Assistant cancels a handler whose client is gone, and with it the reply.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from http import HTTPStatus

from aiohttp import web
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.http import KEY_HASS, HomeAssistantView

from .api import HeraldError, Interrupted
from .const import DOMAIN, LOGGER
from .coordinator import HeraldConfigEntry, HeraldCoordinator
from .orders import ORDERS, Orders, Speech
from .speech.replies import Running

PREVIEW = "preview"


@callback
def register(hass: HomeAssistant) -> None:
    """Once, however many servers there are."""
    hass.data[ORDERS] = orders = Orders()
    hass.http.register_view(SpeechView(orders, PREVIEW))


@callback
def address(hass: HomeAssistant, kind: str, speech: Speech) -> str:
    """Where it can be fetched from now on: a path of Home Assistant's."""
    return path(kind, hass.data[ORDERS].add(speech))


def path(kind: str, token: str) -> str:
    return f"/api/{DOMAIN}/{kind}/{token}"


class SpeechView(HomeAssistantView):
    requires_auth = False

    def __init__(self, orders: Orders, kind: str) -> None:
        self.url = path(kind, "{token}")
        self.name = f"api:{DOMAIN}:{kind}"
        self._orders = orders

    async def head(self, request: web.Request, token: str) -> web.Response:
        """What it would be. Nobody speaks."""
        speech = self._orders.get(token)
        return web.Response(status=HTTPStatus.NOT_FOUND) if speech is None else web.Response(headers=_headers(speech))

    async def get(self, request: web.Request, token: str) -> web.StreamResponse:
        """All of it, from its beginning. One that fails on its way ends there: a player would only ask for it again."""
        speech = self._orders.fetch(token)
        if speech is None:
            return web.Response(status=HTTPStatus.NOT_FOUND)
        coordinator = _coordinator(request.app[KEY_HASS], speech)
        if coordinator is None:
            return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE)
        response = web.StreamResponse(headers=_headers(speech))
        try:
            async with aclosing(_spoken(coordinator, speech)) as audio:
                async for piece in audio:
                    if not response.prepared:
                        await response.prepare(request)
                    await response.write(piece)
        except Interrupted:
            LOGGER.debug("A preview was interrupted")
        except ConnectionError:
            LOGGER.debug("Whoever heard a preview is gone")  # mostly the handler is cancelled before that is seen
            return response
        except HeraldError as error:
            LOGGER.warning("Speech by %s for a preview failed: %s", coordinator.name, error)
            coordinator.notice(error)
            if not response.prepared:
                return web.Response(status=HTTPStatus.BAD_GATEWAY)
        if not response.prepared:
            await response.prepare(request)
        await response.write_eof()
        return response


def _headers(speech: Speech) -> dict[str, str]:
    return {"Content-Type": speech.mime_type, "Cache-Control": "no-store"}


def _coordinator(hass: HomeAssistant, speech: Speech) -> HeraldCoordinator | None:
    """Of its server, if that is there."""
    entry: HeraldConfigEntry | None = hass.config_entries.async_get_entry(speech.entry_id)
    return entry.runtime_data if entry is not None and entry.state is ConfigEntryState.LOADED else None


async def _spoken(coordinator: HeraldCoordinator, speech: Speech) -> AsyncGenerator[bytes]:
    """Its audio, one of the server's replies until its end. Raises HeraldError."""
    reply = coordinator.client.speak(speech.order)
    running = Running(reply=reply, entity_id="", voice=speech.order.voice, conversation_id=None)
    with coordinator.replies.running(running):
        async with reply, aclosing(reply.audio(_whole(speech.text))) as audio:
            async for piece in audio:
                yield piece


async def _whole(text: str) -> AsyncIterator[str]:
    yield text
