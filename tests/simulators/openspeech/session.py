"""A v3 session: what StartSession may say, and the sentences that are spoken as they become whole."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Protocol

from wyoming_server.protocols.openspeech_v3 import Event

from ..common.codes import Refused
from ..common.fields import NUMBER, Field, check, json_string, value_at
from ..speech.audio import Manner, timings
from ..speech.journal import What
from ..speech.sentences import Sentences
from ..speech.talk import Speaking
from .accounts import Account
from .codes import OK
from .codes import V3 as CODES
from .faults import Stage
from .frames import Request
from .voices import Family, family_of
from .world import Options

INVALID = CODES["invalid"]
NAMESPACE = "BidirectionalTTS"
RATES = (8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
FIELDS = (
    Field(path="event", types=(int,), choices=(int(Event.START_SESSION),)),
    Field(path="namespace", choices=(NAMESPACE,)),
    Field(path="req_params.speaker", required=True),
    Field(path="req_params.audio_params", types=(dict,)),
    Field(path="req_params.audio_params.format", choices=("pcm", "mp3", "ogg_opus")),
    Field(path="req_params.audio_params.sample_rate", types=(int,), choices=RATES),
    Field(path="req_params.audio_params.speech_rate", types=NUMBER, within=(-50, 100)),
    Field(path="req_params.audio_params.loudness_rate", types=NUMBER, within=(-50, 100)),
    Field(path="req_params.audio_params.emotion"),
    Field(path="req_params.audio_params.emotion_scale", types=NUMBER, within=(1, 5)),
    Field(path="req_params.audio_params.enable_timestamp", types=(bool,)),
    Field(path="req_params.audio_params.enable_subtitle", types=(bool,)),
    Field(path="req_params.mix_speaker", types=(dict,)),
)
TEXT_FIELDS = (
    Field(path="event", types=(int,), choices=(int(Event.TASK_REQUEST),)),
    Field(path="namespace", choices=(NAMESPACE,)),
    Field(path="req_params.text", required=True),
)
ADDITIONS = (
    Field(path="silence_duration", types=NUMBER, within=(0, 30_000)),
    Field(path="disable_markdown_filter", types=(bool,)),
    Field(path="explicit_language"),
    Field(path="context_texts", types=(list,)),
    Field(path="post_process.pitch", types=(int,), within=(-12, 12)),
)
WORD_KEYS = ("word", "startTime", "endTime")


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What StartSession asks for, found to be allowed."""

    manner: Manner
    has_words: bool
    """With the end of a sentence."""
    has_subtitles: bool


def wish(request: Request, resource: str, account: Account) -> Wish:
    """Raises Refused."""
    check(request.payload, FIELDS, INVALID)
    additions = json_string(request.payload, "req_params.additions", INVALID)
    check(additions, ADDITIONS, INVALID)
    params = request.payload["req_params"]
    family = _family(params["speaker"], resource, account)
    if "context_texts" in additions and family.name != "2.0":
        raise Refused(INVALID.because("context_texts need a 2.0 voice"))
    if "mix_speaker" in params and family.name == "2.0":
        raise Refused(INVALID.because("mix_speaker needs a 1.0 voice"))
    audio = params.get("audio_params", {})
    manner = Manner(
        encoding=audio.get("format", "mp3"),
        rate=audio.get("sample_rate", 24_000),
        speed=1 + audio.get("speech_rate", 0) / 100,
        loudness=1 + audio.get("loudness_rate", 0) / 100,
        semitones=value_at(additions, "post_process.pitch") or 0,
    )
    return Wish(
        manner=manner,
        has_words=audio.get("enable_timestamp", False) and not family.subtitles,
        has_subtitles=audio.get("enable_subtitle", False) and family.subtitles,
    )


def _family(speaker: str, resource: str, account: Account) -> Family:
    if resource not in account.resources:
        raise Refused(CODES["ungranted"])
    family = family_of(speaker)
    if family is None or resource not in family.resources:
        raise Refused(CODES["mismatch"])
    if not account.has_voice(speaker):
        raise Refused(CODES["denied"])
    return family


class Speaker(Protocol):
    """What a session needs of its connection."""

    @property
    def options(self) -> Options: ...

    def note(self, what: What, characters: int = 0, **detail: Any) -> None: ...

    async def strike(self, on: Stage, *, seconds: float = 0, text: str = "") -> None: ...

    async def answer(self, event: Event, name: str, payload: dict[str, Any] | memoryview) -> None: ...

    def over(self, session: Session) -> None: ...


class Session:
    """One session; `run` is its speaking, the rest is what the client sends meanwhile."""

    def __init__(self, talk: Speaker, name: str, wish: Wish, speaking: Speaking[Options]) -> None:
        self.name = name
        self.speaking = speaking
        self.is_started = False
        self.is_silent = False
        """Text came before SessionStarted: no audio ever comes."""
        self.task: asyncio.Task[None] | None = None
        self._talk = talk
        self._wish = wish
        self._text = Sentences()
        self._sentences: asyncio.Queue[str | None] = asyncio.Queue()

    def add(self, request: Request) -> None:
        """A fragment of text."""
        check(request.payload, TEXT_FIELDS, INVALID)
        text: str = request.payload["req_params"]["text"]
        self._talk.note("text", len(text), session=self.name, text=text)
        self._put(self._text.add(text))
        limit = self._talk.options.session_text_limit
        if limit and self._text.characters > limit:
            raise Refused(CODES["long"])

    def finish(self) -> None:
        """No more text comes."""
        self._put(self._text.finish())
        self._sentences.put_nowait(None)

    def _put(self, sentences: list[str]) -> None:
        for sentence in () if self.is_silent else sentences:
            self._sentences.put_nowait(sentence)

    async def run(self) -> None:
        talk = self._talk
        await talk.strike("start")
        if talk.options.latency:
            await asyncio.sleep(talk.options.latency)
        self.is_started = True
        await talk.answer(Event.SESSION_STARTED, self.name, {})
        while (sentence := await self._sentences.get()) is not None:
            await self._speak(sentence)
        await talk.strike("finish")
        talk.note("audio finished", self.speaking.characters, session=self.name)
        talk.over(self)
        await talk.answer(Event.SESSION_FINISHED, self.name, {"status_code": OK, "message": "OK"})
        talk.note("finished", self.speaking.characters, session=self.name)

    async def _speak(self, sentence: str) -> None:
        talk, begin = self._talk, self.speaking.seconds
        telling = talk.options.telling
        if telling is None:
            await self.speaking.say(sentence, self._write)
            return
        told = telling(sentence)
        await talk.answer(Event.SENTENCE_START, self.name, {"text": told})
        await self.speaking.say(sentence, self._write)
        words = timings(sentence, self.speaking.manner, WORD_KEYS, begin, confidence=0.9)
        if self._wish.has_subtitles:
            await talk.answer(Event.SUBTITLE, self.name, {"text": told, "phonemes": [], "words": words})
        await talk.answer(Event.SENTENCE_END, self.name, {"text": told} | ({"words": words} if self._wish.has_words else {}))

    async def _write(self, audio: memoryview, final: bool) -> None:
        await self._talk.answer(Event.AUDIO, self.name, audio)
