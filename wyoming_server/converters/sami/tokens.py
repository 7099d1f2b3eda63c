"""The token for SAMI: given, or made by GetToken; kept while it is good, made once for all who wait."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import UTC, datetime
from urllib.parse import urlsplit

from ...errors import CredentialsRefused, EngineBusy, EngineUnavailable, ProtocolError, QuotaExceeded, TooLarge
from ...protocols.sami_token import LIFETIME_MAX, Refused, Token, get_token, read_answer
from ...upstream.attempts import Failed
from ...upstream.failures import Asked, Row, Said, broken, explained
from ...upstream.http import post
from .access import Access

_LOGGER = logging.getLogger(__name__)

EARLY = 60.0
"""Seconds before its end at which a token is replaced."""
YOUNG = 60.0
"""Seconds for which nobody blames a token: whoever is refused with a new one has another problem."""
ANSWER_MAX = 64 << 10
"""Bytes."""

_WRONG_KEY = "The access key is wrong or switched off: check access_key and secret_key of the converter."

ROWS = (
    Row(
        codes=(
            "SignatureDoesNotMatch",
            "InvalidAccessKey",
            "InvalidCredential",
            "InvalidSecretToken",
            "MissingAuthenticationToken",
        ),
        error=CredentialsRefused,
        says=_WRONG_KEY,
    ),
    Row(words=("accesskey", "access key", "signature"), error=CredentialsRefused, says=_WRONG_KEY),
    Row(
        codes=("InvalidTimestamp", "RequestExpired", "SignatureExpired"),
        error=CredentialsRefused,
        says="This machine's clock is wrong by more than a quarter of an hour: correct it.",
    ),
    Row(
        codes=("AccessDenied", "LackPolicy", "Forbidden"),
        error=CredentialsRefused,
        says="This access key may not make tokens: give its user a policy for SAMI, or use another key.",
    ),
    Row(
        codes=("40200014",),
        error=QuotaExceeded,
        says="The service is not opened for this account, or the account is in arrears: see to it in the vendor's console.",
    ),
    Row(words=("appkey", "app key"), error=CredentialsRefused, says="The appkey is wrong: check appkey of the converter."),
    Row(
        codes=("FlowLimitExceeded", "Throttling", 429),
        error=EngineBusy,
        says="Too many tokens were asked for within a minute; try again a little later.",
    ),
    Row(
        codes=("InternalError", "InternalServiceError", "InternalServiceTimeout", "ServiceUnavailable", *range(500, 600)),
        error=EngineUnavailable,
        says="The service of tokens failed; try again a little later.",
        retries=2,
    ),
    Row(codes=(401, 403), error=CredentialsRefused, says=_WRONG_KEY),
    Row(
        codes=(200, *range(300, 500)),
        error=EngineUnavailable,
        says="There is no service of tokens at this address, or it wants something else: check `token_url` of the converter.",
    ),
)


class Tokens:
    """Of one customer. `token` may be asked for by many at once."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._token = Token(text=access.token, expires_at=float("inf")) if access.token else None
        self._made_at = float("-inf")
        self._making = asyncio.Lock()
        self._failures = 0
        self._failed: Failed | None = None
        """The last of them."""

    async def token(self, asked: Asked) -> str:
        """A good one, as far as anybody knows. Raises Failed."""
        failures = self._failures
        async with self._making:
            if self._token is None or _ends_soon(self._token):
                if self._failed is not None and failures != self._failures:  # it failed for all who waited
                    raise Failed(self._failed.error, self._failed.retries)
                self._token = await self._made(asked)
            return self._token.text

    async def _made(self, asked: Asked) -> Token:
        try:
            token = await self._create(asked)
        except Failed as failed:
            self._failures, self._failed = self._failures + 1, failed
            raise
        self._made_at = time.monotonic()
        return token

    def refused(self, token: str) -> bool:
        """The service does not accept it. Whether another one may help."""
        if not self._access.makes_tokens:
            return False
        if self._token is not None and self._token.text == token:
            if time.monotonic() - self._made_at < YOUNG:
                return False
            self._token = None
        return True

    async def _create(self, asked: Asked) -> Token:
        access, now = self._access, datetime.now(UTC)
        host = urlsplit(access.token_url).netloc
        request = get_token(access.appkey, access.access_key, access.secret_key, host=host, now=now)
        url = f"{access.token_url}?{request.query}"
        try:
            status, body = await post(url, request.headers, request.body, peer=asked.peer, size_max=ANSWER_MAX)
            answer = read_answer(status, body)
        except EngineUnavailable as error:
            raise Failed(EngineUnavailable(f"No token could be made: {error}"), retries=2) from error
        except (ProtocolError, TooLarge) as error:
            raise broken(error, asked) from error
        if isinstance(answer, Refused):
            raise _refused(answer, status, asked, access)
        _LOGGER.debug("A token for %s", asked.peer)
        return answer if answer.expires_at is not None else Token(text=answer.text, expires_at=now.timestamp() + LIFETIME_MAX)


def _ends_soon(token: Token) -> bool:
    return token.expires_at is not None and token.expires_at - time.time() < EARLY


def _refused(refusal: Refused, status: int, asked: Asked, access: Access) -> Failed:
    message = refusal.message.replace(access.appkey, "…")
    failed = explained(ROWS, Said(codes=(refusal.code, status), message=message, secret=access.access_key), asked)
    return Failed(type(failed.error)(f"No token could be made. {failed.error}"), failed.retries)
