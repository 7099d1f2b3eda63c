"""GetToken of the SAMI service: it checks the signature, counts its calls, and its tokens are good until they expire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from time import time
from typing import Any

import pytest
from aiohttp import ClientConnectionError, ClientSession
from yarl import URL

from wyoming_server.errors import ProtocolError
from wyoming_server.protocols.sami_token import Refused, SignedRequest, Token, get_token, read_answer

from .sami import SAMI, Account, Fault, SamiSimulator, Told, simulator
from .sami.raw import WHO, client, payload
from .sami.tokens import Call, signature

Answer = tuple[int, bytes]


@pytest.fixture
async def service() -> AsyncIterator[SamiSimulator]:
    async with simulator(account=Account(token=None)) as service:
        yield service


def request(service: SamiSimulator, **changes: Any) -> SignedRequest:
    usual: dict[str, Any] = {
        "appkey": "sami-appkey",
        "access_key": "access-key",
        "secret_key": "secret-key",
        "host": f"127.0.0.1:{service.token_port}",
        "now": datetime.now(UTC),
    }
    return get_token(**(usual | changes))


async def posted(service: SamiSimulator, asked: SignedRequest, **headers: str) -> Answer:
    url = URL(f"{service.token_url}?{asked.query}", encoded=True)
    async with ClientSession() as session, session.post(url, data=asked.body, headers={**asked.headers, **headers}) as answer:
        return answer.status, await answer.read()


async def started(service: SamiSimulator, token: str) -> Any:
    async with client(service) as opened:
        return (await opened.start_as(token)).status


def test_the_vendors_own_client_signs_so() -> None:
    """A request of volcengine 1.0.229 (SignerV4), its own current date replaced."""
    headers = {
        "content-type": "application/json",
        "host": "open.volcengineapi.com",
        "x-date": "20261014T083231Z",
        "x-content-sha256": "e5050ddee5f88b64fb1944bf164b33e12a800334bc1fb0b2669ed92821b55103",
    }
    body = b'{"appkey":"appkey-of-nobody","token_version":"volc-auth-v1","expiration":86400}'
    call = Call(query="Action=GetToken&Version=2021-07-27", headers=headers, body=body)
    signed = signature(call, "content-type;host;x-content-sha256;x-date", "c2VjcmV0IGtleSBvZiBub2JvZHk==")
    assert signed == "7dd3572c25853490bed3de56c8e407e5b21846c99e6952e6c9feefb1b88c63ab"


async def test_a_token_is_good_until_it_expires(service: SamiSimulator) -> None:
    status, body = await posted(service, request(service))
    token = read_answer(status, body)
    assert status == 200
    assert isinstance(token, Token)
    assert token.expires_at == pytest.approx(time() + 86_400, abs=60)
    assert await started(service, token.text) == 20_000_000
    service.desk.expire()
    assert await started(service, token.text) == SAMI["expired"].code
    assert await started(service, "another") == SAMI["token"].code
    assert [entry.detail for entry in service.all("token")] == [{"status": 200, "code": 20_000_000, "lifetime": 86_400}]


async def test_a_short_life_is_short(service: SamiSimulator) -> None:
    token = read_answer(*await posted(service, request(service, lifetime=1)))
    assert isinstance(token, Token)
    assert token.expires_at is not None
    assert token.expires_at <= time() + 1


async def test_an_expiry_need_not_be_told(service: SamiSimulator) -> None:
    service.change(account=Account(tells_expiry=False))
    token = read_answer(*await posted(service, request(service)))
    assert isinstance(token, Token)
    assert token.expires_at is None


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"secret_key": "other"}, 401, "SignatureDoesNotMatch"),
        ({"access_key": "other"}, 401, "InvalidAccessKey"),
        ({"host": "open.volcengineapi.com"}, 401, "SignatureDoesNotMatch"),
        ({"now": datetime.now(UTC) - timedelta(hours=1)}, 400, "InvalidTimestamp"),
        ({"lifetime": 86_401}, 400, "40000022"),
        ({"lifetime": 0}, 400, "40000022"),
        ({"appkey": "other"}, 400, "40200001"),
    ],
)
async def test_what_is_wrong_is_refused_in_words(service: SamiSimulator, changes: dict[str, Any], status: int, code: str) -> None:
    real = {"Host": f"127.0.0.1:{service.token_port}"}
    got, body = await posted(service, request(service, **changes), **real)
    refused = read_answer(got, body)
    assert isinstance(refused, Refused)
    assert (got, refused.code) == (status, code)
    assert refused.message
    assert service.desk.tokens == {}


async def test_the_body_is_signed(service: SamiSimulator) -> None:
    asked = request(service)
    changed = SignedRequest(query=asked.query, headers=asked.headers, body=asked.body.replace(b"86400", b"86399"))
    assert isinstance(refused := read_answer(*await posted(service, changed)), Refused)
    assert refused.code == "SignatureDoesNotMatch"


async def test_another_action_is_not_known(service: SamiSimulator) -> None:
    asked = request(service)
    changed = SignedRequest(query="Action=GetTokens&Version=2021-07-27", headers=asked.headers, body=asked.body)
    assert (await posted(service, changed))[0] == 404


async def test_calls_are_counted_and_limited(service: SamiSimulator) -> None:
    service.change(account=Account(tokens_per_minute=2))
    answers = [await posted(service, request(service)) for _ in range(3)]
    assert [status for status, _ in answers] == [200, 200, 429]
    assert read_answer(*answers[2]) == Refused(code="FlowLimitExceeded", message="Request was rejected due to flow limit.")
    assert service.token_calls == 3


@pytest.mark.parametrize(
    ("told", "code"), [(SAMI["arrears"], "40200014"), (Told(code="ServiceUnavailable", message="later"), "ServiceUnavailable")]
)
async def test_it_refuses_as_asked(service: SamiSimulator, told: Told, code: str) -> None:
    service.faults.add(Fault(kind="refuse", on="token", status=403, told=told))
    status, body = await posted(service, request(service))
    assert (status, read_answer(status, body)) == (403, Refused(code=code, message=told.message))
    assert (await posted(service, request(service)))[0] == 200


async def test_it_answers_nonsense_as_asked(service: SamiSimulator) -> None:
    service.faults.add(Fault(kind="garbage text", on="token"))
    with pytest.raises(ProtocolError):
        read_answer(*await posted(service, request(service)))


@pytest.mark.parametrize("kind", ["drop", "reset"])
async def test_it_hangs_up_as_asked(service: SamiSimulator, kind: Any) -> None:
    service.faults.add(Fault(kind=kind, on="token"))
    with pytest.raises(ClientConnectionError):
        await posted(service, request(service))


async def test_it_stalls_as_asked(service: SamiSimulator) -> None:
    service.faults.add(Fault(kind="stall", on="token"))
    asking = asyncio.create_task(posted(service, request(service)))
    await service.saw("fault")
    assert not service.all("token")
    service.faults.go_on()
    assert (await asking)[0] == 200


def test_the_clients_constants_are_the_accounts() -> None:
    assert (WHO["appkey"], WHO["token"]) == (Account().appkey, Account().token)
    assert payload()["speaker"]
