"""A cloud engine without a cloud: the test tone behind credentials, with voices that it lists and voices of persons."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar

import pytest
import voluptuous as vol

from wyoming_server.engines.base import Utterance
from wyoming_server.engines.registry import ENGINES
from wyoming_server.engines.tone import ToneEngine
from wyoming_server.errors import CredentialsRefused
from wyoming_server.models import Voice

GOOD_TOKEN = "access-token"
LISTED = {"zh_female_one": ("zh-CN",), "en_male_two": ("en-US", "en-GB")}
CREDENTIALS = ("appid", "token", "api_key", "secret_key", "url", "cluster")


class CloudEngine(ToneEngine):
    """Good are the credentials whose token is GOOD_TOKEN. An id with S_ is a person's voice."""

    type: ClassVar[str] = "openspeech"
    title: ClassVar[str] = "Cloud"
    options_schema: ClassVar[Mapping[Any, Any]] = {
        **ToneEngine.options_schema,
        **{vol.Optional(name, default=None): vol.Maybe(str) for name in CREDENTIALS},
    }
    extras_schema: ClassVar[Mapping[Any, Any]] = {
        **ToneEngine.extras_schema,
        vol.Optional("operation"): vol.In(["submit", "query"]),
        vol.Optional("encoding"): vol.In(["pcm", "mp3"]),
    }
    prepared: ClassVar[list[set[str]]] = []
    """What every engine of this class was told."""
    tried: ClassVar[list[str | None]] = []
    """With which voices the credentials were tried."""

    async def voices(self) -> Sequence[Voice]:
        return [
            Voice(name=name, engine=self.name, engine_voice=name, languages=languages, scene="story", emotions=("happy", "sad"))
            for name, languages in LISTED.items()
        ]

    def unlisted_voice(self, voice_id: str) -> Voice | None:
        return Voice(name=voice_id, engine=self.name, engine_voice=voice_id, languages=("zh-CN",))

    def needs_consent(self, voice_id: str) -> bool:
        return voice_id not in LISTED

    def prepare(self, utterances: Collection[Utterance]) -> None:
        self.prepared.append({utterance.voice for utterance in utterances})

    async def verify(self, voice_id: str | None = None) -> str:
        self.tried.append(voice_id)
        if self.options["token"] != GOOD_TOKEN:
            raise CredentialsRefused("The access token is wrong.")
        return f"They are good for {voice_id or 'every voice'}."


def install(monkeypatch: pytest.MonkeyPatch) -> type[CloudEngine]:
    """Make it the engine type `openspeech` for one test."""
    monkeypatch.setitem(ENGINES, "openspeech", f"{__name__}:CloudEngine")
    monkeypatch.setattr(CloudEngine, "prepared", [])
    monkeypatch.setattr(CloudEngine, "tried", [])
    return CloudEngine
