"""A connection of the local server: what it checks, what it does not, and each of its habits, which can be switched off."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from ..common.codes import Refused, Told
from ..common.line import Line
from ..duplex.reading import document, is_speakable
from ..duplex.session import Session, Sessions
from ..duplex.world import World
from ..speech.audio import Manner
from ..speech.world import Options
from .local_telling import LocalTelling
from .messages import NAMESPACE, failed, message
from .voices import CLONE_RATE, PRESETS, VoiceFacts

RATES = (8_000, 16_000, 22_050, 24_000)
FORMATS = ("PCM", "WAV", "MP3")
DEFAULT_VOICE = "中文女"
SLOWEST = 0.002
"""Times normal; a speech_rate of -500 would be a standstill."""


@dataclass(frozen=True, kw_only=True)
class Habits:
    """What the server does in fact. Switched off, it does what the document says."""

    keeps_own_rate: bool = True
    """Audio at the model's rate, whatever was asked."""
    claims_asked_rate: bool = True
    """In headers."""
    ignores_volume: bool = True
    ignores_pitch: bool = True
    header_in_every_frame: bool = True
    """Each binary message of WAV and of MP3 is a whole RIFF file."""
    one_status: bool = True
    """Every TaskFailed is 40000000. Otherwise: 40000001 for parameters, 40100005 for the token."""
    stays_open: bool = True
    """After TaskFailed, and silent; a session goes on."""
    foreign_task_id: bool = True
    """In the TaskFailed of a StartSynthesis."""
    header_only: bool = True
    """`?token=` does not count."""
    closes_after_completion: bool = True
    takes_any_voice: bool = True
    """At the start: an unknown one fails when it has to speak."""
    fails_on_symbols: bool = True
    """A text that has nothing to speak; otherwise it is silent."""


@dataclass(frozen=True, kw_only=True)
class LocalOptions(Options):
    """How the server behaves."""

    habits: Habits = field(default_factory=Habits)
    token: str | None = None
    """APPTOKEN; None: everybody is let in."""
    voices: Mapping[str, VoiceFacts] = field(default_factory=lambda: dict(PRESETS))
    native_rate: int | None = None
    """Hz of all audio; None: that of the voice's model."""


