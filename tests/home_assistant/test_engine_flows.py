"""Credentials of engines, in forms: tried live, stored by the server alone, and never shown."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from homeassistant.config_entries import SOURCE_USER, ConfigEntryState
from homeassistant.const import CONF_ADDRESS, CONF_TOKEN
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers.selector import TextSelector
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.herald.api import Kind, State
from tests.simulators.openspeech import OpenSpeechSimulator

from .conftest import paired
from .forms import LABELS, OPENSPEECH, Walk, good, wrong
from .servers import Herald
from .strangers import impostor

pytestmark = pytest.mark.usefixtures("enable_custom_integrations")

NOBODY = "ws://127.0.0.1:9"
FIXED = """
engines:
  tone: {per_character: 0.02}
  espeak: {enabled: false}
  openspeech: {appid: "1234567890", token: access-token, url: URL, MORE}
default_voice: tone/tone
"""


@pytest.fixture
async def options(hass: HomeAssistant, entry: MockConfigEntry) -> Walk:
    """The options of a server that has a tone, and knows of engines that need credentials."""
    return await configured(hass, entry)


@pytest.fixture
async def fixed(hass: HomeAssistant, vendor: OpenSpeechSimulator, tmp_path: Path) -> AsyncIterator[Walk]:
    """Those of a server that has credentials in herald.yaml."""
    async with Herald(tmp_path, FIXED.replace("URL", vendor.url).replace("MORE", "concurrency: 2")).running() as server:
        yield await configured(hass, await paired(hass, server))


async def configured(hass: HomeAssistant, entry: MockConfigEntry) -> Walk:
    shown = await hass.config_entries.options.async_init(entry.entry_id)
    walk = Walk(hass, hass.config_entries.options, shown, "options")
    assert (walk.step, walk.menu) == ("init", ["engines", "playing"])
    await walk.choose("engines")
    return walk


def stored(server: Herald) -> dict[str, Any]:
    """By the server, of openspeech."""
    file = server.folder / "state" / "credentials.json"
    kept: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    found: dict[str, Any] = kept.get("engines", {}).get("openspeech", {})
    return found


def labels(walk: Walk) -> dict[str, str]:
    """Of the list of engines."""
    schema = walk.shown["data_schema"]
    assert schema is not None
    (selector,) = schema.schema.values()
    return {option["value"]: option["label"] for option in selector.config["options"]}


async def test_engines_are_listed_with_their_state_in_words(options: Walk) -> None:
    assert options.step == "engines"
    shown = labels(options)
    assert shown["engine:tone"].endswith(" · not tried yet")
    assert shown[OPENSPEECH].endswith(" · not set")
    assert any(key.startswith("converter:") for key in shown)


async def test_states_are_told_in_the_language_of_home_assistant(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    hass.config.language = "zh-Hans"
    assert labels(await configured(hass, entry))[OPENSPEECH].endswith(" · 未设置")


async def test_wrong_credentials_are_refused_in_the_vendors_words_and_right_ones_stored(
    hass: HomeAssistant, entry: MockConfigEntry, server: Herald, options: Walk, vendor: OpenSpeechSimulator
) -> None:
    await options.answer(engine=OPENSPEECH)
    assert (options.step, options.menu) == ("engine", ["credentials", "engines", "finish"])
    await options.choose("credentials")
    await options.enter(**wrong(vendor))
    assert (options.step, options.shown["errors"]) == ("credentials", {"base": "refused"})
    assert "requested grant not found" in options.texts["error"]
    assert stored(server) == {}
    await options.enter(**good(vendor))
    assert (options.step, options.menu) == ("stored", ["engines", "finish"])
    assert options.texts["message"].startswith("Accepted by")
    assert stored(server) == {"api_key": "api-key", "url": vendor.url}
    await hass.async_block_till_done()
    await options.choose("engines")
    assert labels(options)[OPENSPEECH].endswith(" · not tried yet")
    await options.answer(engine=OPENSPEECH)
    assert options.menu == ["credentials", "verify", "remove", "engines", "finish"]
    await options.choose("verify")
    assert (options.step, options.menu) == ("accepted", ["engines", "finish"])
    await options.choose("finish")
    assert options.shown["type"] is FlowResultType.CREATE_ENTRY
    assert (dict(entry.options), entry.state) == ({}, ConfigEntryState.LOADED)


async def test_the_form_is_the_servers_and_nothing_is_filled_in(options: Walk, vendor: OpenSpeechSimulator) -> None:
    await options.answer(engine=OPENSPEECH)
    await options.choose("credentials")
    assert options.fields == ["field_1", "field_2", "field_3", "field_4", "field_5"]
    assert tuple(options.texts[f"label_{number}"] for number in range(1, 6)) == LABELS
    assert options.texts["label_6"] == options.texts["help_8"] == ""
    assert options.texts["help_3"] == "In the console beside the APP ID."
    assert "API key / APP ID + Access Token" in options.texts["notes"]
    schema = options.shown["data_schema"]
    assert schema is not None
    kinds = [selector.config["type"] for selector in schema.schema.values() if isinstance(selector, TextSelector)]
    assert kinds == ["password", "text", "password", "password", "url"]
    hints = {selector.config["autocomplete"] for selector in schema.schema.values() if isinstance(selector, TextSelector)}
    assert hints == {"off"}, "a browser would fill in the password of Home Assistant"
    await options.enter(**good(vendor))
    await options.choose("engines")
    await options.answer(engine=OPENSPEECH)
    await options.choose("credentials")
    assert options.texts["help_1"].endswith("It is set; leave it empty to keep it.")
    assert "api-key" not in str(options.shown)
    assert vendor.url not in str(options.shown)
    schema = options.shown["data_schema"]
    assert schema is not None
    assert schema({}) == {}, "no default"
    assert [key.description for key in schema.schema] == [None] * 5, "no suggestion"


async def test_credentials_are_in_no_log_and_no_storage_of_home_assistant(
    hass: HomeAssistant, entry: MockConfigEntry, options: Walk, vendor: OpenSpeechSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await options.answer(engine=OPENSPEECH)
    await options.choose("credentials")
    await options.enter(**wrong(vendor))
    await options.enter(**good(vendor))
    await options.choose("finish")
    vendors_own = "websockets"
    logged = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith(vendors_own))
    assert "homeassistant" in {record.name.partition(".")[0] for record in caplog.records}
    assert wrong(vendor)["API_key"] not in logged + str(entry.as_dict())
    assert "api-key" not in logged + str(entry.as_dict())
    assert entry.data[CONF_TOKEN] not in logged


async def test_a_form_with_nothing_in_it_stores_nothing(options: Walk, server: Herald) -> None:
    await options.answer(engine=OPENSPEECH)
    await options.choose("credentials")
    await options.enter(API_key="  ")
    assert options.shown["errors"] == {"base": "nothing_entered"}
    assert stored(server) == {}


async def test_a_vendor_that_is_not_reached_leaves_the_choice(options: Walk, server: Herald) -> None:
    await options.answer(engine=OPENSPEECH)
    await options.choose("credentials")
    await options.enter(API_key="api-key", Address=NOBODY)
    assert (options.step, options.menu) == ("unverified", ["credentials", "store_anyway", "engines", "finish"])
    assert options.texts["message"]
    assert stored(server) == {}
    await options.choose("credentials")
    await options.enter(API_key="api-key", Address=NOBODY)
    await options.choose("store_anyway")
    assert (options.step, options.menu) == ("stored_untried", ["engines", "finish"])
    assert stored(server) == {"api_key": "api-key", "url": NOBODY}
    await options.choose("engines")
    await options.answer(engine=OPENSPEECH)
    await options.choose("verify")
    assert (options.step, options.menu) == ("not_accepted", ["engines", "finish"])
    assert options.texts["message"]


async def test_what_the_server_refuses_to_store_is_said_in_its_words(
    options: Walk, server: Herald, vendor: OpenSpeechSimulator
) -> None:
    await options.answer(engine=OPENSPEECH)
    await options.choose("credentials")
    await options.enter(**good(vendor))
    await options.choose("engines")
    await options.answer(engine=OPENSPEECH)
    await options.choose("credentials")
    await options.enter(Address=NOBODY)
    assert (options.step, options.shown["errors"]) == ("credentials", {"base": "not_stored"})
    assert "api_key" in options.texts["error"]
    assert stored(server)["url"] == vendor.url


async def test_stored_credentials_are_removed(
    hass: HomeAssistant, entry: MockConfigEntry, server: Herald, options: Walk, vendor: OpenSpeechSimulator
) -> None:
    await options.answer(engine=OPENSPEECH)
    await options.choose("credentials")
    await options.enter(**good(vendor))
    await options.choose("engines")
    await options.answer(engine=OPENSPEECH)
    await options.choose("remove")
    assert (options.step, options.fields) == ("remove", [])
    await options.answer()
    assert (options.step, options.texts["state"]) == ("removed", "not set")
    assert stored(server) == {}


async def test_credentials_are_not_removed_while_the_server_is_offline_and_that_is_said(
    options: Walk, server: Herald, vendor: OpenSpeechSimulator
) -> None:
    await options.answer(engine=OPENSPEECH)
    await options.choose("credentials")
    await options.enter(**good(vendor))
    await options.choose("engines")
    await options.answer(engine=OPENSPEECH)
    await options.choose("remove")
    await server.stop()
    await options.answer()
    assert (options.step, options.shown["errors"]) == ("remove", {"base": "not_removed_unreachable"})
    assert stored(server) == {"api_key": "api-key", "url": vendor.url}
    await server.start()
    await options.answer()
    assert options.step == "removed"
    assert stored(server) == {}


async def test_credentials_that_are_gone_already_are_not_removed_again(
    entry: MockConfigEntry, options: Walk, vendor: OpenSpeechSimulator
) -> None:
    await options.answer(engine=OPENSPEECH)
    await options.choose("credentials")
    await options.enter(**good(vendor))
    await options.choose("engines")
    await options.answer(engine=OPENSPEECH)
    await options.choose("remove")
    await entry.runtime_data.client.delete_credentials(Kind.ENGINE, "openspeech")
    await options.answer()
    assert options.step == "removed"


async def test_a_server_that_goes_offline_stores_and_tries_nothing_and_that_is_said(
    options: Walk, server: Herald, vendor: OpenSpeechSimulator
) -> None:
    await options.answer(engine=OPENSPEECH)
    await options.choose("credentials")
    await options.enter(API_key="api-key", Address=NOBODY)
    await server.stop()
    await options.choose("store_anyway")
    assert (options.step, options.shown["errors"]) == ("credentials", {"base": "not_stored_unreachable"})
    await options.enter(**good(vendor))
    assert (options.step, options.shown["errors"]) == ("credentials", {"base": "not_stored_unreachable"})
    assert stored(server) == {}
    await server.start()
    await options.enter(**good(vendor))
    assert options.step == "stored"
    await options.choose("engines")
    await options.answer(engine=OPENSPEECH)
    await server.stop()
    await options.choose("verify")
    assert (options.step, options.menu) == ("unreachable", ["engines", "finish"])
    await options.choose("engines")
    assert options.step == "unreachable"
    await server.start()
    await options.choose("engines")
    assert options.step == "engines"


async def test_an_engine_without_credentials_is_tried_alone(options: Walk) -> None:
    await options.answer(engine="engine:tone")
    assert options.menu == ["verify", "engines", "finish"]
    await options.choose("verify")
    assert options.step in ("accepted", "not_accepted")


async def test_what_herald_yaml_says_is_told_and_not_to_be_changed(fixed: Walk) -> None:
    assert labels(fixed)[OPENSPEECH].endswith(" · not tried yet, set on the server")
    await fixed.answer(engine=OPENSPEECH)
    assert fixed.menu == ["credentials", "verify", "engines", "finish"]
    assert "only there: APP ID, Access Token, Address." in fixed.texts["notes"]
    await fixed.choose("credentials")
    assert [fixed.texts[f"label_{number}"] for number in range(1, 4)] == ["API key", "Secret Key", ""]
    await fixed.answer()
    assert fixed.step == "accepted", "nothing entered: what is in force is tried"


async def test_refused_credentials_of_herald_yaml_lead_to_the_form(fixed: Walk, vendor: OpenSpeechSimulator) -> None:
    vendor.change(account=type(vendor.options.account)(token="another"))
    await fixed.answer(engine=OPENSPEECH)
    await fixed.choose("verify")
    assert (fixed.step, fixed.shown["errors"]) == ("credentials", {"base": "refused"})


async def test_an_impostor_is_given_neither_credentials_nor_the_token(
    hass: HomeAssistant, entry: MockConfigEntry, server: Herald, options: Walk
) -> None:
    await options.answer(engine=OPENSPEECH)
    await options.choose("credentials")
    await server.stop()
    async with impostor(server.id).running(port=server.http_port) as stranger:
        await options.enter(API_key="a-key-of-mine")
        assert (options.step, options.shown["errors"]) == ("credentials", {"base": "not_stored"})
        assert (await configured(hass, entry)).step == "unreachable"
        assert stranger.heard
        assert not stranger.has_heard("a-key-of-mine")
        assert not stranger.has_heard(server.token)


async def test_engines_are_set_up_while_the_server_is_paired(
    hass: HomeAssistant, server: Herald, vendor: OpenSpeechSimulator
) -> None:
    manager = hass.config_entries.flow
    walk = Walk(hass, manager, await manager.async_init("herald", context={"source": SOURCE_USER}), "config")
    await walk.answer(**{CONF_ADDRESS: f"127.0.0.1:{server.http_port}", CONF_TOKEN: server.token})
    assert (walk.step, walk.menu) == ("paired", ["engines", "finish"])
    await walk.choose("engines")
    await walk.answer(engine=OPENSPEECH)
    await walk.choose("credentials")
    await walk.enter(**wrong(vendor))
    assert walk.shown["errors"] == {"base": "refused"}
    await walk.enter(**good(vendor))
    assert walk.step == "stored"
    assert not hass.config_entries.async_entries("herald")
    await walk.choose("finish")
    await hass.async_block_till_done()
    (entry,) = hass.config_entries.async_entries("herald")
    assert entry.state is ConfigEntryState.LOADED
    assert "api-key" not in str(entry.as_dict())
    assert entry.runtime_data.data.services[Kind.ENGINE, "openspeech"].state is State.UNTRIED


async def test_whoever_has_no_credentials_at_hand_is_paired_all_the_same(hass: HomeAssistant, server: Herald) -> None:
    manager = hass.config_entries.flow
    walk = Walk(hass, manager, await manager.async_init("herald", context={"source": SOURCE_USER}), "config")
    await walk.answer(**{CONF_ADDRESS: f"127.0.0.1:{server.http_port}", CONF_TOKEN: server.token})
    await walk.choose("engines")
    await walk.answer(engine=OPENSPEECH)
    await walk.choose("finish")
    assert walk.shown["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()


async def test_a_flow_that_is_closed_amid_a_trial_leaves_nothing(
    hass: HomeAssistant, options: Walk, vendor: OpenSpeechSimulator, server: Herald
) -> None:
    await options.answer(engine=OPENSPEECH)
    await options.choose("credentials")
    shown = await hass.config_entries.options.async_configure(
        options.shown["flow_id"], {"field_1": "api-key", "field_5": vendor.url}
    )
    assert shown["type"] is FlowResultType.SHOW_PROGRESS
    hass.config_entries.options.async_abort(shown["flow_id"])
    await hass.async_block_till_done()
    assert stored(server) == {}


async def test_forms_reach_a_browser(
    hass: HomeAssistant, entry: MockConfigEntry, hass_client: ClientSessionGenerator, vendor: OpenSpeechSimulator
) -> None:
    browser = await rest(hass, hass_client)
    url = "/api/config/config_entries/options/flow"
    shown = await told(browser, url, {"handler": entry.entry_id})
    url = f"{url}/{shown['flow_id']}"
    assert shown["menu_options"] == ["engines", "playing"]
    shown = await told(browser, url, {"next_step_id": "engines"})
    assert shown["data_schema"][0]["name"] == "engine"
    await told(browser, url, {"engine": OPENSPEECH})
    shown = await told(browser, url, {"next_step_id": "credentials"})
    assert [field["name"] for field in shown["data_schema"]] == [f"field_{number}" for number in range(1, 6)]
    shown = await told(browser, url, {"field_1": "api-key", "field_5": vendor.url})
    assert (shown["type"], shown["progress_action"]) == ("progress", "verifying")
    await hass.async_block_till_done()
    response = await browser.post(url, json={})
    assert (await response.json())["step_id"] == "stored"


async def test_only_administrators_set_anything_up(
    hass: HomeAssistant, entry: MockConfigEntry, hass_client: ClientSessionGenerator, hass_read_only_access_token: str
) -> None:
    await rest(hass, hass_client)
    reader = await hass_client(hass_read_only_access_token)
    for kind, handler in (
        ("flow", "herald"),
        ("options/flow", entry.entry_id),
        ("subentries/flow", [entry.entry_id, "voice"]),
        ("subentries/flow", [entry.entry_id, "announcement_group"]),
    ):
        response = await reader.post(f"/api/config/config_entries/{kind}", json={"handler": handler})
        assert response.status == HTTPStatus.UNAUTHORIZED


async def rest(hass: HomeAssistant, hass_client: ClientSessionGenerator) -> Any:
    assert await async_setup_component(hass, "config", {})
    return await hass_client()


async def told(browser: Any, url: str, answer: dict[str, Any]) -> dict[str, Any]:
    response = await browser.post(url, json=answer)
    shown: dict[str, Any] = await response.json()
    assert response.status == 200, shown
    return shown
