"""The configuration read anew while Herald speaks: what changes, what waits for a restart, and what is refused."""

from __future__ import annotations

import logging
import sys
from importlib import import_module
from pathlib import Path

import aiohttp
import pytest

import wyoming_server.audio
from wyoming_server.administration import Reloaded, State
from wyoming_server.engines.openspeech.engine import OpenSpeechEngine
from wyoming_server.errors import ConfigError, EngineUnavailable
from wyoming_server.server import Running
from wyoming_server.state.tokens import PairingToken

from ..serving import TONE, Client, serving, tone, tone_of, until
from .administering import (
    ENGINE,
    PORTS,
    event,
    nothing_is_left,  # noqa: F401  # a fixture
    rewrite,
    said,
)

pytestmark = pytest.mark.usefixtures("nothing_is_left")


async def test_a_reload_that_changes_nothing_touches_nobody(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        before = dict(server.speech.engines)
        assert await server.administration.reload() == Reloaded(changed=(), needs_restart=())
        assert dict(server.speech.engines) == before


async def test_a_reload_brings_voices_aliases_the_default_and_the_level_of_the_log(tmp_path: Path) -> None:
    old = f"{TONE}voices: {{low: {{engine: tone, voice: tone, frequency: 220}}, old: {{engine: tone, voice: tone}}}}\n"
    new = (
        TONE.replace("default_voice: tone/tone", "default_voice: high")
        + "voices: {low: {engine: tone, voice: tone, frequency: 110}, high: {engine: tone, voice: tone, frequency: 880}}\n"
        + "aliases: {deep: low}\nlog: {level: error}\n"
    )
    async with serving(tmp_path, old) as server:
        engine, revision = tone_of(server), server.speech.catalogue.revision
        low = (await said(server, "low", "low")).pcm
        rewrite(tmp_path, new)
        with server.monitor.hub.subscribe() as events:
            reloaded = await server.administration.reload()
            assert (await event(events, "voices"))["revision"] == server.speech.catalogue.revision != revision
            assert (await event(events, "config"))["changed"] == reloaded.changed
        assert reloaded == Reloaded(
            changed=("voices.low", "voices.old", "voices.high", "aliases.deep", "default_voice", "log.level"), needs_restart=()
        )
        assert logging.getLogger().level == logging.ERROR
        assert tone_of(server) is engine, "which nobody changed"
        assert (await said(server, "low", "low")).pcm != low
        assert (await said(server, "low", "deep")).pcm == (await said(server, "low", "low")).pcm
        assert server.speech.catalogue.find().name == "high"
        assert [voice.name for voice in server.speech.catalogue.listed()][:2] == ["low", "high"]


async def test_keys_that_wait_for_a_restart_are_named_until_then(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        before = server.administration.config
        yaml = TONE.replace("port: 0", "port: 0, max_text: 5").replace("wyoming: {", "wyoming: {rate: 8000, ")
        rewrite(tmp_path, f"{yaml}log: {{format: json}}\n")
        for _ in range(2):
            reloaded = await server.administration.reload()
            assert reloaded == Reloaded(changed=(), needs_restart=("wyoming.rate", "http.max_text", "log.format"))
        assert server.administration.config.http == before.http, "that is what is in force"
        rewrite(tmp_path, TONE)
        assert (await server.administration.reload()).needs_restart == ()


@pytest.mark.parametrize("broken", ["engines: {", "voices: {low: {engine: nobody}}\n", "engines: {tone: {concurrency: 0}}\n"])
async def test_a_broken_file_is_told_and_the_old_configuration_kept(tmp_path: Path, broken: str) -> None:
    async with serving(tmp_path) as server:
        config, engine = server.administration.config, tone_of(server)
        rewrite(tmp_path, broken)
        with pytest.raises(ConfigError, match=rf"{tmp_path}/herald\.yaml line 1"):
            await server.administration.reload()
        assert server.administration.config is config
        assert tone_of(server) is engine
        assert (await said(server, "Hello.", "tone/tone")).pcm == tone(6)


async def test_an_engine_that_is_taken_out_while_it_speaks_ends_its_reply(tmp_path: Path) -> None:
    yaml = TONE.replace("tone: {", "tone: {piece: 0.1, pace: 10, ")
    async with serving(tmp_path, yaml) as server, await Client.connect(server) as client:
        engine = tone_of(server)
        client.send("synthesize", text="A long text, spoken slowly. " * 4)
        assert (await client.until("audio-chunk")) is not None
        rewrite(tmp_path, f"{PORTS}engines: {{espeak: {{enabled: false}}}}\n")
        assert (await server.administration.reload()).changed == ("engines.tone", "default_voice")
        assert not server.speech.engines
        assert not server.speech.catalogue.listed()
        with pytest.raises(EngineUnavailable, match="No voice is available"):
            server.speech.catalogue.find()
        heard = await client.heard("audio-stop")
        assert heard.error is None
        assert heard.types[-1] == "audio-stop"
        assert {entry.what for entry in engine.journal if entry.what in ("finished", "cancelled")} == {"finished"}
        await until(lambda: engine._closed)  # noqa: SLF001


async def test_an_engine_that_cannot_be_started_stops_no_reload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def start(_engine: OpenSpeechEngine) -> None:
        raise EngineUnavailable("It is not installed.")

    monkeypatch.setattr(OpenSpeechEngine, "start", start)
    async with serving(tmp_path) as server:
        rewrite(tmp_path, TONE.replace("engines: {", "engines: {openspeech: {api_key: key}, ") + "aliases: {one: tone/tone}\n")
        assert (await server.administration.reload()).changed == ("engines.openspeech", "aliases.one")
        status = server.administration.service(ENGINE, "openspeech")
        assert (status.state, status.message) == (State.UNAVAILABLE, "It is not installed.")
        assert (await said(server, "Hello.", "one")).pcm == tone(6)


async def test_a_converter_that_is_changed_is_another(tmp_path: Path) -> None:
    yaml = f"{TONE}voices: {{loud: {{engine: tone, voice: tone, converter: {{type: gain, speaker: same}}}}}}\n"
    async with serving(tmp_path, f"{yaml}converters: {{gain: }}\n") as server:
        before = (await said(server, "Hello.", "loud")).pcm
        rewrite(tmp_path, f"{yaml}converters: {{gain: {{factor: 0.5}}}}\n")
        assert (await server.administration.reload()).changed == ("converters.gain",)
        after = (await said(server, "Hello.", "loud")).pcm
        assert len(after) == len(before)
        assert after != before


async def test_an_account_may_be_asked_as_often_at_once_as_the_new_file_says(tmp_path: Path) -> None:
    yaml = f"{PORTS}engines: {{openspeech: {{api_key: key, concurrency: %s}}, espeak: {{enabled: false}}}}\n%s"
    async with serving(tmp_path, yaml % (2, "")) as server:
        for limit in (5, 1):
            rewrite(tmp_path, yaml % (limit, ""))
            await server.administration.reload()
            assert limit_of(server) == limit
        rewrite(tmp_path, yaml % (5, ""))
        await server.administration.reload()
        rewrite(tmp_path, yaml % (3, "default_voice: nobody"))
        with pytest.raises(ConfigError):
            await server.administration.reload()
        assert limit_of(server) == 5, "a file that is refused changes nothing"


def limit_of(server: Running) -> int | None:
    turns = server.speech.engines["openspeech"].turns
    return turns.limit if turns is not None else None


async def test_a_new_token_opens_the_port_after_a_reload(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        old = PairingToken.load(tmp_path, {}).value
        new = PairingToken.rotate(tmp_path, {}).value
        assert [await opens(server, token) for token in (old, new)] == [True, False]
        assert (await server.administration.reload()).changed == ("token",)
        assert [await opens(server, token) for token in (old, new)] == [False, True]


async def opens(server: Running, token: str) -> bool:
    """Whether it lets somebody in from another machine."""
    assert server.http is not None
    headers = {"Via": "1.1 elsewhere", "Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession() as session, session.get(f"{server.http.urls[0]}/v1/models", headers=headers) as answer:
        return answer.status == 200


async def test_a_converter_that_a_reload_brings_keeps_no_first_reply_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = "wyoming_server.audio.live"
    async with serving(tmp_path) as server:
        monkeypatch.setattr(wyoming_server.audio, "live", import_module(stage))  # put back at the end
        monkeypatch.delitem(sys.modules, stage)
        await server.administration.reload()
        assert stage not in sys.modules
        rewrite(tmp_path, f"{TONE}converters: {{gain: }}\n")
        await server.administration.reload()
        assert stage in sys.modules
