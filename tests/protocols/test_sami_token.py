"""GetToken: what the vendor's own client signs, and the answers of his service and of the gateway before it."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_server.errors import HeraldError, ProtocolError, TooLarge
from wyoming_server.protocols.json_messages import MESSAGE_MAX, SHOWN_MAX
from wyoming_server.protocols.sami_token import TOKEN_MAX, Refused, SignedRequest, Token, get_token, read_answer, sign

TIME = datetime(2026, 10, 14, 8, 32, 31, tzinfo=UTC)
SECRET = "c2VjcmV0IGtleSBvZiBub2JvZHk=="


def asked(**changes: Any) -> SignedRequest:
    usual: dict[str, Any] = {
        "appkey": "appkey-of-nobody",
        "access_key": "AKLTexample",
        "secret_key": SECRET,
        "host": "open.volcengineapi.com",
        "now": TIME,
    }
    return get_token(**(usual | changes))


def signature(request: SignedRequest) -> str:
    return request.headers["Authorization"].rpartition("Signature=")[2]


def test_it_is_signed_as_the_vendors_own_client_does() -> None:
    """The same request, made by volcengine 1.0.229 from PyPI (SignerV4.sign), its own current date replaced."""
    assert asked() == SignedRequest(
        query="Action=GetToken&Version=2021-07-27",
        headers={
            "Content-Type": "application/json",
            "Host": "open.volcengineapi.com",
            "X-Content-Sha256": "e5050ddee5f88b64fb1944bf164b33e12a800334bc1fb0b2669ed92821b55103",
            "X-Date": "20261014T083231Z",
            "Authorization": (
                "HMAC-SHA256 Credential=AKLTexample/20261014/cn-north-1/sami/request, "
                "SignedHeaders=content-type;host;x-content-sha256;x-date, "
                "Signature=7dd3572c25853490bed3de56c8e407e5b21846c99e6952e6c9feefb1b88c63ab"
            ),
        },
        body=b'{"appkey":"appkey-of-nobody","token_version":"volc-auth-v1","expiration":86400}',
    )


def test_so_it_is_with_a_port_and_other_scripts() -> None:
    """By the same client."""
    now = datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)
    request = asked(appkey="语音", access_key="AK", secret_key="密钥 /+=", host="127.0.0.1:8080", now=now, lifetime=3_600)
    assert signature(request) == "b26d9d39e4bd86b032bafb812cbabb044b499af15bbd996915241f5d166aa7f9"


def test_the_time_is_utc_whatever_its_zone() -> None:
    assert asked(now=TIME.astimezone(timezone(timedelta(hours=8)))) == asked()


def test_the_signature_depends_on_all_that_is_asked() -> None:
    others = [
        asked(secret_key="other"),
        asked(appkey="other"),
        asked(host="other"),
        asked(lifetime=1),
        asked(now=TIME + timedelta(seconds=1)),
    ]
    assert len({signature(request) for request in (asked(), *others)}) == 6
    assert sign(asked().headers, "Action=Other", SECRET) != signature(asked())


def test_spaces_and_capitals_of_headers_do_not_count() -> None:
    headers = {name.upper(): f" {value} " for name, value in asked().headers.items()}
    assert sign(headers, asked().query, SECRET) == signature(asked())


def test_the_secret_does_not_go_out() -> None:
    assert SECRET not in repr(asked())


GOOD = {"status_code": 20000000, "status_text": "OK", "task_id": "t", "token": "abc", "expires_at": 1792060351}


@pytest.mark.parametrize(
    ("answer", "read"),
    [
        (GOOD, Token(text="abc", expires_at=1_792_060_351)),
        ({"token": "abc"}, Token(text="abc", expires_at=None)),
        ({"token": "abc", "expires_at": "1792060351"}, Token(text="abc", expires_at=1_792_060_351)),
        ({"token": "abc", "expires_at": 0}, Token(text="abc", expires_at=None)),
        ({"token": "abc", "expires_at": -5}, Token(text="abc", expires_at=None)),
        ({"token": "abc", "expires_at": {}}, Token(text="abc", expires_at=None)),
        ({"ResponseMetadata": {"RequestId": "r"}, "Result": GOOD}, Token(text="abc", expires_at=1_792_060_351)),
        ({"token": None, "Result": GOOD}, Token(text="abc", expires_at=1_792_060_351)),
        (
            {"ResponseMetadata": {"Error": {"CodeN": 100010, "Code": "SignatureDoesNotMatch", "Message": "Not so."}}},
            Refused(code="SignatureDoesNotMatch", message="Not so."),
        ),
        (
            {"status_code": 40200001, "status_text": "AuthorizationFailed", "token": ""},
            Refused(code="40200001", message="AuthorizationFailed"),
        ),
        ({"status_code": "40200001"}, Refused(code="40200001", message="")),
        ({"Result": {"status_code": 40200014, "status_text": "no"}}, Refused(code="40200014", message="no")),
        ({"message": "no Route matched"}, Refused(code="503", message="no Route matched")),
        ({}, Refused(code="503", message="")),
    ],
)
def test_an_answer_is_a_token_or_a_refusal(answer: dict[str, Any], read: Token | Refused) -> None:
    assert read_answer(503, json.dumps(answer).encode()) == read


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not JSON"),
        (b"<html>", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[" * 60_000, "not JSON"),
        (b"[1]", "not a JSON object"),
        (b'{"token":7}', f"no text of at most {TOKEN_MAX}"),
        (b'{"token":{"Id":"abc"}}', "no text"),
        (b'{"token":"' + b"a" * (TOKEN_MAX + 1) + b'"}', f"at most {TOKEN_MAX} characters"),
    ],
)
def test_what_is_no_answer_is_refused_in_words(body: bytes, words: str) -> None:
    with pytest.raises(ProtocolError, match=words):
        read_answer(200, body)


def test_an_answer_has_a_limit() -> None:
    with pytest.raises(TooLarge, match=f"{MESSAGE_MAX + 1} characters; {MESSAGE_MAX} are"):
        read_answer(200, b" " * (MESSAGE_MAX + 1))


def test_a_refusal_is_cut() -> None:
    long = "x" * 5_000
    refused = read_answer(400, json.dumps({"ResponseMetadata": {"Error": {"Code": long, "Message": long}}}).encode())
    assert isinstance(refused, Refused)
    assert (len(refused.code), len(refused.message)) == (SHOWN_MAX, SHOWN_MAX)


@pytest.mark.parametrize("depth", [100, 900])
def test_nonsense_as_deep_as_json_goes_is_no_code(depth: int) -> None:
    body = b'{"status_code":' + b"[" * depth + b"]" * depth + b"}"
    assert read_answer(500, body) == Refused(code="500", message="")


def test_a_token_is_not_shown() -> None:
    assert "abc" not in repr(Token(text="abc", expires_at=1.0))


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), st.integers(1, 86_400))
def test_the_body_says_what_was_asked(appkey: str, lifetime: int) -> None:
    body = json.loads(asked(appkey=appkey, lifetime=lifetime).body)
    assert body == {"appkey": appkey, "token_version": "volc-auth-v1", "expiration": lifetime}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.dictionaries(
        st.sampled_from(["token", "expires_at", "status_code", "status_text", "Error", "Code", "Message"]), inner, max_size=4
    ),
    max_leaves=6,
)
NAMES = st.sampled_from(["token", "expires_at", "status_code", "status_text", "message", "Result", "ResponseMetadata"])


@given(st.binary(max_size=100) | st.dictionaries(NAMES, VALUES).map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_an_answer_or_refused(body: bytes) -> None:
    with contextlib.suppress(HeraldError):
        assert isinstance(read_answer(200, body), Token | Refused)
