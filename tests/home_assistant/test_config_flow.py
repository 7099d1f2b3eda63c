"""Pairing by hand, and anew: how a server is known to be the one, and what is said where it is not."""

from __future__ import annotations

import asyncio

import pytest
from homeassistant.config_entries import SOURCE_IGNORE, ConfigEntryState
from homeassistant.const import CONF_ADDRESS, CONF_HOST, CONF_PORT, CONF_SSL, CONF_TOKEN
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.herald.api import Address
from custom_components.herald.const import CONF_FINGERPRINT, DOMAIN
from custom_components.herald.flows.pairing import where

from .conftest import paired
from .forms import state
from .pairing import TOKEN, answered, by_hand, fingerprint, finished, reason
from .servers import TONE, Herald
from .strangers import Stranger, impostor, newer

pytestmark = pytest.mark.usefixtures("enable_custom_integrations")


# By hand


async def test_a_server_is_paired_by_hand(hass: HomeAssistant, server: Herald) -> None:
    entry = await finished(hass, await by_hand(hass, f" 127.0.0.1:{server.http_port}/ ", f" {server.token}\n"))
    assert (entry.unique_id, entry.title, entry.state) == (server.id, "Herald", ConfigEntryState.LOADED)
    assert entry.data == dict(server.entry().data)
    assert (entry.version, entry.minor_version) == (1, 1)
    assert dict(entry.options) == {}


async def test_no_server_is_paired_twice(hass: HomeAssistant, server: Herald, entry: MockConfigEntry) -> None:
    assert reason(await by_hand(hass, f"127.0.0.1:{server.http_port}", server.token)) == "already_configured"


async def test_no_server_is_paired_twice_by_two_who_do_it_at_once(hass: HomeAssistant, server: Herald) -> None:
    first = await by_hand(hass, f"127.0.0.1:{server.http_port}", server.token)
    second = await by_hand(hass, f"127.0.0.1:{server.http_port}", server.token)
    entry = await finished(hass, first)
    assert not hass.config_entries.flow.async_progress(), "the other one is over, too"
    assert hass.config_entries.async_entries(DOMAIN) == [entry]
    assert second["step_id"] == "paired"


async def test_a_server_that_was_ignored_is_paired_by_hand(hass: HomeAssistant, server: Herald) -> None:
    MockConfigEntry(domain=DOMAIN, unique_id=server.id, source=SOURCE_IGNORE, data={}).add_to_hass(hass)
    entry = await finished(hass, await by_hand(hass, f"127.0.0.1:{server.http_port}", server.token))
    assert state(entry) is ConfigEntryState.LOADED


