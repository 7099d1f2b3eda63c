"""How a server is paired, and what of it is set up in forms. Here stand the steps; what they share is in `flows`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import probatio
from homeassistant.config_entries import (
    SOURCE_IGNORE,
    SOURCE_REAUTH,
    SOURCE_RECONFIGURE,
    ConfigEntry,
    ConfigEntryState,
    ConfigFlow,
    ConfigFlowContext,
    ConfigFlowResult,
    ConfigSubentryFlow,
    OptionsFlow,
)
from homeassistant.const import CONF_ADDRESS, CONF_TOKEN
from homeassistant.core import callback
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.selector import (
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)
from homeassistant.helpers.service_info.hassio import HassioServiceInfo
from homeassistant.helpers.service_info.zeroconf import ZeroconfServiceInfo

from . import client
from .api import Address, Client, HeraldError, UntrustedCertificate, identify
from .const import CONF_LEAD, DOMAIN, LEAD, SUBENTRY_GROUP, SUBENTRY_VOICE
from .flows.engines import EngineSteps
from .flows.groups import GroupFlow
from .flows.pairing import Pairing, found_by_supervisor, found_by_zeroconf, grouped, key_of, moved, paired, where
from .flows.voices import VoiceFlow

TITLE = "Herald"
_SECRET = TextSelector(TextSelectorConfig(type=TextSelectorType.PASSWORD, autocomplete="off"))
FORMS: Mapping[str, probatio.Schema] = {
    "user": probatio.Schema({probatio.Required(CONF_ADDRESS): TextSelector(), probatio.Required(CONF_TOKEN): _SECRET}),
    "zeroconf_confirm": probatio.Schema({probatio.Required(CONF_TOKEN): _SECRET}),
    "hassio_confirm": probatio.Schema({}),
    "reauth_confirm": probatio.Schema({probatio.Required(CONF_TOKEN): _SECRET}),
    "reconfigure": probatio.Schema({probatio.Required(CONF_ADDRESS): TextSelector(), probatio.Optional(CONF_TOKEN): _SECRET}),
}
"""Step → its form. A token is never filled in."""
LEAD_RANGE = NumberSelectorConfig(min=0.2, max=10, step=0.1, unit_of_measurement="s", mode=NumberSelectorMode.BOX)
PLAYING = probatio.Schema({probatio.Required(CONF_LEAD): NumberSelector(LEAD_RANGE)})


class HeraldConfigFlow(EngineSteps[ConfigFlowContext, ConfigFlowResult], ConfigFlow, domain=DOMAIN):
    """Of a server. It is trusted once it proved that it knows the token."""

    VERSION = 1
    MINOR_VERSION = 1

    def __init__(self) -> None:
        self._asking = "user"
        """The step whose form was answered last."""
        self._address: Address | None = None
        self._typed = ""
        """The address, as it was entered."""
        self._token = ""
        self._seen = ""
        """Fingerprint of a certificate that somebody is to confirm."""
        self._known: str | None = None
        """Fingerprint of the one that was confirmed, or that the entry has."""
        self._error: HeraldError | None = None
        self._pairing: Pairing

    @staticmethod
    @callback
    def async_get_options_flow(config_entry: ConfigEntry) -> HeraldOptionsFlow:
        return HeraldOptionsFlow()

    @classmethod
    @callback
    def async_get_supported_subentry_types(cls, config_entry: ConfigEntry) -> dict[str, type[ConfigSubentryFlow]]:
        return {SUBENTRY_VOICE: VoiceFlow, SUBENTRY_GROUP: GroupFlow}

    # Where a server may come from

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """By hand."""
        return await self._ask("user", user_input)

    async def async_step_zeroconf(self, discovery_info: ZeroconfServiceInfo) -> ConfigFlowResult:
        """The network tells of it; nothing of that is proved."""
        found = found_by_zeroconf(discovery_info)
        if found is None:
            return self.async_abort(reason="not_understood")
        server_id, self._address = found
        entry = await self.async_set_unique_id(server_id)
        if entry is not None and entry.source != SOURCE_IGNORE:
            await self._follow(entry, self._address, discovery_info.addresses)
        self._abort_if_unique_id_configured()
        try:
            if await identify(async_get_clientsession(self.hass), self._address) != server_id:
                return self.async_abort(reason="not_herald", description_placeholders=self._placeholders())
        except UntrustedCertificate:
            pass  # somebody is asked about it, after the token
        except HeraldError as error:
            return self.async_abort(reason=key_of(error), description_placeholders=self._placeholders(error))
        self.context["title_placeholders"] = {"name": f"{TITLE} ({discovery_info.name.partition('.')[0]})"}
        return await self.async_step_zeroconf_confirm()

    async def async_step_zeroconf_confirm(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        return await self._ask("zeroconf_confirm", user_input)

    async def async_step_hassio(self, discovery_info: HassioServiceInfo) -> ConfigFlowResult:
        """The Supervisor tells of an add-on, token and all."""
        found = found_by_supervisor(discovery_info)
        if found is None:
            return self.async_abort(reason="not_understood")
        self._address, self._token = found
        try:
            pairing = await paired(self.hass, self._address, self._token)
        except HeraldError as error:
            return self.async_abort(reason=key_of(error), description_placeholders=self._placeholders(error))
        # the network may have told of it first: then somebody was asked for the token, which the Supervisor brings
        entry = await self.async_set_unique_id(pairing.server.id, raise_on_progress=False)
        if entry is not None and entry.source != SOURCE_IGNORE:
            self._update(entry, pairing.data)
        self._abort_if_unique_id_configured()
        self.context["title_placeholders"] = {"name": discovery_info.name}
        return await self.async_step_hassio_confirm()

    async def async_step_hassio_confirm(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        self._set_confirm_only()
        return await self._ask("hassio_confirm", user_input)

    # What a paired server may be told anew

    async def async_step_reauth(self, entry_data: Mapping[str, Any]) -> ConfigFlowResult:
        """It has another token."""
        self._address = client(self.hass, self._get_reauth_entry()).address
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        return await self._ask("reauth_confirm", user_input)

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """It is at another address, or has another certificate."""
        if user_input is None:
            entry = self._get_reconfigure_entry()
            address = client(self.hass, entry).address
            self._typed, self._known, self._token = str(address), address.fingerprint, entry.data[CONF_TOKEN]
        return await self._ask("reconfigure", user_input)

    # Pairing

    async def _ask(self, step_id: str, answer: dict[str, Any] | None) -> ConfigFlowResult:
        self._asking = step_id
        if answer is None:
            return self._form()
        self._token = answer.get(CONF_TOKEN, "").strip() or self._token
        if CONF_ADDRESS in answer:
            self._typed = answer[CONF_ADDRESS]
            try:
                self._address = Address.parse(self._typed)
            except ValueError:
                return self._form({CONF_ADDRESS: "bad_address"})
        return await self._connect()

    async def _connect(self) -> ConfigFlowResult:
        assert self._address is not None  # noqa: S101  # every way here sets it
        try:
            self._pairing = await paired(self.hass, self._address, self._token)
        except UntrustedCertificate as error:
            self._seen = error.fingerprint
            if self._seen == self._known:
                return await self.async_step_certificate({})
            return await (self.async_step_certificate() if self._known is None else self.async_step_certificate_changed())
        except HeraldError as error:
            self._error = error
            return self._form({"base": key_of(error)})
        return await self._on_paired()

    async def async_step_certificate(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Nobody vouches for it: somebody compares it."""
        return await self._confirm("certificate", user_input)

    async def async_step_certificate_changed(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """The same, of a server that had another one."""
        return await self._confirm("certificate_changed", user_input)

    async def _confirm(self, step_id: str, answer: dict[str, Any] | None) -> ConfigFlowResult:
        if answer is None:
            texts = self._placeholders() | {"fingerprint": grouped(self._seen)}
            return self.async_show_form(step_id=step_id, description_placeholders=texts)
        assert self._address is not None  # noqa: S101  # its certificate was seen
        self._known = self._seen
        self._address = self._address.pinned(self._known)
        return await self._connect()

    async def _on_paired(self) -> ConfigFlowResult:
        await self.async_set_unique_id(self._pairing.server.id, raise_on_progress=False)
        if self.source in (SOURCE_REAUTH, SOURCE_RECONFIGURE):
            self._abort_if_unique_id_mismatch(reason="wrong_server")
            entry = self._get_reauth_entry() if self.source == SOURCE_REAUTH else self._get_reconfigure_entry()
            self._update(entry, self._pairing.data, reload=True)
            return self.async_update_and_abort(entry)
        self._abort_if_unique_id_configured()
        return await self.async_step_paired()

    async def _follow(self, entry: ConfigEntry, found: Address, addresses: list[str]) -> None:
        """To where it moved, if it did."""
        known = client(self.hass, entry).address
        if (known.port, known.tls) == (found.port, found.tls) and known.host in addresses:
            return
        if await moved(self.hass, entry, known, found := found.pinned(known.fingerprint)):
            self._update(entry, where(found))

    @callback
    def _update(self, entry: ConfigEntry, data: Mapping[str, Any], *, reload: bool = False) -> None:
        """An entry that is set up listens to that, and reloads itself; others are told to try again."""
        is_new = self.hass.config_entries.async_update_entry(entry, data={**entry.data, **data})
        waits = entry.state in (ConfigEntryState.SETUP_ERROR, ConfigEntryState.SETUP_RETRY)
        if (reload and not is_new) or (is_new and waits):
            self.hass.config_entries.async_schedule_reload(entry.entry_id)

    # After it

    async def async_step_paired(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Credentials now, or later."""
        server = self._pairing.server
        texts = {"name": server.name, "version": server.version}
        return self.async_show_menu(step_id="paired", menu_options=list(self.onward), description_placeholders=texts)

    async def async_step_finish(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        self._abort_if_unique_id_configured()
        others = {entry.title for entry in self._async_current_entries(include_ignore=False)}
        title = f"{TITLE} ({self._pairing.server.name})" if TITLE in others else TITLE
        return self.async_create_entry(title=title, data=self._pairing.data)

    @property
    def client(self) -> Client:
        pairing = self._pairing
        session = async_get_clientsession(self.hass)
        return Client(session, pairing.address, pairing.token, server_id=pairing.server.id)

    def _form(self, errors: dict[str, str] | None = None) -> ConfigFlowResult:
        schema = self.add_suggested_values_to_schema(FORMS[self._asking], {CONF_ADDRESS: self._typed})
        texts = self._placeholders(self._error)
        return self.async_show_form(step_id=self._asking, data_schema=schema, errors=errors, description_placeholders=texts)

    def _placeholders(self, error: HeraldError | None = None) -> dict[str, str]:
        return {"address": str(self._address or ""), "error": str(error or "")}


class HeraldOptionsFlow(EngineSteps[ConfigFlowContext, ConfigFlowResult], OptionsFlow):
    """Of a paired server: how it is played, and its engines, of which nothing is kept in the entry."""

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        return self.async_show_menu(step_id="init", menu_options=["engines", "playing"])

    async def async_step_playing(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        if user_input is not None:
            return self.async_create_entry(data={**self.config_entry.options, **user_input})
        form = self.add_suggested_values_to_schema(PLAYING, {CONF_LEAD: LEAD, **self.config_entry.options})
        return self.async_show_form(step_id="playing", data_schema=form)

    async def async_step_finish(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        return self.async_create_entry(data=dict(self.config_entry.options))

    @property
    def client(self) -> Client:
        return client(self.hass, self.config_entry)
