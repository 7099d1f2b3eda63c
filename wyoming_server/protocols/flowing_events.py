"""What is said in a duplex speech session, whoever's protocol it is: start, text and finish up; sentences, audio and an end down.

The vocabulary of `flowing` (Aliyun NLS and its local servers) and `dashscope`, which turn it into messages and back, and of
`flowing_order`, which knows what may come when. Plain values: no JSON, and no protocol's names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, ClassVar


class Kind(Enum):
    """What an event is about: the key of the tables."""

    START = auto()
    TEXT = auto()
    FINISH = auto()
    CANCEL = auto()
    STARTED = auto()
    SENTENCE_BEGIN = auto()
    AUDIO = auto()
    SUBTITLES = auto()
    SENTENCE_END = auto()
    COMPLETED = auto()
    FAILED = auto()
    UNKNOWN = auto()


# Up -------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Start:
    kind: ClassVar[Kind] = Kind.START

    task_id: str
    payload: Mapping[str, Any]
    """As it came: `flowing_settings.Settings.parse` or `dashscope_task.Task.parse` reads it, once it is known whom to answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Text:
    kind: ClassVar[Kind] = Kind.TEXT

    task_id: str
    text: str
    """Any fragment. "" says nothing, or, as everywhere in Herald, that what has come so far should be spoken."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finish:
    """No more text: what the server has buffered is spoken."""

    kind: ClassVar[Kind] = Kind.FINISH

    task_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Cancel:
    """Silence, now. In `flowing` it is our own: to other servers of NLS the socket is closed."""

    kind: ClassVar[Kind] = Kind.CANCEL

    task_id: str


# Down -----------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """A word, or a character of Chinese, and when it is spoken. None is what was not told."""

    text: str
    begin_time: float | None = None
    """Milliseconds."""
    end_time: float | None = None
    begin_index: int | None = None
    """Characters: from `begin_index` up to, not including, `end_index`. Of the text as spoken, says the vendor: "12" may be
    two words."""
    end_index: int | None = None
    sentence: bool | str = False
    """As it came: the vendor does not explain it."""
    phonemes: tuple[Any, ...] = ()
    """As they came."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Started:
    kind: ClassVar[Kind] = Kind.STARTED

    task_id: str
    session_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class SentenceBegin:
    kind: ClassVar[Kind] = Kind.SENTENCE_BEGIN

    task_id: str
    session_id: str = ""
    index: int = 0
    """1, 2, …; 0 where it was not told. The same in SentenceEnd, Subtitles and Completed."""
    text: str = ""
    """The sentence. Only DashScope tells it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Audio:
    kind: ClassVar[Kind] = Kind.AUDIO

    data: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Subtitles:
    """Words of the sentence that is being spoken: new ones (NLS), or all of it so far (seen of DashScope)."""

    kind: ClassVar[Kind] = Kind.SUBTITLES

    task_id: str
    index: int = 0
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class SentenceEnd:
    kind: ClassVar[Kind] = Kind.SENTENCE_END

    task_id: str
    session_id: str = ""
    index: int = 0
    words: tuple[Word, ...] = ()
    """All of the sentence's."""
    text: str = ""
    """The sentence. Only DashScope tells it."""
    characters: int = 0
    """What the session has cost so far. Only DashScope tells it here."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Completed:
    """The only good end of a session."""

    kind: ClassVar[Kind] = Kind.COMPLETED

    task_id: str
    session_id: str = ""
    index: int = 0
    """How many sentences there were."""
    reason: str = ""
    """Our own: "interrupted"."""
    notice: str = ""
    """Our own: what there is to know of how it was spoken, such as that another voice spoke than was asked for."""
    notice_code: str = ""
    """Our own: the same, as Herald's code of an error."""
    voice: str = ""
    """Our own: that other voice."""
    characters: int = 0
    """What the session cost."""
    words: tuple[Word, ...] = ()
    """Of the last sentence, where the server tells words nowhere else (some of DashScope's models)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Failed:
    """The other end."""

    kind: ClassVar[Kind] = Kind.FAILED

    task_id: str
    """Not always the session's own."""
    status: int = 0
    """Of `flowing_status`; 0 where there is only a `code`."""
    code: str = ""
    """DashScope's name of the error; of NLS our own: Herald's."""
    text: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Unknown:
    """A message that this codec does not know: ignored."""

    kind: ClassVar[Kind] = Kind.UNKNOWN

    task_id: str
    name: str


ClientEvent = Start | Text | Finish | Cancel | Unknown
ServerEvent = Started | SentenceBegin | Audio | Subtitles | SentenceEnd | Completed | Failed | Unknown
Message = str | bytes
"""Of a websocket: text or binary."""
