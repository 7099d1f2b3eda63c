"""CreateToken of the cloud: it checks the signature, and its tokens are good until they expire."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from time import time
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from aiohttp import ClientConnectionError, ClientSession
from websockets.exceptions import InvalidStatus
from yarl import URL

from wyoming_server.errors import ProtocolError
from wyoming_server.protocols.nls_token import Refusal, Token, create_token_query, read_answer

from .flowing import Account, CloudSimulator, Fault, Told, cloud
from .flowing.accounts import signature
from .flowing.raw import client


@pytest.fixture
async def service() -> AsyncIterator[CloudSimulator]:
    async with cloud(account=Account(token=None)) as service:
        yield service


def query(**changes: Any) -> str:
    usual: dict[str, Any] = {
        "access_key_id": "access-key-id",
        "access_key_secret": "access-key-secret",
        "time": datetime.now(UTC),
        "nonce": "1",
    }
    return create_token_query(**(usual | changes))


async def asked(service: CloudSimulator, text: str) -> tuple[int, bytes]:
    async with ClientSession() as session, session.get(URL(f"{service.token_url}?{text}", encoded=True)) as answer:
        return answer.status, await answer.read()


def test_the_vendors_example_has_the_vendors_signature() -> None:
    given = {
        "AccessKeyId": "my_access_key_id",
        "Action": "CreateToken",
        "Version": "2019-02-28",
        "Timestamp": "2019-04-18T08:32:31Z",
        "Format": "JSON",
        "RegionId": "cn-shanghai",
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "SignatureNonce": "b924c8c3-6d03-4c5d-ad36-d984d3116788",
    }
    assert signature(given, "my_access_key_secret") == "hHq4yNsPitlfDJ2L0nQPdugdEzM="


async def test_a_token_is_good_until_it_expires(service: CloudSimulator) -> None:
    status, body = await asked(service, query())
    token = read_answer(body)
    assert status == 200
    assert isinstance(token, Token)
    assert token.expires == pytest.approx(time() + 36 * 3600, abs=60)
    async with client(service, headers={"X-NLS-Token": token.id}) as opened:
        assert (await opened.start()).name == "SynthesisStarted"
    service.desk.expire()
    with pytest.raises(InvalidStatus, match="403"):
        async with client(service, headers={}, query=f"?token={token.id}"):
            pass
    assert len(service.all("request")) == 1


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"access_key_id": "another"}, 404, "InvalidAccessKeyId.NotFound"),
        ({"access_key_secret": "another"}, 400, "SignatureDoesNotMatch"),
        ({"time": datetime.now(UTC) - timedelta(minutes=16)}, 400, "InvalidTimeStamp.Expired"),
        ({"region": "cn-beijing"}, 400, "InvalidRegionId"),
    ],
)
async def test_a_wrong_request_gets_no_token(service: CloudSimulator, changes: dict[str, Any], status: int, code: str) -> None:
    answer, body = await asked(service, query(**changes))
    refusal = read_answer(body)
    assert isinstance(refusal, Refusal)
    assert (answer, refusal.code) == (status, code)
    assert [entry.detail["code"] for entry in service.all("refused")] == [status]
    assert not service.desk.tokens


@pytest.mark.parametrize("name", ["Signature", "Timestamp", "SignatureNonce", "Action"])
async def test_nothing_may_be_missing(service: CloudSimulator, name: str) -> None:
    text = urlencode([(key, value) for key, value in parse_qsl(query()) if key != name])
    answer, body = await asked(service, text)
    assert (answer, read_answer(body)) == (400, Refusal(code=f"Missing{name}", message=f"{name} is mandatory for this action."))


async def test_a_nonce_is_good_once(service: CloudSimulator) -> None:
    answers = [read_answer((await asked(service, query(nonce="same")))[1]) for _ in range(2)]
    assert isinstance(answers[1], Refusal)
    assert answers[1].code == "SignatureNonceUsed"


async def test_it_can_fail(service: CloudSimulator) -> None:
    told = Told(code="Throttling.User", message="Request was denied due to user flow control.")
    service.faults.add(
        Fault(kind="refuse", on="request", status=400, told=told),
        Fault(kind="garbage text", on="request"),
        Fault(kind="drop", on="request", times=2),  # aiohttp tries again by itself
    )
    assert (await asked(service, query()))[0] == 400
    with pytest.raises(ProtocolError, match="not JSON"):
        read_answer((await asked(service, query()))[1])
    with pytest.raises(ClientConnectionError):
        await asked(service, query())
    assert (await asked(service, query()))[0] == 200
