"""Credentials that are tried live: those in force, and others that are kept nowhere."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.simulators.openspeech import Fault, simulator
from wyoming_server.administration import State, trials
from wyoming_server.administration.values import hidden
from wyoming_server.engines.openspeech.engine import OpenSpeechEngine
from wyoming_server.engines.registry import engine_class
from wyoming_server.errors import BadSetting, Busy, TooLarge

from ..serving import TONE, serving, until
from .administering import (
    ENGINE,
    GOOD,
    GOOD_KEY,
    VOICE,
    WRONG,
    cloud,
    nothing_is_left,  # noqa: F401  # a fixture
    said,
    stored,
)

pytestmark = pytest.mark.usefixtures("nothing_is_left")


async def test_a_trial_of_what_is_in_force_is_told_as_the_state(tmp_path: Path) -> None:
    async with cloud(tmp_path) as (service, server):
        admin = server.administration
        await admin.set_credentials(ENGINE, "openspeech", WRONG)
        verdict = await admin.verify(ENGINE, "openspeech")
        assert (verdict.ok, verdict.code) == (False, "credentials_refused")
        assert admin.service(ENGINE, "openspeech").state is State.REFUSED
        await admin.set_credentials(ENGINE, "openspeech", GOOD)
        verdict = await admin.verify(ENGINE, "openspeech")
        assert (verdict.ok, verdict.code) == (True, None)
        assert verdict.message.startswith("accepted by")
        assert 0 < verdict.seconds < 10
        assert admin.service(ENGINE, "openspeech").state is State.READY
        assert service.counters.characters == 0


async def test_a_candidate_is_tried_without_being_kept(tmp_path: Path) -> None:
    async with cloud(tmp_path) as (service, server):
        admin = server.administration
        await admin.set_credentials(ENGINE, "openspeech", GOOD)
        before = server.speech.engines["openspeech"]
        assert (await admin.verify(ENGINE, "openspeech", WRONG)).code == "credentials_refused"
        assert (await admin.verify(ENGINE, "openspeech", {"token": None})).code == "credentials_refused"
        assert (await admin.verify(ENGINE, "openspeech", {"token": None, **GOOD_KEY})).ok
        assert admin.service(ENGINE, "openspeech").state is State.UNTRIED, "nothing was seen of those in force"
        assert (server.speech.engines["openspeech"], stored(tmp_path)) == (before, {"openspeech": GOOD})
        assert (await said(server)).pcm
        await until(lambda: not service.counters.connections)


async def test_a_type_that_nobody_configured_can_be_tried(tmp_path: Path) -> None:
    async with simulator() as service, serving(tmp_path, TONE) as server:
        admin = server.administration
        assert (await admin.verify(ENGINE, "openspeech", {"url": service.url, **GOOD})).ok
        assert (await admin.verify(ENGINE, "openspeech")).code == "credentials_refused", "there are none"
        assert not (await admin.verify(ENGINE, "openspeech", {"url": "nonsense://", **GOOD})).ok
        with pytest.raises(BadSetting) as told:
            await admin.verify(ENGINE, "openspeech", {"token": "x" * 4000})
        assert len(str(told.value)) < 500
        assert "openspeech" not in server.speech.engines


async def test_a_trial_may_name_a_voice(tmp_path: Path) -> None:
    voices = (
        f"voices: {{mum: {{engine: openspeech, voice: S_mum, consent: true}}, nurse: {{engine: openspeech, voice: {VOICE}}}}}"
    )
    async with cloud(tmp_path, voices) as (_, server):
        admin = server.administration
        await admin.set_credentials(ENGINE, "openspeech", GOOD)
        assert "volcano_icl" in (await admin.verify(ENGINE, "openspeech", voice="mum")).message
        assert VOICE in (await admin.verify(ENGINE, "openspeech", voice="nurse")).message
        assert (await admin.verify(ENGINE, "openspeech", voice="S_dad")).code == "consent_required"
        with pytest.raises(TooLarge, match="257 characters; 256"):
            await admin.verify(ENGINE, "openspeech", voice="v" * 257)


async def test_a_service_that_says_nothing_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "PATIENCE", 0.2)
    async with cloud(tmp_path) as (service, server):
        service.faults.add(Fault(kind="stall", on="handshake"))
        verdict = await server.administration.verify(ENGINE, "openspeech", GOOD)
        assert (verdict.ok, verdict.code) == (False, "engine_timeout")
        assert verdict.message == "openspeech gave no answer within 0.2 s."
        service.faults.go_on()


async def test_so_many_trials_at_once_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = asyncio.Event()

    async def verify(_engine: OpenSpeechEngine, voice_id: str | None = None) -> str:
        await gate.wait()
        return f"Good is {GOOD['token']}."

    monkeypatch.setattr(OpenSpeechEngine, "verify", verify)
    async with cloud(tmp_path) as (_, server):
        admin = server.administration
        trials = [asyncio.create_task(admin.verify(ENGINE, "openspeech", GOOD)) for _ in range(5)]
        done, running = await asyncio.wait(trials, return_when=asyncio.FIRST_COMPLETED)
        assert [type(trial.exception()) for trial in done] == [Busy]
        gate.set()
        verdicts = await asyncio.gather(*running)
        assert {verdict.message for verdict in verdicts} == {"The credentials were accepted."}, "but not in the engine's words"
        assert (await admin.verify(ENGINE, "openspeech", GOOD)).ok


async def test_a_trial_of_credentials_that_were_replaced_meanwhile_says_nothing_of_the_new_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, begun = asyncio.Event(), asyncio.Event()

    async def verify(engine: OpenSpeechEngine, voice_id: str | None = None) -> str:
        begun.set()
        await gate.wait()
        engine._check_open()  # noqa: SLF001
        return "Good."

    monkeypatch.setattr(OpenSpeechEngine, "verify", verify)
    async with cloud(tmp_path) as (_, server):
        admin = server.administration
        await admin.set_credentials(ENGINE, "openspeech", GOOD)
        trial = asyncio.create_task(admin.verify(ENGINE, "openspeech"))
        await begun.wait()
        await admin.set_credentials(ENGINE, "openspeech", WRONG)
        gate.set()
        assert (await trial).ok, "whom it asked was still there"
        assert admin.service(ENGINE, "openspeech").state is State.UNTRIED


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("No answer from http://me:hunter%40@gpu.local:1.", "They were refused."),
        ("It says: hunter@ is wrong.", "They were refused."),
        ("The API key sk-1 is wrong.", "They were refused."),
        ("No answer\nfrom gpu.local:1.", "No answer from gpu.local:1."),
    ],
)
def test_no_verdict_repeats_a_credential_nor_what_stands_in_an_address_before_its_host(message: str, told: str) -> None:
    options = {"url": "http://me:hunter%40@gpu.local:1/v1", "api_key": "sk-1"}
    assert hidden(message, engine_class("openai"), options, "They were refused.") == told
