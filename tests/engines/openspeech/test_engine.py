"""The engine as a whole: credentials tried by the cheapest call, whichever API it takes."""

from __future__ import annotations

from typing import Any

import pytest

from wyoming_server.errors import BadSetting, CredentialsRefused, EngineBusy, EngineTimeout, EngineUnavailable, VoiceRefused

from ...simulators.openspeech import Account as Customer
from .speaking import BIG, CLONE, KEYS, SECOND, SMALL, Fault, answering, audio, frames, new_engine, requests, simulator, speaking

OLD: tuple[dict[str, Any], ...] = ({"api": "v1"}, {"cluster": "volcano_tts"}, {"secret_key": "secret-key"})
"""Options of accounts that use API v1."""


@pytest.mark.parametrize("options", OLD, ids=str)
@pytest.mark.parametrize("voice", [None, SMALL])
async def test_v1_is_tried_with_a_text_that_has_nothing_to_say(options: dict[str, Any], voice: str | None) -> None:
    async with speaking(engine=options) as (service, engine):
        found = await engine.verify(voice)
        assert found.startswith(f"accepted by {service.url}")
        assert "cluster volcano_tts" in found
        assert service.counters.characters == 0
        assert [entry.detail["path"] for entry in service.all("handshake")] == ["/api/v1/tts/ws_binary"]
        assert service.counters.connections == 0


async def test_v1_may_speak_the_nothing_all_the_same() -> None:
    async with answering(*frames(audio(bytes(480), -1)), api="v1") as engine:
        assert (await engine.verify()).startswith("accepted by")


@pytest.mark.parametrize("bad_token", ["grant", "token"])
@pytest.mark.parametrize("voice", [None, BIG])
async def test_bad_credentials_are_told_from_good_ones_on_v1(bad_token: str, voice: str | None) -> None:
    async with speaking(engine={"api": "v1", "token": "wrong"}, account=Customer(bad_token=bad_token)) as (service, engine):
        with pytest.raises(CredentialsRefused, match=r"check appid and access token.*cluster volcano_tts"):
            await engine.verify(voice)
        assert len(service.all("handshake")) == 1


async def test_a_voice_that_is_not_licensed_says_nothing_against_the_credentials() -> None:
    async with speaking(engine={"api": "v1"}, account=Customer(voices=frozenset({SECOND}))) as (_, engine):
        assert (await engine.verify()).startswith(f"accepted; but This account may not use the voice {SMALL}")
        with pytest.raises(VoiceRefused, match=f"may not use the voice {BIG}"):
            await engine.verify(BIG)


async def test_a_voice_of_an_old_account_that_only_v3_speaks_is_refused_in_words() -> None:
    async with speaking(engine={"api": "v1"}) as (service, engine):
        with pytest.raises(BadSetting, match="speaks only API v3"):
            await engine.verify(SECOND)
        assert not service.journal


async def test_a_clone_is_tried_with_its_own_cluster() -> None:
    async with speaking(engine={"api": "v1"}) as (_, engine):
        assert "cluster volcano_icl" in await engine.verify(CLONE)


async def test_v3_is_tried_without_a_text() -> None:
    async with speaking() as (service, engine):
        found = await engine.verify()
        assert f"voice {SECOND}, API v3, resource id seed-tts-2.0" in found
        assert len(service.all("session")) == 1
        assert not service.all("text")
        assert not requests(service)
        assert service.counters.characters == 0


async def test_bad_credentials_are_told_from_good_ones_on_v3() -> None:
    async with speaking(engine={"token": "wrong"}) as (_, engine):
        with pytest.raises(CredentialsRefused, match=r"HTTP status 403, 45000010 .*resource id seed-tts-2.0"):
            await engine.verify()


async def test_a_service_that_is_busy_for_a_moment_can_be_tried() -> None:
    async with speaking(Fault(kind="refuse", on="handshake", status=503), engine={"api": "v1"}) as (service, engine):
        assert (await engine.verify()).startswith("accepted")
        assert len(service.all("handshake")) == 2


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(kind="refuse", on="handshake", status=429, times=99), EngineBusy),
        (Fault(kind="stall", on="handshake", times=99), EngineTimeout),
    ],
)
async def test_a_service_that_does_not_answer_is_told_when_tried(fault: Fault, error: type[Exception]) -> None:
    async with speaking(fault, engine={"api": "v1", "first_audio_timeout": 0.3}) as (_, engine):
        with pytest.raises(error):
            await engine.verify()


async def test_nobody_there_is_told_when_tried() -> None:
    async with simulator() as gone:
        pass
    for options in ({"api": "v1"}, {}):
        async with new_engine("openspeech", url=gone.url, **KEYS, **options) as engine:
            with pytest.raises(EngineUnavailable, match="cannot be reached"):
                await engine.verify()
