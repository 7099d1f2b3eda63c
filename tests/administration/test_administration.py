"""Credentials that are entered while Herald runs, on the real server with simulated services."""

from __future__ import annotations

import asyncio
import gc
import os
from pathlib import Path
from typing import Any

import pytest

from tests.simulators.openspeech import Fault, simulator
from wyoming_server.administration import ServiceStatus, State, changes
from wyoming_server.config.values import Source
from wyoming_server.errors import BadSetting, Busy, ConfigError, ReadOnly, TooLarge, UnknownService
from wyoming_server.state.credentials import CredentialStore

from ..serving import TONE, Client, serving, until
from .administering import (
    CONVERTER,
    ENGINE,
    GOOD,
    GOOD_KEY,
    PORTS,
    TEXT,
    VOICE,
    WRONG,
    cloud,
    event,
    nothing_is_left,  # noqa: F401  # a fixture
    rewrite,
    said,
    stored,
)

pytestmark = pytest.mark.usefixtures("nothing_is_left")


def source(status: ServiceStatus, name: str) -> Source | None:
    return next(one for one in status.credentials if one.field.name == name).source


async def test_wrong_credentials_are_told_and_right_ones_speak(tmp_path: Path) -> None:
    async with cloud(tmp_path) as (_, server):
        admin = server.administration
        assert admin.service(ENGINE, "openspeech").state is State.NOT_SET
        status = await admin.set_credentials(ENGINE, "openspeech", WRONG)
        assert (status.state, source(status, "token"), source(status, "api_key")) == (State.UNTRIED, Source.STORED, None)
        assert (await said(server)).error is not None
        refused = admin.service(ENGINE, "openspeech")
        assert (refused.state, refused.code) == (State.REFUSED, "credentials_refused")
        assert (await admin.set_credentials(ENGINE, "openspeech", GOOD)).state is State.UNTRIED
        assert (await said(server)).pcm
        assert admin.service(ENGINE, "openspeech").state is State.READY
    assert stored(tmp_path) == {"openspeech": GOOD}


async def test_stored_credentials_are_there_after_a_restart(tmp_path: Path) -> None:
    async with cloud(tmp_path) as (_, server):
        await server.administration.set_credentials(ENGINE, "openspeech", GOOD)
        revision = server.speech.catalogue.revision
        await server.administration.set_credentials(ENGINE, "openspeech", {"token": "another"})
        assert server.speech.catalogue.revision == revision, "a new password changes no voice"
        await server.administration.set_credentials(ENGINE, "openspeech", GOOD)
    async with cloud(tmp_path) as (_, server):
        assert (await said(server)).pcm


async def test_a_reply_that_is_being_spoken_ends_whole_with_the_old_credentials(tmp_path: Path) -> None:
    async with cloud(tmp_path) as (service, server), await Client.connect(server) as client:
        await server.administration.set_credentials(ENGINE, "openspeech", GOOD)
        service.faults.add(Fault(kind="stall", on="audio", after=0.4))
        client.send("synthesize-start", voice={"name": f"openspeech/{VOICE}"})
        client.send("synthesize-chunk", text=f"{TEXT} ")
        await service.saw("fault")
        old = server.speech.engines["openspeech"]
        await server.administration.set_credentials(ENGINE, "openspeech", {**GOOD_KEY, "token": None, "appid": None})
        assert server.speech.engines["openspeech"] is not old
        assert (await said(server)).pcm, "while the other one still speaks"
        service.faults.go_on()
        client.send("synthesize-chunk", text=TEXT)
        client.send("synthesize-stop")
        heard = await client.heard("synthesize-stopped")
        assert heard.error is None
        alone = await said(server)
        assert len(heard.pcm) > 1.8 * len(alone.pcm)
        await until(lambda: old._closed)  # noqa: SLF001
    keys = ["api_key" if "x-api-key" in str(entry.detail["headers"]).lower() else "token" for entry in service.all("handshake")]
    assert keys == ["token", "api_key", "token", "api_key"], "its second sentence too is spoken by whoever began"


