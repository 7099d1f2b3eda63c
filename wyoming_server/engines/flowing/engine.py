"""The engine `flowing`: voices of Aliyun's cloud, in fragments, and of local servers over CosyVoice, by sentences."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Hashable, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any, ClassVar

import voluptuous as vol

from ...errors import EngineUnavailable, HeraldError, VoiceRefused
from ...models import (
    RATE_MAX,
    RATE_MIN,
    AudioFormat,
    Capabilities,
    CredentialField,
    CredentialKind,
    Gender,
    Range,
    Voice,
)
from ...protocols.flowing import NAMES, decode_server, encode_client
from ...protocols.flowing_events import Failed as Told
from ...protocols.flowing_settings import CLOUD_SPEEDS, SAMPLE_RATES, Settings, cloud_rate, local_rate
from ...protocols.json_messages import MESSAGE_MAX as LIST_MAX
from ...protocols.nls_token import REGION
from ...upstream.attempts import Failed
from ...upstream.failures import Asked
from ...upstream.http import get
from ...upstream.options import time_limits, word
from ...upstream.websocket import HandshakeRefused, open_websocket
from ..base import EngineEvent, Utterance, concurrency_option
from ..duplex.job import Job, nearest
from ..duplex.line import MESSAGE_MAX, Line, Service
from ..duplex.lines import CLOSED, Lines
from ..duplex.replies import LOOK_AHEAD, Replies
from ..sentences import SentenceEngine
from . import failures, local
from .account import TOKEN_URL, Account, Dialect
from .tokens import Tokens
from .voices import CLONE_RATE, CLOUD_RATES, LOCAL_RATES, Refusal, VoiceFacts, Voices, is_id, read_voices

_LOGGER = logging.getLogger(__name__)

WORD_MAX = 1_000
"""Characters of a credential."""
PING_EVERY = 5.0
"""Seconds: servers give up a session in which nothing comes from the client for ten."""
KEEP = 8.0
"""Seconds that a connection waits which was opened while the text was still being written."""
VOICE_PATHS = ("/stream/v1/tts/voices/info", "/stream/v1/tts/voices")
"""Where a local server tells its voices: with everything about them, or by name."""

_WORD = word(WORD_MAX)
_VOICE = {
    vol.Optional("language"): [_WORD],
    vol.Optional("gender"): vol.In(tuple(map(str, Gender))),
    vol.Optional("native_rate"): vol.All(int, vol.Range(RATE_MIN, RATE_MAX)),
    vol.Optional("description"): _WORD,
}
_SPEEDS: Mapping[Dialect, Range] = {Dialect.ALIYUN: CLOUD_SPEEDS, Dialect.LOCAL: Range(0.25, 2)}
_AS_SPELT: Mapping[Dialect, Callable[[dict[str, Any]], dict[str, Any]]] = {
    Dialect.ALIYUN: lambda payload: {**payload, "format": payload["format"].lower()},
    Dialect.LOCAL: lambda payload: payload,
}
"""The cloud knows formats in small letters, local servers in capitals."""
_RATE_OF_SPEED = {Dialect.ALIYUN: cloud_rate, Dialect.LOCAL: local_rate}
OK, NOT_FOUND = 200, 404


class FlowingEngine(SentenceEngine):
    """FlowingSpeechSynthesizer, in one of its two dialects."""

    type: ClassVar[str] = "flowing"
    title: ClassVar[str] = "FlowingSpeechSynthesizer"
    options_schema: ClassVar[Mapping[Any, Any]] = {
        vol.Optional("dialect", default=None): vol.Maybe(vol.In(tuple(map(str, Dialect)))),
        vol.Optional("url", default=None): vol.Maybe(_WORD),
        vol.Optional("appkey", default=None): vol.Maybe(_WORD),
        vol.Optional("token", default=None): vol.Maybe(_WORD),
        vol.Optional("access_key_id", default=None): vol.Maybe(_WORD),
        vol.Optional("access_key_secret", default=None): vol.Maybe(_WORD),
        vol.Optional("token_url", default=TOKEN_URL): _WORD,
        vol.Optional("region", default=REGION): _WORD,
        vol.Optional("voices", default=dict): {str: _VOICE},
        **concurrency_option(2),
        **time_limits(connect=5, first_audio=10, gap=10),
    }
    credentials: ClassVar[tuple[CredentialField, ...]] = (
        CredentialField(
            name="appkey",
            label="AppKey",
            help="Of Aliyun: the project in the console of Intelligent Speech Interaction shows it.",
        ),
        CredentialField(
            name="access_key_id",
            label="AccessKey ID",
            help="Of Aliyun: made in RAM, for a user with the right AliyunNLSSpeechServiceFullAccess.",
        ),
        CredentialField(
            name="access_key_secret",
            label="AccessKey secret",
            help="Of Aliyun: shown once, when the access key is made.",
            kind=CredentialKind.SECRET,
        ),
        CredentialField(
            name="token",
            label="Token",
            help="A local server's APPTOKEN, if it has one; or a token of Aliyun, good for a day, instead of an access key.",
            kind=CredentialKind.SECRET,
        ),
        CredentialField(
            name="url",
            label="Address",
            help="A local server's websocket, as ws://gpu.local:8000/ws/v1/tts; that of Aliyun is known.",
            kind=CredentialKind.URL,
        ),
    )
    extras_schema: ClassVar[Mapping[Any, Any]] = {vol.Optional("timestamps"): bool}

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        super().__init__(name, options)
        self._payer = Account.of(options)
        self._dialect = self._payer.dialect
        self._tokens = Tokens(self._payer)
        self._voices = Voices(self._dialect, options["voices"])
        self._lines = Lines(self._connect, keep=KEEP, open_within=options["connect_timeout"])
        self._limits = {"first_audio": options["first_audio_timeout"], "gap": options["gap_timeout"]}
        self._replies_in_fragments = Replies(name, self._lines, self.turns, **self._limits)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            streaming_text=self._dialect is Dialect.ALIYUN,
            settings=frozenset({"speed"}),
            ranges={"speed": _SPEEDS[self._dialect]},
            look_ahead=LOOK_AHEAD,
        )

    async def voices(self) -> Sequence[Voice]:
        """A local server is asked; the presets of CosyVoice stand in for one that does not answer."""
        if self._dialect is Dialect.LOCAL:
            try:
                self._voices.told = await self._ask_for_voices()
            except HeraldError as error:
                _LOGGER.warning("The engine %s does not tell its voices: %s", self.name, error)
        return self._voices.listed(self.name)

    def unlisted_voice(self, voice_id: str) -> Voice | None:
        """Services have more voices than anybody lists."""
        return self._voices.voice(self.name, voice_id) if is_id(voice_id) else None

    def needs_consent(self, voice_id: str) -> bool:
        """Whatever Herald does not know by itself may be a clone, also where the server lists it."""
        return not self._voices.is_known(voice_id)

    def native_format(self, utterance: Utterance) -> AudioFormat:
        return AudioFormat(rate=self._rate(utterance))

    async def verify(self, voice_id: str | None = None) -> str:
        """The cloud is asked for a session without a text, a local server for its voices."""
        self._payer.check()
        if self._dialect is Dialect.ALIYUN:
            known = next(iter(self._voices.listed(self.name))).engine_voice
            job = self._job(Utterance(voice=voice_id or known))
            await self._replies_in_fragments.greet(job)
            return f"accepted by {self._payer.url} ({job.asked})."
        told = self._voices.told = await self._ask_for_voices()
        if voice_id is not None and voice_id not in told:
            msg = f"{self._payer.peer} does not list the voice {voice_id}."
            raise VoiceRefused(msg)
        return f"accepted by {self._payer.url}, which has {len(told)} voices."

    def _account(self) -> Hashable:
        return self._payer.key

    async def _close(self) -> None:
        self._replies_in_fragments.close(EngineUnavailable(CLOSED))
        await super()._close()
        await self._lines.close()

    async def _speak(self, text: AsyncIterable[str], utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
        self._payer.check()
        in_fragments = self._dialect is Dialect.ALIYUN
        speech = self._replies_in_fragments.speak(self._job(utterance), text) if in_fragments else super()._speak(text, utterance)
        async with aclosing(speech) as events:
            async for event in events:
                yield event

    async def speak_sentence(self, text: str, utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
        limits = {**self._limits, "first_audio": utterance.first_audio or self._limits["first_audio"]}
        async with aclosing(local.speak(self._job(utterance), text, self._lines, **limits)) as events:
            async for event in events:
                yield event

    def _job(self, utterance: Utterance) -> Job:
        """Volume and pitch stay the voice's own: Herald's gain is exact, and what a pitch means nobody documents."""
        speed = utterance.settings.speed
        settings = Settings(
            voice=utterance.voice,
            sample_rate=self._asked_rate(utterance),
            speech_rate=_RATE_OF_SPEED[self._dialect](speed) if speed is not None else 0,
            enable_subtitle=bool(utterance.settings.extras.get("timestamps")) and self._dialect is Dialect.ALIYUN,
        )
        return Job(
            utterance=utterance,
            asked=Asked(peer=self._payer.peer, voice=utterance.voice, how=f"dialect {self._dialect}"),
            format=self.native_format(utterance),
            payload=_AS_SPELT[self._dialect](settings.payload()),
        )

    def _rate(self, utterance: Utterance) -> int:
        """Hz of the audio that comes. What the user says of a voice is believed before all else."""
        native = self._voices.facts(utterance.voice).native_rate
        if self._dialect is Dialect.LOCAL:
            return native or CLONE_RATE
        if self.options["voices"].get(utterance.voice, {}).get("native_rate"):
            return int(native or CLONE_RATE)
        rates = CLOUD_RATES if self._voices.is_known(utterance.voice) else SAMPLE_RATES
        return nearest(utterance.rate or CLOUD_RATES[-1], rates)

    def _asked_rate(self, utterance: Utterance) -> int:
        """Hz, as the service may be told: local servers ignore it, but refuse what they do not know."""
        return nearest(self._rate(utterance), SAMPLE_RATES if self._dialect is Dialect.ALIYUN else LOCAL_RATES)

    async def _connect(self, asked: Asked) -> Line:
        """Raises Failed."""
        token = await self._tokens.token(asked)
        headers = self._payer.headers(token)
        try:
            socket = await open_websocket(self._payer.url, headers, peer=asked.peer, message_max=MESSAGE_MAX)
        except HandshakeRefused as error:
            failed = failures.refused(error, asked, self._dialect, token=token)
            raise self._with_new_token(failed, error.status, token) from error
        except EngineUnavailable as error:
            raise Failed(error, retries=2) from error
        return Line(
            socket,
            Service(
                encode=partial(encode_client, appkey=self._payer.appkey),
                decode=decode_server,
                names=NAMES,
                explain=partial(self._explained, token),
                ping_every=PING_EVERY,
            ),
        )

    def _explained(self, token: str, told: Told, asked: Asked, sent: str) -> Failed:
        failed = failures.failed(told, asked, self._dialect, sent=sent, token=token)
        return self._with_new_token(failed, told.status, token)

    def _with_new_token(self, failed: Failed, code: int, token: str) -> Failed:
        """One more try, where the token may be to blame and another can be had."""
        if failures.about_token(failed, code) and self._tokens.refused(token):
            return Failed(failed.error, retries=1)
        return failed

    async def _ask_for_voices(self) -> Mapping[str, VoiceFacts]:
        """Of a local server: the first of its lists that it has. Raises HeraldError."""
        headers = self._payer.headers(self._payer.token)
        for path in VOICE_PATHS:
            url = self._payer.http_url(path)
            status, body = await get(url, headers, peer=self._payer.peer, size_max=LIST_MAX)
            if status != NOT_FOUND:
                break
        answer = read_voices(body) if status == OK else Refusal(status=status, words=body[:WORD_MAX].decode(errors="replace"))
        if not isinstance(answer, Refusal):
            return answer
        told = Told(task_id="", status=answer.status, text=answer.words)
        asked = Asked(peer=self._payer.peer, voice="any", how=f"list {url}")
        raise failures.failed(told, asked, self._dialect, token=self._payer.token).error
