"""States of real engines and converters, as replies show them, and what is told when they, or the voices, are others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from wyoming_server.config import load_config
from wyoming_server.errors import HeraldError
from wyoming_server.monitoring.monitor import Monitor
from wyoming_server.monitoring.states import Kind, State
from wyoming_server.server import Running
from wyoming_server.speech import speech

from ..serving import TONE, Client
from ..simulators.openspeech import Fault, OpenSpeechSimulator, simulator
from .watching import Told, told_by, value, watched

GOOD = "access-token"
CLOUD = """
wyoming: {{uri: "tcp://127.0.0.1:0"}}
http: {{host: 127.0.0.1, port: 0}}
engines: {{openspeech: {{url: "{url}", appid: "1234567890", token: "{token}"}}, tone: {{}}, espeak: {{enabled: false}}}}
voices:
  cloudy: {{engine: openspeech, voice: zh_female_wanwanxiaohe_moon_bigtts, api: v1}}
"""
CONVERTED = (
    TONE
    + """
converters: {gain: {}}
voices:
  other: {engine: tone, voice: tone, converter: {type: gain, speaker: same}}
  bypassed: {engine: tone, voice: tone, converter: {type: gain, speaker: same, fail_at: 0, fail_with: credentials_refused}}
  refused:
    engine: tone
    voice: tone
    converter: {type: gain, speaker: same, fail_at: 0, fail_with: credentials_refused, on_failure: fail}
  engine fails: {engine: tone, voice: tone, fail_at: 0, fail_with: engine_timeout, converter: {type: gain, speaker: same}}
  both fail:
    engine: tone
    voice: tone
    fail_at: 0.1
    fail_with: engine_unavailable
    converter: {type: gain, speaker: same, fail_at: 0, fail_with: credentials_refused}
