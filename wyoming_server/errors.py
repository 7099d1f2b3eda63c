"""Every error that Herald tells anybody, and the one table of their codes.

    HeraldError
    ├── ConfigError             config              herald.yaml, an environment variable or an option is wrong
    ├── RequestError            bad_request         a client asked for something that cannot be done
    │   ├── ProtocolError       protocol            bytes that are not the protocol; the connection is closed
    │   ├── TooLarge            too_large           a size from a peer is beyond its limit
    │   ├── TextTooLong         text_too_long
    │   ├── UnknownVoice        unknown_voice
    │   ├── BadSetting          bad_setting         a setting out of range, or one that the engine does not take
    │   ├── ConsentRequired     consent_required    a cloned or unlisted speaker, and nobody states that the speaker agreed
    │   ├── TextTimeout         text_timeout        an open text stream brought nothing for too long
    │   ├── UnknownSession      unknown_session     nothing of this id speaks
    │   ├── UnknownService      unknown_engine      there is no engine, or converter, of this name
    │   ├── UnknownChime        unknown_chime       no chime of this digest was stored
    │   ├── ReadOnly            read_only           it is set where only the owner of the machine can change it
    │   └── ShareConflict       share_conflict      a share id is in use for another text or voice
    ├── AccessError             access_denied       the peer's address, host or origin is not allowed
    │   └── TokenError          token_required      the pairing token is missing or wrong
    ├── Busy                    busy                too many connections or requests
    ├── EngineError             engine_failed       a speech engine failed
    │   ├── EngineUnavailable   engine_unavailable  not installed, not reachable, closed
    │   ├── EngineTimeout       engine_timeout
    │   ├── EngineBusy          engine_busy         it has too much to do just now, for us or for others
    │   ├── CredentialsRefused  credentials_refused missing, wrong or expired
    │   ├── QuotaExceeded       quota_exceeded      what the account may use is used up
    │   ├── VoiceRefused        voice_refused       the engine has no such voice, or not for this account
    │   └── Unspeakable         unspeakable         this text has nothing to say; the next one may
    ├── Interrupted             interrupted         somebody asked for silence, or for another text
    └── ShuttingDown            shutting_down

A class states one meaning, its row in `CODES` what that meaning is called in every protocol. The message says what happened, to
which voice or engine, and what to do; the cause is chained. Front ends read `code`, `http_status` and `flowing_status` and never
look at the class.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, kw_only=True, slots=True)
class ErrorCode:
    """What one code means, in words and in the numbers of each protocol."""

    sentence: str
    """Told where the error brings no message of its own."""
    retryable: bool = False
    """True: the same request may succeed a moment later."""
    http_status: int
    flowing_status: int
    """Status of a FlowingSpeechSynthesizer TaskFailed."""


CODES: dict[str, ErrorCode] = {
    "config": ErrorCode(sentence="The configuration is wrong.", http_status=422, flowing_status=50000000),
    "bad_request": ErrorCode(sentence="The request is not valid.", http_status=400, flowing_status=40000001),
    "protocol": ErrorCode(sentence="The data is not the protocol spoken here.", http_status=400, flowing_status=40000002),
    "too_large": ErrorCode(sentence="The request is too large.", http_status=413, flowing_status=40000001),
    "text_too_long": ErrorCode(sentence="The text is too long.", http_status=413, flowing_status=40000001),
    "unknown_voice": ErrorCode(sentence="There is no such voice.", http_status=404, flowing_status=40000001),
    "bad_setting": ErrorCode(sentence="A setting is not valid.", http_status=400, flowing_status=40000001),
    "consent_required": ErrorCode(
        sentence="This speaker may be a real person, and nobody states consent.", http_status=403, flowing_status=40000001
    ),
    "text_timeout": ErrorCode(sentence="The text did not go on.", http_status=408, flowing_status=40000004),
    "unknown_session": ErrorCode(sentence="Nothing speaks in this session.", http_status=404, flowing_status=40000001),
    "unknown_engine": ErrorCode(sentence="There is no such engine or converter.", http_status=404, flowing_status=40000001),
    "unknown_chime": ErrorCode(sentence="There is no such chime.", http_status=404, flowing_status=40000001),
    "read_only": ErrorCode(sentence="This cannot be changed here.", http_status=409, flowing_status=40000001),
    "share_conflict": ErrorCode(sentence="This share id is in use.", http_status=409, flowing_status=40000001),
    "access_denied": ErrorCode(sentence="This address may not use Herald.", http_status=403, flowing_status=40100005),
    "token_required": ErrorCode(sentence="The pairing token is missing or wrong.", http_status=401, flowing_status=40100005),
    "busy": ErrorCode(sentence="Herald is busy.", retryable=True, http_status=503, flowing_status=40000005),
    "engine_failed": ErrorCode(sentence="The speech engine failed.", http_status=502, flowing_status=50000000),
    "engine_unavailable": ErrorCode(
        sentence="The speech engine is not available.", retryable=True, http_status=503, flowing_status=50000000
    ),
    "engine_timeout": ErrorCode(
        sentence="The speech engine did not answer in time.", retryable=True, http_status=504, flowing_status=50000000
    ),
    "engine_busy": ErrorCode(
        sentence="The speech engine has too much to do.", retryable=True, http_status=503, flowing_status=50000000
    ),
    "credentials_refused": ErrorCode(
        sentence="The speech engine does not accept its credentials.", http_status=502, flowing_status=50000000
    ),
    "quota_exceeded": ErrorCode(sentence="The account's quota is used up.", http_status=502, flowing_status=50000000),
    "voice_refused": ErrorCode(sentence="The speech engine does not offer this voice.", http_status=502, flowing_status=50000000),
    "unspeakable": ErrorCode(sentence="There is nothing to speak in this text.", http_status=422, flowing_status=41020001),
    "interrupted": ErrorCode(sentence="The speech was interrupted.", http_status=409, flowing_status=40000000),
    "shutting_down": ErrorCode(sentence="Herald is shutting down.", retryable=True, http_status=503, flowing_status=50000000),
    "internal": ErrorCode(sentence="Herald failed; its log says why.", http_status=500, flowing_status=50000000),
}


class HeraldError(Exception):
    """Root of all errors that are told to somebody. `str()` is one whole sentence."""

    code: ClassVar[str] = "internal"

    def __init__(self, message: str | None = None, *, retry_after: float | None = None) -> None:
        """`retry_after`: seconds after which the same request may succeed, where that is known."""
        super().__init__(message or CODES[self.code].sentence)
        self.retry_after = retry_after

    @property
    def retryable(self) -> bool:
        return CODES[self.code].retryable

    @property
    def http_status(self) -> int:
        return CODES[self.code].http_status

    @property
    def flowing_status(self) -> int:
        return CODES[self.code].flowing_status


class ConfigError(HeraldError):
    """The message names the file, the line and the key."""

    code = "config"


class RequestError(HeraldError):
    code = "bad_request"


class ProtocolError(RequestError):
    code = "protocol"


class TooLarge(RequestError):
    """The message says both numbers: what came and what is allowed."""

    code = "too_large"


class TextTooLong(RequestError):
    code = "text_too_long"


class UnknownVoice(RequestError):
    code = "unknown_voice"


class BadSetting(RequestError):
    code = "bad_setting"


class ConsentRequired(RequestError):
    """The message says how consent is stated."""

    code = "consent_required"


class TextTimeout(RequestError):
    code = "text_timeout"


class UnknownSession(RequestError):
    code = "unknown_session"


class UnknownService(RequestError):
    """An engine, or a converter: the message says which is meant, and which there are."""

    code = "unknown_engine"


class UnknownChime(RequestError):
    code = "unknown_chime"


class ReadOnly(RequestError):
    """The message says where it is set."""

    code = "read_only"


class ShareConflict(RequestError):
    code = "share_conflict"


class AccessError(HeraldError):
    code = "access_denied"


class TokenError(AccessError):
    code = "token_required"


class Busy(HeraldError):
    code = "busy"


class EngineError(HeraldError):
    code = "engine_failed"


class EngineUnavailable(EngineError):
    code = "engine_unavailable"


class EngineTimeout(EngineError):
    code = "engine_timeout"


class EngineBusy(EngineError):
    code = "engine_busy"


class CredentialsRefused(EngineError):
    code = "credentials_refused"


class QuotaExceeded(EngineError):
    code = "quota_exceeded"


class VoiceRefused(EngineError):
    code = "voice_refused"


class Unspeakable(EngineError):
    code = "unspeakable"


class Interrupted(HeraldError):
    code = "interrupted"


class ShuttingDown(HeraldError):
    code = "shutting_down"
