"""What the errors of the IndexTTS service mean: its words, in Chinese and of the libraries below it → what the user is told.

It has no codes. Its errors come in three shapes: of a task, of a request, and of itself (服务器错误…, then it closes). What they
say is all that counts.
"""

from __future__ import annotations

from ...errors import BadSetting, CredentialsRefused, EngineBusy, EngineError, EngineUnavailable, Unspeakable, VoiceRefused
from ...protocols.indextts import (
    BAD_MODE,
    MODEL_FAILED,
    NO_EMO_AUDIO,
    NO_EMO_TEXT,
    NO_EMO_VECTOR,
    NO_TEXT,
    SERVER_ERROR,
    Request,
)
from ...protocols.indextts import Failed as Told
from ...upstream import failures
from ...upstream.attempts import Failed
from ...upstream.failures import Asked, Late, Row, Said, explained, without
from ...upstream.websocket import HandshakeRefused

PEER = "The IndexTTS service"
_IN_WORDS = 0
"""Stands for the code that the service's own errors don't have."""
_INSIDE = "The service failed inside; its own log says more."
_MODE = "The service does not take this emotion mode as it was sent: it may be of another version. Try emo_mode none."

ROWS = (
    Row(words=(NO_TEXT,), error=Unspeakable, says="The service finds nothing to speak in this text."),
    Row(
        words=tuple(map(str.lower, (BAD_MODE, NO_EMO_AUDIO, NO_EMO_VECTOR, NO_EMO_TEXT, "emo_vector", "emo_alpha"))),
        error=BadSetting,
        says=_MODE,
    ),
    Row(
        words=(MODEL_FAILED,),
        error=EngineUnavailable,
        says="The service could not load its model: check the path of the model (--model-dir) there, and its permissions.",
    ),
    Row(
        words=("out of memory", "cudnn_status_alloc_failed"),
        error=EngineBusy,
        says="The service has not enough memory just now: shorter sentences, or fewer programs on its graphics card, may help.",
        retries=1,
    ),
    Row(
        words=("no such file", "error opening", "does not exist", "filenotfounderror", "音频不存在", "文件不存在"),
        error=VoiceRefused,
        says=(
            "The service cannot find a recording: check the path of {voice} in `prompts` of the engine, and that of the emotion; "
            "they are paths on the service's machine."
        ),
    ),
    Row(
        words=("format not recognised", "failed to load audio", "unknown format", "audioread", "permission denied"),
        error=VoiceRefused,
        says="The service cannot read a recording: check the file of {voice} in `prompts` of the engine, and the emotion's.",
    ),
    Row(
        words=("need at least one array", "expected a non-empty list", "empty text"),
        error=Unspeakable,
        says="There is nothing in this text that the voice {voice} can say.",
    ),
    Row(words=(SERVER_ERROR,), error=EngineUnavailable, says=_INSIDE, retries=1),
    Row(
        codes=(401, 403),
        error=CredentialsRefused,
        says="Something before the service wants credentials; the service itself has none: check `url` of the engine.",
    ),
    Row(codes=(429, 503), error=EngineBusy, says="The service has too much to do just now.", retries=2),
    Row(codes=range(500, 600), error=EngineUnavailable, says="The service is not there just now.", retries=2),
    Row(
        codes=(200, *range(300, 500)),
        error=EngineUnavailable,
        says="There is no such service at this address: check `url` of the engine.",
    ),
    Row(codes=(_IN_WORDS,), error=EngineError, says=_INSIDE),
)


def failed(told: Told, asked: Asked, sent: Request) -> Failed:
    """What an error of the service means; it may repeat what was `sent`, which is not for logs."""
    words = without(told.message, sent.emo_text) if sent.emo_text else told.message
    return explained(ROWS, Said(codes=(_IN_WORDS,), message=words, sent=sent.text), asked)


def refused(refusal: HandshakeRefused, asked: Asked) -> Failed:
    """A handshake answered with an HTTP status."""
    return explained(ROWS, Said(codes=(refusal.status,), message=refusal.body), asked)


def unreachable(error: EngineUnavailable) -> Failed:
    msg = f"{error} Is it started? Its port opens only when its model is loaded."
    return Failed(EngineUnavailable(msg), retries=2)


def late(what: Late, seconds: float, asked: Asked) -> Failed:
    """Not tried again: what the service has begun it goes on with, and whatever comes next waits for that."""
    return Failed(failures.late(what, seconds, asked).error)


def silent(asked: Asked) -> Failed:
    return Failed(Unspeakable(f"{PEER} made no audio of this text ({asked})."))
