"""What the service says when it refuses: one table, for the rules that the simulator keeps and for faults on demand."""

from __future__ import annotations

from dataclasses import dataclass

from ..common import codes

OK = 20000000


@dataclass(frozen=True, kw_only=True)
class Told(codes.Told):
    """A code, which is always a number here, and its words."""

    code: int


V1 = {
    "grant": Told(code=3001, message="load grant: requested grant not found"),
    "denied": Told(code=3001, message="get resource id: access denied"),
    "ungranted": Told(code=3001, message="requested resource not granted"),
    "trial": Told(code=3001, message="quota exceeded for types: text_words_lifetime"),
    "parallel": Told(code=3001, message="quota exceeded for types: concurrency"),
    "invalid": Told(code=3001, message="invalid request"),
    "concurrency": Told(code=3003, message="concurrency exceeds quota"),
    "busy": Told(code=3005, message="backend service is busy"),
    "reqid": Told(code=3006, message="service interrupted: reqid is duplicated"),
    "long": Told(code=3010, message="text length is too long"),
    "unspeakable": Told(code=3011, message="illegal input text!"),
    "timeout": Told(code=3030, message="processing timeout"),
    "error": Told(code=3031, message="processing error: Init Engine Instance failed"),
    "wait": Told(code=3032, message="wait for audio timeout"),
    "link": Told(code=3040, message="backend link error"),
    "voice": Told(code=3050, message="voice_type does not exist"),
    "token": Told(code=45000010, message="invalid auth token"),
}
"""Of v1. Which code a broken request gets is not documented: 3001, the documentation's "invalid request"."""

V3 = {
    "client": Told(code=45000000, message="client error"),
    "denied": Told(code=45000000, message="speaker permission denied"),
    "parallel": Told(code=45000000, message="quota exceeded for types: concurrency"),
    "invalid": Told(code=45000001, message="invalid request"),
    "long": Told(code=40402003, message="TTSExceededTextLimit: exceed max limit"),
    "ungranted": Told(code=45000030, message="requested resource not granted"),
    "server": Told(code=55000000, message="internal server error"),
    "mismatch": Told(code=55000000, message="resource ID is mismatched with speaker related resource"),
    "session": Told(code=55000001, message="session error"),
    "busy": Told(code=55000030, message="server is busy"),
    "overload": Told(code=55000031, message="server is overloaded"),
}
"""Of v3."""


def message_of(code: int) -> str:
    """The first words that go with a code."""
    return next((told.message for told in (*V1.values(), *V3.values()) if told.code == code), "unknown error")
