"""What OpenSpeech's errors mean: one table of codes and messages → what the user is told, and whether trying again helps.

Codes: protocols' `Failure`s of v1 and v3, and HTTP statuses of a refused handshake. The first row that fits counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ...errors import (
    CredentialsRefused,
    EngineBusy,
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    ProtocolError,
    QuotaExceeded,
    TextTooLong,
    TooLarge,
    Unspeakable,
    VoiceRefused,
)
from ...protocols.openspeech_frame import Failure, decode_text
from ...upstream.attempts import Failed
from ...upstream.failures import MANY, TOLD_MAX, Late, without
from ...upstream.websocket import HandshakeRefused
from .routes import Api, Route

LOG_ID = "x-tt-logid"
"""Response header by which the vendor's support finds a request."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What was asked for: every message names it."""

    engine: str
    voice: str
    route: Route
    log_id: str = ""

    def __str__(self) -> str:
        return f"voice {self.voice}, API {self.route.api}, {self.sent}, log id {self.log_id or 'none'}"

    @property
    def sent(self) -> str:
        """By what the service was told which model speaks."""
        return f"resource id {self.route.resource_id}" if self.route.api is Api.V3 else f"cluster {self.route.cluster}"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Row:
    codes: range | tuple[int, ...] | None
    """`None`: whatever the code."""
    words: tuple[str, ...] = ()
    """One of them stands in the message, in small letters; none: whatever the message."""
    error: type[EngineError | TextTooLong]
    says: str
    """What happened and what to do; `{voice}` and `{resource}` of the request, and what was `{sent}` with it."""
    retries: float = 0

    def fits(self, code: int, message: str) -> bool:
        return (self.codes is None or code in self.codes) and (not self.words or any(word in message for word in self.words))


_CREDENTIALS = (
    "The credentials are wrong or have expired: check appid and access token (or API key), and that they belong to this host."
)
_NO_GRANT = (
    "This account may not use the voice {voice}: order it, or the service of the resource id {resource}, in the vendor's "
    "console (free voices too), or choose another voice."
)
_BUSY = "The service has too much to do just now; try again a little later."
_INSIDE = "The service failed inside; try again a little later."
_CONCURRENCY = (
    "Too many requests at the same time for this account: lower `concurrency` of the engine, or order more parallel requests."
)

ROWS = (
    _Row(
        codes=None,
        words=("mismatched with speaker", "mismatched with the speaker"),
        error=VoiceRefused,
        says=(
            "The resource id {resource} was sent for the voice {voice}, and they do not belong together: set `resource_id` of "
            "the voice (seed-tts-1.0, seed-tts-2.0, seed-icl-1.0 or seed-icl-2.0)."
        ),
    ),
    _Row(codes=None, words=("concurrency",), error=EngineBusy, says=_CONCURRENCY, retries=MANY),
    _Row(
        codes=None,
        words=("quota exceeded", "_lifetime"),
        error=QuotaExceeded,
        says="The trial or the paid quota is used up: order the service, or buy more, in the vendor's console.",
    ),
    _Row(
        codes=None, words=("grant not found", "invalid auth token", "unauthorized"), error=CredentialsRefused, says=_CREDENTIALS
    ),
    _Row(
        codes=None,
        words=("access denied", "permission denied", "resource not granted", "not authori"),
        error=VoiceRefused,
        says=_NO_GRANT,
    ),
    _Row(
        codes=None,
        words=("init engine instance failed",),
        error=VoiceRefused,
        says="The voice {voice} and the {sent} do not belong together: correct one of them.",
    ),
    _Row(
        codes=None,
        words=("illegal input text",),
        error=Unspeakable,
        says="There is nothing in this text that the voice {voice} can say.",
    ),
    _Row(
        codes=None,
        words=("upstream connect error", "upstream request timeout", "no healthy upstream"),
        error=EngineUnavailable,
        says=_INSIDE,
        retries=MANY,
    ),
    _Row(
        codes=(3001, 45000000, 45000001, 400),
        error=EngineError,
        says="The service finds the request invalid: see its own words, and check the voice's settings.",
    ),
    _Row(codes=(3003, 429), error=EngineBusy, says=_CONCURRENCY, retries=MANY),
    _Row(codes=(3005, 3031, 3032, 3040, 55000030, 55000031, 502, 503, 504), error=EngineBusy, says=_BUSY, retries=MANY),
    _Row(codes=(3006,), error=EngineError, says="The service took the request for one it had already.", retries=1),
    _Row(
        codes=(3010, 40402003),
        error=TextTooLong,
        says="The text is too long for one request to the voice {voice}: use shorter sentences.",
    ),
    _Row(codes=(3011,), error=Unspeakable, says="There is nothing in this text that the voice {voice} can say."),
    _Row(codes=(3030,), error=EngineTimeout, says="The service took too long for this text: use shorter sentences.", retries=1),
    _Row(
        codes=(3050,),
        error=VoiceRefused,
        says="There is no voice {voice}: check its name (`herald voices`), and that it belongs to this host and cluster.",
    ),
    _Row(codes=(45000010, 401, 403), error=CredentialsRefused, says=_CREDENTIALS),
    _Row(codes=(45000030,), error=VoiceRefused, says=_NO_GRANT),
    _Row(codes=(404,), error=EngineUnavailable, says="There is no such service at this address: check `url` of the engine."),
    _Row(codes=(55000000, 55000001), error=EngineUnavailable, says=_INSIDE, retries=MANY),
    _Row(codes=range(500, 600), error=EngineUnavailable, says=_INSIDE, retries=MANY),
)
_ELSE = _Row(codes=None, error=EngineError, says="The service failed in a way that its documents do not tell; see its own words.")


def failed(failure: Failure, asked: Asked, *, sent: str = "", status: int = 0) -> Failed:
    """What the service told, as an error for the user.

    `sent`: the text that it may repeat, which is not for logs. `status`: of HTTP, which counts where the code says nothing.
    """
    message = failure.message.lower()
    row = next((row for code in (failure.code, status) for row in ROWS if row.fits(code, message)), _ELSE)
    says = row.says.format(voice=asked.voice, resource=asked.route.resource_id, sent=asked.sent)
    words = without(failure.message[:TOLD_MAX], sent) + ("…" if len(failure.message) > TOLD_MAX else "")
    told = (f"HTTP status {status}," if status else "", str(failure.code or ""), repr(words))
    return Failed(row.error(f"{says} OpenSpeech said: {' '.join(filter(None, told))} ({asked})."), row.retries)


def refused(refusal: HandshakeRefused, asked: Asked) -> Failed:
    """A handshake answered with an HTTP status; its body may tell more."""
    return failed(decode_text(refusal.body), replace(asked, log_id=log_id(refusal.headers)), status=refusal.status)


def broken(error: ProtocolError | TooLarge, asked: Asked) -> Failed:
    """What came is not the protocol: as for any failure, nothing that was heard is taken back."""
    return Failed(EngineError(f"What OpenSpeech sent cannot be read: {error} ({asked})."), retries=1)


def late(what: Late, seconds: float, asked: Asked) -> Failed:
    return Failed(EngineTimeout(f"OpenSpeech {what} within {seconds:g} s ({asked})."), retries=MANY)


def log_id(headers: Mapping[str, str]) -> str:
    """Of a handshake's answer."""
    return next((value[:100] for name, value in headers.items() if name.lower() == LOG_ID), "")
