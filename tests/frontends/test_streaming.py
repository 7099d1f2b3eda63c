"""What the front ends that stream files share, where no front end shows it."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from wyoming_server.audio.encode import WRITINGS, Container
from wyoming_server.errors import HeraldError
from wyoming_server.frontends.http.routes import Route
from wyoming_server.frontends.http.server import HttpServer
from wyoming_server.frontends.streaming.bodies import PlainBody
from wyoming_server.frontends.streaming.reply import Reply
from wyoming_server.frontends.streaming.sound import Sound
from wyoming_server.frontends.streaming.wishes import Wish
from wyoming_server.models import AudioFormat, SynthesisRequest, Voice
from wyoming_server.sessions import ListenerGone
from wyoming_server.state.tokens import PairingToken

from .http_client import CONFIG, GET, TOKEN, RawClient


async def test_a_client_that_left_before_the_first_bytes_is_gone() -> None:
    """And no defect: its transport closes a moment before its handler is cancelled."""
    raised: list[type[BaseException]] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        reply = Reply(request, PlainBody("audio/pcm"), {}, limit=1)
        request.transport.close()
        for step in (reply.send(b"audio"), reply.end()):
            with pytest.raises(ListenerGone) as caught:
                await step
            raised.append(caught.type)
        told = await reply.fail(HeraldError())
        raised.append(type(told))
        raise told

    route = Route(method="GET", path="/audio", handler=handler)
    token = PairingToken(value=TOKEN, source="the test")
    server = HttpServer(CONFIG, token=token, health=dict, more_routes=(route,))
    async with server.serving(), await RawClient.connect(server) as client:
        client.writer.write(GET.format("/audio", "").encode())
        assert await client.closed()
    assert raised == [ListenerGone, ListenerGone, ConnectionError]


@pytest.mark.parametrize("cut", [True, False])
@pytest.mark.parametrize("container", [container for container in Container if WRITINGS[container].rates is None])
async def test_a_file_without_audio_is_whole_and_nothing_is_opened_before_it_is_needed(container: Container, cut: bool) -> None:
    sound = Sound(container, AudioFormat(rate=22_050))
    sound.begin()
    sound.close()  # before its codec was opened
    await asyncio.sleep(0.01)
    sound = Sound(container, AudioFormat(rate=22_050))
    assert bool(sound.end(cut=cut)) == (container is not Container.PCM)
    sound.close()
    sound.close()


def test_a_wish_without_a_rate_is_a_mistake_of_ours() -> None:
    voice = Voice(name="a", engine="b", engine_voice="c", languages=("en",))
    wish = Wish(request=SynthesisRequest(voice=voice), text="a", container=Container.PCM, session_id=None)
    with pytest.raises(ValueError, match="rate"):
        _ = wish.audio
