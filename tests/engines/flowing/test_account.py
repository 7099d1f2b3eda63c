"""Which dialect, which address, whose limits: what the options mean before anybody is asked."""

from __future__ import annotations

from typing import Any

import pytest

from wyoming_server.engines.flowing.voices import Refusal, VoiceFacts, read_voices
from wyoming_server.errors import BadSetting, ConfigError, ProtocolError
from wyoming_server.models import TextFormat, VoiceSettings

from ...config.loading import load, wrong
from .speaking import ACCESS_KEY, KEYS, made

LOCAL = "ws://localhost:8000/ws/v1/tts"
CLOUD = "wss://nls-gateway-cn-beijing.aliyuncs.com/ws/v1"

DIALECTS: list[tuple[dict[str, Any], str, str]] = [
    ({}, "local", LOCAL),
    ({"token": "t"}, "local", LOCAL),
    ({"appkey": "a"}, "aliyun", CLOUD),
    (ACCESS_KEY, "aliyun", CLOUD),
    ({"dialect": "aliyun"}, "aliyun", CLOUD),
    ({"url": "wss://nls-gateway-cn-shanghai.aliyuncs.com/ws/v1"}, "aliyun", "wss://nls-gateway-cn-shanghai.aliyuncs.com/ws/v1"),
    ({"url": "http://gpu:8000/ws/v1/tts/", "appkey": "a"}, "local", "ws://gpu:8000/ws/v1/tts"),
    ({"url": "https://proxy/x", "dialect": "aliyun"}, "aliyun", "wss://proxy/x"),
]


@pytest.mark.parametrize(("options", "dialect", "url"), DIALECTS, ids=str)
def test_the_dialect_follows_from_what_is_said(options: dict[str, Any], dialect: str, url: str) -> None:
    payer = made(**options)._payer  # noqa: SLF001  # decided there
    assert (payer.dialect, payer.url) == (dialect, url)
    assert made(**options).capabilities.streaming_text is (dialect == "aliyun")


@pytest.mark.parametrize(
    "url", ["ftp://x/y", "not a url", "ws://", "ws://x/?token=secret-token", "ws://me:secret-token@x/", "ws://[x"]
)
def test_an_address_that_is_none_is_refused_without_what_is_secret_in_it(url: str) -> None:
    with pytest.raises(ConfigError, match="url is an address such as") as told:
        made(url=url)
    assert "secret-token" not in str(told.value)


@pytest.mark.parametrize("name", ["appkey", "token", "access_key_id", "access_key_secret"])
def test_a_credential_that_no_header_can_carry_is_refused_without_being_told(name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} has a character") as told:
        made(**{name: "secret\u200bkey"})
    assert "secret" not in str(told.value).replace("access_key_secret", "")


def test_credentials_do_not_show() -> None:
    shown = repr(made(**{**KEYS, **ACCESS_KEY})._payer)  # noqa: SLF001
    assert not any(secret in shown for secret in ("app-key", "nls-token", "access-key-id", "access-key-secret"))


def test_engines_share_their_turns_with_those_of_the_same_account() -> None:
    turns = made(**KEYS).turns
    assert turns is made(**KEYS, region="elsewhere").turns
    assert turns is not made(**{**KEYS, "appkey": "other"}).turns
    assert turns is not made(**{**KEYS, "token": "other"}).turns
    assert made(**KEYS, concurrency=None).turns is None


def test_only_what_the_service_does_can_be_asked_of_it() -> None:
    for options, slowest in ((KEYS, 0.5), ({}, 0.25)):
        engine = made(**options)
        for speed in (slowest, 2.0):
            engine.check_request(VoiceSettings.parse({"speed": speed, "volume": 80.0}), TextFormat.TEXT, "x")
        for wrong_setting in ({"speed": 2.1}, {"speed": slowest - 0.01}, {"pitch": 2.0}, {"emotion": "happy"}):
            with pytest.raises(BadSetting):
                engine.check_request(VoiceSettings.parse(wrong_setting), TextFormat.TEXT, "x")


def test_voices_of_the_users_are_read_from_the_file() -> None:
    yaml = "engines: {cosy: {type: flowing, voices: {grandma: {language: de-DE, native_rate: 24000, gender: female}}}}"
    options = load(yaml).engines["cosy"].options
    assert options["voices"] == {"grandma": {"language": ["de-DE"], "native_rate": 24_000, "gender": "female"}}


def test_mistakes_in_voices_are_told_at_their_key() -> None:
    (sentence,) = wrong("engines: {cosy: {type: flowing, voices: {grandma: {native_rate: 22k}}}}")
    assert "engines.cosy.voices.grandma.native_rate must be a whole number from 8000 to 96000" in sentence


def test_a_voice_that_herald_does_not_know_needs_consent_in_the_file() -> None:
    yaml = "engines: {flowing: {}}\nvoices: {x: {engine: flowing, voice: grandma}}"
    assert "consent" in wrong(yaml)[0]
    load("engines: {flowing: {}}\nvoices: {x: {engine: flowing, voice: 中文女}}")


LISTS = {
    b'{"voices": ["a", "b"], "total": 2}': ["a", "b"],
    b'{"voices": {"a": {"sample_rate": 24000}, "b": {"available": false}}}': ["a"],
    b'{"voices": [{"name": "a", "language": "zh-CN"}, {"voice": "b"}, {"x": 1}, 7, null]}': ["a", "b"],
    b'{"voices": null}': [],
    '{"voices": ["中文女", "", " x", "\\n"]}'.encode(): ["中文女"],
}


@pytest.mark.parametrize(("body", "names"), LISTS.items())
def test_lists_of_voices_are_read_in_every_shape(body: bytes, names: list[str]) -> None:
    found = read_voices(body)
    assert not isinstance(found, Refusal)
    assert list(found) == names


def test_what_a_server_says_of_its_voices_is_taken_with_care() -> None:
    body = b'{"voices": {"a": {"language": "Chinese!", "gender": "robot", "sample_rate": 1, "description": 5}}}'
    found = read_voices(body)
    assert not isinstance(found, Refusal)
    assert found["a"] == VoiceFacts(languages=("zh-CN",))


def test_a_refusal_is_no_list() -> None:
    assert read_voices(b'{"status": 40000001, "message": "no token"}') == Refusal(status=40_000_001, words="no token")
    assert read_voices(b"[]") == Refusal(status=0, words="")
    with pytest.raises(ProtocolError):
        read_voices(b"<html>")
