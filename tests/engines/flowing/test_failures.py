"""What the user reads when the cloud fails, and what is tried again before he does."""

from __future__ import annotations

import pytest

from wyoming_server.errors import (
    CredentialsRefused,
    EngineBusy,
    EngineError,
    EngineUnavailable,
    QuotaExceeded,
    VoiceRefused,
)

from ...simulators.flowing import NLS, Told
from .speaking import KEYS, TEXT, Fault, at_cloud, cloud, hear, made

pytestmark = pytest.mark.usefixtures("nothing_is_left", "no_pause")

QUICK = {**KEYS, "first_audio_timeout": 0.5}
HASTY = {**KEYS, "first_audio_timeout": 0.6}

TOLD = [
    (NLS["client"], EngineError, "finds the request invalid", False),
    (NLS["message"], EngineError, "finds the request invalid", False),
    (NLS["parameter"], EngineError, "finds the request invalid", False),
    (NLS["directive"], EngineError, "finds the request invalid", False),
    (NLS["state"], EngineError, "finds the request invalid", False),
    (NLS["engine client"], EngineError, "finds the request invalid", False),
    (NLS["token"], CredentialsRefused, "token is wrong or has expired", False),
    (NLS["appkey"], CredentialsRefused, "appkey is wrong", False),
    (NLS["account"], CredentialsRefused, "appkey is wrong", False),
    (NLS["voice"], VoiceRefused, "no voice longxiaochun_v2", False),
    (NLS["trial"], QuotaExceeded, "trial is over", False),
    (NLS["busy"], EngineBusy, "lower `concurrency`", True),
    (NLS["idle"], EngineUnavailable, "forgotten", True),
    (NLS["server"], EngineUnavailable, "failed inside", True),
    (NLS["grpc"], EngineUnavailable, "failed inside", True),
    (NLS["engine server"], EngineUnavailable, "failed inside", True),
    (Told(code=41020001, message="TTS:TtsClientError:Invalid voice"), VoiceRefused, "no voice", False),
    (Told(code=12345678, message="What is this?"), EngineError, "its documents do not tell", False),
]


@pytest.mark.usefixtures("two_attempts")
@pytest.mark.parametrize(("told", "error", "words", "retried"), TOLD, ids=lambda value: getattr(value, "message", None))
async def test_every_status_is_told_in_words(
    told: Told, error: type[EngineError], words: str, *, retried: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with at_cloud(Fault(kind="error", told=told, times=99), engine=HASTY) as (service, engine):
        with pytest.raises(error, match=words) as raised:
            await hear(engine, TEXT)
        assert type(raised.value) is error
        assert f"Aliyun said: {told.code} '{told.message}" in str(raised.value)
        assert (len(service.all("session")) == 2) is retried


async def test_only_the_clouds_own_end_is_an_end() -> None:
    async with at_cloud(Fault(kind="close", on="finish")) as (_, engine):
        with pytest.raises(EngineUnavailable, match=r"Aliyun closed the connection \(code 1000\). The speech is not complete"):
            await hear(engine, TEXT)


async def test_text_that_the_cloud_repeats_is_not_told() -> None:
    secret = "The safe opens with 4711."
    fault = Fault(kind="error", on="text", told=Told(code=40000000, message=f"Cannot say '{secret}'"))
    async with at_cloud(fault) as (_, engine):
        with pytest.raises(EngineError, match="Cannot say") as told:
            await hear(engine, secret)
        assert "4711" not in str(told.value)


async def test_nobody_there_is_told() -> None:
    async with cloud() as gone:
        pass
    async with made(url=gone.url, **QUICK) as engine:
        with pytest.raises(EngineUnavailable, match="cannot be reached"):
            await hear(engine, TEXT)
