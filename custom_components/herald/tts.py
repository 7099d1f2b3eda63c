"""Text to speech: one entity with everybody whom the server knows, and one for each voice that was set up.

Nothing is converted and nothing is waited for here: text goes up as it is written, audio comes down as it is made.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from homeassistant.components.tts import ATTR_VOICE, TextToSpeechEntity, TTSAudioResponse, Voice
from homeassistant.components.tts.entity import TTSAudioRequest  # of the package itself from 2026.11 on
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import chat_session
from homeassistant.helpers.device_registry import DeviceEntryType, DeviceInfo
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .api import Order
from .const import DOMAIN, SUBENTRY_VOICE
from .coordinator import HeraldConfigEntry, HeraldCoordinator
from .devices import MANUFACTURER, server_device_id
from .entity import HeraldEntity
from .speech import formats, voices
from .speech.replies import Running
from .speech.reply import heard

PARALLEL_UPDATES = 0

SETTINGS = ("speed", "pitch", "volume", "emotion", "emotion_scale", "instructions", "converter", "speakable_text")
"""That a call may say, under the server's names."""
NUMBERS = frozenset({"speed", "pitch", "volume", "emotion_scale"})
FALLBACK = "fallback"
REVISION = "revision"
"""An option that nobody sets: whoever's audio is kept is asked anew when anything that shapes it is another."""


async def async_setup_entry(
    hass: HomeAssistant, entry: HeraldConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the server's own, and those of its voices."""
    coordinator = entry.runtime_data
    async_add_entities([Everybody(coordinator)])
    for subentry in entry.get_subentries_of_type(SUBENTRY_VOICE):
        async_add_entities([OneVoice(coordinator, subentry)], config_subentry_id=subentry.subentry_id)


class Speaker(HeraldEntity, TextToSpeechEntity):
    """What both have in common."""

    # no name beside its device's; None would be refused, as an engine without a name
    _attr_name = ""

    def __init__(self, coordinator: HeraldCoordinator) -> None:
        super().__init__(coordinator, "speech")
        self._attr_supported_options = [*SETTINGS, *formats.PREFERENCES]

    @callback
    def _handle_coordinator_update(self) -> None:
        if self.coordinator.last_update_success:
            self._learn()
        super()._handle_coordinator_update()

    @callback
    def _learn(self) -> None:
        """Take what is known of the voices now."""
        raise NotImplementedError

    def _who(self, request: TTSAudioRequest) -> tuple[str | None, dict[str, Any]]:
        """The voice, and what else says who speaks."""
        return request.options.get(ATTR_VOICE), {}

    async def async_stream_tts_audio(self, request: TTSAudioRequest) -> TTSAudioResponse:
        """One reply. Nothing is asked before it is listened to."""
        chat = chat_session.current_session.get()
        answer = formats.answer(request.options, lead=None if chat is None else self.coordinator.lead)
        voice, who = self._who(request)
        order = Order(
            voice=voice,
            format=answer.format,
            rate=answer.rate,
            channels=answer.channels,
            session_id=secrets.token_hex(16),
            pace=answer.pace,
            options={**who, **_said(request.options)},
        )
        running = Running(
            reply=self.coordinator.client.speak(order),
            entity_id=self.entity_id,
            voice=voice,
            conversation_id=None if chat is None else chat.conversation_id,
        )
        known = self.coordinator
        audio = heard(running, request.message_gen, known.replies, known.client.address, known.notice)
        return TTSAudioResponse(answer.extension, audio)


class Everybody(Speaker):
    """On the server's device. Without a name whoever speaks the language: the default voice, if it does."""

    def __init__(self, coordinator: HeraldCoordinator) -> None:
        super().__init__(coordinator)
        self._attr_supported_options = [ATTR_VOICE, *SETTINGS, *formats.PREFERENCES]
        self._learn()

    @property
    def available(self) -> bool:
        return super().available and bool(voices.able(self.coordinator.data.catalogue))

    @callback
    def async_get_supported_voices(self, language: str) -> list[Voice]:
        return voices.choices(voices.able(self.coordinator.data.catalogue), language)

    @callback
    def _learn(self) -> None:
        catalogue, config = self.coordinator.data.catalogue, self.coordinator.hass.config
        self._attr_supported_languages = voices.languages(voices.able(catalogue))
        self._attr_default_language = voices.default_language(catalogue, config.language, config.country)
        self._attr_default_options = {REVISION: catalogue.revision}

    def _who(self, request: TTSAudioRequest) -> tuple[str | None, dict[str, Any]]:
        voice = request.options.get(ATTR_VOICE) or voices.voice_for(self.coordinator.data.catalogue, request.language)
        return voice, {} if voice else {"language": request.language}


class OneVoice(Speaker):
    """A voice that was set up, with its settings, on a device of its own. There as long as the voice is."""

    def __init__(self, coordinator: HeraldCoordinator, subentry: ConfigSubentry) -> None:
        super().__init__(coordinator)
        self._subentry = subentry
        self._voice: str = subentry.data["voice"]
        self._attr_unique_id = subentry.subentry_id
        self._attr_device_info = DeviceInfo(
            identifiers={(DOMAIN, subentry.subentry_id)},
            entry_type=DeviceEntryType.SERVICE,
            name=subentry.title,
            manufacturer=MANUFACTURER,
            model=self._voice,
            via_device_id=server_device_id(coordinator),
        )
        # of a voice that is not there now, until it is
        self._attr_default_language = coordinator.hass.config.language
        self._attr_supported_languages = [self._attr_default_language]
        self._learn()

    @property
    def available(self) -> bool:
        return super().available and self._voice in self.coordinator.data.catalogue.voices

    @callback
    def _learn(self) -> None:
        catalogue, config = self.coordinator.data.catalogue, self.coordinator.hass.config
        self._attr_default_options = {
            ATTR_VOICE: self._voice,
            **self._settings(),
            REVISION: catalogue.revision,
        }
        if (voice := catalogue.voices.get(self._voice)) is not None:
            self._attr_supported_languages = voices.languages([voice])
            self._attr_default_language = voices.variant(voice, config.language, config.country)

    def _settings(self) -> Mapping[str, Any]:
        data = self._subentry.data
        return {**data.get("settings", {}), **({} if data.get(FALLBACK, True) else {FALLBACK: False})}


def _said(options: Mapping[str, Any]) -> dict[str, Any]:
    """How to speak, to the server. Templates and the addresses of media say numbers in words, and nothing as no word."""
    said = {name: options.get(name) for name in (*SETTINGS, FALLBACK)}
    return {name: _number(value) if name in NUMBERS else value for name, value in said.items() if value not in (None, "")}


def _number(value: Any) -> Any:
    """What is none the server refuses, in words that say what it takes."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value
