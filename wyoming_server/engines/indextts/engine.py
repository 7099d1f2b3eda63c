"""The engine `indextts`: a client of the IndexTTS websocket service, by sentences, one request at a time for each service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Hashable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any, ClassVar

import voluptuous as vol

from ...errors import BadSetting, ProtocolError, TooLarge, VoiceRefused
from ...models import (
    RATE_MAX,
    RATE_MIN,
    AudioFormat,
    Capabilities,
    CredentialField,
    CredentialKind,
    TextFormat,
    Voice,
    VoiceSettings,
)
from ...protocols.indextts import Failed as Told
from ...protocols.indextts import Request, Welcome
from ...upstream.attempts import Failed
from ...upstream.failures import Asked, broken, lost
from ...upstream.options import number, time_limits, word
from ...upstream.websocket import Lost
from ..base import EngineEvent, Utterance, concurrency_option
from ..promise import Promises
from ..sentences import SentenceEngine
from . import failures, sentence, settings
from .files import PATH, Files, languages, prompt
from .line import URL, Line, Lines, websocket_url

WORD_MAX = 1_000
WELCOME_WITHIN = 2.0
"""Seconds that a service which is tried has to say welcome."""

_LIMIT_MAX = 3_600
_LIMIT = number(0.1, _LIMIT_MAX)


class IndexTtsEngine(SentenceEngine):
    """Imitates the speakers of recordings on the service's machine. Those are its voices; only the configuration names them."""

    type: ClassVar[str] = "indextts"
    title: ClassVar[str] = "IndexTTS"
    sentence_limit: ClassVar[int] = 120
    """In Chinese half a minute of audio, and no more tokens than the service takes in one part."""
    options_schema: ClassVar[Mapping[Any, Any]] = {
        vol.Optional("url", default=URL): word(WORD_MAX),
        vol.Optional("prompts", default=dict): {str: prompt},
        vol.Optional("emotions", default=dict): {str: PATH},
        vol.Optional("language", default="zh-CN"): languages,
        vol.Optional("rate", default=22_050): vol.All(int, vol.Range(RATE_MIN, RATE_MAX)),
        **concurrency_option(1),
        vol.Optional("idle", default=30): number(0, 3_600),
        **time_limits(connect=60, first_audio=60, gap=45, most=_LIMIT_MAX),
        vol.Optional("open_timeout", default=None): vol.Maybe(_LIMIT),
        vol.Optional("stall_timeout", default=None): vol.Maybe(_LIMIT),
        vol.Optional("end_timeout", default=0.5): number(0, 60),
    }
    credentials: ClassVar[tuple[CredentialField, ...]] = (
        CredentialField(
            name="url",
            label="Address",
            help="Where the IndexTTS service runs: its host, or ws://HOST:PORT.",
            kind=CredentialKind.URL,
        ),
    )
    extras_schema: ClassVar[Mapping[Any, Any]] = settings.EXTRAS

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        super().__init__(name, options)
        self._url = websocket_url(options["url"])
        self._files = Files.of(options)
        self._lines = Lines(self._url, open_within=_limit(options, "connect_timeout", "open_timeout"), keep=options["idle"])
        self._limits = sentence.Limits(
            total=options["first_audio_timeout"],
            counts_connecting=False,
            stall=_limit(options, "gap_timeout", "stall_timeout"),
            end=options["end_timeout"],
        )
        self._promises = Promises(options["rate"])

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(settings=frozenset({"emotion", "emotion_scale"}))

    async def voices(self) -> Sequence[Voice]:
        return [prompt.voice(name, self.name) for name, prompt in self._files.prompts.items()]

    def needs_consent(self, voice_id: str) -> bool:
        return self._files.needs_consent(voice_id)

    def check_request(self, settings_: VoiceSettings, text_format: TextFormat, voice_id: str = "") -> None:
        super().check_request(settings_, text_format, voice_id)
        settings.emotion(settings_, self._files)
        if voice_id and (problem := self._files.missing(voice_id)) is not None:
            raise BadSetting(problem)

    def native_format(self, utterance: Utterance) -> AudioFormat:
        return self._promises.format(utterance)

    def pause_after(self, utterance: Utterance) -> float:
        return settings.pause(utterance.settings)

    async def verify(self, voice_id: str | None = None) -> str:
        """A connection is opened. No request is made: it would keep the service busy for seconds."""
        if voice_id is not None:
            self._check_voice(voice_id)
        asked = self._asked(voice_id or next(iter(self._files.prompts)))
        try:
            line = await self._lines.open(asked)
            try:
                greeting = await self._greeting(line, asked)
            finally:
                self._lines.leave(line)
        except Failed as failed:
            raise failed.error from failed
        return f"none are needed: {self._url} {greeting}."

    def _account(self) -> Hashable:
        """The service has one model: whoever speaks with it stands in one line."""
        return self._url

    async def _close(self) -> None:
        await super()._close()
        await self._lines.close()

    def _speak(self, text: AsyncIterable[str], utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
        self._check_voice(utterance.voice)
        return super()._speak(text, utterance)

    async def speak_sentence(self, text: str, utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
        self._check_voice(utterance.voice)
        request = settings.request(text, utterance, self._files)
        keeper = self._promises.keep(utterance.voice, self.native_format(utterance))
        limits = self._limits
        if utterance.first_audio is not None:
            limits = replace(limits, total=utterance.first_audio, counts_connecting=True)
        asked = self._asked(utterance.voice, request)
        async with aclosing(sentence.speak(request, self._lines, keeper, limits, asked)) as events:
            async for event in events:
                yield event

    def _check_voice(self, voice_id: str) -> None:
        if (problem := self._files.missing(voice_id)) is not None:
            raise VoiceRefused(problem)

    def _asked(self, voice_id: str, request: Request | None = None) -> Asked:
        mode = f"emo_mode {request.emo_mode}, " if request is not None else ""
        return Asked(peer=failures.PEER, voice=voice_id, how=f"{mode}at {self._url}")

    async def _greeting(self, line: Line, asked: Asked) -> str:
        """What a new connection brings. Raises Failed."""
        try:
            async with asyncio.timeout(WELCOME_WITHIN):
                message = await line.receive()
        except TimeoutError:
            return "takes connections. It said no welcome, so whether it is an IndexTTS service only a sentence can tell"
        except Lost as error:
            raise lost(error, asked) from error
        except (ProtocolError, TooLarge) as error:
            raise broken(error, asked) from error
        if isinstance(message, Told):
            raise failures.failed(message, asked, Request(text=""))
        said = "said welcome" if isinstance(message, Welcome) else "answers as an IndexTTS service"
        return f"takes connections and {said}"


def _limit(options: Mapping[str, Any], key: str, former: str) -> float:
    """Seconds; whoever still says it by its former name is heard."""
    said: float = options[key] if options[former] is None else options[former]
    return said
