"""The service's v1: one request, its audio, the end. Every rule of a request is a row or a line here."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

from ..common.codes import Refused, Told
from ..common.fields import NUMBER, Field, check, json_string, value_at
from ..speech.audio import Manner, compact, timings
from ..speech.talk import Speaking
from .accounts import check_v1
from .codes import V1 as CODES
from .faults import How
from .frames import Reader
from .talk import Talk
from .voices import Family, family_of
from .world import Options

INVALID = CODES["invalid"]
FIELDS = (
    Field(path="app.cluster", required=True),
    Field(path="user.uid", required=True),
    Field(path="audio.voice_type", required=True),
    Field(path="audio.encoding", choices=("pcm", "mp3", "ogg_opus", "wav")),
    Field(path="audio.rate", types=(int,), choices=(24_000, 16_000, 8_000)),
    Field(path="audio.bitrate", types=(int,)),
    Field(path="audio.speed_ratio", types=NUMBER),
    Field(path="audio.loudness_ratio", types=NUMBER, within=(0.5, 2)),
    Field(path="audio.volume_ratio", types=NUMBER, within=(0.1, 3)),
    Field(path="audio.pitch_ratio", types=NUMBER, within=(0.1, 3)),
    Field(path="audio.emotion"),
    Field(path="audio.enable_emotion", types=(bool,)),
    Field(path="audio.emotion_scale", types=NUMBER, within=(1, 5)),
    Field(path="audio.explicit_language"),
    Field(path="audio.context_language"),
    Field(path="request.reqid", required=True),
    Field(path="request.text_type", choices=("plain", "ssml")),
    Field(path="request.operation", required=True, choices=("submit", "query")),
    Field(path="request.model"),
    Field(path="request.with_timestamp", types=(bool, int, str)),
    Field(path="request.silence_duration", types=NUMBER, within=(0, 30_000)),
    Field(path="request.enable_trailing_silence_audio", types=(bool,)),
)
TOKEN = Field(path="app.token", required=True)
"""Any, but not none; not needed with an API key."""


class V1(Talk):
    """A connection of `/api/v1/tts/ws_binary`."""

    JSON_ERRORS = False
    _requests = 0
    _is_busy = False

    async def take(self, message: str | bytes) -> None:
        if self._is_busy:
            await self._refuse(INVALID.because("one request at a time"))
            return
        self._is_busy = True
        self.work(self._answer, message)

    async def _answer(self, message: str | bytes) -> None:
        try:
            request = self._checked(message)
        except Refused as refused:
            await self._refuse(refused.told)
            return
        self.note("request", len(request["request"]["text"]), body=request)
        await Reply(self, request).run()
        self._requests += 1
        self._is_busy = False
        if self._requests >= self.options.requests_per_connection:
            await self.line.hang_up(1000)

    def _checked(self, message: str | bytes) -> dict[str, Any]:
        request = Reader(message, INVALID).v1()
        assert isinstance(message, bytes)  # or the reader had refused it
        http = self.line.request
        assert http is not None
        app = request.get("app")
        check_v1(self.options.account, http.headers, http.path, message, app if isinstance(app, dict) else {})
        check(request, FIELDS if "x-api-key" in http.headers else (TOKEN, *FIELDS), INVALID)
        self._check_voice(request)
        self._check_request(request)
        if self.world.is_full:
            raise Refused(CODES["concurrency"])
        return request

    def _check_voice(self, request: dict[str, Any]) -> None:
        voice, cluster = value_at(request, "audio.voice_type"), value_at(request, "app.cluster")
        family = family_of(voice)
        if family is None:
            raise Refused(CODES["voice"].because(voice))
        if family.cluster is None or not self.options.account.has_voice(voice):
            raise Refused(CODES["denied"])
        if cluster != family.cluster or cluster not in self.options.account.clusters:
            raise Refused(CODES["ungranted"])
        self._check_audio(request, family)

    def _check_audio(self, request: dict[str, Any], family: Family) -> None:
        check(request, [Field(path="audio.speed_ratio", types=NUMBER, within=family.speed)], INVALID)
        if value_at(request, "audio.encoding") == "wav" and value_at(request, "request.operation") == "submit":
            raise Refused(INVALID.because("wav does not stream"))
        if value_at(request, "request.silence_duration") and not value_at(request, "request.enable_trailing_silence_audio"):
            raise Refused(INVALID.because("silence_duration needs enable_trailing_silence_audio"))
        json_string(request, "request.extra_param", INVALID)

    def _check_request(self, request: dict[str, Any]) -> None:
        reqid, text = value_at(request, "request.reqid"), value_at(request, "request.text")
        if reqid in self.world.reqids:
            raise Refused(CODES["reqid"])
        self.world.reqids.add(reqid)
        if not isinstance(text, str):
            raise Refused(INVALID.because("request.text is required"))
        if (size := len(text.encode(errors="replace"))) > self.options.text_limit:
            raise Refused(CODES["long"].because(f"{size} bytes, {self.options.text_limit} are allowed"))
        if not is_speakable(spoken_text(request), value_at(request, "audio.voice_type")):
            raise Refused(CODES["unspeakable"])

    async def _refuse(self, told: Told) -> None:
        self.note("refused", code=told.code, message=told.message)
        await self.fail(told, "")

    async def fail(self, told: Told, how: How) -> None:
        if self.speaking is not None:
            self.end(self.speaking)
        self.stop()
        await self.tell_error(told, how)
        await self.line.hang_up(1000)

    def stray(self, audio: bytes) -> bytes:
        return self.style.audio_v1(1, audio, last=False)

    def unknown(self) -> bytes:
        """v1 has no events: an answer of the deprecated kind, which says that all is well."""
        return self.style.frame(0x9, 0, 1, b"", compact({"code": 3000, "message": "Success"}))


class Reply:
    """What is said to one request."""

    def __init__(self, talk: V1, request: dict[str, Any]) -> None:
        self._talk = talk
        self._request = request
        self._text = spoken_text(request)
        self._speaking: Speaking[Options] = talk.begin(manner_of(request))
        self._sequence = 0

    async def run(self) -> None:
        talk = self._talk
        await talk.strike("start", text=self._text)
        if talk.style.acknowledge:
            await talk.line.tell(talk.style.acknowledgement_v1())
        if value_at(self._request, "request.with_timestamp") in (True, 1, "1"):
            await talk.line.tell(talk.style.front_end_v1(compact(self._front_end())))
        await self._speaking.say(self._text, self._write, whole=value_at(self._request, "request.operation") == "query")

    async def _write(self, audio: memoryview, last: bool) -> None:
        style = self._talk.style
        if not last or style.empty_last:
            await self._tell(audio, last=False)
        if last:
            await self._talk.strike("finish", text=self._text)
            self._talk.note("audio finished", self._speaking.characters)
            await self._tell(b"" if style.empty_last else audio, last=True)
            self._talk.end(self._speaking)
            self._talk.note("finished", self._speaking.characters)

    async def _tell(self, audio: bytes | memoryview, *, last: bool) -> None:
        self._sequence += 1
        await self._talk.line.tell(self._talk.style.audio_v1(self._sequence, audio, last=last))

    def _front_end(self) -> dict[str, Any]:
        manner = self._speaking.manner
        return {
            "words": timings(self._text, manner, ("word", "start_time", "end_time")),
            "phonemes": timings(self._text, manner, ("phone", "start_time", "end_time")),
        }


def manner_of(request: dict[str, Any]) -> Manner:
    audio = request["audio"]
    return Manner(
        encoding=audio.get("encoding", "pcm"),
        rate=audio.get("rate", 24_000),
        speed=audio.get("speed_ratio", 1.0),
        loudness=audio.get("loudness_ratio", 1.0),
    )


def spoken_text(request: dict[str, Any]) -> str:
    text: str = request["request"]["text"]
    if request["request"].get("text_type") != "ssml":
        return text
    try:
        root = ET.fromstring(text)  # noqa: S314  # from our own client, and of 1024 bytes
    except ET.ParseError as error:
        raise Refused(INVALID.because(f"ssml: {error}")) from error
    if root.tag != "speak":
        raise Refused(INVALID.because("ssml without <speak>"))
    return "".join(root.itertext())


def is_speakable(text: str, voice: str) -> bool:
    """English voices speak no Chinese."""
    return any(character.isalnum() and (character.isascii() or not voice.startswith("en_")) for character in text)
