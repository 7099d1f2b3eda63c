"""The engine `dashscope`: CosyVoice in Alibaba's Model Studio, in fragments, one task after the other on a connection."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterable, Collection, Hashable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import urlsplit

import voluptuous as vol

from ...errors import BadSetting, ConfigError, CredentialsRefused, EngineUnavailable
from ...models import AudioFormat, Capabilities, CredentialField, CredentialKind, Range, Voice, VoiceSettings
from ...protocols.dashscope import NAMES, decode_server, encode_client
from ...protocols.dashscope_task import FACTORS, Task
from ...upstream.attempts import Failed
from ...upstream.failures import Asked
from ...upstream.options import number, time_limits, word
from ...upstream.websocket import HandshakeRefused, open_websocket
from ..base import Engine, EngineEvent, Utterance, concurrency_option
from ..duplex.job import Job, nearest
from ..duplex.line import MESSAGE_MAX, Line, Service
from ..duplex.lines import CLOSED, Lines
from ..duplex.replies import LOOK_AHEAD, Replies
from . import voices
from .failures import failed, refused

PEER = "DashScope"
URL = "wss://dashscope.aliyuncs.com/api-ws/v1/inference"
RATES = (8_000, 16_000, 22_050, 24_000, 44_100, 48_000)
"""Hz."""
OWN_RATE = 24_000
WORD_MAX = 256
PAUSE_MAX = 18.0
"""Seconds that a task may get no text: the service ends it after 23."""
SEMITONES = Range(-12, 12)
"""Of pitch: the service takes half to twice the frequency."""

_WORD = word(WORD_MAX)
SERVICE = Service(
    encode=encode_client,
    decode=decode_server,
    names=NAMES,
    explain=failed,
    reusable=True,
    pause_max=PAUSE_MAX,
)


class DashScopeEngine(Engine):
    """Model Studio's speech. Which model a voice needs stands in `voices`, what errors mean in `failures`."""

    type: ClassVar[str] = "dashscope"
    title: ClassVar[str] = "DashScope"
    options_schema: ClassVar[Mapping[Any, Any]] = {
        vol.Optional("api_key", default=None): vol.Maybe(_WORD),
        vol.Optional("url", default=URL): _WORD,
        vol.Optional("workspace", default=None): vol.Maybe(_WORD),
        vol.Optional("model", default=None): vol.Maybe(_WORD),
        **concurrency_option(3),
        vol.Optional("keep_warm", default=50): number(0, 60),
        **time_limits(connect=5, first_audio=4, gap=10),
    }
    credentials: ClassVar[tuple[CredentialField, ...]] = (
        CredentialField(
            name="api_key",
            label="API key",
            help="In the console of Alibaba's Model Studio, under API keys; it begins with sk-.",
            kind=CredentialKind.SECRET,
            required=True,
        ),
        CredentialField(
            name="workspace",
            label="Workspace ID",
            help="Only where the key is not for the default workspace; the console shows the id among the workspaces.",
        ),
        CredentialField(
            name="url",
            label="Address",
            help="Only for a key of another region than mainland China: the websocket of that region.",
            kind=CredentialKind.URL,
        ),
    )
    credential_sets: ClassVar[tuple[tuple[str, ...], ...]] = (("api_key",),)
    extras_schema: ClassVar[Mapping[Any, Any]] = {
        vol.Optional("model"): _WORD,
        vol.Optional("timestamps"): bool,
        vol.Optional("parameters"): {str: object},
    }

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        super().__init__(name, options)
        self._url = _checked_url(options["url"])
        self._api_key = (options["api_key"] or "").strip()
        self._headers = {"Authorization": f"Bearer {self._api_key}", **_workspace(options["workspace"])}
        if not all(value.isascii() and value.isprintable() for value in self._headers.values()):
            msg = "api_key or workspace has a character that no HTTP header can carry, such as a line break or an invisible one"
            raise ConfigError(msg)
        self._lines = Lines(self._connect, keep=options["keep_warm"], open_within=options["connect_timeout"])
        self._replies = Replies(
            name, self._lines, self.turns, first_audio=options["first_audio_timeout"], gap=options["gap_timeout"]
        )

    @property
    def capabilities(self) -> Capabilities:
        ranges = {"speed": FACTORS, "pitch": SEMITONES}
        return Capabilities(streaming_text=True, settings=frozenset(ranges), ranges=ranges, look_ahead=LOOK_AHEAD)

    def capabilities_of(self, voice_id: str, settings: VoiceSettings) -> Capabilities:
        """Raises BadSetting for a model that cannot speak the voice."""
        model = self._model(voice_id, settings)
        can = self.capabilities
        return replace(can, settings=can.settings | {"instructions"}) if voices.instructible(voice_id, model) else can

    async def voices(self) -> Sequence[Voice]:
        return voices.listed(self.name, self.options["model"])

    def unlisted_voice(self, voice_id: str) -> Voice | None:
        """Every account has clones of its own, and the vendor more voices than Herald's table."""
        return voices.unlisted(self.name, voice_id)

    def needs_consent(self, voice_id: str) -> bool:
        return not voices.is_listed(voice_id)

    def native_format(self, utterance: Utterance) -> AudioFormat:
        return AudioFormat(rate=nearest(utterance.rate or OWN_RATE, RATES))

    def prepare(self, utterances: Collection[Utterance]) -> None:
        if utterances and self._api_key:
            voice = next(iter(utterances)).voice
            self._lines.warm(Asked(peer=PEER, voice=voice, how="a connection ahead of need"))

    async def verify(self, voice_id: str | None = None) -> str:
        """A task is begun, and finished without a text."""
        self._check_credentials()
        job = self._job(Utterance(voice=voice_id or voices.listed(self.name, self.options["model"])[0].engine_voice))
        await self._replies.greet(job)
        return f"accepted by {self._url} ({job.asked})."

    def _account(self) -> Hashable:
        return (self._url, self._api_key)

    async def _close(self) -> None:
        self._replies.close(EngineUnavailable(CLOSED))
        await self._lines.close()

    async def _speak(self, text: AsyncIterable[str], utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
        self._check_credentials()
        async with aclosing(self._replies.speak(self._job(utterance), text)) as events:
            async for event in events:
                yield event

    def _job(self, utterance: Utterance) -> Job:
        """The volume stays the voice's own: Herald's gain is exact."""
        settings = utterance.settings
        model, audio = self._model(utterance.voice, settings), self.native_format(utterance)
        said = {"instruction": settings.instructions} if settings.instructions else {}
        task = Task(
            model=model,
            voice=utterance.voice,
            sample_rate=audio.rate,
            rate=settings.speed if settings.speed is not None else 1.0,
            pitch=round(2 ** ((settings.pitch or 0) / 12), 3),
            word_timestamp_enabled=bool(settings.extras.get("timestamps")),
            extras={**said, **settings.extras.get("parameters", {})},
        )
        asked = Asked(peer=PEER, voice=utterance.voice, how=f"model {model}")
        return Job(utterance=utterance, asked=asked, format=audio, payload=task.payload())

    def _model(self, voice_id: str, settings: VoiceSettings) -> str:
        """Raises BadSetting, in words, for one that cannot speak the voice."""
        wanted = settings.extras.get("model") or self.options["model"]
        if wanted is None:
            return voices.model_of(voice_id)
        if (problem := voices.mismatch(voice_id, wanted)) is not None:
            raise BadSetting(problem)
        return str(wanted)

    def _check_credentials(self) -> None:
        if not self._api_key:
            msg = (
                "DashScope has no API key. Set api_key of the engine in Herald's console or in herald.yaml; the console of "
                "Alibaba's Model Studio (bailian.console.aliyun.com) shows it."
            )
            raise CredentialsRefused(msg)

    async def _connect(self, asked: Asked) -> Line:
        """Raises Failed."""
        try:
            socket = await open_websocket(self._url, self._headers, peer=PEER, message_max=MESSAGE_MAX)
        except HandshakeRefused as error:
            raise refused(error, asked, self._api_key) from error
        except EngineUnavailable as error:
            raise Failed(error, retries=2) from error
        return Line(socket, SERVICE)


def _workspace(given: str | None) -> dict[str, str]:
    return {"X-DashScope-WorkSpace": given.strip()} if given else {}


def _checked_url(text: str) -> str:
    """Raises ConfigError."""
    text = text.strip()
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("ws", "wss") and bool(parts.hostname) and not re.search(r"[\s@?#]", text)
        _ = parts.port
    except ValueError:
        good = False
    if not good:
        shown = text.partition("?")[0].rpartition("@")[2]  # passwords stand before and keys behind
        msg = f"url is an address such as {URL}, not {shown!r}"
        raise ConfigError(msg)
    return text
