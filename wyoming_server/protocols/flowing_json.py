"""JSON of a duplex session, read with care and written with care: messages, ids, texts, numbers and words.

What is read comes from a peer: what is missing or of a wrong type is empty, what is too large or no JSON object is refused with
TooLarge or ProtocolError, and no text that leaves here has half characters.
"""

from __future__ import annotations

import json
import math
import re
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import ProtocolError, TextTooLong, TooLarge
from ..models import shortened
from .flowing_events import Message, Word

MESSAGE_MAX = 1 << 20
"""Characters of a text message."""
AUDIO_MAX = 16 << 20
"""Bytes of a binary message: the seed's server sends a whole sentence in one."""
ID_MAX = 256
"""Characters of an id. Ours have 32; what a client takes is its own affair."""
TEXT_MAX = 20_000
"""Characters of one piece of text."""
WORDS_MAX = 5_000
"""Words of one subtitle; more are left out."""
SHOWN_MAX = 1_000
"""Characters that are kept of a text that is only shown or passed on."""
DIGITS_MAX = 32
"""Characters of a number that is written as a string."""
NUMBER_MAX = 10**15

_ID = re.compile(r"[0-9a-fA-F]{32}")
_DASHED_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


# Messages -------------------------------------------------------------------------------------------------------------------


def load(message: Message) -> dict[str, Any]:
    """The object that a text message is."""
    if isinstance(message, bytes):
        msg = f"A binary message of {len(message)} bytes where only text messages may come."
        raise ProtocolError(msg)
    if len(message) > MESSAGE_MAX:
        msg = f"A text message of {len(message)} characters; {MESSAGE_MAX} are allowed."
        raise TooLarge(msg)
    try:
        value = json.loads(message)
    except (ValueError, RecursionError) as error:
        msg = f"The text message is not JSON: {error}."
        raise ProtocolError(msg) from error
    if not isinstance(value, dict):
        msg = "The text message is not a JSON object."
        raise ProtocolError(msg)
    return value


def dump(value: Mapping[str, Any]) -> str:
    """A text message."""
    try:
        message = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except (ValueError, RecursionError) as error:
        msg = f"The message cannot be written as JSON: {error}."
        raise ProtocolError(msg) from error
    if len(message) > MESSAGE_MAX:
        msg = f"A text message of {len(message)} characters; {MESSAGE_MAX} are allowed."
        raise TooLarge(msg)
    return whole_characters(message)


def audio(data: bytes) -> bytes:
    if len(data) > AUDIO_MAX:
        msg = f"A binary message of {len(data)} bytes; {AUDIO_MAX} are allowed."
        raise TooLarge(msg)
    return data


# Values ---------------------------------------------------------------------------------------------------------------------


def section(value: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The object at `key`, or an empty one."""
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def whole_characters(text: str) -> str:
    """A text without the half characters that JSON can spell and UTF-8 cannot."""
    return text.encode(errors="replace").decode()


def shown(value: Any, limit: int = SHOWN_MAX) -> str:
    """A text that may be cut; "" for what is none."""
    if not isinstance(value, str):
        return ""
    return whole_characters(value if len(value) <= limit else value[: limit - 1] + "…")


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


def number(value: Any) -> float | None:
    """A number, also one that is written as a string; None for anything else, and for what no time or setting can be."""
    if isinstance(value, str) and len(value) <= DIGITS_MAX:
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not -NUMBER_MAX <= value <= NUMBER_MAX:
        return None
    return int(value) if math.floor(value) == value else value


def count(value: Any) -> int:
    """A number of things; 0 for anything else."""
    found = number(value)
    return max(0, int(found)) if found is not None else 0


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
