"""One GET, and what came of it: for tokens and voice lists. Errors are told in words; whoever asks bounds its time."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import EngineUnavailable, TooLarge

WITHIN = 5.0
"""Seconds for everything."""


async def get(url: str, headers: Mapping[str, str], *, peer: str, size_max: int) -> tuple[int, bytes]:
    """Status and body; the query must be encoded already. Raises EngineUnavailable and TooLarge."""
    import aiohttp  # noqa: PLC0415  # 20 MB, for a token a day or a list of voices
    from yarl import URL  # noqa: PLC0415  # comes with it

    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=WITHIN), trust_env=True) as session,
            session.get(URL(url, encoded=True), headers=headers, allow_redirects=False) as answer,
        ):
            body = await answer.content.read(size_max + 1)
            while not answer.content.at_eof() and len(body) <= size_max:
                body += await answer.content.read(size_max + 1 - len(body))
            status = answer.status
    except TimeoutError as error:
        msg = f"{peer} did not answer within {WITHIN:g} s at {_place(url)}."
        raise EngineUnavailable(msg) from error
    except aiohttp.ClientError as error:
        msg = f"{peer} cannot be reached at {_place(url)}: {type(error).__name__}."
        raise EngineUnavailable(msg) from error
    if len(body) > size_max:
        msg = f"{peer} answered with more than the {size_max} bytes that are allowed at {_place(url)}."
        raise TooLarge(msg)
    return status, body


def _place(url: str) -> str:
    """Without the query, in which credentials and signatures stand."""
    return url.partition("?")[0]
