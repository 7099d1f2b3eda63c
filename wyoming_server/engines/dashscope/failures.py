"""What DashScope's errors mean: error codes of task-failed, its messages, and HTTP statuses → what the user is told.

The codes are the vendor's names; his list of them (help.aliyun.com/zh/model-studio/error-code) is for all of his services.
"""

from __future__ import annotations

import json

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
from ...protocols.flowing_events import Failed as Told
from ...protocols.json_messages import section, shown
from ...upstream.attempts import Failed
from ...upstream.failures import MANY, Asked, Row, Said, explained
from ...upstream.websocket import HandshakeRefused

_KEY = "The API key is wrong, has expired, or is one of another region: check api_key, and that it belongs to this `url`."
_NO_RIGHT = "This API key may not use the {how}: switch it on in the vendor's console, or check `workspace`."

ROWS = (
    Row(
        words=("return error code: 418", "engine error [418]", "engine error [411]"),
        error=VoiceRefused,
        says="The voice {voice} does not belong to the {how}: set `model` of the voice, or choose another one.",
    ),
    Row(
        words=("return error code: 428",),
        error=VoiceRefused,
        says="The voice {voice} cannot speak this text, or does not take instructions: see the vendor's list of voices.",
    ),
    Row(
        words=("timeout after 23 seconds",),
        error=EngineUnavailable,
        says="The service waited too long for text.",
        retries=MANY,
    ),
    Row(words=("arrear", "overdue"), error=QuotaExceeded, says="The account is in arrears: charge it in the vendor's console."),
    Row(
        codes=("Arrearage", "AllocationQuota.FreeTierOnly", "PrepaidBillOverdue", "PostpaidBillOverdue", "CommodityNotPurchased"),
        error=QuotaExceeded,
        says="The free quota is used up, or the account is in arrears: order or charge in the vendor's console.",
    ),
    Row(codes=("InvalidApiKey", "invalid_api_key", "InvalidAccessToken", 401), error=CredentialsRefused, says=_KEY),
    Row(
        codes=("AccessDenied", "AccessDenied.Unpurchased", "Model.AccessDenied", "WorkSpace.AccessDenied", 403),
        error=CredentialsRefused,
        says=_NO_RIGHT,
    ),
    Row(
        codes=("ModelNotFound", "model_not_found", "ModelNotExist", "Model.NotFound"),
        error=VoiceRefused,
        says="There is no such model, or not in this region ({how}): correct `model`.",
    ),
    Row(
        codes=("Throttling", "Throttling.RateQuota", "Throttling.AllocationQuota", "Throttling.User", "LimitRequests", 429),
        error=EngineBusy,
        says="Too many requests at the same time: lower `concurrency` of the engine, or order more.",
        retries=MANY,
    ),
    Row(
        codes=("DataInspectionFailed", "data_inspection_failed"),
        error=Unspeakable,
        says="The service refuses to speak this text.",
    ),
    Row(words=("text is empty", "empty text"), error=Unspeakable, says="There is nothing to say in this text."),
    Row(
        words=("text length", "too long"),
        codes=("InvalidParameter", "CLIENT_ERROR"),
        error=TextTooLong,
        says="The text is too long for one request.",
    ),
    Row(
        codes=("InvalidParameter", "BadRequest", "CLIENT_ERROR", "InvalidParameter.DataInspection", 400),
        error=EngineError,
        says="The service finds the request invalid: see its own words, and check the voice {voice} and its settings.",
    ),
    Row(codes=(404,), error=EngineUnavailable, says="There is no such service at this address: check `url` of the engine."),
    Row(
        codes=(
            "InternalError",
            "InternalError.Algo",
            "InternalError.Timeout",
            "InternalError.Upload",
            "SERVER_ERROR",
            "SystemError",
            "RequestTimeOut",
            "ResponseTimeout",
            "ServiceUnavailable",
            *range(500, 600),
        ),
        error=EngineUnavailable,
        says="The service failed inside; try again a little later.",
        retries=MANY,
    ),
)


def failed(told: Told, asked: Asked, sent: str) -> Failed:
    """What a task-failed means; `sent`: the text that it may repeat."""
    return explained(ROWS, Said(codes=(told.code,), message=told.text, sent=sent), asked)


def refused(refusal: HandshakeRefused, asked: Asked, api_key: str) -> Failed:
    """A handshake answered with an HTTP status, and an object that has a code of its own."""
    try:
        body = section({"body": json.loads(refusal.body)}, "body")
    except (ValueError, RecursionError):
        body = {}
    code, message = shown(body.get("code")), shown(body.get("message")) or refusal.body
    return explained(ROWS, Said(codes=(code, refusal.status), message=message, secret=api_key), asked)
