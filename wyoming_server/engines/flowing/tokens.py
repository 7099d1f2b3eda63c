"""The token for Aliyun's cloud: given, or made by CreateToken; kept while it is good, made once for all who wait."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from datetime import UTC, datetime

from ...errors import (
    CredentialsRefused,
    EngineBusy,
    EngineUnavailable,
    ProtocolError,
    QuotaExceeded,
    TooLarge,
)
from ...protocols.nls_token import ANSWER_MAX, Refusal, Token, create_token_query, read_answer
from ...upstream.attempts import Failed
from ...upstream.failures import MANY, Asked, Row, Said, broken, explained
from ...upstream.http import get
from .account import Account

_LOGGER = logging.getLogger(__name__)

EARLY = 60.0
"""Seconds before its end at which a token is replaced."""
YOUNG = 60.0
"""Seconds for which nobody blames a token: whoever is refused with a new one has another problem."""

ROWS = (
    Row(
        words=("accesskeyid is not found", "access key is not found", "signature", "accesskey is disabled"),
        error=CredentialsRefused,
        says="The access key is wrong or switched off: check access_key_id and access_key_secret.",
    ),
    Row(
        codes=("InvalidAccessKeyId.NotFound", "InvalidAccessKeyId.Inactive", "SignatureDoesNotMatch", "IncompleteSignature"),
        error=CredentialsRefused,
        says="The access key is wrong or switched off: check access_key_id and access_key_secret.",
    ),
    Row(
        codes=("InvalidTimeStamp.Expired", "InvalidTimeStamp.Format", "IllegalTimestamp"),
        error=CredentialsRefused,
        says="This machine's clock is wrong by more than a quarter of an hour: correct it.",
    ),
    Row(
        codes=("Forbidden", "Forbidden.RAM", "NoPermission", "40020503", 403),
        error=CredentialsRefused,
        says="This access key may not make tokens: give its user the right AliyunNLSSpeechServiceFullAccess, or use another key.",
    ),
    Row(codes=("Throttling", "Throttling.User", 429), error=EngineBusy, says="There were too many requests.", retries=MANY),
    Row(words=("arrears", "overdue"), error=QuotaExceeded, says="The account is in arrears: charge it in the vendor's console."),
    Row(
        codes=("ServiceUnavailable", "InternalError", *range(500, 600)),
        error=EngineUnavailable,
        says="The service of tokens failed; try again a little later.",
        retries=MANY,
    ),
)


class Tokens:
    """Of one account. `token` may be asked for by many at once."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._token = Token(id=account.token, expires=float("inf")) if account.token else None
        self._made_at = float("-inf")
        self._making = asyncio.Lock()

    async def token(self, asked: Asked) -> str:
        """A good one, as far as anybody knows; "" where none is needed. Raises Failed."""
        if self._token is None and not self._account.makes_tokens:
            return ""
        async with self._making:
            if self._token is None or self._token.expires - time.time() < EARLY:
                self._token = await self._create(asked)
                self._made_at = time.monotonic()
            return self._token.id

    def refused(self, token: str) -> bool:
        """The service does not accept it. Whether another one may help."""
        if not self._account.makes_tokens:
            return False
        if self._token is not None and self._token.id == token:
            if time.monotonic() - self._made_at < YOUNG:
                return False
            self._token = None
        return True

    async def _create(self, asked: Asked) -> Token:
        query = create_token_query(
            access_key_id=self._account.access_key_id,
            access_key_secret=self._account.access_key_secret,
            time=datetime.now(UTC),
            nonce=str(uuid.uuid4()),
            region=self._account.region,
        )
        try:
            status, body = await get(f"{self._account.token_url}?{query}", {}, peer=asked.peer, size_max=ANSWER_MAX)
            answer = read_answer(body)
        except EngineUnavailable as error:
            raise Failed(EngineUnavailable(f"No token could be made: {error}"), retries=2) from error
        except (ProtocolError, TooLarge) as error:
            raise broken(error, asked) from error
        if isinstance(answer, Refusal):
            raise _refused(answer, status, asked, self._account.access_key_id)
        _LOGGER.debug("A token for %s, good until %s", asked.peer, datetime.fromtimestamp(answer.expires, UTC))
        return answer


def _refused(refusal: Refusal, status: int, asked: Asked, key_id: str) -> Failed:
    failed = explained(ROWS, Said(codes=(refusal.code, status), message=refusal.message, secret=key_id), asked)
    return Failed(type(failed.error)(f"No token could be made. {failed.error}"), failed.retries)
