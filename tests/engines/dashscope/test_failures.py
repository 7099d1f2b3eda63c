"""What the user reads when DashScope fails, and what is tried again before he does."""

from __future__ import annotations

from typing import Any

import pytest

from wyoming_server.errors import (
    CredentialsRefused,
    EngineBusy,
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    HeraldError,
    QuotaExceeded,
    TextTooLong,
    VoiceRefused,
)
from wyoming_server.upstream import attempts

from ...simulators.dashscope import DASHSCOPE, Account, Told
from .speaking import TEXT, Fault, Listener, at_service, hear, how, made, pcm, simulator, written

pytestmark = pytest.mark.usefixtures("nothing_is_left")

QUICK = {"first_audio_timeout": 0.4}
HASTY = {"first_audio_timeout": 0.6}


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "PAUSE", 0.001)


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


@pytest.fixture
def two_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second pause would take longer than what is left of HASTY's time."""
    monkeypatch.setattr(attempts, "PAUSE", 0.25)
    monkeypatch.setattr(attempts, "JITTER", 0)


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


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="error", told=DASHSCOPE["server"], times=2),
        Fault(kind="error", on="text", told=DASHSCOPE["busy"]),
        Fault(kind="refuse", on="handshake", status=503, told=DASHSCOPE["busy"]),
        Fault(kind="drop", on="start"),
        Fault(kind="reset", on="text"),
        Fault(kind="close", on="sentence"),
        Fault(kind="garbage text"),
    ],
    ids=lambda fault: f"{fault.kind} on {fault.on}",
)
async def test_what_may_help_is_tried_again_before_anybody_hears(fault: Fault) -> None:
    async with at_service(fault) as (_, engine):
        heard = await hear(engine, TEXT)
        assert heard.audio == pcm()
        assert heard.texts() == [TEXT]


@pytest.mark.parametrize("kind", ["error", "drop", "close"])
async def test_nothing_is_tried_again_once_something_was_heard(kind: Any) -> None:
    async with at_service(Fault(kind=kind, on="audio", after=0.4, told=DASHSCOPE["server"])) as (service, engine):
        listener = Listener(engine, written(TEXT), how())
        with pytest.raises(EngineUnavailable, match=r"not complete|failed inside"):
            await listener.task
        assert listener.heard.audio
        assert len(service.all("session")) == 1


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault(kind="stall", on="start", times=9), "did not begin a session within 0.3 s"),
        (Fault(kind="stall", on="sentence", times=9), "sent no audio within 0.3 s"),
        (Fault(kind="stall", on="finish"), "sent no more audio within 0.2 s"),
    ],
    ids=str,
)
async def test_a_service_that_falls_silent_is_told(fault: Fault, words: str) -> None:
    async with at_service(fault, engine={"first_audio_timeout": 0.3, "gap_timeout": 0.2}) as (_, engine):
        with pytest.raises(EngineTimeout, match=words):
            await hear(engine, TEXT)


async def test_nobody_there_is_told() -> None:
    async with simulator() as gone:
        pass
    async with made(url=gone.url, api_key="sk-api-key", **QUICK) as engine:
        with pytest.raises(EngineUnavailable, match="cannot be reached"):
            await hear(engine, TEXT)