async def test_two_servers_are_in_one_home_assistant(
    hass: HomeAssistant, server: Herald, entry: MockConfigEntry, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async with Herald(tmp_path_factory.mktemp("second"), TONE).running() as second:
        other = await finished(hass, await by_hand(hass, f"127.0.0.1:{second.http_port}", second.token))
        assert (entry.state, other.state) == (ConfigEntryState.LOADED, ConfigEntryState.LOADED)
        assert other.title.startswith("Herald ("), "the first one has the short name"
        assert {entry.unique_id, other.unique_id} == {server.id, second.id}
        devices = [dr.async_entries_for_config_entry(dr.async_get(hass), one.entry_id) for one in (entry, other)]
        assert all(devices)
        assert not {device.id for device in devices[0]} & {device.id for device in devices[1]}
        assert await hass.config_entries.async_unload(other.entry_id)


@pytest.mark.parametrize("address", ["", "ftp://herald.local", "herald.local/path", "herald.local:port", "my herald"])
async def test_what_is_no_address_is_said_beside_its_field(hass: HomeAssistant, socket_enabled: None, address: str) -> None:
    flow = await by_hand(hass, address, TOKEN)
    assert (flow["step_id"], flow["errors"]) == ("user", {CONF_ADDRESS: "bad_address"})


async def test_nobody_answers(hass: HomeAssistant, server: Herald) -> None:
    await server.stop()
    flow = await by_hand(hass, f"127.0.0.1:{server.http_port}", TOKEN)
    assert flow["errors"] == {"base": "cannot_connect"}
    await server.start()
    entry = await finished(
        hass, await answered(hass, flow, {CONF_ADDRESS: f"127.0.0.1:{server.http_port}", CONF_TOKEN: server.token})
    )
    assert state(entry) is ConfigEntryState.LOADED


async def test_a_wrong_token_is_said_and_never_filled_in_again(hass: HomeAssistant, server: Herald) -> None:
    flow = await by_hand(hass, f"127.0.0.1:{server.http_port}", TOKEN)
    assert flow["errors"] == {"base": "wrong_token"}
    schema = flow["data_schema"]
    assert schema is not None
    assert {str(key): (key.description or {}).get("suggested_value") for key in schema.schema} == {
        CONF_ADDRESS: f"127.0.0.1:{server.http_port}",
        CONF_TOKEN: None,
    }
    assert TOKEN not in str(flow)


async def test_what_answers_is_no_herald(hass: HomeAssistant, socket_enabled: None) -> None:
    async with Stranger({}).running() as stranger:
        assert (await by_hand(hass, f"127.0.0.1:{stranger.port}", TOKEN))["errors"] == {"base": "not_herald"}
        assert not stranger.has_heard(TOKEN)


@pytest.mark.parametrize(
    ("server_id", "proof", "error"), [("\ud800", "", "not_herald"), ("ab", "\ud800", "wrong_token")], ids=["id", "proof"]
)
async def test_what_cannot_be_written_is_nobodys(
    hass: HomeAssistant, socket_enabled: None, server_id: str, proof: str, error: str
) -> None:
    async with Stranger({"/api/pairing": {"id": server_id, "proof": proof}}).running() as stranger:
        assert (await by_hand(hass, f"127.0.0.1:{stranger.port}", TOKEN))["errors"] == {"base": error}


async def test_a_server_of_another_version_is_said_to_be_so(hass: HomeAssistant, socket_enabled: None) -> None:
    async with newer(TOKEN).running() as server:
        flow = await by_hand(hass, f"127.0.0.1:{server.port}", TOKEN)
        assert flow["errors"] == {"base": "wrong_version"}
        assert "9.0.0" in flow["description_placeholders"]["error"]  # type: ignore[index]


async def test_an_impostor_never_sees_the_token(hass: HomeAssistant, socket_enabled: None) -> None:
    async with impostor("ab" * 16).running() as stranger:
        assert (await by_hand(hass, f"127.0.0.1:{stranger.port}", TOKEN))["errors"] == {"base": "wrong_token"}
        assert stranger.heard
        assert not stranger.has_heard(TOKEN)


# Certificates


async def test_a_certificate_is_shown_and_pinned(hass: HomeAssistant, secure: Herald) -> None:
    flow = await by_hand(hass, f"https://127.0.0.1:{secure.http_port}", secure.token)
    assert (flow["type"], flow["step_id"]) == (FlowResultType.FORM, "certificate")
    shown = flow["description_placeholders"]["fingerprint"]  # type: ignore[index]
    assert [len(group) for group in shown.split()] == [8] * 8
    assert shown.replace(" ", "") == fingerprint(secure)
    entry = await finished(hass, await answered(hass, flow, {}))
    assert (entry.data[CONF_SSL], entry.data[CONF_FINGERPRINT]) == (True, fingerprint(secure))
    assert state(entry) is ConfigEntryState.LOADED


async def test_a_certificate_that_was_confirmed_is_not_asked_for_again(hass: HomeAssistant, secure: Herald) -> None:
    address = f"https://127.0.0.1:{secure.http_port}"
    flow = await answered(hass, await by_hand(hass, address, TOKEN), {})
    assert flow["errors"] == {"base": "wrong_token"}
    assert (await answered(hass, flow, {CONF_ADDRESS: address, CONF_TOKEN: secure.token}))["step_id"] == "paired"


async def test_a_certificate_that_changes_while_it_is_compared_is_refused(hass: HomeAssistant, secure: Herald) -> None:
    flow = await by_hand(hass, f"https://127.0.0.1:{secure.http_port}", secure.token)
    await another_certificate(secure)
    flow = await answered(hass, flow, {})
    assert (flow["step_id"], flow["errors"]) == ("user", {"base": "wrong_certificate"})


async def test_plain_http_to_a_server_with_tls_cannot_connect(hass: HomeAssistant, secure: Herald) -> None:
    assert (await by_hand(hass, f"127.0.0.1:{secure.http_port}", secure.token))["errors"] == {"base": "cannot_connect"}


async def another_certificate(server: Herald) -> None:
    await server.stop()
    await asyncio.to_thread((server.folder / "state" / "tls" / "self-signed.pem").unlink)
    await server.start()


# Another token


async def test_another_token_is_asked_for(hass: HomeAssistant, server: Herald) -> None:
    entry = server.entry(token=TOKEN)
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    assert state(entry) is ConfigEntryState.SETUP_ERROR
    (flow,) = hass.config_entries.flow.async_progress()
    assert flow["step_id"] == "reauth_confirm"
    flow = await answered(hass, flow, {CONF_TOKEN: "another-wrong-token"})
    assert flow["errors"] == {"base": "wrong_token"}
    assert reason(await answered(hass, flow, {CONF_TOKEN: server.token})) == "reauth_successful"
    await hass.async_block_till_done()
    assert (entry.data[CONF_TOKEN], entry.state) == (server.token, ConfigEntryState.LOADED)


async def test_the_same_token_again_makes_an_entry_try_again(hass: HomeAssistant, server: Herald, entry: MockConfigEntry) -> None:
    before = entry.runtime_data
    flow = await entry.start_reauth_flow(hass)
    assert reason(await answered(hass, flow, {CONF_TOKEN: server.token})) == "reauth_successful"
    await hass.async_block_till_done()
    assert state(entry) is ConfigEntryState.LOADED
    assert entry.runtime_data is not before


async def test_the_token_of_another_server_is_not_taken(
    hass: HomeAssistant, server: Herald, entry: MockConfigEntry, tmp_path_factory: pytest.TempPathFactory
) -> None:
    await server.stop()
    other = Herald(tmp_path_factory.mktemp("second"), TONE)
    other.http_port = server.http_port
    async with other.running():
        flow = await entry.start_reauth_flow(hass)
        assert reason(await answered(hass, flow, {CONF_TOKEN: other.token})) == "wrong_server"
    assert entry.data[CONF_TOKEN] == server.token


async def test_an_impostor_never_sees_the_new_token(hass: HomeAssistant, server: Herald, entry: MockConfigEntry) -> None:
    await server.stop()
    async with impostor(server.id).running() as stranger:
        hass.config_entries.async_update_entry(entry, data={**entry.data, CONF_PORT: stranger.port})
        await hass.async_block_till_done()
        (flow,) = hass.config_entries.flow.async_progress()
        assert (await answered(hass, flow, {CONF_TOKEN: TOKEN}))["errors"] == {"base": "wrong_token"}
        assert stranger.heard
        assert not stranger.has_heard(TOKEN)
        assert not stranger.has_heard(server.token)


# Another address


async def test_a_server_is_reconfigured_to_another_address_with_the_token_that_is_known(
    hass: HomeAssistant, server: Herald, entry: MockConfigEntry
) -> None:
    flow = await entry.start_reconfigure_flow(hass)
    assert (flow["type"], flow["step_id"]) == (FlowResultType.FORM, "reconfigure")
    assert server.token not in str(flow)
    await server.stop()
    server.move()
    await server.start()
    flow = await answered(hass, flow, {CONF_ADDRESS: f"http://127.0.0.1:{server.http_port}/"})
    assert reason(flow) == "reconfigure_successful"
    await hass.async_block_till_done()
    assert (entry.data[CONF_HOST], entry.data[CONF_PORT]) == ("127.0.0.1", server.http_port)
    assert (entry.data[CONF_TOKEN], entry.state) == (server.token, ConfigEntryState.LOADED)


@pytest.mark.parametrize("address", ["http://herald.local:80", "https://herald.local:443", "http://[fd00::1]:80"])
async def test_the_known_address_is_shown_so_that_it_can_be_sent_again(hass: HomeAssistant, address: str) -> None:
    known = Address.parse(address)
    entry = MockConfigEntry(domain=DOMAIN, unique_id="ab", data={**where(known), CONF_TOKEN: TOKEN})
    entry.add_to_hass(hass)
    schema = (await entry.start_reconfigure_flow(hass))["data_schema"]
    assert schema is not None
    (shown,) = [key.description["suggested_value"] for key in schema.schema if key == CONF_ADDRESS]
    assert shown == address
    assert Address.parse(shown) == known


async def test_an_empty_token_keeps_the_one_that_is_known(hass: HomeAssistant, server: Herald, entry: MockConfigEntry) -> None:
    answer = {CONF_ADDRESS: f"127.0.0.1:{server.http_port}", CONF_TOKEN: " "}
    assert reason(await answered(hass, await entry.start_reconfigure_flow(hass), answer)) == "reconfigure_successful"
    await hass.async_block_till_done()
    assert entry.data[CONF_TOKEN] == server.token


async def test_a_server_is_not_reconfigured_to_another_one(
    hass: HomeAssistant, server: Herald, entry: MockConfigEntry, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async with Herald(tmp_path_factory.mktemp("second"), TONE).running() as other:
        flow = await entry.start_reconfigure_flow(hass)
        flow = await answered(hass, flow, {CONF_ADDRESS: f"127.0.0.1:{other.http_port}", CONF_TOKEN: other.token})
        assert reason(flow) == "wrong_server"
    assert entry.data == dict(server.entry().data)


async def test_the_known_certificate_is_not_asked_for_and_another_one_is(hass: HomeAssistant, secure: Herald) -> None:
    entry = await paired(hass, secure, ssl=True, fingerprint=fingerprint(secure))
    address = {CONF_ADDRESS: f"https://127.0.0.1:{secure.http_port}"}
    assert reason(await answered(hass, await entry.start_reconfigure_flow(hass), address)) == "reconfigure_successful"
    await hass.async_block_till_done()
    before = fingerprint(secure)
    await another_certificate(secure)
    flow = await answered(hass, await entry.start_reconfigure_flow(hass), address)
    assert flow["step_id"] == "certificate_changed"
    assert reason(await answered(hass, flow, {})) == "reconfigure_successful"
    await hass.async_block_till_done()
    assert entry.data[CONF_FINGERPRINT] == fingerprint(secure) != before
    assert state(entry) is ConfigEntryState.LOADED


# The end


async def test_nothing_is_left_of_a_server_that_is_removed(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    assert await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done()
    assert not hass.config_entries.async_entries(DOMAIN)
    assert not dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    assert not er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)


async def test_an_entry_of_a_later_version_is_refused_and_one_with_more_in_it_is_not(hass: HomeAssistant, server: Herald) -> None:
    later = MockConfigEntry(domain=DOMAIN, unique_id="later", data=dict(server.entry().data), version=2)
    later.add_to_hass(hass)
    assert not await hass.config_entries.async_setup(later.entry_id)
    assert state(later) is ConfigEntryState.MIGRATION_ERROR
    more = MockConfigEntry(domain=DOMAIN, unique_id=server.id, data=dict(server.entry().data), version=1, minor_version=2)
    more.add_to_hass(hass)
    assert await hass.config_entries.async_setup(more.entry_id)
    await hass.async_block_till_done()
    assert state(more) is ConfigEntryState.LOADED
