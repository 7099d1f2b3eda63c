"""What the errors of FlowingSpeechSynthesizer mean: statuses of TaskFailed and of a refused handshake → what the user is told."""

from __future__ import annotations

from ...errors import CredentialsRefused, EngineBusy, EngineError, EngineUnavailable, QuotaExceeded, Unspeakable, VoiceRefused
from ...protocols.flowing_events import Failed as Told
from ...protocols.flowing_status import REFRESHABLE, Status
from ...upstream.attempts import Failed
from ...upstream.failures import MANY, Asked, Row, Said, explained
from ...upstream.websocket import HandshakeRefused
from .account import Dialect

_SERVER_ERRORS = range(50_000_000, 60_000_000)
_BUSY = Row(
    codes=(Status.TOO_MANY, 429),
    error=EngineBusy,
    says="Too many requests at the same time: lower `concurrency` of the engine, or order more.",
    retries=MANY,
)
_IDLE = Row(
    codes=(Status.IDLE,), error=EngineUnavailable, says="The service took the connection for a forgotten one.", retries=MANY
)
_INSIDE = Row(
    codes=_SERVER_ERRORS, error=EngineUnavailable, says="The service failed inside; try again a little later.", retries=MANY
)
_GATEWAY = Row(
    codes=range(500, 600),
    error=EngineUnavailable,
    says="The service is not there just now; try again a little later.",
    retries=MANY,
)
_NO_SERVICE = Row(
    codes=(404, 400, 426),
    error=EngineUnavailable,
    says="There is no such service at this address: check `url` of the engine.",
)
_BAD_REQUEST = Row(
    codes=(Status.CLIENT_ERROR, Status.MESSAGE, Status.PARAMETER, Status.DIRECTIVE, Status.STATE, Status.TTS),
    error=EngineError,
    says="The service finds the request invalid: see its own words, and check the voice {voice} and its settings.",
)

_ALIYUN = (
    Row(
        codes=(Status.TTS, Status.CLIENT_ERROR, Status.PARAMETER, Status.TOKEN),
        words=("voice", "speaker"),
        error=VoiceRefused,
        says="This account has no voice {voice}: check its name, or order it in the vendor's console.",
    ),
    Row(
        codes=(Status.TTS, Status.CLIENT_ERROR, Status.PARAMETER),
        words=("text is empty", "empty text", "text is blank", "no text", "text is null"),
        error=Unspeakable,
        says="There is nothing in this text that the voice {voice} can say.",
    ),
    Row(
        codes=(Status.TOKEN, Status.UNAUTHORISED, 401, 403),
        error=CredentialsRefused,
        says="The token is wrong or has expired: check the credentials, and that they belong to this address.",
    ),
    Row(
        codes=(Status.APPKEY_MISSING, Status.APPKEY_UNKNOWN),
        error=CredentialsRefused,
        says="The appkey is wrong: the vendor's console shows the one of your project.",
    ),
    Row(
        codes=(Status.ARREARS,),
        error=QuotaExceeded,
        says="The trial is over or the account is in arrears: order the service, or charge the account, in the vendor's console.",
    ),
)
_APPTOKEN = "The server wants another token: set `token` of the engine to the server's APPTOKEN."
_LOCAL = (
    Row(words=("token",), error=CredentialsRefused, says=_APPTOKEN),
    Row(codes=(Status.TOKEN, Status.UNAUTHORISED, 401, 403), error=CredentialsRefused, says=_APPTOKEN),
    Row(
        words=("音色", "voice", "speaker", "spk", "failed: '{voice}'"),
        error=VoiceRefused,
        says="The server has no voice {voice}: check its name (`herald voices`).",
    ),
    Row(
        words=("need at least one array",),
        error=Unspeakable,
        says="There is nothing in this text that the voice {voice} can say.",
    ),
)
_EVERYWHERE = (_BUSY, _IDLE, _INSIDE, _GATEWAY, _NO_SERVICE, _BAD_REQUEST)
ROWS = {Dialect.ALIYUN: (*_ALIYUN, *_EVERYWHERE), Dialect.LOCAL: (*_LOCAL, *_EVERYWHERE)}


def failed(told: Told, asked: Asked, dialect: Dialect, *, sent: str = "", token: str = "") -> Failed:
    """What a TaskFailed means; it may repeat the text that was `sent`, and the token."""
    return explained(ROWS[dialect], Said(codes=(told.status,), message=told.text, sent=sent, secret=token), asked)


def refused(refusal: HandshakeRefused, asked: Asked, dialect: Dialect, *, token: str) -> Failed:
    """A handshake answered with an HTTP status."""
    return explained(ROWS[dialect], Said(codes=(refusal.status,), message=refusal.body, secret=token), asked)


def about_token(failed: Failed, code: int) -> bool:
    """Whether another token may help; `code`: a status, or one of HTTP."""
    return isinstance(failed.error, CredentialsRefused) and (code in REFRESHABLE or code in (401, 403))
