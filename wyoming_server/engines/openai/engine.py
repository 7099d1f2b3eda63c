"""The engine `openai`: text by sentences to any server that speaks over `/v1/audio/speech`, or something near to it."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterable, Collection, Hashable, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any, ClassVar

from ...errors import BadSetting, ConfigError, EngineError, EngineUnavailable, ProtocolError, TooLarge, VoiceRefused
from ...models import AudioFormat, Capabilities, CredentialField, CredentialKind, TextFormat, Voice, VoiceSettings
from ...protocols.json_messages import MESSAGE_MAX as LIST_MAX
from ...upstream.attempts import FirstAudioClock, persistent, within
from ...upstream.failures import Asked, Late, late
from ...upstream.http import get
from ..base import EngineEvent, Utterance
from ..listing import Listing
from ..promise import Promises
from ..sentences import SentenceEngine
from . import failures
from .address import Address, place
from .line import Line
from .options import EXTRAS, OPTIONS
from .profiles import STREAMED_FORMATS, profile
from .requests import Requests
from .sound import load_decoder
from .speech import Job, attempt
from .voices import VoiceFacts, Voices, read_voices

_LOGGER = logging.getLogger(__name__)

NO_LIST = (400, 404, 405, 501)
"""HTTP statuses of a server that has no list of voices."""


class OpenAIEngine(SentenceEngine):
    """One server, as its row and the configuration describe it."""

    type: ClassVar[str] = "openai"
    title: ClassVar[str] = "OpenAI-compatible"
    options_schema: ClassVar[Mapping[Any, Any]] = OPTIONS
    credentials: ClassVar[tuple[CredentialField, ...]] = (
        CredentialField(
            name="api_key",
            label="API key",
            help="OpenAI shows it once, when it is made among the API keys of its platform; a server of your own may want none.",
            kind=CredentialKind.SECRET,
        ),
        CredentialField(
            name="url",
            label="Address",
            help="Of a server other than OpenAI's: its base, as http://gpu.local:8880/v1.",
            kind=CredentialKind.URL,
        ),
    )
    extras_schema: ClassVar[Mapping[Any, Any]] = EXTRAS

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        row = profile(options["profile"], options["details"])
        super().__init__(name, {**options, "concurrency": options["concurrency"] or row.concurrency})
        self._row = row
        self._address = Address.of(row, options)
        self._line = Line(self._address.speech, self._address.headers, connect=options["connect_timeout"])
        self._voices = Voices(row, options["voices"], tuple(options["language"]))
        self._requests = Requests(row, self._voices, options)
        self._check_options()
        self._promises = Promises(self._requests.usual_rate)
        self._first_audio = options["first_audio_timeout"] or row.first_audio
        self._learn_rates(options["voices"])
        self._listing: Listing[Mapping[str, VoiceFacts]] = Listing(
            self._read_list, every=options["refresh"], who=name, changed=self._tell_change
        )

    def _check_options(self) -> None:
        try:
            self._requests.check(VoiceSettings())
        except BadSetting as error:
            raise ConfigError(str(error)) from error

    async def start(self) -> None:
        if self._address.lists:
            self._listing.start()

    @property
    def capabilities(self) -> Capabilities:
        return self.capabilities_of("", VoiceSettings())

    def capabilities_of(self, voice_id: str, settings: VoiceSettings) -> Capabilities:
        takes = self._requests.settings(self._requests.model(voice_id, settings))
        paid = self._row.look_ahead if self._address.home else None
        limit = self.options["look_ahead"]
        return Capabilities(
            settings=takes,
            ranges={"speed": self._requests.speeds} if "speed" in takes else {},
            look_ahead=paid if limit is None else limit,
        )

    def check_request(self, settings: VoiceSettings, text_format: TextFormat, voice_id: str = "") -> None:
        super().check_request(settings, text_format, voice_id)
        self._requests.check(settings)

    async def voices(self) -> Sequence[Voice]:
        """Where the server does not tell its voices just now, those that are known without it."""
        self._check_open()
        if self._address.lists:
            try:
                await self._listing.current()
            except EngineError as error:
                if not self._voices.listed(self.name):
                    raise
                _LOGGER.warning("The engine %s does not tell its voices: %s", self.name, error)
        return self._voices.listed(self.name)

    def unlisted_voice(self, voice_id: str) -> Voice | None:
        return self._voices.unlisted(self.name, voice_id)

    def needs_consent(self, voice_id: str) -> bool:
        """Where only the server's list can tell, and has not told yet, `_speak` asks for it first."""
        return self._voices.needs_consent(voice_id)

    def native_format(self, utterance: Utterance) -> AudioFormat:
        return self._promises.format(utterance)

    def prepare(self, utterances: Collection[Utterance]) -> None:
        """Modules that the first audio would wait for."""
        self._line.open()
        if any(self._requests.format(utterance.settings) not in STREAMED_FORMATS for utterance in utterances):
            load_decoder()

    async def verify(self, voice_id: str | None = None) -> str:
        self._address.check()
        if not self._address.lists:
            return await self._verify_models()
        told = await self._read_list()
        if voice_id is not None and voice_id not in told and self._voices.needs_consent(voice_id):
            msg = f"{self._address.peer} does not list the voice {voice_id}."
            raise VoiceRefused(msg)
        return f"accepted by {place(self._address.speech)}, which lists {len(told)} voices."

    def _account(self) -> Hashable:
        return self._address.account

    async def _close(self) -> None:
        await self._listing.aclose()
        await super()._close()
        await self._line.close()

    def _speak(self, text: AsyncIterable[str], utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
        self._address.check()
        speech = super()._speak(text, utterance)
        return self._once_decided(speech, utterance) if self._voices.is_undecided(utterance.voice) else speech

    async def _once_decided(
        self, speech: AsyncGenerator[EngineEvent, None], utterance: Utterance
    ) -> AsyncGenerator[EngineEvent, None]:
        """The speech, if the server's list says that its voice needs no consent: nobody was asked for one."""
        async with aclosing(speech) as events:
            limit = utterance.first_audio or self._first_audio
            async with within(limit, lambda: late(Late.LIST, limit, self._asked(utterance.voice, ""))):
                await self._read_list()
            if self._voices.needs_consent(utterance.voice):
                msg = f"{self._address.peer} was asked for the voice {utterance.voice} before it told its voices; ask again."
                raise EngineUnavailable(msg)
            async for event in events:
                yield event

    def speak_sentence(self, text: str, utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
        clock = FirstAudioClock(utterance.first_audio or self._first_audio)
        return persistent(partial(attempt, self._job(text, utterance), self._line, self._promises, clock), clock)

    def _job(self, text: str, utterance: Utterance) -> Job:
        return Job(
            text=text,
            body=self._requests.body(text, utterance),
            asked=self._asked(utterance.voice, self._requests.model(utterance.voice, utterance.settings)),
            format=self._requests.format(utterance.settings),
            rate=self._requests.rate(utterance.voice),
            promised=self.native_format(utterance),
            secrets=self._address.secrets,
            gap=self.options["gap_timeout"],
        )

    def _tell_change(self) -> None:
        self.on_voices_changed()  # which others may set at any time

    def _asked(self, voice_id: str, model: str) -> Asked:
        return Asked(peer=self._address.peer, voice=voice_id, how=f"model {model}" if model else "")

    async def _read_list(self) -> Mapping[str, VoiceFacts]:
        """The server's voices; none where it has no list. Raises EngineError."""
        found: Mapping[str, VoiceFacts] = {}
        for url in self._address.lists:
            status, body = await self._get(url)
            if status == failures.OK:
                found = self._readable(body)
                break
            if status not in NO_LIST:
                raise self._refused(status, body)
        before, self._voices.told = self._voices.told or {}, found
        # not again and again: their audio may have said otherwise
        news = [voice_id for voice_id, facts in found.items() if facts != before.get(voice_id)]
        self._learn_rates({voice_id: {"rate": self._voices.facts(voice_id).rate} for voice_id in news})
        return found

    async def _verify_models(self) -> str:
        status, body = await self._get(self._address.models)
        if not self._row.models:
            return f"reached at {place(self._address.speech)}; whether it speaks, only speech can tell."
        if status != failures.OK:
            raise self._refused(status, body)
        models = self._readable(body)
        wanted = self._requests.model("", VoiceSettings())
        has = f"has the model {wanted}" if wanted in models else f"does not list the model {wanted}"
        return f"accepted by {place(self._address.speech)}, which {has}."

    async def _get(self, url: str) -> tuple[int, bytes]:
        try:
            return await get(url, self._address.headers, peer=self._address.peer, size_max=LIST_MAX)
        except TooLarge as error:
            raise EngineError(str(error)) from error

    def _readable(self, body: bytes) -> Mapping[str, VoiceFacts]:
        try:
            return read_voices(body)
        except ProtocolError as error:
            msg = f"What {self._address.peer} lists cannot be read: {error}"
            raise EngineError(msg) from error

    def _refused(self, status: int, body: bytes) -> EngineError:
        asked = Asked(peer=self._address.peer, voice="", how="list of voices")
        error = failures.failed(status, body, asked, secrets=self._address.secrets).error
        return error if isinstance(error, EngineError) else EngineError(str(error))

    def _learn_rates(self, told: Mapping[str, Mapping[str, Any]]) -> None:
        """What is said of a voice's rate is promised until its audio says otherwise."""
        for voice_id, facts in told.items():
            if rate := facts.get("rate"):
                self._promises.learn(voice_id, AudioFormat(rate=rate))
