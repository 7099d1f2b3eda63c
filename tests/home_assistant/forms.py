"""Flows as somebody goes through them, with a text for everything that is shown, and a vendor whose credentials are to be set."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache, reduce
from pathlib import Path
from string import Formatter
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowManager, FlowResult, FlowResultType, section

from tests.simulators.openspeech import OpenSpeechSimulator

type Shown = FlowResult[Any, Any]
OPENSPEECH = "engine:openspeech"
LABELS = ("API key", "APP ID", "Access Token", "Secret Key", "Address")
"""Of openspeech's fields, in their order."""


TRANSLATIONS = Path(__file__).parents[2] / "custom_components" / "herald" / "translations"


@cache
def translations(language: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((TRANSLATIONS / f"{language}.json").read_text())
    return told


def assert_told(path: str, shown: Shown) -> None:
    """Frontends show the raw names of what no translation knows, and braces where a placeholder is missing."""
    for language in ("en", "zh-Hans", "zh-Hant"):
        texts: dict[str, Any] = reduce(dict.__getitem__, path.split("/"), translations(language))
        needed = {name for text in _texts(texts, shown) for _, name, _, _ in Formatter().parse(text) if name}
        given = shown.get("description_placeholders") or {}
        assert needed <= given.keys(), (language, needed - given.keys())


def _texts(texts: dict[str, Any], shown: Shown) -> Iterator[str]:
    """All that a step needs. Raises KeyError."""
    match shown["type"]:
        case FlowResultType.ABORT:
            if shown.get("translation_domain") is None:
                yield texts["abort"][shown["reason"]]
            return
        case FlowResultType.CREATE_ENTRY:
            return
        case FlowResultType.SHOW_PROGRESS:
            yield texts["progress"][shown["progress_action"]]
    step = texts["step"][shown["step_id"]]
    yield step["title"]
    yield step.get("description", "")
    schema = shown.get("data_schema")
    if schema is not None and shown["type"] is FlowResultType.FORM:
        yield from _of_fields(step, schema)
    for problem in (shown.get("errors") or {}).values():
        yield texts["error"][problem]
    offered: Any = shown.get("menu_options", ())
    for option in offered:
        yield step["menu_options"][option]


def _of_fields(step: Mapping[str, Any], schema: Any) -> Iterator[str]:
    for field, selector in schema.schema.items():
        if isinstance(selector, section):
            texts = step["sections"][str(field)]
            yield texts["name"]
            yield from _of_fields(texts, selector.schema)
        else:
            yield step["data"][str(field)]
            yield step["data_description"][str(field)]


class Walk:
    """Through one flow, of any manager; `section` is that of its texts."""

    def __init__(self, hass: HomeAssistant, manager: FlowManager[Any, Any, Any], shown: Shown, section: str) -> None:
        self._hass = hass
        self._manager = manager
        self._section = section
        self.shown = shown
        assert_told(section, shown)

    @property
    def step(self) -> str:
        return self.shown["step_id"]

    @property
    def texts(self) -> Mapping[str, str]:
        texts = self.shown["description_placeholders"]
        assert texts is not None
        return texts

    @property
    def fields(self) -> list[str]:
        schema = self.shown["data_schema"]
        assert schema is not None
        return [str(key) for key in schema.schema]

    @property
    def suggested(self) -> dict[str, Any]:
        """What the fields are filled in with."""
        schema = self.shown["data_schema"]
        assert schema is not None
        return {str(key): key.description["suggested_value"] for key in schema.schema if key.description is not None}

    @property
    def menu(self) -> list[str]:
        assert self.shown["type"] is FlowResultType.MENU
        offered: Any = self.shown["menu_options"]
        return [str(step) for step in offered]

    async def answer(self, **answer: Any) -> None:
        """A form; a trial that it begins is waited for."""
        self.shown = await self._manager.async_configure(self.shown["flow_id"], answer)
        assert_told(self._section, self.shown)
        while self.shown["type"] is FlowResultType.SHOW_PROGRESS:
            assert self.step == "verifying"
            await self._hass.async_block_till_done()
            self.shown = await self._manager.async_configure(self.shown["flow_id"])
            assert_told(self._section, self.shown)

    async def choose(self, step: str) -> None:
        """Of a menu."""
        assert step in self.menu
        await self.answer(next_step_id=step)

    async def enter(self, **values: str) -> None:
        """Credentials of openspeech, by their labels with _ for a space."""
        labels = {self.texts[f"label_{number}"].replace(" ", "_"): f"field_{number}" for number in range(1, 9)}
        await self.answer(**{labels[label]: value for label, value in values.items()})


def state(entry: ConfigEntry) -> ConfigEntryState:
    """At this moment: type checkers take it for what it was before."""
    return entry.state


def good(vendor: OpenSpeechSimulator) -> dict[str, str]:
    return {"API_key": "api-key", "Address": vendor.url}


def wrong(vendor: OpenSpeechSimulator) -> dict[str, str]:
    return {"API_key": "a-wrong-key-of-somebody", "Address": vendor.url}