class LocalTalk(Sessions[LocalOptions]):
    """A connection of `/ws/v1/tts`."""

    def __init__(self, world: World[LocalOptions], line: Line, *, given: str) -> None:
        super().__init__(world, line)
        self._given = given
        """The token of the handshake."""
        self._own_id = uuid4().hex
        """A task id that no client knows."""
        self._voice = ""

    @property
    def habits(self) -> Habits:
        return self.options.habits

    async def run(self) -> None:
        if self.options.token is None or self._given == self.options.token:
            await super().run()
            return
        words = f"The token '{self._given}' is invalid!" if self._given else "X-NLS-Token not found in ws header"
        told = self._told(words, 40100005)
        self.note("refused", code=told.code, message=told.message)
        await self.tell_failed(self._own_id, told)
        await self.line.hang_up(1000)

    def _told(self, words: str, code: int = 40000000) -> Told:
        return Told(code=40000000 if self.habits.one_status else code, message=words)

    async def obey(self, message: str | bytes) -> None:
        try:
            found = document(message, self._told("Message Not Json"))
        except Refused as refused:
            if isinstance(message, bytes):
                await self.refuse(refused.told)
                await self.line.hang_up(1000)
                return
            raise
        header = found.get("header")
        header = header if isinstance(header, dict) else {}
        if header.get("namespace") != NAMESPACE:
            raise Refused(self._told("Invalid namespace"))
        action = ACTIONS.get(str(header.get("name")))
        if action is None:
            raise Refused(self._told(f"Invalid message name: {header.get('name')}"))
        payload = found.get("payload")
        await action(self, str(header.get("task_id") or self._own_id), payload if isinstance(payload, dict) else {})

    # what the client asks for

    async def _start(self, task_id: str, payload: dict[str, Any]) -> None:
        if self.session is not None:
            raise Refused(self._told("Connection already started"))
        wished = {"format": "PCM", "sample_rate": 22_050, "speech_rate": 0, "volume": 50, "pitch_rate": 0} | payload
        voice, rate = wished.get("voice", DEFAULT_VOICE), wished["sample_rate"]
        numbers = (wished[name] for name in ("speech_rate", "volume", "pitch_rate"))
        is_odd = str(wished["format"]).upper() not in FORMATS or rate not in RATES
        is_unknown = not self.habits.takes_any_voice and voice not in self.options.voices
        if is_odd or is_unknown or not all(isinstance(number, int) for number in numbers):
            told = self._told("Invalid StartSynthesis parameters", 40000001)
            self.note("refused", code=told.code, message=told.message)
            await self._tell_start_failed(task_id, told)
            return
        self.note("session", id=task_id, body=payload)
        self._voice = str(voice)
        self.open(task_id, self._telling(task_id, wished), self._manner(wished))

    def _telling(self, task_id: str, wished: dict[str, Any]) -> LocalTelling:
        container, habits = wished["format"].upper(), self.habits
        has_header = container == "WAV" or (container == "MP3" and habits.header_in_every_frame)
        claimed = wished["sample_rate"] if habits.claims_asked_rate else self._rate(wished)
        return LocalTelling(
            self.line,
            task_id,
            f"session_{self._own_id}",
            asked=claimed if has_header else None,
            header_in_every_frame=habits.header_in_every_frame,
        )

    def _rate(self, wished: dict[str, Any]) -> int:
        if not self.habits.keeps_own_rate:
            return int(wished["sample_rate"])
        voice = self.options.voices.get(self._voice)
        return self.options.native_rate or (CLONE_RATE if voice is None else voice.sample_rate)

    def _manner(self, wished: dict[str, Any]) -> Manner:
        habits = self.habits
        is_mp3 = wished["format"].upper() == "MP3" and not habits.header_in_every_frame
        return Manner(
            encoding="mp3" if is_mp3 else "pcm",
            rate=self._rate(wished),
            speed=max(SLOWEST, 1 + wished["speech_rate"] / 500),
            loudness=1 if habits.ignores_volume else wished["volume"] / 50,
            semitones=0 if habits.ignores_pitch else round(wished["pitch_rate"] * 12 / 500),
        )

    async def _text(self, task_id: str, payload: dict[str, Any]) -> None:
        session = self._running(task_id)
        text = payload.get("text")
        if not isinstance(text, str) or not text:
            raise Refused(self._told("Missing text in RunSynthesis"))
        self.note("text", len(text), session=task_id, text=text)
        await self.strike("text", text=text)
        session.say(text)

    async def _stop(self, task_id: str, payload: dict[str, Any]) -> None:
        self._running(task_id).finish()

    def _running(self, task_id: str) -> Session[LocalOptions]:
        session = self.session
        if session is None or not session.is_started or session.is_finishing:
            raise Refused(self._told("Connection not started", 40010005))
        if session.task_id != task_id:
            raise Refused(self._told("Task ID not match"))
        return session

    # what it is told

    def problem(self, sentence: str) -> Told | None:
        if self._voice not in self.options.voices:
            return self._told(f"Synthesis failed: '{self._voice}'")
        if self.habits.fails_on_symbols and not is_speakable(sentence):
            return self._told("Synthesis failed: need at least one array to concatenate")
        return None

    @property
    def goes_on(self) -> bool:
        return self.habits.stays_open and not self.line.hung_up

    async def completed(self) -> None:
        if self.habits.closes_after_completion:
            await self.line.hang_up(1000)

    async def fail(self, told: Told) -> None:
        if not self.habits.stays_open:
            await super().fail(told)
            return
        session = self.session
        if session is None or not session.is_started:
            await self._tell_start_failed("" if session is None else session.task_id, told)
        else:
            await self.tell_failed(session.task_id, told)

    async def _tell_start_failed(self, task_id: str, told: Told) -> None:
        if self.session is not None:
            self.over(self.session)
        await self.tell_failed(self._own_id if self.habits.foreign_task_id else task_id, told)
        if not self.habits.stays_open:
            await self.line.hang_up(1000)

    async def tell_failed(self, task_id: str, told: Told) -> None:
        await self.line.tell(failed(task_id or self._own_id, told))

    def unknown(self) -> str:
        return message("SynthesisHeartbeat", self._own_id, {"index": 1}, key="status_message")


ACTIONS: Mapping[str, Callable[[LocalTalk, str, dict[str, Any]], Awaitable[None]]] = {
    "StartSynthesis": LocalTalk._start,  # noqa: SLF001  # its own table
    "RunSynthesis": LocalTalk._text,  # noqa: SLF001
    "StopSynthesis": LocalTalk._stop,  # noqa: SLF001
}
