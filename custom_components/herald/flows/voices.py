"""How a voice is set up: who it may be, who it is, and how it speaks, with a preview before anything is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import probatio
from homeassistant.config_entries import SOURCE_RECONFIGURE, ConfigEntryState, ConfigSubentryFlow, SubentryFlowResult
from homeassistant.const import CONF_LANGUAGE, CONF_NAME
from homeassistant.helpers.selector import (
    BooleanSelector,
    LanguageSelector,
    LanguageSelectorConfig,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
)
from homeassistant.util import language as language_util

from ..api import CannotConnect, HeraldError, Kind, Voice
from ..coordinator import HeraldConfigEntry
from ..speech import voices
from ..speech.previews import base, preview
from ..views import PREVIEW, address
from .settings import ADVANCED, CONF_FALLBACK, Settings
from .words import Words, name_of

CONF_VOICE, CONF_SETTINGS = "voice", "settings"
CONF_ENGINE, CONF_GENDER, CONF_SEARCH = "engine", "gender", "search"
CONF_CONSENT, CONF_PREVIEW = "consent", "preview"
LISTED_MAX = 200
"""Voices in one list. Where there are more, a field for a part of the name is offered, too."""


class VoiceFlow(ConfigSubentryFlow):
    """`user` begins with the filter, `reconfigure` with the question whether it shall be another voice."""

    def __init__(self) -> None:
        self._found: list[Voice] = []
        """That are offered."""
        self._is_filtered = False
        self._voice: Voice
        self._settings: Settings
        self._entered: dict[str, Any] = {}
        """As the form shows it."""

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        return await self.async_step_filter()

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        subentry = self._get_reconfigure_subentry()
        if (reason := self._why_not()) is not None:
            return self.async_abort(reason=reason)
        menu = ["current", "filter"] if subentry.data[CONF_VOICE] in self._voices else ["filter"]
        texts = {"name": subentry.title, "voice": subentry.data[CONF_VOICE]}
        return self.async_show_menu(step_id="reconfigure", menu_options=menu, description_placeholders=texts)

    async def async_step_current(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """The same voice, with other settings."""
        if (reason := self._why_not()) is not None:
            return self.async_abort(reason=reason)
        subentry = self._get_reconfigure_subentry()
        voice = self._voices.get(subentry.data[CONF_VOICE])
        if voice is None or not _may_speak(voice):
            return self.async_abort(reason="voice_gone" if voice is None else "consent_required")
        return await self._with(voice)

    # Who

    async def async_step_filter(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Of what there are several."""
        if (reason := self._why_not()) is not None:
            return self.async_abort(reason=reason)
        form = probatio.Schema(self._filters())
        if user_input is None and form.schema:
            return self.async_show_form(step_id="filter", data_schema=form, last_step=False)
        wanted = user_input or {}
        self._found = [voice for voice in self._voices.values() if _is_wanted(voice, wanted)]
        if not self._found:
            form = self.add_suggested_values_to_schema(form, wanted)
            return self.async_show_form(step_id="filter", data_schema=form, errors={"base": "no_match"}, last_step=False)
        return await self.async_step_voice()

    async def async_step_voice(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """One of those that were found."""
        if (reason := self._why_not()) is not None:
            return self.async_abort(reason=reason)
        if user_input is None:
            return await self._ask_who()
        voice = self._voices.get(user_input[CONF_VOICE])
        if voice is None:
            return await self._ask_who("voice_gone")
        if not _may_speak(voice):
            return await self._ask_who("consent_required")
        return await self._with(voice)

    async def _ask_who(self, problem: str | None = None) -> SubentryFlowResult:
        listed = self._found[:LISTED_MAX]
        labels = await self._labels(listed)
        options = [SelectOptionDict(value=voice.name, label=labels[voice.name]) for voice in listed]
        form = probatio.Schema(
            {
                probatio.Required(CONF_VOICE): SelectSelector(
                    SelectSelectorConfig(options=options, mode=SelectSelectorMode.DROPDOWN)
                )
            }
        )
        if (suggested := self._suggested()) in labels:
            form = self.add_suggested_values_to_schema(form, {CONF_VOICE: suggested})
        return self.async_show_form(
            step_id="voice",
            data_schema=form,
            errors=None if problem is None else {"base": problem},
            description_placeholders={"shown": str(len(listed)), "found": str(len(self._found))},
            last_step=False,
        )

    def _suggested(self) -> str | None:
        if self.source == SOURCE_RECONFIGURE:
            return str(self._get_reconfigure_subentry().data[CONF_VOICE])
        return self._entry.runtime_data.data.catalogue.default

    # How

    async def _with(self, voice: Voice) -> SubentryFlowResult:
        """What may be set for it, as the server tells it at this moment."""
        try:
            self._voice, told = await self._entry.runtime_data.client.voice(voice.name)
        except HeraldError as error:
            reason = "cannot_connect" if isinstance(error, CannotConnect) else "failed"
            return self.async_abort(reason=reason, description_placeholders={"error": str(error)})
        self._settings = Settings(told=told["properties"], words=await Words.of(self.hass))
        self._entered = self._before()
        return self._ask_how()

    async def async_step_settings(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Its name and settings; shown again as long as somebody wants to hear them."""
        if user_input is None:
            return self._ask_how()
        wants_preview = user_input.pop(CONF_PREVIEW)
        self._entered = user_input
        if wants_preview:
            return self._ask_how(is_again=True)
        if not (name := user_input[CONF_NAME].strip()):
            return self._ask_how({CONF_NAME: "name_missing"})
        if self._voice.needs_consent and not user_input[CONF_CONSENT]:
            return self._ask_how({CONF_CONSENT: "consent_missing"})
        data = {
            CONF_VOICE: self._voice.name,
            CONF_SETTINGS: self._settings.entered(user_input),
            CONF_FALLBACK: user_input[ADVANCED].get(CONF_FALLBACK, True),
        }
        if self.source == SOURCE_RECONFIGURE:
            return self.async_update_and_abort(self._entry, self._get_reconfigure_subentry(), title=name, data=data)
        return self.async_create_entry(title=name, data=data)

    def _ask_how(self, errors: dict[str, str] | None = None, *, is_again: bool = False) -> SubentryFlowResult:
        """`is_again`: somebody asked to hear it, so that it begins by itself."""
        form = self.add_suggested_values_to_schema(probatio.Schema(self._fields()), self._entered)
        speech = preview(self._entry.entry_id, self._voice, self._settings.entered(self._entered))
        begin = "autoplay" if is_again else 'preload="none"'
        audio = f'<audio controls {begin} src="{address(self.hass, PREVIEW, speech)}"></audio>'
        texts = {"audio": audio, "voice": _title(self._voice)}
        return self.async_show_form(
            step_id="settings", data_schema=form, errors=errors, description_placeholders=texts, last_step=True
        )

    def _fields(self) -> dict[probatio.Marker, Any]:
        fields: dict[probatio.Marker, Any] = {probatio.Required(CONF_NAME): TextSelector(), **self._settings.main()}
        if self._voice.needs_consent:
            fields[probatio.Required(CONF_CONSENT, default=False)] = BooleanSelector()
        fields[probatio.Required(ADVANCED)] = self._settings.more()
        fields[probatio.Required(CONF_PREVIEW, default=False)] = BooleanSelector()
        return fields

    def _before(self) -> dict[str, Any]:
        """What the form begins with. Another voice takes other settings."""
        if self.source != SOURCE_RECONFIGURE:
            return {CONF_NAME: _title(self._voice)}
        subentry = self._get_reconfigure_subentry()
        if subentry.data[CONF_VOICE] != self._voice.name:
            return {CONF_NAME: subentry.title}
        settings = self._settings.kept(subentry.data[CONF_SETTINGS])
        return {
            CONF_NAME: subentry.title,
            CONF_CONSENT: True,
            **settings,
            ADVANCED: {**settings, CONF_FALLBACK: subentry.data[CONF_FALLBACK]},
        }

    # What there is

    @property
    def _entry(self) -> HeraldConfigEntry:
        return self._get_entry()

    @property
    def _voices(self) -> Mapping[str, Voice]:
        return self._entry.runtime_data.data.catalogue.voices

    def _why_not(self) -> str | None:
        """Nothing can be chosen now."""
        if self._entry.state is not ConfigEntryState.LOADED:
            return "entry_not_loaded"
        if not self._entry.runtime_data.last_update_success:
            return "cannot_connect"
        return None if self._voices else "no_voices"

    def _filters(self) -> dict[probatio.Marker, Any]:
        fields: dict[probatio.Marker, Any] = {}
        listed = self._voices.values()
        if len(languages := _languages(listed)) > 1:
            config = self.hass.config
            mine = next(iter(language_util.matches(config.language, languages, config.country)), None)
            selector = LanguageSelector(LanguageSelectorConfig(languages=languages, native_name=True))
            fields[probatio.Optional(CONF_LANGUAGE, description={"suggested_value": mine})] = selector
        if len(engines := list(dict.fromkeys(voice.engine for voice in listed))) > 1:
            options = [SelectOptionDict(value=engine, label=self._engine(engine)) for engine in engines]
            fields[probatio.Optional(CONF_ENGINE)] = SelectSelector(
                SelectSelectorConfig(options=options, mode=SelectSelectorMode.DROPDOWN)
            )
        if len(genders := sorted({voice.gender for voice in listed if voice.gender})) > 1:
            fields[probatio.Optional(CONF_GENDER)] = SelectSelector(
                SelectSelectorConfig(options=genders, mode=SelectSelectorMode.DROPDOWN, translation_key="gender")
            )
        if len(listed) > LISTED_MAX:
            fields[probatio.Optional(CONF_SEARCH)] = TextSelector()
        return fields

    def _engine(self, name: str) -> str:
        service = self._entry.runtime_data.data.services.get((Kind.ENGINE, name))
        return name if service is None else name_of(service)

    async def _labels(self, listed: Iterable[Voice]) -> dict[str, str]:
        """By name: who it is, in one line. Those who are called alike are told apart by their names."""
        words, called = await Words.of(self.hass), Counter(_title(voice) for voice in listed)
        return {
            voice.name: " · ".join(
                (
                    _title(voice) if called[_title(voice)] == 1 else f"{_title(voice)} ({voice.name})",
                    voice.language,
                    *((words.gender(voice.gender),) if voice.gender else ()),
                    self._engine(voice.engine),
                )
            )
            for voice in listed
        }


def _may_speak(voice: Voice) -> bool:
    """Whether nobody has to agree who did not. Only the server's configuration says who did."""
    return voice.consent or not voice.needs_consent


def _title(voice: Voice) -> str:
    return voice.description or voice.name


def _languages(listed: Iterable[Voice]) -> list[str]:
    """Base tags, and the variants of those that have several."""
    tags = voices.languages(listed)
    variants = Counter(base(tag) for tag in tags if tag != base(tag))
    return [tag for tag in tags if tag == base(tag) or variants[base(tag)] > 1]


def _is_wanted(voice: Voice, wanted: Mapping[str, Any]) -> bool:
    language, part = wanted.get(CONF_LANGUAGE), wanted.get(CONF_SEARCH, "").strip().casefold()
    return (
        (not language or voices.speaks(voice, language))
        and wanted.get(CONF_ENGINE) in (None, voice.engine)
        and wanted.get(CONF_GENDER) in (None, voice.gender)
        and part in f"{voice.description} {voice.name} {voice.scene}".casefold()
    )
