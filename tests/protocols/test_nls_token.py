"""CreateToken: the vendor's own example of a signature, and the answers of his service."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_server.errors import ProtocolError, TooLarge
from wyoming_server.protocols.nls_token import ANSWER_MAX, TOKEN_MAX, Refusal, Token, create_token_query, read_answer

TIME = datetime(2019, 4, 18, 8, 32, 31, tzinfo=UTC)
NONCE = "b924c8c3-6d03-4c5d-ad36-d984d3116788"
SECRET = "my_access_key_secret"


def query(secret: str = SECRET, time: datetime = TIME, key: str = "my_access_key_id") -> str:
    return create_token_query(access_key_id=key, access_key_secret=secret, time=time, nonce=NONCE)


def test_the_vendors_example_is_signed_as_he_does() -> None:
    assert query() == (
        "Signature=hHq4yNsPitlfDJ2L0nQPdugdEzM%3D&AccessKeyId=my_access_key_id&Action=CreateToken&Format=JSON"
        "&RegionId=cn-shanghai&SignatureMethod=HMAC-SHA1&SignatureNonce=b924c8c3-6d03-4c5d-ad36-d984d3116788"
        "&SignatureVersion=1.0&Timestamp=2019-04-18T08%3A32%3A31Z&Version=2019-02-28"
    )


def test_the_time_is_utc_whatever_its_zone() -> None:
    assert query(time=TIME.astimezone(timezone(timedelta(hours=8)))) == query()


def test_the_signature_depends_on_secret_key_and_time() -> None:
    others = [query(secret="other"), query(key="other"), query(time=TIME + timedelta(seconds=1))]
    assert len({parse_qs(text)["Signature"][0] for text in (query(), *others)}) == 4


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20))
def test_any_key_arrives_as_it_is(key: str) -> None:
    text = query(key=key)
    assert text.isascii()
    assert parse_qs(text, strict_parsing=True)["AccessKeyId"] == [key]
    assert not set(text) & set(" +*/")


@pytest.mark.parametrize(
    ("answer", "read"),
    [
        ({"Token": {"UserId": "1", "Id": "abc", "ExpireTime": 1527592757}, "ErrMsg": ""}, Token(id="abc", expires=1527592757)),
        ({"Token": {"Id": "abc", "ExpireTime": "1527592757"}}, Token(id="abc", expires=1527592757)),
        (
            {
                "RequestId": "r",
                "HostId": "h",
                "Code": "InvalidAccessKeyId.NotFound",
                "Message": "Specified access key is not found.",
            },
            Refusal(code="InvalidAccessKeyId.NotFound", message="Specified access key is not found."),
        ),
        ({"Code": "Throttling"}, Refusal(code="Throttling", message="Throttling")),
        ({"Token": None, "ErrMsg": "no"}, Refusal(code="", message="no")),
    ],
)
def test_an_answer_is_a_token_or_a_refusal(answer: dict[str, Any], read: Token | Refusal) -> None:
    assert read_answer(json.dumps(answer).encode()) == read


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not JSON"),
        (b"<html>", "not JSON"),
        (b"\xff", "not JSON in UTF-8"),
        (b"[" * 60000, "not JSON"),
        (b"[1]", "not a JSON object"),
        (b"{}", "neither a token nor an error"),
        (b'{"Token":{"ExpireTime":1}}', "no Id of 1 to 1000 characters, or no ExpireTime"),
        (b'{"Token":{"Id":"","ExpireTime":1}}', "no Id"),
        (b'{"Token":{"Id":7,"ExpireTime":1}}', "no Id"),
        (b'{"Token":{"Id":"a"}}', "no ExpireTime"),
        (b'{"Token":{"Id":"a","ExpireTime":"soon"}}', "no ExpireTime"),
        (b'{"Token":{"Id":"a","ExpireTime":0}}', "no ExpireTime"),
    ],
)
def test_what_is_no_answer_is_refused_in_words(body: bytes, words: str) -> None:
    with pytest.raises(ProtocolError, match=words):
        read_answer(body)


def test_an_answer_and_a_token_have_limits() -> None:
    with pytest.raises(TooLarge, match=f"{ANSWER_MAX + 1} bytes; {ANSWER_MAX} are"):
        read_answer(b" " * (ANSWER_MAX + 1))
    with pytest.raises(ProtocolError, match="1 to 1000 characters"):
        read_answer(json.dumps({"Token": {"Id": "a" * (TOKEN_MAX + 1), "ExpireTime": 1}}).encode())


def test_a_token_is_not_shown() -> None:
    assert "abc" not in repr(Token(id="abc", expires=1.0))


@given(st.binary(max_size=100) | st.text(max_size=100).map(lambda text: text.encode(errors="replace")))
def test_any_bytes_are_an_answer_or_refused(body: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        assert isinstance(read_answer(body), Token | Refusal)
