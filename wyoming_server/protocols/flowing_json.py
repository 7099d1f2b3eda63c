"""What JSON messages of a duplex session have beside the usual (`json_messages`): audio, ids, texts to be spoken, and words."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import ProtocolError, TextTooLong, TooLarge
from ..models import shortened
from .flowing_events import Word
from .json_messages import number, shown, whole_characters

AUDIO_MAX = 16 << 20
"""Bytes of a binary message: the seed's server sends a whole sentence in one."""
ID_MAX = 256
"""Characters of an id. Ours have 32; what a client takes is its own affair."""
TEXT_MAX = 20_000
"""Characters of one piece of text."""
WORDS_MAX = 5_000
"""Words of one subtitle; more are left out."""

_ID = re.compile(r"[0-9a-fA-F]{32}")
_DASHED_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def audio(data: bytes) -> bytes:
    if len(data) > AUDIO_MAX:
        msg = f"A binary message of {len(data)} bytes; {AUDIO_MAX} are allowed."
        raise TooLarge(msg)
    return data


def fragment(value: Any, limit: int) -> str:
    """A text to be spoken: never cut."""
    if not isinstance(value, str):
        msg = f"The text to be spoken is a string, not {shortened(value)}."
        raise ProtocolError(msg)
    check_text(len(value), limit)
    return whole_characters(value)


def check_text(size: int, limit: int) -> None:
    if size > limit:
        msg = f"A piece of text of {size} characters; {limit} are allowed."
        raise TextTooLong(msg)


# Ids ------------------------------------------------------------------------------------------------------------------------


def new_id() -> str:
    """32 hex digits."""
    return uuid.uuid4().hex


def own_id(value: str, *, dashes: bool = False) -> str:
    """An id of ours: 32 hex digits, with a UUID's dashes only where the protocol takes them."""
    if not _ID.fullmatch(value) and not (dashes and _DASHED_ID.fullmatch(value)):
        msg = f"An id has 32 hex digits; {shortened(value)} does not."
        raise ProtocolError(msg)
    return value


def peer_id(value: Any) -> str:
    """A peer's id: any string; "" where there is none."""
    if not isinstance(value, str):
        return ""
    if len(value) > ID_MAX:
        msg = f"An id of {len(value)} characters; {ID_MAX} are allowed."
        raise TooLarge(msg)
    return whole_characters(value)


# Words ----------------------------------------------------------------------------------------------------------------------


def read_words(entries: Any, *, phonemes: str) -> tuple[Word, ...]:
    """The words of a subtitle; `phonemes` is their key in this protocol. What is no word is left out."""
    if not isinstance(entries, list):
        return ()
    return tuple(_word(entry, phonemes) for entry in entries[:WORDS_MAX] if isinstance(entry, dict))


def _word(entry: Mapping[str, Any], phonemes: str) -> Word:
    sentence = entry.get("sentence")
    inner = entry.get(phonemes)
    return Word(
        text=shown(entry.get("text")),
        begin_time=number(entry.get("begin_time")),
        end_time=number(entry.get("end_time")),
        begin_index=_place(entry.get("begin_index")),
        end_index=_place(entry.get("end_index")),
        sentence=sentence if isinstance(sentence, bool) else shown(sentence) or False,
        phonemes=tuple(inner[:WORDS_MAX]) if isinstance(inner, list) else (),
    )


def _place(value: Any) -> int | None:
    found = number(value)
    return int(found) if found is not None else None


def word_fields(word: Word) -> Iterator[tuple[str, Any]]:
    """What was told of a word, by the names that all protocols share."""
    yield "text", word.text
    for name in ("begin_time", "end_time", "begin_index", "end_index"):
        value = getattr(word, name)
        if value is not None:
            yield name, value
