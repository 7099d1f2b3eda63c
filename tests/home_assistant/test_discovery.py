"""Servers that are found: by the network, which proves nothing, and by the Supervisor, which brings the token."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest
from homeassistant.config_entries import (
    SOURCE_HASSIO,
    SOURCE_IGNORE,
    SOURCE_ZEROCONF,
    ConfigEntryState,
    ConfigFlowResult,
)
from homeassistant.const import CONF_PORT, CONF_SSL, CONF_TOKEN
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers.service_info.hassio import HassioServiceInfo
from homeassistant.helpers.service_info.zeroconf import ZeroconfServiceInfo
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.herald.const import CONF_FINGERPRINT, DOMAIN

from .conftest import paired
from .forms import assert_told, state
from .pairing import TOKEN, answered, fingerprint, finished, reason
from .servers import Herald
from .strangers import impostor

pytestmark = pytest.mark.usefixtures("enable_custom_integrations")


def announced(port: int, server_id: str, host: str = "127.0.0.1", **more: str) -> ZeroconfServiceInfo:
    return ZeroconfServiceInfo(
        ip_address=ip_address(host),
        ip_addresses=[ip_address(host)],
        port=port,
        hostname="kitchen.local.",
        type="_herald._tcp.local.",
        name="kitchen._herald._tcp.local.",
        properties={"id": server_id, "version": "0.1.0", "api": "1", "tls": "0", **more},
    )


async def found(hass: HomeAssistant, info: ZeroconfServiceInfo) -> ConfigFlowResult:
    shown = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_ZEROCONF}, data=info)
    assert_told("config", shown)
    return shown


async def offered(hass: HomeAssistant, **config: Any) -> ConfigFlowResult:
    info = HassioServiceInfo(config=config, name="Herald", slug="a0d7b954_herald", uuid="1234")
    shown = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_HASSIO}, data=info)
    assert_told("config", shown)
    return shown


# Zeroconf


async def test_a_server_that_announces_itself_is_paired(hass: HomeAssistant, server: Herald) -> None:
    flow = await found(hass, announced(server.http_port, server.id))
    assert (flow["type"], flow["step_id"]) == (FlowResultType.FORM, "zeroconf_confirm")
    (progress,) = hass.config_entries.flow.async_progress()
    assert progress["context"]["title_placeholders"] == {"name": "Herald (kitchen)"}
    flow = await answered(hass, flow, {CONF_TOKEN: TOKEN})
    assert flow["errors"] == {"base": "wrong_token"}
    entry = await finished(hass, await answered(hass, flow, {CONF_TOKEN: server.token}))
    assert entry.data == dict(server.entry().data)
    assert reason(await found(hass, announced(server.http_port, server.id))) == "already_configured"


async def test_a_server_with_tls_that_announces_itself_is_paired(hass: HomeAssistant, secure: Herald) -> None:
    flow = await found(hass, announced(secure.http_port, secure.id, tls="1"))
    flow = await answered(hass, flow, {CONF_TOKEN: secure.token})
    assert flow["step_id"] == "certificate"
    entry = await finished(hass, await answered(hass, flow, {}))
    assert entry.data[CONF_FINGERPRINT] == fingerprint(secure)


async def test_an_announcement_is_asked_about_once(hass: HomeAssistant, server: Herald) -> None:
    await found(hass, announced(server.http_port, server.id))
    assert reason(await found(hass, announced(server.http_port, server.id))) == "already_in_progress"


@pytest.mark.parametrize("wrong", [{"api": "2"}, {"tls": "maybe"}, {"id": ""}])
async def test_an_announcement_that_is_not_understood_is_passed_over(hass: HomeAssistant, wrong: dict[str, str]) -> None:
    info = announced(1, "ab" * 16)
    info.properties.update(wrong)
    assert reason(await found(hass, info)) == "not_understood"


async def test_an_announcement_of_nobody_is_passed_over(hass: HomeAssistant, server: Herald) -> None:
    await server.stop()
    assert reason(await found(hass, announced(server.http_port, server.id))) == "cannot_connect"


async def test_an_announcement_of_another_id_than_the_server_has_is_passed_over(hass: HomeAssistant, server: Herald) -> None:
    assert reason(await found(hass, announced(server.http_port, "ab" * 16))) == "not_herald"


async def test_an_ignored_server_stays_ignored(hass: HomeAssistant, server: Herald) -> None:
    MockConfigEntry(domain=DOMAIN, unique_id=server.id, source=SOURCE_IGNORE, data={}).add_to_hass(hass)
    assert reason(await found(hass, announced(server.http_port, server.id))) == "already_configured"


async def test_a_server_that_moved_is_followed_once_it_proved_itself(
    hass: HomeAssistant, server: Herald, entry: MockConfigEntry
) -> None:
    await server.stop()
    server.move()
    await server.start()
    assert reason(await found(hass, announced(server.http_port, server.id))) == "already_configured"
    await hass.async_block_till_done()
    assert (entry.data[CONF_PORT], entry.data[CONF_TOKEN]) == (server.http_port, server.token)
    assert state(entry) is ConfigEntryState.LOADED


async def test_a_server_that_moved_while_home_assistant_was_down_is_followed(hass: HomeAssistant, server: Herald) -> None:
    entry = server.entry(port=1)
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    assert state(entry) is ConfigEntryState.SETUP_RETRY
    assert reason(await found(hass, announced(server.http_port, server.id))) == "already_configured"
    await hass.async_block_till_done()
    assert state(entry) is ConfigEntryState.LOADED


async def test_an_impostor_elsewhere_is_not_followed_and_never_sees_the_token(
    hass: HomeAssistant, server: Herald, entry: MockConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    await server.stop()
    async with impostor(server.id).running() as stranger:
        assert reason(await found(hass, announced(stranger.port, server.id))) == "already_configured"
        await hass.async_block_till_done()
        assert entry.data[CONF_PORT] == server.http_port
        assert stranger.heard
        assert not stranger.has_heard(server.token)
    assert server.token not in caplog.text


async def test_a_server_that_is_where_it_was_is_not_followed_to_whoever_passes_its_proof_on(
    hass: HomeAssistant, server: Herald, entry: MockConfigEntry
) -> None:
    async with impostor(server.id).running() as stranger:
        assert reason(await found(hass, announced(stranger.port, server.id))) == "already_configured"
        assert not stranger.heard, "it is not even asked: the server still answers where it was"
    assert entry.data[CONF_PORT] == server.http_port


async def test_a_server_with_tls_is_not_followed_to_an_address_without(hass: HomeAssistant, secure: Herald) -> None:
    entry = await paired(hass, secure, ssl=True, fingerprint=fingerprint(secure))
    await secure.stop()
    async with impostor(secure.id).running() as stranger:
        assert reason(await found(hass, announced(stranger.port, secure.id))) == "already_configured"
        assert not stranger.heard
    assert entry.data[CONF_SSL]


# The Supervisor


async def test_an_add_on_is_paired_without_a_token_to_enter(hass: HomeAssistant, server: Herald) -> None:
    flow = await offered(hass, host="127.0.0.1", port=server.http_port, token=server.token)
    assert (flow["type"], flow["step_id"]) == (FlowResultType.FORM, "hassio_confirm")
    entry = await finished(hass, await answered(hass, flow, {}))
    assert entry.unique_id == server.id
    assert entry.data == dict(server.entry().data)


async def test_an_add_on_goes_before_what_the_network_tells_of_it(hass: HomeAssistant, server: Herald) -> None:
    await found(hass, announced(server.http_port, server.id))
    flow = await offered(hass, host="127.0.0.1", port=server.http_port, token=server.token)
    assert flow["step_id"] == "hassio_confirm"
    assert reason(await found(hass, announced(server.http_port, server.id))) == "already_in_progress"
    await finished(hass, await answered(hass, flow, {}))
    assert not hass.config_entries.flow.async_progress(), "nobody is asked for a token any more"


async def test_an_add_on_that_went_away_before_it_was_confirmed(hass: HomeAssistant, server: Herald) -> None:
    flow = await offered(hass, host="127.0.0.1", port=server.http_port, token=server.token)
    await server.stop()
    assert (await answered(hass, flow, {}))["errors"] == {"base": "cannot_connect"}


async def test_an_add_on_that_cannot_be_read_or_reached(hass: HomeAssistant, server: Herald) -> None:
    assert reason(await offered(hass, host="127.0.0.1")) == "not_understood"
    assert reason(await offered(hass, host="127.0.0.1", port=server.http_port, token=TOKEN)) == "wrong_token"


async def test_an_add_on_with_another_token_is_known_again(hass: HomeAssistant, server: Herald) -> None:
    entry = server.entry(token=TOKEN)
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    assert state(entry) is ConfigEntryState.SETUP_ERROR
    assert reason(await offered(hass, host="127.0.0.1", port=server.http_port, token=server.token)) == "already_configured"
    await hass.async_block_till_done()
    assert entry.data[CONF_TOKEN] == server.token
    assert state(entry) is ConfigEntryState.LOADED
