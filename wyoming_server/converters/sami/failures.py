"""What SAMI's errors mean: status codes, its own and HTTP's → what the user is told, and whether trying again helps."""

from __future__ import annotations

import re

from ...errors import (
    CredentialsRefused,
    EngineBusy,
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    QuotaExceeded,
    VoiceRefused,
)
from ...protocols.sami import Told
from ...upstream.attempts import Failed
from ...upstream.failures import MANY, Asked, Row, Said, explained
from ...upstream.websocket import HandshakeRefused

_ACCESS = range(40_200_000, 40_200_100)
"""About who asks."""
_ARREARS = 40_200_014
_OWN_CODE = re.compile(r"(?<!\d)[45]\d{7}(?!\d)")
"""A status code of the service, in the body of a refused handshake."""

ROWS = (
    Row(
        words=("invalidspeaker", "invalid speaker"),
        error=VoiceRefused,
        says="The service has no speaker {voice}, or not for this account: check its name (`herald convert --list`).",
    ),
    Row(
        codes=(_ARREARS,),
        error=QuotaExceeded,
        says="Voice conversion is not opened for this account, or the account is in arrears: see to it in the vendor's console.",
    ),
    Row(
        words=("arrears", "overdue", "quota"),
        error=QuotaExceeded,
        says="What the account may use is used up, or not paid: see to it in the vendor's console.",
    ),
    Row(
        codes=(*_ACCESS, 401, 403),
        error=CredentialsRefused,
        says=(
            "The appkey or the token is wrong, or has expired (one from the console lives for a day): check appkey, and token or "
            "access_key and secret_key, of the converter."
        ),
    ),
    Row(
        words=("concurrency", "too many", "qps", "ratelimit", "rate limit"),
        error=EngineBusy,
        says="Too many conversions at the same time for this account.",
        retries=MANY,
    ),
    Row(codes=(429,), error=EngineBusy, says="Too many conversions at the same time for this account.", retries=MANY),
    Row(
        codes=(40_000_013, 40_000_016),
        error=EngineError,
        says="This is more audio than the service takes in one conversion: shorter texts help.",
    ),
    Row(
        codes=(40_000_010, 40_000_011, 40_000_012),
        error=EngineError,
        says="The service cannot use the audio that it was sent: check input_rate and input_channels of the converter.",
    ),
    Row(
        codes=(40_000_020, 40_000_021, 40_000_022),
        error=EngineError,
        says="The service does not take what it was asked: check the speaker {voice}, and the converter's rates and channels.",
    ),
    Row(
        codes=range(50_000_000, 60_000_000),
        error=EngineUnavailable,
        says="The service failed inside; try again a little later.",
        retries=2,
    ),
    Row(codes=range(500, 600), error=EngineUnavailable, says="The service is not there just now.", retries=2),
    Row(
        codes=(200, *range(300, 500)),
        error=EngineUnavailable,
        says="There is no such service at this address: check `url` of the converter.",
    ),
)


def failed(told: Told, asked: Asked, *, token: str) -> Failed:
    """What a message means that fails the task; it may repeat the token."""
    return explained(ROWS, Said(codes=(told.status_code,), message=told.status_text, secret=token), asked)


def refused(refusal: HandshakeRefused, asked: Asked, *, token: str) -> Failed:
    """A handshake answered with an HTTP status, and often with the service's own code in its body."""
    own = _OWN_CODE.search(refusal.body)
    codes = (int(own[0]), refusal.status) if own else (refusal.status,)
    return explained(ROWS, Said(codes=codes, message=refusal.body, secret=token), asked)


def ended_early(asked: Asked) -> Failed:
    return Failed(EngineUnavailable(f"{asked.peer} ended the conversion before all speech was sent ({asked})."))


def unfinished(seconds: float, asked: Asked) -> Failed:
    return Failed(EngineTimeout(f"{asked.peer} did not end the conversion: nothing came for {seconds:g} s ({asked})."))
