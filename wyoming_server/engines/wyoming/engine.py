"""The engine `wyoming`: the voices of any Wyoming server, in fragments where it takes text streams, otherwise by sentences."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterable, Mapping, Sequence
from contextlib import aclosing
from difflib import get_close_matches
from functools import partial
from typing import Any, ClassVar

import voluptuous as vol
from wyoming.event import Event
from wyoming.tts import SynthesizeVoice

from ...errors import EngineUnavailable, ProtocolError, TooLarge, VoiceRefused
from ...models import RATE_MAX, RATE_MIN, AudioFormat, Capabilities, CredentialField, CredentialKind, Voice
from ...upstream.attempts import Failed, FirstAudioClock, persistent, within
from ...upstream.failures import Asked, Late, broken, late
from ...upstream.options import number, time_limits
from ..base import EngineEvent, Utterance, concurrency_option
from ..listing import Listing
from ..promise import Promises
from ..sentences import SentenceEngine
from .failures import told
from .link import PORT, Link, server_uri
from .links import CLOSED, Ahead, Links
from .offer import NAME_MAX, Offer, OfferedVoice, read_offer
from .sound import Sound
from .streams import Streams
from .talk import Job, Talk

_LOGGER = logging.getLogger(__name__)

ANSWER_WITHIN = 10.0
"""Seconds for an answer to `describe`: some servers give none while they make audio."""
LANGUAGE = "en-US"
"""Of a voice that tells none: every voice must have one."""
NEAREST = 3
"""Voices that are named where one is not offered."""


class WyomingEngine(SentenceEngine):
    """One program of one server."""

    type: ClassVar[str] = "wyoming"
    title: ClassVar[str] = "Wyoming"
    options_schema: ClassVar[Mapping[Any, Any]] = {
        vol.Optional("uri", default=f"tcp://127.0.0.1:{PORT}"): vol.All(str, server_uri),
        vol.Optional("program", default=None): vol.Maybe(vol.All(str, vol.Length(1, NAME_MAX))),
        vol.Optional("streaming", default="auto"): vol.In(("auto", False)),
        vol.Optional("rate", default=22_050): vol.All(int, vol.Range(RATE_MIN, RATE_MAX)),
        vol.Optional("refresh", default=30): number(1, 86_400),
        **concurrency_option(None),
        **time_limits(connect=5, first_audio=60, gap=30),
    }
    credentials: ClassVar[tuple[CredentialField, ...]] = (
        CredentialField(
            name="uri",
            label="Address",
            help="Where the Wyoming server listens: its host, HOST:PORT, or tcp://HOST:PORT.",
            kind=CredentialKind.URL,
        ),
    )

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        super().__init__(name, options)
        self._uri: str = options["uri"]
        self._peer = f"The Wyoming server at {self._uri}"
        self._links = Links(self._uri, within=options["connect_timeout"])
        self._listing = Listing(self._ask, every=options["refresh"], who=name, changed=self._changed)
        self._promises = Promises(options["rate"])
        self._streams = Streams(name, self._links, self.turns, self._promises, first_audio=options["first_audio_timeout"])
        self._tells_ends: Offer | None = None
        """What the server offered when it told the end of a text stream: until that changes, it must."""
        self._without_streams: Offer | None = None
        """What the server offered when it turned out not to end text streams: until that changes, it gets none."""

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(streaming_text=self._listing.latest is not None and self._takes_streams(self._listing.latest))

    async def start(self) -> None:
        """The server may come later."""
        self._listing.start()

    async def voices(self) -> Sequence[Voice]:
        return [self._voice(voice) for voice in (await self._listing.current()).voices]

    def sound_of(self, voice_id: str) -> str:
        """The versions of the program and the voice, once they are known."""
        if (offer := self._listing.latest) is None:
            return ""
        voice = offer.voice(voice_id)
        return " ".join((offer.program, offer.version, voice.version if voice is not None else ""))

    def native_format(self, utterance: Utterance) -> AudioFormat:
        return self._promises.format(utterance)

    async def verify(self, voice_id: str | None = None) -> str:
        offer = await self._ask()
        if voice_id is not None:
            self._offered(offer, voice_id)
        name = " ".join(filter(None, (offer.program, offer.version))) or "a server without a name"
        streams = "takes text streams" if offer.streaming_text else "takes whole sentences"
        return f"{self._uri} is {name}, which has {len(offer.voices)} voices and {streams}."

    async def _close(self) -> None:
        self._streams.close(EngineUnavailable(CLOSED))
        await super()._close()
        await self._listing.aclose()
        await self._links.aclose()

    async def _speak(self, text: AsyncIterable[str], utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
        limit = self._first_audio(utterance)
        async with within(limit, lambda: late(Late.LIST, limit, Asked(peer=self._peer, voice=utterance.voice, how="describe"))):
            offer = await self._offer_with(utterance.voice)
        if self._takes_streams(offer):
            speech = self._streams.speak(self._job(utterance, offer), text, ended=partial(self._learn_of_ends, offer))
        else:
            speech = super()._speak(text, utterance)
        async with aclosing(speech) as events:
            async for event in events:
                yield event

    async def speak_sentence(self, text: str, utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
        job = self._job(utterance, await self._offer_with(utterance.voice))
        clock = FirstAudioClock(job.first_audio)
        async with aclosing(persistent(lambda: self._sentence(text, job, clock), clock)) as events:
            async for event in events:
                yield event

    async def _sentence(self, text: str, job: Job, clock: FirstAudioClock) -> AsyncGenerator[EngineEvent, None]:
        """One try, on a connection of its own."""
        clock.start()
        link = await self._linked(job, clock)
        sound = Sound(self._promises, job.utterance.voice, job.format, job.asked.peer)
        talk = Talk(link, job, sound, clock, streamed=False)
        try:
            async with aclosing(talk.audio(lambda talk: talk.say(text))) as pieces:
                async for pcm in pieces:
                    yield pcm
        finally:
            self._links.leave(link, whole=talk.over)

    async def _linked(self, job: Job, clock: FirstAudioClock) -> Link:
        """Raises Failed."""
        ahead = Ahead(self._links)
        try:
            return await ahead.take(clock, job.asked)
        finally:
            await ahead.aclose()

    # What the server offers

    async def _ask(self) -> Offer:
        """Raises EngineError."""
        asked = Asked(peer=self._peer, voice="any", how="describe")
        try:
            event = await self._described()
            if event.type == "error":
                raise told(event, asked)
            offer = read_offer(event.data, who=self._uri, program=self.options["program"])
        except Failed as failed:
            raise failed.error from failed
        except (ProtocolError, TooLarge) as error:
            raise broken(error, asked).error from error
        if offer.left_out and offer != self._listing.latest:
            _LOGGER.warning(
                "%s: %d voices of %s are left out: too many, or names that are none", self.name, offer.left_out, self._uri
            )
        return offer

    async def _described(self) -> Event:
        """Raises HeraldError, Failed."""
        link = await self._links.connect()
        whole = False
        try:
            event = await link.describe(within=ANSWER_WITHIN)
            whole = True
        finally:
            self._links.leave(link, whole=whole)
        return event

    async def _offer_with(self, voice_id: str) -> Offer:
        """The latest that is known; asked for again if it has no such voice, for that may be new. Raises EngineError."""
        latest = self._listing.latest
        if latest is None or latest.voice(voice_id) is None:
            latest = await self._ask()
        self._offered(latest, voice_id)
        return latest

    def _offered(self, offer: Offer, voice_id: str) -> OfferedVoice:
        """Raises VoiceRefused."""
        if (voice := offer.voice(voice_id)) is not None:
            return voice
        near = get_close_matches(voice_id[:NAME_MAX], [voice.id for voice in offer.voices], n=NEAREST)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        msg = f"{self._peer} offers no voice {voice_id[:NAME_MAX]}.{hint}"
        raise VoiceRefused(msg)

    def _voice(self, voice: OfferedVoice) -> Voice:
        return Voice(
            name=voice.id,
            engine=self.name,
            engine_voice=voice.id,
            languages=voice.languages or (LANGUAGE,),
            description=voice.description or voice.id,
        )

    def _job(self, utterance: Utterance, offer: Offer) -> Job:
        voice = self._offered(offer, utterance.voice)
        return Job(
            utterance=utterance,
            asked=Asked(peer=self._peer, voice=voice.id, how=f"program {offer.program}"),
            voice=SynthesizeVoice(name=voice.name, speaker=voice.speaker),
            format=self.native_format(utterance),
            program=self.options["program"],
            gap=self.options["gap_timeout"],
            first_audio=self._first_audio(utterance),
            tells_ends=offer == self._tells_ends,
        )

    def _first_audio(self, utterance: Utterance) -> float:
        """Seconds until it must be there."""
        limit: float = utterance.first_audio or self.options["first_audio_timeout"]
        return limit

    def _takes_streams(self, offer: Offer) -> bool:
        return offer.streaming_text and bool(self.options["streaming"]) and offer != self._without_streams

    def _learn_of_ends(self, offer: Offer, told: bool) -> None:
        """Of a server that told the end of a text stream, or did not."""
        if told:
            self._tells_ends = offer
            return
        self._without_streams = offer
        _LOGGER.warning(
            "%s: %s takes text streams, but does not tell their end: from now on it gets sentences", self.name, self._uri
        )

    def _changed(self) -> None:
        self.on_voices_changed()
