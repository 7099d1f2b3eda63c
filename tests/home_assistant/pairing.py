"""Pairing as somebody goes through it."""

from __future__ import annotations

from typing import Any

from homeassistant.config_entries import SOURCE_USER, ConfigEntry, ConfigFlowResult
from homeassistant.const import CONF_ADDRESS, CONF_TOKEN
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType

from custom_components.herald.const import DOMAIN

from .forms import assert_told
from .servers import Herald

TOKEN = "a-token-of-somebody-else-0123456789"


def fingerprint(server: Herald) -> str:
    """As its log tells it."""
    return next(word for word in server.log.replace(",", " ").replace(".", " ").split() if len(word) == 64)


async def by_hand(hass: HomeAssistant, address: str, token: str) -> ConfigFlowResult:
    flow = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    assert_told("config", flow)
    assert (flow["type"], flow["step_id"], flow["errors"]) == (FlowResultType.FORM, "user", None)
    return await answered(hass, flow, {CONF_ADDRESS: address, CONF_TOKEN: token})


async def answered(hass: HomeAssistant, flow: ConfigFlowResult, answer: dict[str, Any]) -> ConfigFlowResult:
    shown = await hass.config_entries.flow.async_configure(flow["flow_id"], answer)
    assert_told("config", shown)
    return shown


async def finished(hass: HomeAssistant, flow: ConfigFlowResult) -> ConfigEntry:
    """The entry, from the menu that follows the pairing."""
    assert (flow["type"], flow["step_id"]) == (FlowResultType.MENU, "paired")
    done = await answered(hass, flow, {"next_step_id": "finish"})
    assert done["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()
    entry = done["result"]
    assert isinstance(entry, ConfigEntry)
    return entry


def reason(flow: ConfigFlowResult) -> str:
    assert flow["type"] is FlowResultType.ABORT
    return flow["reason"]
