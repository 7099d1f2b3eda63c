"""Who speaks for `say` and `voices`: this process, or a running server. Both look the same from outside."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from ..converters.choice import CONVERTER
from ..models import (
    SETTING_NAMES,
    AudioFormat,
    FormatWish,
    Mark,
    Notice,
    ReplyStart,
    TextFormat,
    Voice,
    VoiceSettings,
    Waiting,
)
from .setting import configuration, state_if_any

if TYPE_CHECKING:
    from ..engines.wyoming.client import WyomingClient
    from ..speech import Speech


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """How one text is to be spoken."""

    voice: str | None = None
    """A name, an alias or a language."""
    language: str | None = None
    settings: VoiceSettings = VoiceSettings()
    converter: str | None = None
    """CONVERTER/SPEAKER, or none; `None`: the voice's own."""
    rate: int | None = None
    """Hz; `None`: the voice's own."""
    text_format: TextFormat = TextFormat.TEXT
    fallback: bool = True
    """Another voice may speak where this one fails."""
    consent: bool = False
    """Whoever asks states that the voice's speaker agreed. Only this process takes that word."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Opening:
    """The first event of a reply."""

    format: AudioFormat
    voice: str | None
    """`None`: the server chose one, and does not say which."""
    engine: str = ""
    """Its engine's name, where that is known: only an engine of this process can tell a place in its line."""


SpeakerEvent: TypeAlias = Opening | bytes | Mark | Waiting | Notice


class Speaker(Protocol):
    """Something that speaks."""

    async def voices(self) -> Sequence[Voice]: ...

    def speak(self, order: Order, text: AsyncIterable[str]) -> AsyncGenerator[SpeakerEvent, None]:
        """An Opening, then PCM, and marks and places in line if it knows them. Closing it stops it. Raises HeraldError."""


def speaker(arguments: Namespace) -> AbstractAsyncContextManager[Speaker]:
    """The server that `--uri` names, else this process."""
    return _server(arguments.uri) if arguments.uri else _own_process(arguments)


@asynccontextmanager
async def _own_process(arguments: Namespace) -> AsyncIterator[Speaker]:
    from ..speech import speech  # noqa: PLC0415  # the engines

    async with speech(configuration(arguments), state_if_any(arguments), prepare=False) as speaks:
        yield OwnSpeaker(speaks)


@asynccontextmanager
async def _server(uri: str) -> AsyncIterator[Speaker]:
    from ..engines.wyoming.client import WyomingClient  # noqa: PLC0415

    async with WyomingClient.connected(uri) as client:
        yield ServerSpeaker(client)


class OwnSpeaker:
    """The engines in this process."""

    def __init__(self, speaks: Speech) -> None:
        self._speech = speaks

    async def voices(self) -> Sequence[Voice]:
        return self._speech.catalogue.listed()

    async def speak(self, order: Order, text: AsyncIterable[str]) -> AsyncGenerator[SpeakerEvent, None]:
        voice = self._speech.catalogue.find(order.voice, order.language)
        request = self._speech.synthesizer.request(
            voice, _options(order), wish=FormatWish(rate=order.rate), text_format=order.text_format, consent=order.consent
        )
        async with aclosing(self._speech.synthesizer.speak(request, text)) as events:
            async for event in events:
                yield _opening(event) if isinstance(event, ReplyStart) else event


def _opening(start: ReplyStart) -> Opening:
    return Opening(format=start.format, voice=start.voice.name, engine=start.voice.engine)


class ServerSpeaker:
    """A Wyoming server."""

    def __init__(self, client: WyomingClient) -> None:
        self._client = client

    async def voices(self) -> Sequence[Voice]:
        return (await self._client.describe()).voices

    async def speak(self, order: Order, text: AsyncIterable[str]) -> AsyncGenerator[SpeakerEvent, None]:
        asked = self._client.speak(
            text, voice=order.voice, language=order.language, text_format=order.text_format, context=_context(order)
        )
        async with aclosing(asked) as events:
            async for event in events:
                yield Opening(format=event, voice=order.voice or order.language) if isinstance(event, AudioFormat) else event


def _context(order: Order) -> dict[str, Any]:
    """What Herald's servers understand beside the voice, and others overlook."""
    rate = {} if order.rate is None else {"rate": order.rate}
    return {**_options(order), **rate}


def _options(order: Order) -> dict[str, Any]:
    settings = {name: value for name in SETTING_NAMES if (value := getattr(order.settings, name)) is not None}
    converter = {} if order.converter is None else {CONVERTER: order.converter}
    fallback = {} if order.fallback else {"fallback": False}
    return {**order.settings.extras, **settings, **converter, **fallback}
