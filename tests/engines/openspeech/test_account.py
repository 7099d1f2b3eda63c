"""Who pays and where: credentials in every form, what handshakes carry, and that nobody gets to see them."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from wyoming_server.config import load_config
from wyoming_server.engines.openspeech.account import MAINLAND, Account, base_url
from wyoming_server.errors import ConfigError, CredentialsRefused, EngineError

from ...simulators.openspeech import Account as Customer
from .speaking import BIG, KEYS, SECOND, new_engine, pcm, requests, say, simulator, speaking, utterance

NONE = {"appid": None, "token": None}
SECRETS = {"appid": "my-app", "token": "my-token", "api_key": "my-key", "secret_key": "my-secret"}


def account(**options: Any) -> Account:
    given: dict[str, Any] = {"url": MAINLAND, "headers": {}, "uid": "herald", **NONE, "api_key": None, "secret_key": None}
    return Account.of({**given, **options})


def headers_seen(service: Any) -> dict[str, str]:
    seen: dict[str, str] = service.all("handshake")[0].detail["headers"]
    return {name.lower(): value for name, value in seen.items()}


# Forms


@pytest.mark.parametrize(
    "options",
    [
        {},
        {**NONE, "api_key": "api-key"},
        {"secret_key": "secret-key"},
        {"token": " access-token\n"},
        {**NONE, "api_key": "api-key", "secret_key": "signs-no-key"},
        {"token": "wrong", "headers": {"authorization": "Bearer;access-token"}},
        {"appid": "1234567890", "token": "wrong", "headers": {"X-API-KEY": "api-key"}},
    ],
    ids=str,
)
async def test_v1_takes_every_form_of_credentials(options: dict[str, Any]) -> None:
    async with speaking(engine=options) as (service, engine):
        assert (await say(engine)).audio == pcm()
        assert not service.all("refused")


@pytest.mark.parametrize(
    ("options", "customer"),
    [
        ({}, Customer()),
        ({**NONE, "api_key": "api-key"}, Customer()),
        ({"headers": {"x-api-app-key": "BytePlus"}}, Customer(app_key="BytePlus")),
        ({"token": "wrong", "headers": {"X-API-ACCESS-KEY": "access-token"}}, Customer()),
    ],
    ids=["application", "API key", "BytePlus", "header"],
)
async def test_v3_takes_every_form_of_credentials(options: dict[str, Any], customer: Customer) -> None:
    async with speaking(engine=options, account=customer) as (service, engine):
        assert (await say(engine, how=utterance(SECOND))).audio
        assert not service.all("refused")


async def test_the_token_stands_behind_a_semicolon() -> None:
    async with speaking() as (service, engine):
        await say(engine)
        assert headers_seen(service)["authorization"] == "Bearer; access-token"


async def test_a_signature_is_not_good_with_another_secret() -> None:
    async with speaking(engine={"secret_key": "another"}) as (service, engine):
        with pytest.raises(CredentialsRefused, match="credentials are wrong"):
            await say(engine)
        assert not requests(service)


async def test_more_headers_beat_ours_however_they_are_written() -> None:
    more = {"X-API-Resource-ID": "seed-tts-1.0", "X-Own": "yes"}
    ours = account(**KEYS, headers=more).v3_headers("seed-tts-2.0")
    assert ours["X-API-Resource-ID"] == "seed-tts-1.0"
    assert "X-Api-Resource-Id" not in ours
    assert ours["X-Own"] == "yes"


async def test_every_v3_handshake_has_an_id_of_its_own() -> None:
    ours = account(**KEYS)
    assert len({ours.v3_headers("seed-tts-2.0")["X-Api-Connect-Id"] for _ in range(20)}) == 20


# Addresses


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("wss://openspeech.bytedance.com", MAINLAND),
        ("wss://openspeech.bytedance.com/", MAINLAND),
        ("openspeech.bytedance.com", MAINLAND),
        ("https://openspeech.bytedance.com", MAINLAND),
        ("WSS://openspeech.bytedance.com", MAINLAND),
        ("  openspeech.bytedance.com\n", MAINLAND),
        ("voice.ap-southeast-1.bytepluses.com", "wss://voice.ap-southeast-1.bytepluses.com"),
        ("ws://localhost:8080/vendor/", "ws://localhost:8080/vendor"),
        ("http://[::1]:8080", "ws://[::1]:8080"),
        ("proxy:8080", "wss://proxy:8080"),
    ],
)
def test_an_address_is_a_base_url_or_a_host(text: str, url: str) -> None:
    assert base_url(text) == url


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ftp://host",
        "wss://",
        "wss://host:port",
        "wss://host:99999",
        "wss://host?x=1",
        "wss://host#x",
        "wss://ho st",
        "wss://u:p@host",
    ],
)
def test_what_is_no_address_is_refused_in_words(text: str) -> None:
    with pytest.raises(ConfigError, match="url is the base of the service, such as wss://"):
        base_url(text)


@pytest.mark.parametrize(
    "text", ["wss://me:my-secret@host", "wss://host?token=my-secret", "me:my-secret@host", "ftp://a:my-secret@b"]
)
def test_a_secret_in_an_address_is_not_shown(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        base_url(text)
    assert "my-secret" not in str(caught.value)


def test_a_wrong_address_is_found_in_the_configuration(tmp_path: Path) -> None:
    file = tmp_path / "herald.yaml"
    file.write_text("log: {level: info}\nengines:\n  openspeech:\n    url: ftp://host\n")
    with pytest.raises(ConfigError) as caught:
        load_config(file, {})
    assert str(caught.value).startswith(f"{file} line 3: engines.openspeech does not go together: url is the base of the service")
    assert str(caught.value).endswith("not 'ftp://host'.")


@pytest.mark.parametrize(
    ("key", "value"), [("token", "my secret\nX-Own: 1"), ("api_key", "my secret\u200b"), ("headers", {"X-Own": "my secret\r\n"})]
)
def test_what_no_header_can_carry_is_found_in_the_configuration(key: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=key) as caught:
        account(**{key: value})
    assert "my secret" not in str(caught.value)


async def test_a_base_url_may_have_a_path() -> None:
    async with simulator() as service, new_engine("openspeech", url=f"{service.url}/vendor", **KEYS) as engine:
        with pytest.raises(EngineError, match="check `url`"):
            await say(engine)
        assert service.all("handshake")[0].detail["path"] == "/vendor/api/v1/tts/ws_binary"


async def test_a_signature_covers_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = account(**KEYS, secret_key="s", url="wss://host/vendor")
    other = account(**KEYS, secret_key="s", url="wss://host")
    assert ours.v1_headers(b"x") != other.v1_headers(b"x")
    assert ours.v1_headers(b"x") == ours.v1_headers(b"x")
    assert ours.v1_headers(b"x") != ours.v1_headers(b"y")


# Missing, and hidden


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (NONE, "Set appid and token"),
        ({"appid": None}, "Set appid and token"),
        ({"token": None}, "OPENSPEECH_TOKEN"),
        ({**NONE, "secret_key": "s"}, "Set appid and token"),
    ],
)
@pytest.mark.parametrize("voice", [BIG, SECOND])
async def test_without_credentials_nobody_is_called(options: dict[str, Any], words: str, voice: str) -> None:
    async with speaking(engine=options) as (service, engine):
        with pytest.raises(CredentialsRefused, match=words):
            await say(engine, how=utterance(voice))
        with pytest.raises(CredentialsRefused, match=words):
            await engine.verify(voice)
        engine.prepare([utterance(voice)])
        assert not service.journal


def test_an_account_shows_no_credential() -> None:
    assert "my-" not in repr(account(**SECRETS, headers={"X-Own": "my-header"}))


async def test_no_credential_is_logged_above_debug(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with speaking(engine={"token": "my-token", "headers": {"X-Own": "my-header"}}) as (_, engine):
        with pytest.raises(CredentialsRefused) as caught:
            await say(engine)
        with pytest.raises(CredentialsRefused):
            await say(engine, how=utterance(SECOND))
    assert "my-" not in caplog.text
    assert "my-" not in str(caught.value)


# Who shares


def test_engines_with_the_same_credentials_share_their_turns() -> None:
    def turns(**options: Any) -> Any:
        return new_engine("openspeech", **{**KEYS, **options}).turns

    kept = turns()
    assert kept is turns(uid="another", url="https://openspeech.bytedance.com/")
    assert kept is not turns(token="another")
    assert kept is not turns(appid="another")
    assert kept is not turns(url="voice.ap-southeast-1.bytepluses.com")
    assert kept is not turns(api_key="key")
    assert turns(concurrency=None) is None
    by_key = turns(**NONE, api_key="key")
    assert by_key is turns(**NONE, api_key="key")


async def test_one_credential_is_never_used_more_often_than_it_may_be() -> None:
    async with speaking(engine={"concurrency": 1}, pace=100) as (service, engine):
        async with new_engine("openspeech", url=service.url, **KEYS, concurrency=1) as other:
            await asyncio.gather(*(say(speaker) for speaker in (engine, other) * 3))
        assert service.counters.sessions_ever == 6
        assert service.counters.sessions_most == 1
