"""What the user reads when DashScope fails, and what is tried again before he does."""

from __future__ import annotations

from typing import Any

import pytest

from wyoming_server.errors import (
    CredentialsRefused,
    EngineBusy,
    EngineError,
    EngineUnavailable,
    HeraldError,
    QuotaExceeded,
    TextTooLong,
    VoiceRefused,
)

from ...simulators.dashscope import DASHSCOPE, Account, Told
from .speaking import TEXT, Fault, at_service, hear, made, simulator

pytestmark = pytest.mark.usefixtures("nothing_is_left", "no_pause")

QUICK = {"first_audio_timeout": 0.4}
HASTY = {"first_audio_timeout": 0.6}

TOLD = [
    (DASHSCOPE["key"], CredentialsRefused, "API key is wrong", False),
    (DASHSCOPE["workspace"], CredentialsRefused, "may not use the model cosyvoice-v2", False),
    (DASHSCOPE["parameter"], EngineError, "finds the request invalid", False),
    (DASHSCOPE["voice"], VoiceRefused, "does not belong to the model cosyvoice-v2: set `model`", False),
    (DASHSCOPE["model"], VoiceRefused, "no such model", False),
    (DASHSCOPE["timeout"], EngineUnavailable, "waited too long for text", True),
    (DASHSCOPE["client"], EngineError, "finds the request invalid", False),
    (DASHSCOPE["busy"], EngineBusy, "lower `concurrency`", True),
    (DASHSCOPE["quota"], EngineBusy, "lower `concurrency`", True),
    (DASHSCOPE["arrears"], QuotaExceeded, "in arrears", False),
    (DASHSCOPE["server"], EngineUnavailable, "failed inside", True),
    (DASHSCOPE["engine"], EngineUnavailable, "failed inside", True),
    (Told(code="InvalidParameter", message="text length exceeds the limit"), TextTooLong, "too long", False),
    (Told(code="InvalidParameter", message="[cosyvoice:]Engine return error code: 428"), VoiceRefused, "cannot speak", False),
    (Told(code="Unheard", message="What is this?"), EngineError, "its documents do not tell", False),
]


@pytest.mark.usefixtures("two_attempts")
@pytest.mark.parametrize(("told", "error", "words", "retried"), TOLD, ids=lambda value: getattr(value, "message", None))
async def test_every_code_is_told_in_words(
    told: Told, error: type[HeraldError], words: str, *, retried: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with at_service(Fault(kind="error", told=told, times=99), engine=HASTY) as (service, engine):
        with pytest.raises(error, match=words) as raised:
            await hear(engine, TEXT)
        assert type(raised.value) is error
        assert f"DashScope said: {told.code} '{told.message}" in str(raised.value)
        assert "task id" in str(raised.value)
        assert (len(service.all("session")) == 2) is retried


async def test_a_text_that_the_service_will_not_speak_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    async with at_service(Fault(kind="error", on="text", told=DASHSCOPE["content"])) as (_, engine):
        assert not (await hear(engine, TEXT)).audio
    assert "refuses to speak this text" in caplog.text


HANDSHAKES: list[tuple[dict[str, Any], Account, type[EngineError], str]] = [
    ({"api_key": "sk-wrong"}, Account(), CredentialsRefused, r"API key is wrong.*401"),
    ({"workspace": "theirs"}, Account(workspaces=frozenset({"ours"})), CredentialsRefused, r"check `workspace`.*403"),
]


@pytest.mark.parametrize(("options", "account", "error", "words"), HANDSHAKES, ids=str)
async def test_a_refused_handshake_is_told_in_words(
    options: dict[str, Any], account: Account, error: type[EngineError], words: str
) -> None:
    async with at_service(engine=options, account=account) as (service, engine):
        with pytest.raises(error, match=words) as told:
            await hear(engine, TEXT)
        assert "sk-wrong" not in str(told.value)
        assert len(service.all("handshake")) == 1
        with pytest.raises(error, match=words):
            await engine.verify()


async def test_nobody_there_is_told() -> None:
    async with simulator() as gone:
        pass
    async with made(url=gone.url, api_key="sk-api-key", **QUICK) as engine:
        with pytest.raises(EngineUnavailable, match="cannot be reached"):
            await hear(engine, TEXT)
