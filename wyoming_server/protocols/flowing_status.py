"""The status codes of FlowingSpeechSynthesizer, in words, and what may be done about a failure.

Herald's own errors have theirs in `errors.CODES`; here is what servers tell, and what only the order of messages can break.
"""

from __future__ import annotations

from enum import IntEnum


class Status(IntEnum):
    OK = 20000000
    CLIENT_ERROR = 40000000
    TOKEN = 40000001
    MESSAGE = 40000002
    PARAMETER = 40000003
    IDLE = 40000004
    TOO_MANY = 40000005
    ARREARS = 40000010
    DIRECTIVE = 40010003
    STATE = 40010005
    APPKEY_MISSING = 40020105
    APPKEY_UNKNOWN = 40020106
    UNAUTHORISED = 40100005
    TTS = 41020001
    SERVER_ERROR = 50000000


WORDS: dict[int, str] = {
    Status.OK: "Success.",
    Status.CLIENT_ERROR: "The request is not valid.",
    Status.TOKEN: "The token is not valid, or has no right to this voice.",
    Status.MESSAGE: "The message is not valid.",
    Status.PARAMETER: "A parameter is not valid.",
    Status.IDLE: "No message came from the client for too long.",
    Status.TOO_MANY: "There are too many requests.",
    Status.ARREARS: "The trial is over, or the account is in arrears.",
    Status.DIRECTIVE: "There is no such directive.",
    Status.STATE: "The message does not fit the state of the session.",
    Status.APPKEY_MISSING: "The appkey is missing.",
    Status.APPKEY_UNKNOWN: "The appkey is not valid.",
    Status.UNAUTHORISED: "The token is missing or wrong.",
    Status.TTS: "The text cannot be synthesised.",
    Status.SERVER_ERROR: "The server failed.",
}

RETRYABLE = frozenset({Status.IDLE, Status.TOO_MANY})
"""The same request may succeed later, beside all errors of the server. Only before any audio."""
REFRESHABLE = frozenset({Status.TOKEN})
"""The same request may succeed with a new token."""
_FAMILY = 10_000_000


def words(status: int) -> str:
    """What a status means, for a failure that brings no text of its own."""
    family = status // _FAMILY * _FAMILY
    return WORDS.get(status) or WORDS.get(family) or f"Status {status}."


def is_retryable(status: int) -> bool:
    return status in RETRYABLE or status // _FAMILY * _FAMILY == Status.SERVER_ERROR