"""
)


@asynccontextmanager
async def clouded(folder: Path, *, token: str = GOOD) -> AsyncIterator[tuple[OpenSpeechSimulator, Running, Told]]:
    async with (
        simulator() as service,
        watched(folder, CLOUD.format(url=service.url, token=token)) as (server, told),
    ):
        yield service, server, told


async def say(server: Running, told: Told, voice: str) -> None:
    """One reply, whatever becomes of it."""
    async with await Client.connect(server) as client:
        await client.say("The kettle is boiling now.", voice={"name": voice})
        await told.until("session_ended")


def states(told: Told, topic: str) -> list[tuple[str, str]]:
    return [(data["name"], data["state"]) for data in told.of(topic)]


async def test_credentials_that_are_refused_are_told_until_they_are_good(tmp_path: Path) -> None:
    async with clouded(tmp_path, token="wrong") as (service, server, told):
        await say(server, told, "cloudy")
        assert states(told, "engine") == [("openspeech", "refused")]
        (event,) = told.of("engine")
        assert (event["code"], event["kind"], event["configured"]) == ("credentials_refused", "engine", True)
        assert event["message"].startswith("The credentials are wrong or have expired")
        (failure,) = server.monitor.errors.described()
        assert (failure["code"], failure["engine"], failure["voice"]) == ("credentials_refused", "openspeech", "cloudy")
        assert "kettle" not in str(failure)
        assert value(server.monitor, "herald_errors_total", engine="openspeech", code="credentials_refused") == 1
        assert value(server.monitor, "herald_engine_state", engine="openspeech", state="refused") == 1
        service.change(account=replace(service.options.account, token="wrong"))
        await say(server, told, "cloudy")
        assert states(told, "engine")[1:] == [("openspeech", "ready")]
        assert value(server.monitor, "herald_engine_state", engine="openspeech", state="refused") == 0


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        ({"code": 3001, "message": "quota exceeded for types: text_words_lifetime"}, State.QUOTA),
        ({"code": 3001, "message": "invalid request: audio.rate"}, None),
        ({"code": 3011}, None),
    ],
)
async def test_what_a_service_says_shows_its_state_or_nothing(tmp_path: Path, fault: dict[str, Any], state: State | None) -> None:
    async with clouded(tmp_path) as (service, server, told):
        service.faults.add(Fault(kind="error", **fault))
        await say(server, told, "cloudy")
        assert [seen for _, seen in states(told, "engine") if seen != "ready"] == ([state] if state else [])


async def test_a_trial_of_credentials_counts(tmp_path: Path) -> None:
    async with clouded(tmp_path, token="wrong") as (service, server, told):
        engine = server.speech.engines["openspeech"]
        with pytest.raises(HeraldError) as caught:
            await engine.verify()
        server.monitor.verified(Kind.ENGINE, "openspeech", caught.value)
        service.change(account=replace(service.options.account, token="wrong"))
        await engine.verify()
        server.monitor.verified(Kind.ENGINE, "openspeech", None)
        server.monitor.close()
        await told.all()
        assert states(told, "engine") == [("openspeech", "refused"), ("openspeech", "ready")]


async def test_an_engine_without_credentials_says_so(tmp_path: Path) -> None:
    yaml = TONE.replace("espeak: {enabled: false}", "espeak: {enabled: false}, openspeech: {}")
    async with watched(tmp_path, yaml) as (server, _):
        known = {name: one.state for name, one in server.monitor.states.all(Kind.ENGINE).items()}
        assert known == {"tone": State.UNTRIED, "openspeech": State.NOT_SET}
        assert value(server.monitor, "herald_engine_state", engine="openspeech", state="not_set") == 1


@pytest.mark.parametrize(
    ("voice", "engine", "converter"),
    [
        ("other", State.READY, State.READY),
        ("bypassed", State.READY, State.REFUSED),
        ("refused", State.UNTRIED, State.REFUSED),
        ("engine fails", State.UNAVAILABLE, State.UNTRIED),
        ("both fail", State.UNAVAILABLE, State.REFUSED),
    ],
)
async def test_an_engine_and_its_converter_are_told_apart(tmp_path: Path, voice: str, engine: State, converter: State) -> None:
    async with watched(tmp_path, CONVERTED) as (server, told):
        await say(server, told, voice)
        seen = [server.monitor.states.of(kind, name) for kind, name in ((Kind.ENGINE, "tone"), (Kind.CONVERTER, "gain"))]
        assert [one.state for one in seen if one is not None] == [engine, converter]
        assert {name for name, _ in states(told, "converter")} <= {"gain"}


async def test_engines_that_come_and_go_are_told_of_and_so_are_the_voices(tmp_path: Path) -> None:
    path = tmp_path / "herald.yaml"
    path.write_text(TONE)
    config = load_config(path, {})
    tone = config.engines["tone"]
    lower, other = replace(tone, options={**tone.options, "rate": 16_000}), replace(tone, name="other")
    async with speech(config, tmp_path) as speaks:
        monitor = Monitor(speaks.engines, speaks.converters, speaks.catalogue)
        with told_by(monitor) as told:
            monitor.verified(Kind.ENGINE, "tone", None)
            monitor.services_changed(await speaks.apply(replace(config, engines={"tone": lower, "other": other})))
            assert monitor.states.all(Kind.ENGINE).keys() == {"tone", "other"}
            monitor.services_changed(await speaks.apply(replace(config, engines={"other": other})))
            known = {"revision": speaks.catalogue.revision, "count": len(speaks.catalogue.listed())}
            monitor.close()
            await told.all()
    assert states(told, "engine") == [("tone", "ready"), ("tone", "untried"), ("other", "untried"), ("tone", "not_set")]
    assert told.of("engine")[-1]["configured"] is False
    assert b'herald_engine_state{engine="other"' in monitor.metrics.rendered()
    assert b'herald_engine_state{engine="tone"' not in monitor.metrics.rendered()
    voices = told.of("voices")
    assert len({data["revision"] for data in voices}) == len(voices) > 0
    assert voices[-1] == known
