"""Tokens: given, or made when needed, once for everybody, replaced in time, and once more where the service refuses one."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from wyoming_server.converters.sami import tokens
from wyoming_server.converters.sami.access import Access
from wyoming_server.errors import (
    ConfigError,
    CredentialsRefused,
    EngineBusy,
    EngineError,
    EngineUnavailable,
    QuotaExceeded,
)
from wyoming_server.upstream.failures import Asked

from ...simulators.sami import SAMI
from ..speech import converted
from .converting import ACCESS_KEY, BOUGHT, KEYS, Account, Fault, SamiConverter, at, conversion, made, other, pcm

pytestmark = pytest.mark.usefixtures("nothing_is_left")

BUYS = {**ACCESS_KEY, "token": None}


async def hear(converter: SamiConverter) -> None:
    assert await converted(converter, pcm(), conversion=conversion()) == other(pcm())


@pytest.mark.parametrize("bad_token", ["task", "handshake"])
async def test_a_given_token_is_used_and_none_is_made(bad_token: Any) -> None:
    async with at(bad_token=bad_token) as (service, converter):
        await hear(converter)
        assert not service.token_calls
        assert service.all("start")[0].detail["body"]["token"] == "sami-token"
        assert "sami-token" not in service.all("handshake")[0].detail["path"]


async def test_a_token_is_made_once_for_all_who_need_it() -> None:
    async with at(converter=BUYS, account=BOUGHT) as (service, converter):
        await asyncio.gather(*(hear(converter) for _ in range(5)))
        await hear(converter)
        assert service.token_calls == 1
        assert service.all("token")[0].detail["lifetime"] == 86_400


async def test_who_makes_it_may_leave_while_others_wait() -> None:
    async with at(Fault(kind="stall", on="token"), converter=BUYS, account=BOUGHT) as (service, converter):
        first = asyncio.create_task(hear(converter))
        await service.saw("fault")
        others = [asyncio.create_task(hear(converter)) for _ in range(3)]
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.wait([first])
        await asyncio.gather(*others)
        service.faults.go_on()
        assert service.token_calls == 1


@pytest.mark.parametrize("tells", [True, False])
async def test_a_token_is_replaced_before_it_ends(tells: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    async with at(converter=BUYS, account=Account(token=None, tells_expiry=tells)) as (service, converter):
        await hear(converter)
        monkeypatch.setattr(tokens, "EARLY", 86_400 - 5)
        await hear(converter)
        assert service.token_calls == 1
        monkeypatch.setattr(tokens, "EARLY", 86_400 + 5)
        await hear(converter)
        assert service.token_calls == 2


@pytest.mark.parametrize("bad_token", ["task", "handshake"])
async def test_a_token_that_the_service_refuses_is_replaced_once(bad_token: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "YOUNG", 0)
    async with at(converter=BUYS, account=BOUGHT, bad_token=bad_token) as (service, converter):
        await hear(converter)
        service.desk.expire()
        await asyncio.gather(*(hear(converter) for _ in range(3)))
        assert service.token_calls == 2
        assert all(task.heard in (b"", pcm()) for task in service.tasks)


async def test_who_hears_late_of_an_old_token_does_not_cost_the_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "YOUNG", 0)
    async with at(converter=BUYS, account=BOUGHT) as (service, converter):
        desk, asked = tokens.Tokens(Access.of(converter.options)), Asked(peer="SAMI", voice="", how="")
        old = await desk.token(asked)
        assert desk.refused(old)
        new = await desk.token(asked)
        assert desk.refused(old)
        assert await desk.token(asked) == new != old
        assert service.token_calls == 2


async def test_a_given_token_that_is_old_is_replaced_where_one_can_be_made() -> None:
    async with at(converter={**ACCESS_KEY, "token": "yesterday's"}, account=BOUGHT) as (service, converter):
        await hear(converter)
        assert service.token_calls == 1


async def test_a_token_that_is_refused_again_is_told() -> None:
    fault = Fault(kind="error", on="start", told=SAMI["token"], times=9)
    async with at(fault, converter={**ACCESS_KEY, "token": "old"}, account=BOUGHT) as (service, converter):
        with pytest.raises(CredentialsRefused, match="The appkey or the token is wrong"):
            await hear(converter)
        with pytest.raises(CredentialsRefused):
            await hear(converter)
        assert service.token_calls == 1, "a token that is new is not to blame"


async def test_a_given_token_that_is_refused_is_told_at_once() -> None:
    async with at(converter={"token": "wrong"}) as (service, converter):
        with pytest.raises(CredentialsRefused, match="lives for a day"):
            await hear(converter)
        assert len(service.all("handshake")) == 1


async def test_a_service_that_is_not_paid_costs_no_token() -> None:
    async with at(converter=BUYS, account=Account(token=None, is_open=False)) as (service, converter):
        with pytest.raises(QuotaExceeded, match="arrears"):
            await hear(converter)
        assert service.token_calls == 1


WRONG: list[tuple[dict[str, Any], dict[str, Any], type[EngineError], str]] = [
    ({"access_key": "nobody"}, {}, CredentialsRefused, "access key is wrong"),
    ({"secret_key": "guess"}, {}, CredentialsRefused, "access key is wrong"),
    ({"appkey": "other-appkey"}, {}, CredentialsRefused, "appkey is wrong"),
    ({}, {"tokens_per_minute": 0}, EngineBusy, "Too many tokens"),
]


@pytest.mark.parametrize(("options", "account", "error", "words"), WRONG, ids=str)
async def test_what_is_wrong_with_the_access_key_is_told_without_it(
    options: dict[str, Any],
    account: dict[str, Any],
    error: type[EngineError],
    words: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "wyoming_server")
    async with at(converter={**BUYS, **options}, account=Account(token=None, **account)) as (service, converter):
        with pytest.raises(error, match=f"No token could be made.*{words}") as told:
            await hear(converter)
        assert service.token_calls == 1
        assert not service.all("handshake")
    for secret in ("secret-key", "guess", "other-appkey", "Signature=", "Credential="):
        assert secret not in str(told.value) + caplog.text


async def test_a_token_is_never_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "wyoming_server")
    async with at(converter=BUYS, account=BOUGHT) as (service, converter):
        await hear(converter)
        (token,) = service.desk.tokens
    assert "A token for SAMI" in caplog.text
    assert token not in caplog.text


@pytest.mark.parametrize("kind", ["refuse", "reset"])
async def test_a_token_service_that_is_away_for_a_moment_is_asked_again(kind: Any) -> None:
    fault = Fault(kind=kind, on="token", status=503, told=SAMI["server"])
    async with at(fault, converter=BUYS, account=BOUGHT) as (service, converter):
        await hear(converter)
        assert service.all("fault")


async def test_a_token_service_that_answers_something_else_is_told() -> None:
    fault = Fault(kind="garbage text", on="token", times=9)
    async with at(fault, converter=BUYS, account=BOUGHT) as (_, converter):
        with pytest.raises(EngineError, match="cannot be read"):
            await hear(converter)


async def test_a_token_service_that_is_not_there_is_told() -> None:
    async with at() as (service, _):
        gone = service.token_url
    async with at(converter={**BUYS, "token_url": gone}, account=BOUGHT) as (_, converter):
        with pytest.raises(EngineUnavailable, match=r"No token could be made.*cannot be reached"):
            await hear(converter)


MISSING = [{"appkey": None}, {"token": None}, {"token": None, "access_key": "key"}, {"token": " "}]


@pytest.mark.parametrize("options", MISSING, ids=str)
async def test_credentials_that_are_missing_are_told_before_anybody_is_asked(options: dict[str, Any]) -> None:
    async with at(converter=options) as (service, converter):
        for doing in (hear(converter), converter.verify()):
            with pytest.raises(CredentialsRefused, match="set appkey, access_key and secret_key"):
                await doing
        assert not service.all("handshake")


@pytest.mark.parametrize(
    "options",
    [{"url": "sami.bytedance.com"}, {"url": "wss://user:pw@host/"}, {"token_url": "https://host/path"}, {"token": "a\nb"}],
    ids=str,
)
def test_addresses_and_credentials_that_are_none_are_told(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(options))) as told:
        made(**KEYS | options)
    assert "pw" not in str(told.value)


async def test_bad_credentials_are_told_when_tried() -> None:
    async with at(converter={"appkey": "others"}) as (_, converter):
        with pytest.raises(CredentialsRefused, match="The appkey or the token is wrong"):
            await converter.verify()
