"""What the errors of these servers mean: HTTP statuses, and the codes and words of their bodies → what the user is told.

A body is JSON in one of many shapes, or a web page; whichever it is, only its words are kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ...errors import (
    CredentialsRefused,
    EngineBusy,
    EngineError,
    EngineUnavailable,
    QuotaExceeded,
    TextTooLong,
    Unspeakable,
    VoiceRefused,
)
from ...protocols.json_messages import shown
from ...upstream.attempts import Failed
from ...upstream.failures import MANY, Asked, Row, Said, explained

OK = 200
BODY_MAX = 65_536
"""Bytes of an error that are looked at."""
CODE_MAX = 60
"""Characters of a server's own code."""
WEB_PAGE = "web page"
"""The code of a body that is one."""
SECRET_MIN = 6
"""Characters from which on something is taken for a secret where it stands in a message."""

_CODE = re.compile(r"[\w.-]+_[\w.-]+|[A-Z]\w+Error", re.ASCII)
_CODES, _WORDS = ("code", "type", "error"), ("message", "msg", "detail", "error", "Exception")
"""Where they stand in an object."""
_REFUSALS = (400, 404, 422, 500, "invalid_request_error", "validation_error", "BadRequestError", "NotFoundError")
_URL = "check `url` and `profile` of the engine."

ROWS = (
    Row(
        codes=("insufficient_quota", "billing_hard_limit_reached", "billing_not_active", 402),
        error=QuotaExceeded,
        says="What the account may use is used up: charge the account, or raise its limit, in the vendor's console.",
    ),
    Row(
        codes=("rate_limit_exceeded", 429),
        error=EngineBusy,
        says="Too many requests at the same time or in a minute: lower `concurrency` of the engine, or order more.",
        retries=MANY,
    ),
    Row(
        codes=("invalid_api_key", "invalid_authentication", 401),
        error=CredentialsRefused,
        says="The key is missing, wrong or expired: check `api_key` of the engine.",
    ),
    Row(
        codes=(403,),
        error=CredentialsRefused,
        says="The key may not be used for this, or from here: check `api_key` of the engine, and what it is allowed to do.",
    ),
    Row(
        words=(
            "too long",
            "maximum length",
            "max_length",
            "maximum context",
            "at most 4096",
            "too many characters",
            "token limit",
        ),
        error=TextTooLong,
        says="The text is too long for one request to the voice {voice}: use shorter sentences.",
    ),
    Row(
        codes=(413,), error=TextTooLong, says="The text is too long for one request to the voice {voice}: use shorter sentences."
    ),
    Row(
        words=("cannot be empty", "text is required", "empty text", "text is empty", "no phoneme", "at least 1 character"),
        error=Unspeakable,
        says="There is nothing in this text that the voice {voice} can say.",
    ),
    Row(
        codes=("model_not_found", "invalid_model", *_REFUSALS),
        words=("model `", "model '", 'model "', "model: ", "model not", "no such model"),
        error=EngineError,
        says="The server does not have the model, or not for this key ({how}): set `model` of the engine or the voice.",
    ),
    Row(
        codes=_REFUSALS,
        words=("voice", "speaker", "ref_audio", "reference audio", "prompt_audio", "参考音频", "音色", "'{voice}'"),
        error=VoiceRefused,
        says="The server does not take the voice {voice}: check its name (`herald voices`), and that it belongs to the model.",
    ),
    Row(codes=(404, 405), error=EngineUnavailable, says=f"There is no such service at this address: {_URL}"),
    Row(codes=range(300, 400), error=EngineUnavailable, says=f"The server sends Herald to another address: {_URL}"),
    Row(
        codes=(500, 520),
        error=EngineUnavailable,
        says="The server failed inside; see its own words and its log.",
        retries=2,
    ),
    Row(
        codes=(408, 502, 503, 504, 529, "overloaded_error"),
        error=EngineUnavailable,
        says="The server is not there just now, or has too much to do; try again a little later.",
        retries=MANY,
    ),
    Row(
        codes=range(400, 500),
        error=EngineError,
        says="The server finds the request invalid: see its own words, and the voice's settings.",
    ),
    Row(
        codes=range(501, 600), error=EngineUnavailable, says="The server failed inside; see its own words and its log.", retries=2
    ),
    Row(codes=(WEB_PAGE,), error=EngineUnavailable, says=f"A web page came instead of audio: {_URL}"),
    Row(codes=(OK,), error=EngineError, says="The server told an error instead of audio; see its own words.", retries=1),
)


def failed(status: int, body: bytes, asked: Asked, *, sent: str = "", secrets: Collection[str] = ()) -> Failed:
    """What an answer that is no audio means. It may repeat the text that was `sent`, and `secrets`."""
    own, words = _told(body[:BODY_MAX])
    # a web page with an error's status is a proxy's: the status tells more
    codes = (status, *own) if WEB_PAGE in own and status != OK else (*own, status)
    said = Said(codes=tuple(dict.fromkeys(codes)), message=_hidden(words, secrets), sent=sent)
    return explained(ROWS, said, asked)


def _told(body: bytes) -> tuple[tuple[int | str, ...], str]:
    """The codes and the words of a body."""
    text = body.decode(errors="replace").strip()
    if text.startswith("<"):
        title = re.search(r"<(title|h1)[^>]*>([^<]*)", text, re.IGNORECASE)
        return (WEB_PAGE,), " ".join(title[2].split()) if title else "a web page"
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        return (), " ".join(text.split())
    parts = list(_parts(answer))
    return tuple(_codes(parts)), " ".join("; ".join(filter(None, map(_words, parts))).split())


def _parts(answer: Any) -> Iterator[Any]:
    """The object or words of an error, out of whatever it is wrapped in."""
    if isinstance(answer, dict):
        inner = next((answer[key] for key in ("error", "detail") if isinstance(answer.get(key), dict | list)), None)
        yield from [answer] if inner is None else _parts(inner)
    elif isinstance(answer, list):
        yield from answer[:5]
    else:
        yield answer


def _codes(parts: list[Any]) -> Iterator[int | str]:
    for part in parts:
        for key in _CODES if isinstance(part, dict) else ():
            code = part.get(key)
            if isinstance(code, int) and not isinstance(code, bool):
                yield code
            elif isinstance(code, str) and _CODE.fullmatch(code):
                yield code[:CODE_MAX]


def _words(part: Any) -> str:
    """Of one object: its message, with the field that it is about."""
    if not isinstance(part, dict):
        return shown(part) if isinstance(part, str) else shown(json.dumps(part))
    said = [_last_line(value) for key in _WORDS if isinstance(value := part.get(key), str) and not _CODE.fullmatch(value)]
    field = _field(part)
    words = shown(" ".join(said))
    return f"{field}: {words}" if field and words else words


def _field(part: Mapping[str, Any]) -> str:
    """What pydantic calls `loc`, and OpenAI `param`."""
    where = part.get("loc") or part.get("param")
    return shown(where[-1] if isinstance(where, list) and where else where, CODE_MAX)


def _last_line(words: str) -> str:
    """Of a traceback, which some servers send: what went wrong stands at its end."""
    lines = [line for line in words.splitlines() if line.strip()]
    return lines[-1] if lines and lines[0].startswith("Traceback") else words


def _hidden(words: str, secrets: Collection[str]) -> str:
    """Without credentials, also where the server has put stars over a part of one."""
    for secret in secrets:
        if len(secret) >= SECRET_MIN:
            words = words.replace(secret, "…")
    return re.sub(r"\S*\*{3,}\S*", "…", words)
