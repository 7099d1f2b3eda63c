"""A connection of the cloud, strict about every documented rule: which message may come when, and what it must say."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..common.codes import Refused, Told
from ..common.fields import Field, check
from ..common.line import Line
from ..duplex.reading import HEX_ID, billed, document
from ..duplex.session import Session, Sessions
from ..duplex.world import World
from ..speech.audio import Manner
from ..speech.world import Options
from .accounts import Account
from .codes import NLS
from .messages import NAMESPACE, CloudTelling, Shape, failed, message

RATES = (8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
HEADER = (
    Field(path="header", types=(dict,), required=True),
    Field(path="header.message_id", required=True),
    Field(path="header.task_id", required=True),
    Field(path="header.namespace", required=True, choices=(NAMESPACE,)),
    Field(path="header.name", required=True),
    Field(path="header.appkey"),
)
START = (
    Field(path="payload", types=(dict,), required=True),
    Field(path="payload.voice"),
    Field(path="payload.format"),
    Field(path="payload.sample_rate", types=(int,), choices=RATES),
    Field(path="payload.volume", types=(int,), within=(0, 100)),
    Field(path="payload.speech_rate", types=(int,), within=(-500, 500)),
    Field(path="payload.pitch_rate", types=(int,), within=(-500, 500)),
    Field(path="payload.enable_subtitle", types=(bool,)),
    Field(path="payload.platform"),
)
TEXT = (Field(path="payload.text", required=True),)
DEFAULT_VOICE = "longxiaochun"


@dataclass(frozen=True, kw_only=True)
class CloudOptions(Options):
    """How the cloud behaves."""

    account: Account = field(default_factory=Account)
    shape: Shape = field(default_factory=Shape)
    formats: tuple[str, ...] = ("pcm", "wav", "mp3")
    """As they may be spelt: the vendor writes them small, and his gateway knows an error "Invalid format 'PCM'!"."""
    idle_timeout: float = 10
    """Seconds without a message or a ping of the client; 0: never."""
    text_limit: int = 2_000
    """Characters of a message, a Chinese one counting two; 0: no limit."""
    session_text_limit: int = 200_000
    """The same of a session."""


def cloud_speed(rate: int) -> float:
    """Times normal."""
    return 1 / (1 - rate * (0.001 if rate > 0 else 0.002))


def manner(payload: dict[str, Any]) -> Manner:
    """What a pitch is in semitones nobody documents: an octave at the ends."""
    container = payload.get("format", "pcm").lower()
    return Manner(
        encoding="pcm" if container == "wav" else container,
        rate=payload.get("sample_rate", 16_000),
        speed=cloud_speed(payload.get("speech_rate", 0)),
        loudness=payload.get("volume", 50) / 50,
        semitones=round(payload.get("pitch_rate", 0) * 12 / 500),
    )


class CloudTalk(Sessions[CloudOptions]):
    """A connection of `/ws/v1`."""

    def __init__(self, world: World[CloudOptions], line: Line, *, is_known: bool) -> None:
        super().__init__(world, line)
        self._is_known = is_known
        self._is_used = False
        """There was a session."""
        self._message_ids: set[str] = set()
        self._last = "none"
        """Name of the client's last message."""

    async def run(self) -> None:
        self._await_next()
        await super().run()

    def pinged(self) -> None:
        self._await_next()

    def _await_next(self) -> None:
        self.expect(self.options.idle_timeout, self._idle)

    async def _idle(self) -> None:
        told = NLS["idle"].because(f"the last directive is '{self._last}'!")
        await self.refuse(told)

    async def obey(self, message: str | bytes) -> None:
        self._await_next()
        found = document(message, NLS["message"])
        check(found, HEADER, NLS["message"])
        header = found["header"]
        self.addressed = header["task_id"]
        for name in ("message_id", "task_id"):
            if not HEX_ID.fullmatch(header[name]):
                raise Refused(NLS["message"].because(f"Invalid {name} '{header[name]}'!"))
        if header["message_id"] in self._message_ids:
            raise Refused(NLS["message"].because("a message_id that was used before"))
        self._message_ids.add(header["message_id"])
        if header["name"] not in ACTIONS:
            raise Refused(NLS["directive"].because(header["name"]))
        self._check_appkey(header.get("appkey"))
        self._last = header["name"]
        await ACTIONS[header["name"]](self, header["task_id"], found)

    def _check_appkey(self, appkey: object) -> None:
        account = self.options.account
        if appkey in account.foreign_appkeys:
            raise Refused(NLS["account"])
        if appkey != account.appkey:
            raise Refused(NLS["appkey"])

    # what the client asks for

    async def _start(self, task_id: str, found: dict[str, Any]) -> None:
        if self._is_used:
            raise Refused(NLS["state"].because("the connection has or had a session"))
        if not self._is_known:
            raise Refused(NLS["token"])
        if task_id in self.world.task_ids:
            raise Refused(NLS["message"].because("a task_id that was used before"))
        check(found, START, NLS["parameter"])
        payload = found["payload"]
        if payload.get("format", "pcm") not in self.options.formats:
            raise Refused(NLS["directive"].because(f"Invalid format '{payload['format']}'!"))
        voice, account = payload.get("voice", DEFAULT_VOICE), self.options.account
        if not voice or (account.voices is not None and voice not in account.voices):
            raise Refused(NLS["voice"].because(f"(voice: {voice}, privilege: 0)"))
        if account.parallel is not None and self.world.journal.counters.sessions >= account.parallel:
            raise Refused(NLS["busy"])
        self._is_used = True
        self.note("session", id=task_id, body=found)
        telling = CloudTelling(
            self.line,
            task_id,
            self.options.shape,
            has_header=payload.get("format", "pcm").lower() == "wav",
            has_subtitles=payload.get("enable_subtitle", False),
        )
        self.open(task_id, telling, manner(payload))

    async def _text(self, task_id: str, found: dict[str, Any]) -> None:
        session = self._running(task_id)
        check(found, TEXT, NLS["directive"].because("No text specified!"))
        text: str = found["payload"]["text"]
        self.note("text", len(text), session=task_id, text=text)
        session.billed += billed(text)
        self._check_length(billed(text), self.options.text_limit)
        self._check_length(session.billed, self.options.session_text_limit)
        await self.strike("text", text=text)
        session.add(text)

    def _check_length(self, count: int, limit: int) -> None:
        if limit and count > limit:
            raise Refused(NLS["engine client"].because(f"a text of {count} characters; {limit} are allowed"))

    async def _stop(self, task_id: str, found: dict[str, Any]) -> None:
        self._running(task_id).finish()

    def _running(self, task_id: str) -> Session[CloudOptions]:
        session = self.session
        if session is None or not session.is_started or session.is_finishing:
            raise Refused(NLS["state"].because("no session, one that has not started, or one whose text is finished"))
        if session.task_id != task_id:
            raise Refused(NLS["message"].because("the task_id is not the session's"))
        return session

    # what it is told

    async def tell_failed(self, task_id: str, told: Told) -> None:
        await self.line.tell(failed(task_id, told))

    def unknown(self) -> str:
        return message("SynthesisHeartbeat", self.addressed, {"index": 1}, key=self.options.shape.success)


ACTIONS: Mapping[str, Callable[[CloudTalk, str, dict[str, Any]], Awaitable[None]]] = {
    "StartSynthesis": CloudTalk._start,  # noqa: SLF001  # its own table
    "RunSynthesis": CloudTalk._text,  # noqa: SLF001
    "StopSynthesis": CloudTalk._stop,  # noqa: SLF001
}