async def test_a_type_that_nobody_configured_is_there_once_it_has_credentials_and_gone_without(tmp_path: Path) -> None:
    yaml = f"{PORTS}engines: {{espeak: {{enabled: false}}, tone: }}\n"
    async with simulator() as service, serving(tmp_path, yaml) as server:
        admin, catalogue = server.administration, server.speech.catalogue
        before = admin.service(ENGINE, "openspeech")
        assert (before.configured, before.state, before.type) == (False, State.NOT_SET, "openspeech")
        assert "openspeech" in [one.name for one in admin.services(ENGINE)]
        with server.monitor.hub.subscribe() as events:
            status = await admin.set_credentials(ENGINE, "openspeech", {"url": service.url, "api_key": " api-key\n"})
            assert status.configured
            assert await event(events, "engine")
            await until(lambda: any(voice.engine == "openspeech" for voice in catalogue.listed()))
            assert await event(events, "voices")
        assert list(server.speech.engines) == ["tone", "openspeech"]
        assert (await said(server)).pcm
        with server.monitor.hub.subscribe() as events:
            after = await admin.delete_credentials(ENGINE, "openspeech")
            assert (await event(events, "engine"))["configured"] is False
        assert not after.configured
        assert not any(voice.engine == "openspeech" for voice in catalogue.listed())
        assert stored(tmp_path) == {}
        assert (await said(server)).error is not None


async def test_a_converter_has_credentials_too(tmp_path: Path) -> None:
    async with serving(tmp_path, TONE) as server:
        admin = server.administration
        assert [one.name for one in admin.services(CONVERTER)] == ["sami"]
        status = await admin.set_credentials(CONVERTER, "sami", {"appkey": "key", "token": "word"})
        assert (status.kind, status.configured, status.state) == (CONVERTER, True, State.UNTRIED)
        assert list(server.speech.converters) == ["sami"]
        await admin.delete_credentials(CONVERTER, "sami")
        assert list(server.speech.converters) == []


async def test_what_is_not_named_stays_and_null_takes_out(tmp_path: Path) -> None:
    async with cloud(tmp_path) as (_, server):
        admin = server.administration
        await admin.set_credentials(ENGINE, "openspeech", GOOD)
        await admin.set_credentials(ENGINE, "openspeech", {"api_key": "key", "token": None})
        assert stored(tmp_path) == {"openspeech": {"appid": GOOD["appid"], "api_key": "key"}}
        assert server.speech.engines["openspeech"].options["token"] is None


async def test_what_the_file_says_can_be_changed_only_there(tmp_path: Path) -> None:
    async with cloud(tmp_path) as (_, server):
        with pytest.raises(ReadOnly, match=rf"url of openspeech stands in {tmp_path}/herald.yaml, and can be changed only there"):
            await server.administration.set_credentials(ENGINE, "openspeech", {**GOOD, "url": "wss://example.com"})
        assert stored(tmp_path) == {}
        assert source(server.administration.service(ENGINE, "openspeech"), "url") is Source.FILE


@pytest.mark.parametrize("variable", ["OPENSPEECH_TOKEN", "OPENSPEECH_TOKEN_FILE", "HERALD_ENGINES__OPENSPEECH__TOKEN"])
async def test_what_the_environment_says_is_told_with_its_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("from-a-file")
    monkeypatch.setenv(variable, str(secret))
    async with serving(tmp_path, TONE, environ={variable: os.environ[variable]}) as server:
        with pytest.raises(ReadOnly, match=f"token of openspeech is set by {variable} in the environment"):
            await server.administration.set_credentials(ENGINE, "openspeech", {"token": None})


async def test_what_is_switched_off_in_the_file_stays_off(tmp_path: Path) -> None:
    yaml = f"{PORTS}engines: {{tone: , openspeech: {{enabled: false}}}}\n"
    async with serving(tmp_path, yaml) as server:
        with pytest.raises(ReadOnly, match="openspeech is switched off in"):
            await server.administration.set_credentials(ENGINE, "openspeech", GOOD)
    assert stored(tmp_path) == {}


