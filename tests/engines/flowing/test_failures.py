"""What the user reads when the cloud fails, and what is tried again before he does."""

from __future__ import annotations

from typing import Any

import pytest

from wyoming_server.errors import (
    CredentialsRefused,
    EngineBusy,
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    QuotaExceeded,
    VoiceRefused,
)
from wyoming_server.upstream import attempts

from ...simulators.flowing import NLS, Told
from .speaking import KEYS, TEXT, Fault, Listener, at_cloud, cloud, hear, how, made, pcm, written

pytestmark = pytest.mark.usefixtures("nothing_is_left")

QUICK = {**KEYS, "first_audio_timeout": 0.5}
HASTY = {**KEYS, "first_audio_timeout": 0.6}


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "PAUSE", 0.001)


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


@pytest.fixture
def two_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second pause would take longer than what is left of HASTY's time."""
    monkeypatch.setattr(attempts, "PAUSE", 0.25)
    monkeypatch.setattr(attempts, "JITTER", 0)


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


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="error", told=NLS["server"], times=2),
        Fault(kind="error", on="text", told=NLS["busy"]),
        Fault(kind="refuse", on="handshake", status=503),
        Fault(kind="drop", on="start"),
        Fault(kind="reset", on="text"),
        Fault(kind="close", on="sentence"),
        Fault(kind="drop", on="handshake"),
        Fault(kind="garbage text"),
    ],
    ids=lambda fault: f"{fault.kind} on {fault.on}",
)
async def test_what_may_help_is_tried_again_before_anybody_hears(fault: Fault) -> None:
    async with at_cloud(fault) as (_, engine):
        heard = await hear(engine, TEXT)
        assert heard.audio == pcm()
        assert heard.texts() == [TEXT]


@pytest.mark.parametrize("kind", ["error", "drop", "reset", "close"])
async def test_nothing_is_tried_again_once_something_was_heard(kind: Any) -> None:
    fault = Fault(kind=kind, on="audio", after=0.4)
    async with at_cloud(fault) as (service, engine):
        listener = Listener(engine, written(TEXT), how())
        with pytest.raises(EngineUnavailable, match=r"not complete|failed inside"):
            await listener.task
        assert listener.heard.audio
        assert len(service.all("session")) == 1


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault(kind="stall", on="handshake", times=9), "did not accept a connection within 0.3 s"),
        (Fault(kind="stall", on="start", times=9), "did not begin a session within 0.3 s"),
        (Fault(kind="stall", on="sentence", times=9), "sent no audio within 0.3 s"),
        (Fault(kind="stall", on="audio", after=0.4), "sent no more audio within 0.2 s"),
        (Fault(kind="stall", on="finish"), "sent no more audio within 0.2 s"),
    ],
    ids=str,
)
async def test_a_service_that_falls_silent_is_told(fault: Fault, words: str) -> None:
    options = {**KEYS, "first_audio_timeout": 0.3, "gap_timeout": 0.2}
    async with at_cloud(fault, engine=options) as (service, engine):
        with pytest.raises(EngineTimeout, match=words):
            await hear(engine, TEXT)
        service.faults.go_on()  # it would wait for ever, too


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
