"""One GET or POST, and what came of it: for tokens and voice lists. Errors are told in words; whoever asks bounds its time."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from ..errors import EngineUnavailable, TooLarge

WITHIN = 5.0
"""Seconds for everything."""


async def get(url: str, headers: Mapping[str, str], *, peer: str, size_max: int) -> tuple[int, bytes]:
    """Status and body; the query must be encoded already. Raises EngineUnavailable and TooLarge."""
    return await _request("GET", url, headers, None, peer=peer, size_max=size_max)


async def post(url: str, headers: Mapping[str, str], content: bytes, *, peer: str, size_max: int) -> tuple[int, bytes]:
    """As `get`."""
    return await _request("POST", url, headers, content, peer=peer, size_max=size_max)


async def _request(  # noqa: PLR0913  # what a request is made of
    method: str, url: str, headers: Mapping[str, str], content: bytes | None, *, peer: str, size_max: int
) -> tuple[int, bytes]:
    import aiohttp  # noqa: PLC0415  # 20 MB, for a token a day or a list of voices
    from yarl import URL  # noqa: PLC0415  # comes with it

    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=WITHIN)) as session,
            session.request(
                method, URL(url, encoded=True), headers=headers, data=content, allow_redirects=False, proxy=proxy_of(url)
            ) as answer,
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


def proxy_of(url: str) -> str | None:
    """The proxy that the environment names for this address.

    aiohttp's own look-up (`trust_env`) takes passwords out of ~/.netrc, too: for hosts that were not meant, and instead of a key.
    """
    parts = urlsplit(url)
    proxy = None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)
    return f"http://{proxy}" if proxy and "://" not in proxy else proxy or None


def _place(url: str) -> str:
    """Without the query, in which credentials and signatures stand."""
    return url.partition("?")[0]
