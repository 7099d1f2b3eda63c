"""What is asked of a server: one sentence of one utterance made the JSON of its row. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import BadSetting, VoiceRefused
from ...models import Range, VoiceSettings, shortened
from ...protocols.json_messages import dump
from ..base import Utterance
from .profiles import STREAMED_FORMATS, Profile
from .voices import Voices

SPEAKER_WORDS = (
    *("voice", "speaker", "spk", "character", "timbre", "clone", "embedding"),
    *("ref_", "reference", "prompt", "audio_path", "audio_url", "kwargs"),
)
"""In the name of a field, at any depth, that says who speaks: nobody but the operator sets it, since consent was asked for
another."""


class Requests:
    """Of one engine, as it is configured."""

    def __init__(self, row: Profile, voices: Voices, options: Mapping[str, Any]) -> None:
        self._row = row
        self._voices = voices
        self._options = options

    def model(self, voice_id: str, settings: VoiceSettings) -> str:
        """The call's, the voice's, the engine's, the row's; empty: the server's own."""
        asked = settings.extras.get("model") or self._voices.facts(voice_id).model
        return str(asked or self._options["model"] or self._row.default_model)

    def format(self, settings: VoiceSettings) -> str:
        return str(settings.extras.get("format") or self._options["format"] or self._row.default_format)

    def rate(self, voice_id: str) -> int:
        """Hz of PCM that comes without saying, and of what has not been heard yet."""
        return self._voices.facts(voice_id).rate or self.usual_rate

    @property
    def usual_rate(self) -> int:
        return int(self._options["rate"] or self._row.rate)

    def settings(self, model: str) -> frozenset[str]:
        """Which of the common settings this model takes."""
        fields = {"speed": self._row.speed, "instructions": self._row.instructions}
        unsaid = self._row.unsaid.get(model, ())
        return frozenset(setting for setting, name in fields.items() if name and name not in unsaid)

    @property
    def speeds(self) -> Range:
        return Range(self._row.slowest, self._row.fastest)

    def check(self, settings: VoiceSettings) -> None:
        """Raise BadSetting for extras that this server cannot be told, or may not be told by everybody."""
        if (wanted := self.format(settings)) not in self._row.formats:
            msg = f"{self._row.title} makes no {wanted}, only {', '.join(self._row.formats)}."
            raise BadSetting(msg)
        own = {self._row.text, self._row.voice, self._row.ref_audio, self._row.ref_text, self._row.ref_language}
        extra = settings.extras.get("extra_body", {})
        for name in _names(extra):
            if (name in own and name in extra) or any(word in name.lower() for word in SPEAKER_WORDS):
                msg = f"extra_body of a voice or a call may not say who speaks or what: {shortened(name)}. The engine's own may."
                raise BadSetting(msg)

    def body(self, text: str, utterance: Utterance) -> bytes:
        """Raises VoiceRefused."""
        row, settings = self._row, utterance.settings
        model, wanted = self.model(utterance.voice, settings), self.format(settings)
        instructions = settings.instructions or self._options["instructions"]
        fields = {
            row.text: text,
            row.model: model or None,
            row.format: row.formats[wanted],
            row.speed: settings.speed,
            row.instructions: instructions or None,
            row.language: self._code(utterance.language),
            **self._speaker(utterance.voice),
            **row.fixed,
            **(row.streamed if wanted in STREAMED_FORMATS else {}),
        }
        unsaid = {"", *row.unsaid.get(model, ())}
        told = {name: value for name, value in fields.items() if name not in unsaid}
        more = (self._options, self._voices.said(utterance.voice), settings.extras)
        for extra in more:
            told.update(extra.get("extra_body") or {})
        return dump({name: value for name, value in told.items() if value is not None}).encode()

    def _speaker(self, voice_id: str) -> dict[str, Any]:
        """A voice by its name, or the recording that it is made from."""
        row, said = self._row, self._voices.said(voice_id)
        if row.voice and not (row.ref_audio and said.get("ref_audio")):
            by_id = row.object_prefix and voice_id.startswith(row.object_prefix)
            return {row.voice: {"id": voice_id} if by_id else voice_id}
        if self._voices.unlisted("", voice_id) is None:
            msg = f"{row.title} has no voice {voice_id}: give it an entry in `voices` of the engine."
            raise VoiceRefused(msg)
        language = said.get("ref_language") or self._voices.facts(voice_id).languages[0]
        return {
            row.ref_audio: said.get("ref_audio") or voice_id,
            row.ref_text: said.get("ref_text"),
            row.ref_language: self._code(language),
        }

    def _code(self, language: str) -> str | None:
        """What the server calls a language; `None`: it is not told."""
        return self._row.codes.get(language.partition("-")[0].lower(), self._row.codes.get(""))


def _names(value: Any) -> Iterator[str]:
    """Of all fields, also of those inside others, however deep."""
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            yield from map(str, found)
            waiting += found.values()
        elif isinstance(found, list):
            waiting += found
