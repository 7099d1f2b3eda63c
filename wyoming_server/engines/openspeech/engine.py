"""The engine `openspeech`: voices of Volcengine (ByteDance), over API v1 by sentences and over API v3 in fragments."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterable, Collection, Hashable, Mapping, Sequence
from contextlib import aclosing, suppress
from typing import Any, ClassVar

import voluptuous as vol

from ...errors import BadSetting, EngineUnavailable, Unspeakable, VoiceRefused
from ...models import AudioFormat, Capabilities, CredentialField, CredentialKind, Voice, VoiceSettings
from ...upstream.options import number, time_limits, word
from ..base import EngineEvent, Utterance, concurrency_option
from ..sentences import SentenceEngine
from . import v1, voices
from .account import MAINLAND, Account
from .job import PCM, Job
from .pool import Pool
from .replies import Replies
from .routes import LOOK_AHEAD, Api, capabilities, route
from .sound import load_decoder

_LOGGER = logging.getLogger(__name__)

WORD_MAX = 256
"""Characters of an id, a code or a language."""
TEXTS_MAX = 20

_WORD = word(WORD_MAX)
_HEADER_WORD = vol.All(_WORD, vol.Match(r"[!-~]+\Z", msg="is letters, digits and signs of ASCII, without spaces"))
"""It goes into a header, and may come from a client."""
_ENCODING = vol.In(("pcm", "mp3", "ogg_opus"))
_API = vol.In(tuple(map(str, Api)))

_CHEAP_VOICES = {Api.V1: "BV001_streaming", Api.V3: "zh_female_vv_uranus_bigtts"}
"""For trying credentials where no voice is named: the one of the vendor's first example, and a voice 2.0 as new accounts have."""
_CHEAP_TEXT = "。"
"""Nothing to say, nothing to pay; the credentials are looked at all the same."""


