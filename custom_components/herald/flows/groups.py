"""How an announcement group is set up: whom it speaks to, with which voice, after which chime, and how loud."""

from __future__ import annotations

from typing import Any

import probatio
from homeassistant.components.tts.const import DOMAIN as TTS
from homeassistant.config_entries import SOURCE_RECONFIGURE, ConfigEntryState, ConfigSubentryFlow, SubentryFlowResult
from homeassistant.const import CONF_NAME
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.selector import (
    EntitySelector,
    EntitySelectorConfig,
    MediaSelector,
    MediaSelectorConfig,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    TextSelector,
)

from ..announcing.targets import ABLE
from ..chimes import stored
from ..const import DOMAIN
from ..coordinator import HeraldConfigEntry
from ..failures import in_words

CONF_VOICE, CONF_TARGETS, CONF_CHIME, CONF_VOLUME = "voice", "targets", "chime", "volume"
PERCENT = NumberSelector(NumberSelectorConfig(min=0, max=100, step=1, mode=NumberSelectorMode.BOX, unit_of_measurement="%"))
"""What can be emptied again, which a slider can not."""
FORM = probatio.Schema(
    {
        probatio.Required(CONF_NAME): TextSelector(),
        probatio.Required(CONF_TARGETS): EntitySelector(EntitySelectorConfig(domain=list(ABLE), multiple=True)),
        probatio.Optional(CONF_VOICE): EntitySelector(EntitySelectorConfig(domain=TTS, integration=DOMAIN)),
        probatio.Optional(CONF_CHIME): MediaSelector(MediaSelectorConfig(accept=["audio/*"])),
        probatio.Optional(CONF_VOLUME): PERCENT,
    }
)


class GroupFlow(ConfigSubentryFlow):
    """One form. A chime is stored by the server before it is kept here, so that it is known to be one."""

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        return await self._step("user", user_input)

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        return await self._step("reconfigure", user_input)

    async def _step(self, step_id: str, answer: dict[str, Any] | None) -> SubentryFlowResult:
        if self._entry.state is not ConfigEntryState.LOADED:
            return self.async_abort(reason="entry_not_loaded")
        errors: dict[str, str] = {}
        texts = {"error": ""}
        if answer is not None:
            errors, texts["error"] = await self._problems(answer)
            if not errors:
                return self._finish(answer)
        form = self.add_suggested_values_to_schema(FORM, self._before() if answer is None else answer)
        return self.async_show_form(step_id=step_id, data_schema=form, errors=errors, description_placeholders=texts)

    async def _problems(self, answer: dict[str, Any]) -> tuple[dict[str, str], str]:
        """By field, and the sentence about one."""
        if not answer[CONF_NAME].strip():
            return {CONF_NAME: "name_missing"}, ""
        if not answer[CONF_TARGETS]:
            return {CONF_TARGETS: "targets_missing"}, ""
        if CONF_CHIME in answer:
            try:
                await stored(self.hass, self._entry.runtime_data.client, answer[CONF_CHIME]["media_content_id"])
            except HomeAssistantError as error:
                return {CONF_CHIME: "chime_refused"}, in_words(self.hass, error)
        return {}, ""

    def _finish(self, answer: dict[str, Any]) -> SubentryFlowResult:
        chime, volume = answer.get(CONF_CHIME), answer.get(CONF_VOLUME)
        data = {
            CONF_VOICE: answer.get(CONF_VOICE),
            CONF_TARGETS: answer[CONF_TARGETS],
            CONF_CHIME: None if chime is None else chime["media_content_id"],
            CONF_VOLUME: None if volume is None else volume / 100,
        }
        title = answer[CONF_NAME].strip()
        if self.source == SOURCE_RECONFIGURE:
            return self.async_update_and_abort(self._entry, self._get_reconfigure_subentry(), title=title, data=data)
        return self.async_create_entry(title=title, data=data)

    def _before(self) -> dict[str, Any]:
        if self.source != SOURCE_RECONFIGURE:
            return {}
        subentry = self._get_reconfigure_subentry()
        before = {name: value for name, value in subentry.data.items() if value is not None}
        if (chime := before.get(CONF_CHIME)) is not None:
            before[CONF_CHIME] = {"media_content_id": chime, "media_content_type": "music"}
        if (volume := before.get(CONF_VOLUME)) is not None:
            before[CONF_VOLUME] = round(100 * volume)
        return {CONF_NAME: subentry.title, **before}

    @property
    def _entry(self) -> HeraldConfigEntry:
        return self._get_entry()
