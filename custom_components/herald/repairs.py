"""How an issue is mended: refused credentials, with the same form as everywhere; a voice that is gone, by another one."""

from __future__ import annotations

from typing import Any

import probatio
from homeassistant.components.repairs import RepairsFlow
from homeassistant.components.repairs.const import FlowType
from homeassistant.components.repairs.models import RepairsFlowContext, RepairsFlowResult
from homeassistant.config_entries import SOURCE_RECONFIGURE, ConfigEntry, ConfigSubentry, SubentryFlowContext
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir

from . import client, players
from .api import Client, HeraldError, Kind
from .const import DOMAIN, SUBENTRY_VOICE
from .flows.engines import EngineSteps
from .flows.words import open_fields


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, str | int | float | None] | None
) -> RepairsFlow:
    """Of an issue of `issues` or `players`."""
    match data:
        case {"entry_id": str(entry_id), "subentry_id": str(subentry_id)}:
            return VoiceRepair(hass.config_entries.async_get_known_entry(entry_id), subentry_id)
        case {"entry_id": str(entry_id), "kind": str(kind), "name": str(name)}:
            return CredentialsRepair(hass.config_entries.async_get_known_entry(entry_id), Kind(kind), name)
    return AddressRepair()


class CredentialsRepair(EngineSteps[RepairsFlowContext, RepairsFlowResult], RepairsFlow):
    """Of one engine or converter: mended as soon as its credentials are accepted, or stored untried."""

    onward = ("credentials",)

    def __init__(self, entry: ConfigEntry, kind: Kind, name: str) -> None:
        self._entry = entry
        self._kind, self._name = kind, name

    @property
    def client(self) -> Client:
        return client(self.hass, self._entry)

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        try:
            self._service = await (await self._proved()).service(self._kind, self._name)
        except HeraldError as error:
            return self.async_abort(reason="unreachable", description_placeholders={"error": str(error)})
        if not open_fields(self._service):
            return self.async_abort(reason="read_only")
        return await self.async_step_credentials()

    async def async_step_finish(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        return self.async_create_entry(data={})

    async def async_step_stored(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        return await self.async_step_finish()

    async def async_step_stored_untried(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        return await self.async_step_finish()

    async def async_step_accepted(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        return await self.async_step_finish()


class VoiceRepair(RepairsFlow):
    """Of one that the server has no more: another one speaks, as its own form has it, or it is removed."""

    def __init__(self, entry: ConfigEntry, subentry_id: str) -> None:
        self._entry, self._subentry_id = entry, subentry_id

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        if (subentry := self._subentry) is None:
            return self.async_create_entry(data={})
        texts = {"name": subentry.title, "voice": subentry.data["voice"], "server": self._entry.title}
        return self.async_show_menu(step_id="init", menu_options=["replace", "remove"], description_placeholders=texts)

    async def async_step_replace(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """In the voice's own form. The issue ends with what comes of that."""
        if self._subentry is None:
            return self.async_create_entry(data={})
        form = await self.hass.config_entries.subentries.async_init(
            (self._entry.entry_id, SUBENTRY_VOICE),
            context=SubentryFlowContext(source=SOURCE_RECONFIGURE, subentry_id=self._subentry_id),
        )
        if form["type"] is FlowResultType.ABORT:
            return self.async_abort(reason="not_now")
        return self.async_abort(reason="replace", next_flow=(FlowType.CONFIG_SUBENTRIES_FLOW, form["flow_id"]))

    async def async_step_remove(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """With its device and its entity."""
        if self._subentry is not None:
            self.hass.config_entries.async_remove_subentry(self._entry, self._subentry_id)
        return self.async_create_entry(data={})

    @property
    def _subentry(self) -> ConfigSubentry | None:
        """None: somebody removed it meanwhile, which mends it, too."""
        return self._entry.subentries.get(self._subentry_id)


class AddressRepair(RepairsFlow):
    """Of Home Assistant's own address: somebody mends it elsewhere, and has it looked at again."""

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        return await self.async_step_confirm()

    async def async_step_confirm(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        if user_input is not None and await players.check(self.hass):
            return self.async_create_entry(data={})
        issue = ir.async_get(self.hass).async_get_issue(DOMAIN, self.issue_id)
        return self.async_show_form(
            step_id="confirm",
            data_schema=probatio.Schema({}),
            errors=None if user_input is None else {"base": "not_mended"},
            description_placeholders=None if issue is None else issue.translation_placeholders,
        )