async def test_unknown_names_are_told_with_those_that_there_are(tmp_path: Path) -> None:
    async with cloud(tmp_path) as (_, server):
        admin = server.administration
        with pytest.raises(UnknownService, match=r"no engine 'nobody'\. There are openspeech; there might be .*openai"):
            admin.service(ENGINE, "nobody")
        with pytest.raises(UnknownService, match=r"no converter 'openspeech'\. There are none; there might be gain, sami\."):
            await admin.set_credentials(CONVERTER, "openspeech", GOOD)
        with pytest.raises(UnknownService):
            await admin.delete_credentials(ENGINE, "n" * 10_000)
        with pytest.raises(UnknownService):
            await admin.verify(ENGINE, "espeak", GOOD)
        with pytest.raises(BadSetting, match="no credential 'password'; its credentials are api_key, appid, token") as error:
            await admin.set_credentials(ENGINE, "openspeech", {"password": "hunter2"})
        assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"appid": 5}, "appid of openspeech must be text"),
        ({"token": "x" * 4097}, "has 4097 characters; 4096 are allowed"),
        ({"token": "se cret ü"}, "token"),
        ({"token": "x" * 4096}, "token"),
        ({f"f{number}": "v" for number in range(5_000)}, "has no credential"),
    ],
)
async def test_credentials_that_cannot_be_used_are_not_kept(tmp_path: Path, values: dict[str, Any], error: str) -> None:
    async with cloud(tmp_path) as (_, server):
        admin = server.administration
        await admin.set_credentials(ENGINE, "openspeech", GOOD)
        before = server.speech.engines["openspeech"]
        with pytest.raises((BadSetting, TooLarge), match=error) as told:
            await admin.set_credentials(ENGINE, "openspeech", values)
        assert not any(len(str(value)) > 1 and str(value) in str(told.value) for value in values.values())
        assert len(str(told.value)) < 500
        assert told.value.__cause__ is None
        assert server.speech.engines["openspeech"] is before
        assert stored(tmp_path) == {"openspeech": GOOD}


async def test_credentials_that_cannot_be_written_change_nothing(tmp_path: Path) -> None:
    async with cloud(tmp_path) as (_, server):
        admin, before = server.administration, server.speech.engines["openspeech"]
        (tmp_path / "credentials.json.lock").mkdir()
        with pytest.raises(ConfigError, match="cannot be stored"):
            await admin.set_credentials(ENGINE, "openspeech", GOOD)
        assert server.speech.engines["openspeech"] is before
        assert admin.config.engines["openspeech"].options["token"] is None


async def test_an_engine_that_a_voice_needs_cannot_lose_what_it_is_there_for(tmp_path: Path) -> None:
    async with serving(tmp_path, TONE) as server:
        admin = server.administration
        await admin.set_credentials(ENGINE, "openspeech", GOOD)
        rewrite(tmp_path, f"{TONE}\nvoices: {{nurse: {{engine: openspeech, voice: {VOICE}}}}}\n")
        await admin.reload()
        with pytest.raises(BadSetting, match=r"cannot be without its stored credentials: .*line 8: voices.nurse"):
            await admin.delete_credentials(ENGINE, "openspeech")
        assert stored(tmp_path) == {"openspeech": GOOD}
        assert "openspeech" in server.speech.engines


async def test_a_file_that_is_broken_meanwhile_is_told_as_that(tmp_path: Path) -> None:
    async with cloud(tmp_path) as (_, server):
        rewrite(tmp_path, "engines: {")
        with pytest.raises(ConfigError, match=r"herald\.yaml"):
            await server.administration.set_credentials(ENGINE, "openspeech", GOOD)
    assert stored(tmp_path) == {}


async def test_credentials_bring_nothing_else_of_the_file_with_them(tmp_path: Path) -> None:
    async with cloud(tmp_path) as (service, server):
        rewrite(tmp_path, f"{PORTS}engines: {{openspeech: {{url: {service.url}, api: v1}}, tone: }}\ndefault_voice: tone/tone\n")
        await server.administration.set_credentials(ENGINE, "openspeech", GOOD)
        assert list(server.speech.engines) == ["openspeech"]
        assert server.administration.config.default_voice is None
        await server.administration.reload()
        assert list(server.speech.engines) == ["openspeech", "tone", "espeak"]


async def test_who_leaves_while_credentials_are_stored_leaves_nothing_half_done(tmp_path: Path) -> None:
    async with cloud(tmp_path) as (_, server):
        admin = server.administration
        asking = asyncio.create_task(admin.set_credentials(ENGINE, "openspeech", GOOD))
        await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await until(lambda: admin.service(ENGINE, "openspeech").state is State.UNTRIED)
    assert stored(tmp_path) == {"openspeech": GOOD}