class OpenSpeechEngine(SentenceEngine):
    """Volcengine's speech service.

    Which API, cluster and resource id a voice needs stands in `routes`, what settings become in `job`, what errors mean in
    `failures`.
    """

    type: ClassVar[str] = "openspeech"
    title: ClassVar[str] = "OpenSpeech"
    sentence_limit: ClassVar[int] = 256
    """v1 takes 1024 bytes: that many code points in any language."""
    options_schema: ClassVar[Mapping[Any, Any]] = {
        vol.Optional("appid", default=None): vol.Maybe(_WORD),
        vol.Optional("token", default=None): vol.Maybe(_WORD),
        vol.Optional("api_key", default=None): vol.Maybe(_WORD),
        vol.Optional("secret_key", default=None): vol.Maybe(_WORD),
        vol.Optional("url", default=MAINLAND): _WORD,
        vol.Optional("headers", default=dict): {str: str},
        vol.Optional("uid", default="herald"): vol.All(str, vol.Length(min=1, max=WORD_MAX)),
        vol.Optional("api", default=None): vol.Maybe(_API),
        vol.Optional("cluster", default=None): vol.Maybe(_WORD),
        vol.Optional("resource_id", default=None): vol.Maybe(_HEADER_WORD),
        vol.Optional("model", default=None): vol.Maybe(_WORD),
        vol.Optional("encoding", default="pcm"): _ENCODING,
        **concurrency_option(2),
        vol.Optional("keep_warm", default=60): number(0, 86_400),
        **time_limits(connect=5, first_audio=4, gap=10),
    }
    credentials: ClassVar[tuple[CredentialField, ...]] = (
        CredentialField(
            name="api_key",
            label="API key",
            help="In the newer console of Volcengine's speech service; with it, neither APP ID nor access token is needed.",
            kind=CredentialKind.SECRET,
        ),
        CredentialField(
            name="appid",
            label="APP ID",
            help="Of the application in the console of Volcengine's speech service; together with its access token.",
        ),
        CredentialField(
            name="token",
            label="Access Token",
            help="In the console beside the APP ID.",
            kind=CredentialKind.SECRET,
        ),
        CredentialField(
            name="secret_key",
            label="Secret Key",
            help="In the console beside the access token; only for accounts whose requests must be signed.",
            kind=CredentialKind.SECRET,
        ),
        CredentialField(
            name="url",
            label="Address",
            help="Only for accounts of BytePlus, or a proxy of yours: the base of the service.",
            kind=CredentialKind.URL,
        ),
    )
    credential_sets: ClassVar[tuple[tuple[str, ...], ...]] = (("api_key",), ("appid", "token"))
    extras_schema: ClassVar[Mapping[Any, Any]] = {
        vol.Optional("api"): _API,
        vol.Optional("cluster"): _WORD,
        vol.Optional("resource_id"): _HEADER_WORD,
        vol.Optional("model"): _WORD,
        vol.Optional("encoding"): _ENCODING,
        vol.Optional("operation"): vol.In(("submit", "query")),
        vol.Optional("explicit_language"): _WORD,
        vol.Optional("context_language"): _WORD,
        vol.Optional("context_texts"): vol.All([word(2_000)], vol.Length(max=TEXTS_MAX)),
        vol.Optional("timestamps"): bool,
        vol.Optional("end_silence"): number(0, 30),
        vol.Optional("bitrate"): vol.All(int, vol.Range(8, 320_000)),
        vol.Optional("additions"): {str: object},
    }

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        super().__init__(name, options)
        self._payer = Account.of(options)
        self._pool = Pool(self._payer, keep=options["keep_warm"], open_within=options["connect_timeout"])
        self._replies_in_fragments = Replies(
            name, self._pool, self.turns, first_audio=options["first_audio_timeout"], gap=options["gap_timeout"]
        )

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(streaming_text=True, look_ahead=LOOK_AHEAD)

    def capabilities_of(self, voice_id: str, settings: VoiceSettings) -> Capabilities:
        """By the voice's family and the API that speaks it. Raises BadSetting for an API that can't."""
        return capabilities(route(voice_id, {**self.options, **settings.extras}))

    async def voices(self) -> Sequence[Voice]:
        return voices.listed(self.name)

    def unlisted_voice(self, voice_id: str) -> Voice | None:
        """Every account has voices of its own, which nobody lists."""
        return voices.unlisted(self.name, voice_id)

    def needs_consent(self, voice_id: str) -> bool:
        """Whatever is not in the vendor's list may be a clone."""
        return not voices.is_listed(voice_id)

    def native_format(self, utterance: Utterance) -> AudioFormat:
        return self._job(utterance).format

    def prepare(self, utterances: Collection[Utterance]) -> None:
        for utterance in utterances if self._payer.complete else ():
            with suppress(BadSetting):  # told to whoever asks for that voice
                job = self._job(utterance)
                if job.encoding != PCM:
                    load_decoder()
                if job.route.api is Api.V3:
                    self._pool.warm(job.asked())

    async def verify(self, voice_id: str | None = None) -> str:
        """v3 begins a session and cancels it, without a text; v1 is asked to speak a full stop."""
        self._payer.check()
        job = self._job(Utterance(voice=voice_id or self._cheap_voice()))
        try:
            await (self._replies_in_fragments.greet(job) if job.route.api is Api.V3 else self._ask_for_nothing(job))
        except VoiceRefused as error:
            if voice_id is not None:
                raise
            return f"accepted; but {error}"
        return f"accepted by {self._payer.url} ({job.asked()})."

    def _account(self) -> Hashable:
        return self._payer.key

    async def _close(self) -> None:
        self._replies_in_fragments.close(EngineUnavailable(f"The engine {self.name} was closed."))
        await super()._close()
        await self._pool.close()

    async def speak_sentence(self, text: str, utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
        self._payer.check()
        job, limit = self._job(utterance), self._first_audio(utterance)
        if job.values.get("operation") == "query":
            limit += self.options["gap_timeout"]  # its first audio is its last
        async with aclosing(v1.speak(job, text, limit)) as events:
            async for event in events:
                yield event

    async def _speak(self, text: AsyncIterable[str], utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
        self._payer.check()
        job = self._job(utterance)
        speech = self._replies_in_fragments.speak(job, text) if job.route.api is Api.V3 else super()._speak(text, utterance)
        async with aclosing(speech) as events:
            async for event in events:
                yield event

    def _cheap_voice(self) -> str:
        """Of the API that this account is used to, as far as its options tell."""
        old = self.options["api"] == Api.V1 or self.options["cluster"] or self.options["secret_key"]
        return _CHEAP_VOICES[Api.V1 if old else Api.V3]

    async def _ask_for_nothing(self, job: Job) -> None:
        """The credentials are looked at before the text is."""
        async with aclosing(self.speak_sentence(_CHEAP_TEXT, job.utterance)) as events:
            with suppress(Unspeakable):
                await anext(events, None)

    def _first_audio(self, utterance: Utterance) -> float:
        """Seconds until it must be there."""
        limit: float = utterance.first_audio or self.options["first_audio_timeout"]
        return limit

    def _job(self, utterance: Utterance) -> Job:
        return Job.of(self.name, self._payer, self.options, utterance)
