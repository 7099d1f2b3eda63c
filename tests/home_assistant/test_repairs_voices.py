"""Voices that a server has no more: told, replaced in their own form or removed, and forgotten when they come back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from homeassistant.config_entries import ConfigSubentryData
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.issue_registry import IssueSeverity
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.herald.api import Kind
from custom_components.herald.const import DOMAIN
from tests.simulators.openspeech import OpenSpeechSimulator

from .conftest import paired
from .servers import Herald
from .speaking import following, reload
from .test_repairs import issues, repair, until

pytestmark = pytest.mark.usefixtures("enable_custom_integrations")

WITH = """
engines:
  tone: {per_character: 0.02}
  espeak: {enabled: false}
voices:
  butler: {engine: tone, voice: tone, language: en-GB}
default_voice: tone/tone
"""
WITHOUT = """
engines:
  tone: {per_character: 0.02}
  espeak: {enabled: false}
default_voice: tone/tone
"""


def voice(name: str) -> ConfigSubentryData:
    return ConfigSubentryData(
        data={"voice": name, "settings": {}, "fallback": True}, subentry_type="voice", title="Butler", unique_id=None
    )


@pytest.fixture
async def server(socket_enabled: None, tmp_path: Path) -> AsyncIterator[Herald]:
    async with Herald(tmp_path, WITH).running() as server:
        yield server


@pytest.fixture
async def entry(hass: HomeAssistant, server: Herald) -> MockConfigEntry:
    hass.config.internal_url = "http://192.168.1.2:8123"
    entry = await paired(hass, server, subentries=[voice("butler")])
    await following(entry)
    return entry


async def test_a_voice_that_vanishes_is_an_issue_until_it_comes_back(
    hass: HomeAssistant, server: Herald, entry: MockConfigEntry
) -> None:
    assert not issues(hass)
    await reload(server, WITHOUT)
    await until(hass, lambda: bool(issues(hass)))
    (issue,) = issues(hass)
    assert (issue.translation_key, issue.is_fixable, issue.severity) == ("voice_gone", True, IssueSeverity.WARNING)
    assert issue.translation_placeholders == {"name": "Butler", "voice": "butler", "server": "Herald"}
    await reload(server, WITH)
    await until(hass, lambda: not issues(hass))


async def test_a_voice_that_is_gone_is_replaced_in_its_own_form(
    hass: HomeAssistant, server: Herald, entry: MockConfigEntry
) -> None:
    await reload(server, WITHOUT)
    await until(hass, lambda: bool(issues(hass)))
    (issue,) = issues(hass)
    walk = await repair(hass, issue)
    assert walk.menu == ["replace", "remove"]
    await walk.choose("replace")
    assert (walk.shown["type"], walk.shown["reason"]) == (FlowResultType.ABORT, "replace")
    assert issues(hass), "nothing is mended yet"
    handed_on: Any = walk.shown
    kind, flow_id = handed_on["next_flow"]
    forms = hass.config_entries.subentries
    assert kind == "config_subentries_flow"
    assert forms.async_get(flow_id)["step_id"] == "reconfigure"
    shown = await forms.async_configure(flow_id, {"next_step_id": "filter"})
    assert shown["step_id"] == "voice"
    await forms.async_configure(flow_id, {"voice": "tone/tone"})
    await forms.async_configure(flow_id, {"name": "Butler", "preview": False, "advanced": {"fallback": True}})
    await hass.async_block_till_done()
    assert [one.data["voice"] for one in entry.subentries.values()] == ["tone/tone"]
    await until(hass, lambda: not issues(hass))


async def test_a_voice_that_is_gone_is_removed_by_its_repair(hass: HomeAssistant, server: Herald, entry: MockConfigEntry) -> None:
    await reload(server, WITHOUT)
    await until(hass, lambda: bool(issues(hass)))
    (issue,) = issues(hass)
    walk = await repair(hass, issue)
    await walk.choose("remove")
    assert walk.shown["type"] is FlowResultType.CREATE_ENTRY
    assert not entry.subentries
    assert hass.states.get("tts.butler") is None
    await hass.async_block_till_done()
    assert not issues(hass)


async def test_a_voice_that_was_removed_meanwhile_needs_no_repair(
    hass: HomeAssistant, server: Herald, entry: MockConfigEntry
) -> None:
    await reload(server, WITHOUT)
    await until(hass, lambda: bool(issues(hass)))
    (issue,) = issues(hass)
    shown = [await repair(hass, issue) for _ in range(2)]
    (subentry_id,) = entry.subentries
    hass.config_entries.async_remove_subentry(entry, subentry_id)
    await hass.async_block_till_done()
    assert not issues(hass), "it ended with its voice"
    for walk, step in zip(shown, ("replace", "remove"), strict=True):
        await walk.choose(step)
        assert walk.shown["type"] is FlowResultType.CREATE_ENTRY
    # the browser may still show it
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue.issue_id,
        data=issue.data,
        is_fixable=True,
        severity=IssueSeverity.WARNING,
        translation_key="voice_gone",
        translation_placeholders=issue.translation_placeholders,
    )
    walk = await repair(hass, issue)
    assert walk.shown["type"] is FlowResultType.CREATE_ENTRY


async def test_no_other_voice_is_chosen_while_the_server_is_away(
    hass: HomeAssistant, server: Herald, entry: MockConfigEntry
) -> None:
    await reload(server, WITHOUT)
    await until(hass, lambda: bool(issues(hass)))
    (issue,) = issues(hass)
    walk = await repair(hass, issue)
    await hass.config_entries.async_unload(entry.entry_id)
    await walk.choose("replace")
    assert (walk.shown["type"], walk.shown["reason"]) == (FlowResultType.ABORT, "not_now")


async def test_the_voices_of_an_engine_that_fails_are_told_of_with_it(
    hass: HomeAssistant, socket_enabled: None, tmp_path: Path, vendor: OpenSpeechSimulator
) -> None:
    """The engine has none of them without credentials: its own issue says why."""
    hass.config.internal_url = "http://192.168.1.2:8123"
    yaml = WITHOUT.replace("default_voice", "  openspeech: {url: URL}\ndefault_voice").replace("URL", vendor.url)
    async with Herald(tmp_path, yaml).running() as server:
        entry = await paired(hass, server, subentries=[voice("openspeech/of-another-account")])
        assert entry.runtime_data.data.configured[Kind.ENGINE, "openspeech"].failing
        assert not issues(hass)