async def test_changes_are_made_one_after_the_other_and_not_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "CHANGES_MAX", 3)
    async with cloud(tmp_path) as (_, server):
        admin = server.administration
        asked = [admin.set_credentials(ENGINE, "openspeech", {field: "one"}) for field in ("appid", "token", "api_key")]
        several = asyncio.gather(*asked)
        await asyncio.sleep(0)
        with pytest.raises(Busy, match="3 changes"):
            await admin.reload()
        await several
        await admin.reload()
    assert stored(tmp_path) == {"openspeech": {"appid": "one", "token": "one", "api_key": "one"}}


async def test_no_value_is_logged_or_shown(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "wyoming_server")
    async with cloud(tmp_path) as (_, server):
        with server.monitor.hub.subscribe() as events:
            await server.administration.set_credentials(ENGINE, "openspeech", WRONG)
            await server.administration.verify(ENGINE, "openspeech", voice=VOICE)
            await said(server)
        events.end()
        shown = [repr(server.administration.services(ENGINE)), repr(server.administration.config)]
        shown += [repr(one.data) async for one in events]
    assert "Of the engine openspeech, appid and token changed" in caplog.text
    assert not [text for text in (*shown, caplog.text) if WRONG["token"] in text]


async def test_what_is_stored_for_a_name_that_is_no_more_is_told_and_can_be_deleted(tmp_path: Path) -> None:
    yaml = f"{PORTS}engines: {{tone: , mine: {{type: openspeech}}, openspeech: {{enabled: false}}, espeak: {{enabled: false}}}}\n"
    store = CredentialStore(tmp_path / "credentials.json")
    store.replace("engines", "openspeech", GOOD_KEY)
    async with serving(tmp_path, yaml) as server:
        admin = server.administration
        await admin.set_credentials(ENGINE, "mine", GOOD)
        off = admin.service(ENGINE, "openspeech")
        assert (off.configured, source(off, "api_key"), source(off, "token")) == (False, Source.STORED, None)
        assert off.message == "Credentials are stored for it, and it is switched off in herald.yaml."
        rewrite(tmp_path, yaml.replace(" mine: {type: openspeech},", ""))
        await admin.reload()
        left = {one.name: one for one in admin.services(ENGINE)}["mine"]
        assert (left.configured, left.state, left.any_of) == (False, State.NOT_SET, ())
        assert [(one.field.name, one.set, one.source, one.secret) for one in left.credentials] == [
            (name, True, Source.STORED, True) for name in GOOD
        ]
        assert "nothing in herald.yaml has" in str(left.message)
        with pytest.raises(UnknownService):
            await admin.set_credentials(ENGINE, "mine", {"token": "another"})
        gone = await admin.delete_credentials(ENGINE, "mine")
        assert (gone.name, gone.credentials, gone.message) == ("mine", (), None)
        assert "mine" not in [one.name for one in admin.services(ENGINE)]
        assert stored(tmp_path) == {"openspeech": GOOD_KEY}
        with pytest.raises(UnknownService):
            await admin.delete_credentials(ENGINE, "mine")
        assert not (await admin.delete_credentials(ENGINE, "openspeech")).credentials[0].set
        assert stored(tmp_path) == {}


async def test_what_was_entered_for_one_address_goes_to_no_other(tmp_path: Path) -> None:
    async with simulator() as service, simulator() as thief, serving(tmp_path, TONE) as server:
        admin = server.administration
        await admin.set_credentials(ENGINE, "openspeech", {"url": service.url, **GOOD_KEY})
        for steal in (admin.set_credentials, admin.verify):
            with pytest.raises(BadSetting, match=r"With another url, openspeech needs api_key anew"):
                await steal(ENGINE, "openspeech", {"url": thief.url})
        assert not thief.all("handshake")
        await admin.set_credentials(ENGINE, "openspeech", {"url": service.url, "appid": "1"})
        await admin.set_credentials(ENGINE, "openspeech", {"url": thief.url, "api_key": "another"})
        assert stored(tmp_path)["openspeech"]["url"] == thief.url


async def test_who_leaves_while_a_change_is_refused_leaves_no_noise(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with serving(tmp_path, TONE) as server:
        rewrite(tmp_path, "[broken")
        asked = asyncio.create_task(server.administration.reload())
        await asyncio.sleep(0)
        asked.cancel()
        await asyncio.wait([asked])
        del asked
    gc.collect()  # a task whose error nobody has read tells it then
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
