"""Voices that are set up in forms: who they may be, how they speak, and that they are heard before."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from homeassistant.config_entries import SOURCE_RECONFIGURE, SOURCE_USER, ConfigSubentryData
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import device_registry as dr
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.herald import coordinator
from custom_components.herald.flows import voices

from .conftest import paired
from .forms import Walk
from .servers import Herald
from .speaking import PATIENCE, following, reload

VOICES = """
engines:
  tone: {per_character: 0.02}
  other: {type: tone, per_character: 0.02}
  espeak: {enabled: false}
converters:
  gain: {}
voices:
  anna: {engine: tone, voice: tone, language: de-DE, gender: female, speed: 1.5}
  lu: {engine: other, voice: tone, language: zh-CN, gender: male}
default_voice: anna
"""
MANY = "\n".join(f"  n{number}: {{engine: tone, voice: tone, language: en-GB}}" for number in range(250))
CLONED = """
engines:
  tone: {per_character: 0.02}
  espeak: {enabled: false}
  indextts: {url: "ws://127.0.0.1:9", prompts: {mum: mum.wav, dad: dad.wav}}
voices:
  Mum: {engine: indextts, voice: mum, consent: true, emotion: happy}
default_voice: tone/tone
"""


VENDOR = "engines: {espeak: {enabled: false}, openspeech: {api_key: none}}"


@pytest.fixture
async def server(socket_enabled: None, tmp_path: Path) -> AsyncIterator[Herald]:
    async with Herald(tmp_path, VOICES).running() as server:
        yield server


async def known(entry: MockConfigEntry, true: Callable[[], object]) -> None:
    """Waits until it is so, of what is known of the server."""
    told = asyncio.Event()
    stop = entry.runtime_data.async_add_listener(told.set)
    async with asyncio.timeout(PATIENCE):
        while not true():
            await told.wait()
            told.clear()
    stop()


async def added(hass: HomeAssistant, entry: MockConfigEntry) -> Walk:
    return await walk(hass, entry, {"source": SOURCE_USER})


async def changed(hass: HomeAssistant, entry: MockConfigEntry) -> Walk:
    (subentry_id,) = entry.subentries
    return await walk(hass, entry, {"source": SOURCE_RECONFIGURE, "subentry_id": subentry_id})


async def walk(hass: HomeAssistant, entry: MockConfigEntry, context: Any) -> Walk:
    manager = hass.config_entries.subentries
    shown = await manager.async_init((entry.entry_id, "voice"), context=context)
    return Walk(hass, manager, shown, "config_subentries/voice")


def field(walk: Walk, name: str, *, inside: str | None = None) -> Any:
    """Its key and its selector."""
    schema = walk.shown["data_schema"]
    assert schema is not None
    fields = schema.schema if inside is None else schema.schema[inside].schema.schema
    return next((key, selector) for key, selector in fields.items() if key == name)


def inner(walk: Walk) -> list[str]:
    schema = walk.shown["data_schema"]
    assert schema is not None
    return [str(key) for key in schema.schema["advanced"].schema.schema]


def listed(walk: Walk) -> dict[str, str]:
    _, selector = field(walk, "voice")
    return {option["value"]: option["label"] for option in selector.config["options"]}


def address(walk: Walk) -> str:
    (source,) = re.findall(r'<audio controls .*src="(/api/herald/preview/[\w-]+)"></audio>', walk.texts["audio"])
    return str(source)


async def chosen(walk: Walk, voice: str) -> None:
    await walk.answer()
    await walk.answer(voice=voice)
    assert walk.step == "settings"


def form(**more: Any) -> dict[str, Any]:
    return {"name": "Anna", "preview": False, "advanced": {"fallback": True}, **more}


async def test_a_voice_is_filtered_picked_set_and_becomes_an_entity(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    hass.config.language = "de"
    walk = await added(hass, entry)
    assert (walk.step, walk.fields) == ("filter", ["language", "engine", "gender"])
    key, selector = field(walk, "language")
    assert key.description == {"suggested_value": "de"}
    assert selector.config["languages"] == ["de", "en", "zh"]
    assert field(walk, "gender")[1].config["options"] == ["female", "male"]
    await walk.answer(language="de")
    assert walk.step == "voice"
    assert listed(walk) == {"anna": "anna · de-DE · female · Test tone"}
    assert walk.texts == {"shown": "1", "found": "1"}
    await walk.answer(voice="anna")
    assert (walk.step, walk.texts["voice"]) == ("settings", "anna")
    assert walk.fields == ["name", "speed", "volume", "advanced", "preview"]
    assert inner(walk) == ["converter", "speakable_text", "fallback"]
    await walk.answer(**form(name=" Anna ", speed=2.0, volume=50, advanced={"fallback": False}))
    assert walk.shown["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()
    (subentry,) = entry.subentries.values()
    assert (subentry.title, subentry.subentry_type) == ("Anna", "voice")
    assert subentry.data == {"voice": "anna", "settings": {"speed": 2.0}, "fallback": False}
    assert hass.states.get("tts.anna") is not None
    devices = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    (device,) = [device for device in devices if device.config_subentry_id == subentry.subentry_id]
    assert device.name == "Anna"


async def test_filters_that_fit_nobody_are_shown_again(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    walk = await added(hass, entry)
    await walk.answer(language="zh", gender="female")
    assert (walk.step, walk.shown["errors"]) == ("filter", {"base": "no_match"})
    await walk.answer(engine="other")
    assert list(listed(walk)) == ["lu", "other/tone"]


async def test_voices_that_are_called_alike_are_told_apart(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    walk = await added(hass, entry)
    await walk.answer(language="en")
    assert listed(walk) == {
        "tone/tone": "Test tone (tone/tone) · en-US · Test tone",
        "other/tone": "Test tone (other/tone) · en-US · Test tone (other)",
    }


async def test_nothing_is_asked_where_there_is_no_choice(
    hass: HomeAssistant, enable_custom_integrations: None, tmp_path: Path, server: Herald
) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    async with Herald(folder, "engines: {tone: {}, espeak: {enabled: false}}").running() as plain:
        entry = await paired(hass, plain)
        walk = await added(hass, entry)
        assert (walk.step, list(listed(walk))) == ("voice", ["tone/tone"])


async def test_of_hundreds_a_part_of_the_name_is_asked_for(hass: HomeAssistant, entry: MockConfigEntry, server: Herald) -> None:
    await reload(server, VOICES.replace("default_voice", f"{MANY}\ndefault_voice"))
    await known(entry, lambda: len(entry.runtime_data.data.catalogue.voices) > voices.LISTED_MAX)
    walk = await added(hass, entry)
    assert "search" in walk.fields
    await walk.answer()
    assert (len(listed(walk)), walk.texts) == (voices.LISTED_MAX, {"shown": "200", "found": "254"})
    walk = await added(hass, entry)
    await walk.answer(search=" N249")
    assert list(listed(walk)) == ["n249"]


async def test_a_preview_is_heard_as_it_is_set_and_nothing_is_kept(
    hass: HomeAssistant, entry: MockConfigEntry, hass_client_no_auth: ClientSessionGenerator
) -> None:
    browser = await hass_client_no_auth()
    walk = await added(hass, entry)
    await chosen(walk, "anna")
    assert 'preload="none"' in walk.texts["audio"], "nobody pays for what nobody hears"
    heard = await (await browser.get(address(walk))).read()
    await walk.answer(**form(name="", speed=3.0, preview=True))
    assert (walk.step, walk.shown["errors"]) == ("settings", None)
    assert "autoplay" in walk.texts["audio"]
    assert field(walk, "speed")[0].description == {"suggested_value": 3.0}
    assert field(walk, "preview")[0].default() is False
    response = await browser.get(address(walk))
    assert (response.status, response.content_type) == (HTTPStatus.OK, "audio/mpeg")
    assert 0 < len(await response.read()) < len(heard) * 0.75, "it is as fast as it was set"
    assert not entry.subentries


async def test_a_name_is_needed(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    walk = await added(hass, entry)
    await chosen(walk, "anna")
    await walk.answer(**form(name=" "))
    assert walk.shown["errors"] == {"name": "name_missing"}


async def test_one_voice_may_be_set_up_twice(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    for name in ("Anna", "Hasty Anna"):
        walk = await added(hass, entry)
        await chosen(walk, "anna")
        await walk.answer(**form(name=name))
        await hass.async_block_till_done()
    assert {subentry.title for subentry in entry.subentries.values()} == {"Anna", "Hasty Anna"}
    assert hass.states.get("tts.hasty_anna") is not None


async def test_it_is_changed_by_the_same_steps(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    walk = await added(hass, entry)
    await chosen(walk, "anna")
    await walk.answer(**form(speed=2.0, advanced={"fallback": False, "converter": "none"}))
    await hass.async_block_till_done()
    walk = await changed(hass, entry)
    assert (walk.step, walk.menu) == ("reconfigure", ["current", "filter"])
    await walk.choose("current")
    assert field(walk, "name")[0].description == {"suggested_value": "Anna"}
    assert field(walk, "speed")[0].description == {"suggested_value": 2.0}
    assert field(walk, "fallback", inside="advanced")[0].description == {"suggested_value": False}
    assert field(walk, "converter", inside="advanced")[0].description == {"suggested_value": "none"}
    await walk.answer(**form(name="Anna 2", speed=1.0))
    assert (walk.shown["type"], walk.shown["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")
    await hass.async_block_till_done()
    (subentry,) = entry.subentries.values()
    assert subentry.title == "Anna 2"
    assert subentry.data == {"voice": "anna", "settings": {"speed": 1.0}, "fallback": True}


async def test_a_voice_that_vanished_can_only_be_another_one(hass: HomeAssistant, entry: MockConfigEntry, server: Herald) -> None:
    walk = await added(hass, entry)
    await chosen(walk, "lu")
    await walk.answer(**form())
    await hass.async_block_till_done()
    await following(entry)
    early, picking = await changed(hass, entry), await added(hass, entry)
    await picking.answer()
    await reload(server, VOICES.replace("  lu: {engine: other, voice: tone, language: zh-CN, gender: male}\n", ""))
    await known(entry, lambda: "lu" not in entry.runtime_data.data.catalogue.voices)
    await early.choose("current")
    assert (early.shown["type"], early.shown["reason"]) == (FlowResultType.ABORT, "voice_gone")
    assert (await changed(hass, entry)).menu == ["filter"]
    await picking.answer(voice="lu")
    assert (picking.step, picking.shown["errors"]) == ("voice", {"base": "voice_gone"})


async def test_a_server_that_is_unloaded_meanwhile_is_told(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    walk = await added(hass, entry)
    await chosen(walk, "anna")
    await walk.answer(**form())
    await hass.async_block_till_done()
    picking, changing = await added(hass, entry), await changed(hass, entry)
    await picking.answer()
    await hass.config_entries.async_unload(entry.entry_id)
    await picking.answer(voice="anna")
    await changing.choose("current")
    for walk in (picking, changing):
        assert (walk.shown["type"], walk.shown["reason"]) == (FlowResultType.ABORT, "entry_not_loaded")


async def test_a_server_that_is_gone_is_told(hass: HomeAssistant, entry: MockConfigEntry, server: Herald) -> None:
    walk = await added(hass, entry)
    await chosen(walk, "lu")
    await walk.answer(**form())
    await hass.async_block_till_done()
    await following(entry)
    picking = await added(hass, entry)
    await picking.answer()
    await server.stop()
    await known(entry, lambda: not entry.runtime_data.last_update_success)
    await picking.answer(voice="anna")
    for walk in (picking, await added(hass, entry), await changed(hass, entry)):
        assert (walk.shown["type"], walk.shown["reason"]) == (FlowResultType.ABORT, "cannot_connect")
    await hass.config_entries.async_unload(entry.entry_id)
    for walk in (await added(hass, entry), await changed(hass, entry)):
        assert (walk.shown["type"], walk.shown["reason"]) == (FlowResultType.ABORT, "entry_not_loaded")


async def test_a_server_without_voices_is_told(hass: HomeAssistant, entry: MockConfigEntry, server: Herald) -> None:
    await reload(server, "engines: {espeak: {enabled: false}}")
    await known(entry, lambda: not entry.runtime_data.data.catalogue.voices)
    walk = await added(hass, entry)
    assert (walk.shown["type"], walk.shown["reason"]) == (FlowResultType.ABORT, "no_voices")


async def test_a_real_persons_voice_needs_consent_that_only_the_server_can_state(
    hass: HomeAssistant, enable_custom_integrations: None, socket_enabled: None, tmp_path: Path
) -> None:
    async with Herald(tmp_path, CLONED).running() as server:
        entry = await paired(hass, server)
        await following(entry)
        walk = await added(hass, entry)
        await walk.answer()
        await walk.answer(voice="indextts/dad")
        assert (walk.step, walk.shown["errors"]) == ("voice", {"base": "consent_required"})
        await walk.answer(voice="Mum")
        assert walk.fields == ["name", "speed", "volume", "emotion", "consent", "advanced", "preview"]
        assert inner(walk) == ["emotion_scale", "speakable_text", "fallback"]
        key, selector = field(walk, "emotion")
        assert key.description == {"suggested_value": "happy"}
        assert "calm" in [option["value"] for option in selector.config["options"]]
        await walk.answer(**form(emotion="calm", consent=False))
        assert walk.shown["errors"] == {"consent": "consent_missing"}
        await walk.answer(**form(emotion="calm", consent=True, advanced={"emotion_scale": 3, "fallback": True}))
        await hass.async_block_till_done()
        (subentry,) = entry.subentries.values()
        assert subentry.data["settings"] == {"emotion": "calm", "emotion_scale": 3}
        await following(entry)
        walk = await changed(hass, entry)
        await walk.choose("current")
        assert field(walk, "consent")[0].description == {"suggested_value": True}
        assert field(walk, "emotion_scale", inside="advanced")[0].description == {"suggested_value": 3}


async def test_without_consent_a_voice_is_not_changed_either(
    hass: HomeAssistant, enable_custom_integrations: None, socket_enabled: None, tmp_path: Path
) -> None:
    voice = ConfigSubentryData(
        subentry_type="voice",
        title="Dad",
        unique_id=None,
        data={"voice": "indextts/dad", "settings": {}, "fallback": True},
    )
    async with Herald(tmp_path, CLONED).running() as server:
        walk = await changed(hass, await paired(hass, server, subentries=[voice]))
        await walk.choose("current")
        assert (walk.shown["type"], walk.shown["reason"]) == (FlowResultType.ABORT, "consent_required")


async def test_a_vendors_voices_are_searched_and_told_how_to_speak(
    hass: HomeAssistant, enable_custom_integrations: None, socket_enabled: None, tmp_path: Path
) -> None:
    hass.config.language, hass.config.country = "zh-Hans", "CN"
    async with Herald(tmp_path, VENDOR).running() as server:
        entry = await paired(hass, server)
        walk = await added(hass, entry)
        assert field(walk, "language")[0].description == {"suggested_value": "zh-CN"}
        await walk.answer(language="zh-CN", search="vivi 2.0")
        assert listed(walk)["openspeech/zh_female_vv_uranus_bigtts"].startswith("Vivi 2.0 · zh-CN · 女声 · ")
        await walk.answer(voice="openspeech/zh_female_vv_uranus_bigtts")
        assert walk.fields == ["name", "speed", "pitch", "volume", "advanced", "preview"]
        assert field(walk, "instructions", inside="advanced")[1].config["multiline"] is True
        advanced = {"instructions": "温柔一点", "fallback": True}
        await walk.answer(**form(name="薇薇", speed=1, pitch=-2, volume=50, advanced=advanced))
        await hass.async_block_till_done()
        (subentry,) = entry.subentries.values()
        assert subentry.data["settings"] == {"pitch": -2, "instructions": "温柔一点"}


async def test_a_form_that_is_looked_at_again_is_the_same(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    walk = await added(hass, entry)
    await chosen(walk, "anna")
    before = walk.fields
    again = await hass.config_entries.subentries.async_configure(walk.shown["flow_id"])
    assert again["step_id"] == "settings"
    schema = again["data_schema"]
    assert schema is not None
    assert [str(key) for key in schema.schema] == before


async def test_the_form_reaches_a_browser(
    hass: HomeAssistant, entry: MockConfigEntry, hass_client: ClientSessionGenerator
) -> None:
    assert await async_setup_component(hass, "config", {})
    browser = await hass_client()
    url = "/api/config/config_entries/subentries/flow"
    shown = await (await browser.post(url, json={"handler": [entry.entry_id, "voice"]})).json()
    assert [one["name"] for one in shown["data_schema"]] == ["language", "engine", "gender"]
    url = f"{url}/{shown['flow_id']}"
    shown = await (await browser.post(url, json={"language": "de"})).json()
    shown = await (await browser.post(url, json={"voice": "anna"})).json()
    assert shown["step_id"] == "settings"
    assert "<audio controls" in shown["description_placeholders"]["audio"]
    assert [one["name"] for one in shown["data_schema"]] == ["name", "speed", "volume", "advanced", "preview"]
    shown = await (await browser.post(url, json=form())).json()
    assert shown["type"] == "create_entry"
    await hass.async_block_till_done()


async def test_a_voice_that_went_at_this_moment_is_told_of(
    hass: HomeAssistant, server: Herald, enable_custom_integrations: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coordinator, "VOICES_COOLDOWN", 3600.0)  # nobody has heard of it yet
    entry = await paired(hass, server)
    await following(entry)
    walk = await added(hass, entry)
    await walk.answer()
    await reload(server, VOICES.replace("  anna:", "  ann:").replace("default_voice: anna", "default_voice: ann"))
    await walk.answer(voice="anna")
    assert (walk.shown["type"], walk.shown["reason"]) == (FlowResultType.ABORT, "failed")
    assert "anna" in walk.texts["error"]
