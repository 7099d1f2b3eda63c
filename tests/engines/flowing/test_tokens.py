"""Tokens of the cloud: made when needed, once for everybody, replaced in time, and once more where the cloud refuses one."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from wyoming_server.engines.flowing import tokens
from wyoming_server.errors import CredentialsRefused, EngineError, EngineUnavailable, VoiceRefused

from ...simulators.flowing import Account, CloudSimulator, Told
from .speaking import ACCESS_KEY, KEYS, TEXT, Fault, at_cloud, hear, pcm

pytestmark = pytest.mark.usefixtures("nothing_is_left")

BOUGHT = Account(token=None)
"""A customer whose only good tokens are those of CreateToken."""


def requests(service: CloudSimulator) -> list[str]:
    return [entry.detail["path"] for entry in service.all("request")]


async def test_a_given_token_is_used_and_none_is_made() -> None:
    async with at_cloud() as (service, engine):
        await hear(engine, TEXT)
        assert not requests(service)
        assert service.all("handshake")[0].detail["headers"]["X-NLS-Token"] == "nls-token"
        assert "nls-token" not in service.all("handshake")[0].detail["path"]


async def test_a_token_is_made_once_for_all_who_need_it() -> None:
    async with at_cloud(engine={**ACCESS_KEY, "concurrency": None}, account=BOUGHT) as (service, engine):
        heard = await asyncio.gather(*(hear(engine, TEXT) for _ in range(5)))
        assert all(one.audio == pcm() for one in heard)
        await hear(engine, TEXT)
        assert len(requests(service)) == 1


async def test_a_token_is_replaced_before_it_ends() -> None:
    account = Account(token=None, token_seconds=tokens.EARLY - 1)
    async with at_cloud(engine=ACCESS_KEY, account=account) as (service, engine):
        await hear(engine, TEXT)
        await hear(engine, TEXT)
        assert len(requests(service)) == 2


@pytest.mark.parametrize("bad_token", ["handshake", "task"])
async def test_a_token_that_the_cloud_refuses_is_replaced_once(bad_token: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "YOUNG", 0)
    account = Account(token=None, bad_token=bad_token)
    async with at_cloud(engine=ACCESS_KEY, account=account) as (service, engine):
        await hear(engine, TEXT)
        service.desk.expire()
        assert (await hear(engine, TEXT)).audio == pcm()
        assert len(requests(service)) == 2
        assert len(service.all("handshake")) == 3


@pytest.mark.parametrize("bad_token", ["handshake", "task"])
async def test_a_token_that_is_refused_again_is_told(bad_token: Any) -> None:
    fault = {
        "handshake": Fault(kind="refuse", on="handshake", status=403, times=9),
        "task": Fault(kind="error", on="start", told=Told(code=40000001, message="The token is invalid"), times=9),
    }[bad_token]
    async with at_cloud(fault, engine={**ACCESS_KEY, "token": "old"}, account=BOUGHT) as (service, engine):
        with pytest.raises(CredentialsRefused, match="The token is wrong or has expired"):
            await hear(engine, TEXT)
        assert len(service.all("handshake")) == 2
        with pytest.raises(CredentialsRefused):
            await hear(engine, TEXT)
        assert len(requests(service)) == 1, "a token that is new is not to blame"


async def test_a_given_token_that_is_refused_is_told_at_once() -> None:
    async with at_cloud(engine={**KEYS, "token": "wrong-token"}) as (service, engine):
        with pytest.raises(CredentialsRefused, match=r"check the credentials") as told:
            await hear(engine, TEXT)
        assert "Aliyun said: 403 \"Meta:ACCESS_DENIED:The token '…' is invalid!\"" in str(told.value)
        assert len(service.all("handshake")) == 1


async def test_a_voice_that_is_not_licensed_costs_no_token() -> None:
    refusal = Fault(kind="error", told=Told(code=40000001, message="Gateway:ACCESS_DENIED:No privilege to this voice!"), times=9)
    async with at_cloud(refusal, engine=ACCESS_KEY, account=BOUGHT) as (service, engine):
        with pytest.raises(VoiceRefused, match=r"has no voice longxiaochun_v2.*task id [0-9a-f]{32}"):
            await hear(engine, TEXT)
        assert len(requests(service)) == 1


WRONG = [
    ({"access_key_id": "nobody"}, "access key is wrong"),
    ({"access_key_secret": "guess"}, "access key is wrong"),
    ({"region": "mars"}, "No token could be made"),
]


@pytest.mark.parametrize(("options", "words"), WRONG, ids=str)
async def test_what_is_wrong_with_the_access_key_is_told_without_it(
    options: dict[str, str], words: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "wyoming_server")
    async with at_cloud(engine={**ACCESS_KEY, **options}, account=BOUGHT) as (service, engine):
        with pytest.raises(EngineError, match=words) as told:
            await hear(engine, TEXT)
        assert service.all("request")
    for secret in ("access-key-secret", "guess", "Signature="):
        assert secret not in str(told.value) + caplog.text


async def test_no_token_and_no_key_of_the_cloud_is_ever_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "wyoming_server")
    async with at_cloud(engine=ACCESS_KEY, account=BOUGHT) as (service, engine):
        await hear(engine, TEXT)
        (token,) = service.desk.tokens
    assert "A token for Aliyun" in caplog.text
    assert token not in caplog.text


async def test_a_token_service_that_is_away_for_a_moment_is_asked_again() -> None:
    async with at_cloud(Fault(kind="refuse", on="request", status=503), engine=ACCESS_KEY, account=BOUGHT) as (service, engine):
        assert (await hear(engine, TEXT)).audio == pcm()
        assert len(requests(service)) == 2


async def test_a_token_service_that_is_not_there_is_told() -> None:
    async with at_cloud(account=BOUGHT) as (service, _):
        gone = service.token_url
    async with at_cloud(engine={**ACCESS_KEY, "first_audio_timeout": 1}, account=BOUGHT) as (service, engine):
        object.__setattr__(engine._payer, "token_url", gone)  # noqa: SLF001  # of a service that has ended
        with pytest.raises(EngineUnavailable, match=r"No token could be made.*cannot be reached"):
            await hear(engine, TEXT)


@pytest.mark.parametrize("options", [{}, {"appkey": "a"}, {"token": "t"}, {"appkey": "a", "access_key_id": "id"}], ids=str)
async def test_credentials_that_are_missing_are_told_before_anybody_is_asked(options: dict[str, str]) -> None:
    async with at_cloud(engine={"dialect": "aliyun", **options}) as (service, engine):
        for doing in (hear(engine, TEXT), engine.verify()):
            with pytest.raises(CredentialsRefused, match="appkey, access_key_id and access_key_secret"):
                await doing
        assert not service.journal


# Tried


async def test_the_cloud_is_tried_with_a_session_without_a_text() -> None:
    async with at_cloud(engine=ACCESS_KEY, account=BOUGHT) as (service, engine):
        assert (await engine.verify()).startswith(f"accepted by {service.url}")
        assert "voice longwan_v2" in await engine.verify("longwan_v2")
        assert len(service.all("session")) == 2
        assert not service.all("text")
        assert len(requests(service)) == 1


async def test_bad_credentials_are_told_when_tried() -> None:
    async with at_cloud(engine={**KEYS, "appkey": "others-app-key"}) as (_, engine):
        with pytest.raises(CredentialsRefused, match="The appkey is wrong"):
            await engine.verify()
