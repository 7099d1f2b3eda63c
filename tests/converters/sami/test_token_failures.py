"""A token that cannot be made: everybody who waits for it hears of it at the same time, and nobody of the token itself."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from wyoming_server.converters.sami import tokens
from wyoming_server.converters.sami.access import Access
from wyoming_server.converters.sami.tokens import Tokens
from wyoming_server.errors import EngineUnavailable, ProtocolError
from wyoming_server.protocols.sami_token import read_answer
from wyoming_server.upstream.attempts import Failed
from wyoming_server.upstream.failures import Asked

ASKED = Asked(peer="SAMI", voice="somebody", how="16000 to 16000 Hz")
ACCESS = Access(url="ws://localhost/", token_url="http://localhost/", appkey="a", access_key="b", secret_key="c")


async def test_those_who_waited_for_a_token_that_failed_do_not_wait_again(monkeypatch: pytest.MonkeyPatch) -> None:
    calls, gate = 0, asyncio.Event()

    async def silent(*_: Any, **__: Any) -> tuple[int, bytes]:
        nonlocal calls
        calls += 1
        await gate.wait()
        msg = "SAMI did not answer."
        raise EngineUnavailable(msg)

    monkeypatch.setattr(tokens, "post", silent)
    made = Tokens(ACCESS)
    waiting = [asyncio.create_task(made.token(ASKED)) for _ in range(5)]
    await asyncio.sleep(0)
    gate.set()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(result, Failed) and result.retries == 2 for result in results)
    assert calls == 1
    with pytest.raises(Failed):
        await made.token(ASKED)  # who comes afterwards tries for himself
    assert calls == 2


@pytest.mark.parametrize("text", ["a\\r\\nX-More: 1", "\\u4e2d", "\\ud800", "\\u007f"])
def test_a_token_that_no_header_can_carry_is_refused_without_being_told(text: str) -> None:
    with pytest.raises(ProtocolError, match="token") as error:
        read_answer(200, f'{{"token": "secret{text}"}}'.encode())
    assert "secret" not in str(error.value)
