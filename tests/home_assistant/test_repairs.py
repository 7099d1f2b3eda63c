"""What somebody has to mend: told while it is so, mended in the same forms, and gone afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from homeassistant.components.repairs import DOMAIN as REPAIRS
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant, callback
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.issue_registry import IssueEntry, IssueSeverity
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.herald.api import Kind
from custom_components.herald.const import DOMAIN
from tests.simulators.openspeech import Account, Fault, OpenSpeechSimulator

from .conftest import paired
from .forms import Walk, good, state, wrong
from .servers import Herald
from .strangers import Stranger, newer

pytestmark = pytest.mark.usefixtures("enable_custom_integrations")

ENGINE = (Kind.ENGINE, "openspeech")
USED_UP = Fault(
    kind="refuse", on="handshake", status=403, code=3001, message="quota exceeded for types: text_words_lifetime", times=99
)
FIXED = """
engines:
  tone: {per_character: 0.02}
  espeak: {enabled: false}
  openspeech: {api_key: a-key-of-the-file, appid: "1", token: "2", secret_key: "3", url: URL}
default_voice: tone/tone
"""


@pytest.fixture
async def refused(hass: HomeAssistant, entry: MockConfigEntry, vendor: OpenSpeechSimulator) -> IssueEntry:
    """Of an engine whose stored credentials the vendor does not accept."""
    await entry.runtime_data.client.set_credentials(*ENGINE, {"api_key": "an-expired-key", "url": vendor.url})
    return await told(hass, entry)


async def told(hass: HomeAssistant, entry: MockConfigEntry) -> IssueEntry:
    """The issue that a trial of what is in force leads to."""
    await entry.runtime_data.client.verify(*ENGINE)
    await until(hass, lambda: bool(issues(hass)))
    (issue,) = issues(hass)
    return issue


def issues(hass: HomeAssistant) -> list[IssueEntry]:
    return [issue for issue in ir.async_get(hass).issues.values() if issue.domain == DOMAIN and issue.active]


async def until(hass: HomeAssistant, is_so: Callable[[], bool]) -> None:
    """Issues are told and forgotten as the server's events come."""
    changed = hass.loop.create_future()

    @callback
    def look(_: Any) -> None:
        if is_so() and not changed.done():
            changed.set_result(None)

    stop = hass.bus.async_listen(ir.EVENT_REPAIRS_ISSUE_REGISTRY_UPDATED, look)
    look(None)
    await changed
    stop()


async def repair(hass: HomeAssistant, issue: IssueEntry) -> Walk:
    manager = hass.data[REPAIRS]["flow_manager"]
    shown = await manager.async_init(DOMAIN, context={"issue_id": issue.issue_id})
    return Walk(hass, manager, shown, f"issues/{issue.translation_key}/fix_flow")


async def test_refused_credentials_are_an_issue_with_a_sentence(refused: IssueEntry, entry: MockConfigEntry) -> None:
    assert (refused.translation_key, refused.is_fixable, refused.severity) == ("credentials_refused", True, IssueSeverity.ERROR)
    texts = refused.translation_placeholders
    assert texts is not None
    assert texts["server"] == entry.title
    assert "credentials are wrong or have expired" in texts["message"]
    assert "an-expired-key" not in str(refused)


async def test_refused_credentials_are_mended_in_the_same_form(
    hass: HomeAssistant, refused: IssueEntry, vendor: OpenSpeechSimulator
) -> None:
    walk = await repair(hass, refused)
    assert walk.step == "credentials"
    assert "credentials are wrong or have expired" in walk.texts["message"]
    await walk.enter(**wrong(vendor))
    assert walk.shown["errors"] == {"base": "refused"}
    assert issues(hass)
    await walk.enter(**good(vendor))
    assert walk.shown["type"] is FlowResultType.CREATE_ENTRY
    await until(hass, lambda: not issues(hass))


async def test_credentials_that_are_accepted_again_are_mended_without_entering_anything(
    hass: HomeAssistant, refused: IssueEntry, vendor: OpenSpeechSimulator
) -> None:
    walk = await repair(hass, refused)
    await walk.answer()
    assert walk.shown["errors"] == {"base": "refused"}
    vendor.change(account=Account(api_key="an-expired-key"))
    await walk.answer()
    assert walk.shown["type"] is FlowResultType.CREATE_ENTRY
    await until(hass, lambda: not issues(hass))


async def test_a_vendor_that_is_away_leaves_the_choice_in_a_repair_too(hass: HomeAssistant, refused: IssueEntry) -> None:
    walk = await repair(hass, refused)
    await walk.enter(API_key="api-key", Address="ws://127.0.0.1:9")
    assert (walk.step, walk.menu) == ("unverified", ["credentials", "store_anyway"])
    await walk.choose("store_anyway")
    assert walk.shown["type"] is FlowResultType.CREATE_ENTRY


async def test_an_issue_ends_when_somebody_mends_it_elsewhere(
    hass: HomeAssistant, refused: IssueEntry, entry: MockConfigEntry
) -> None:
    await entry.runtime_data.client.set_credentials(*ENGINE, {"api_key": "api-key"})
    await until(hass, lambda: not issues(hass))


async def test_an_issue_ends_with_its_entry(hass: HomeAssistant, refused: IssueEntry, entry: MockConfigEntry) -> None:
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert not issues(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    assert [issue.issue_id for issue in issues(hass)] == [refused.issue_id]
    assert await hass.config_entries.async_remove(entry.entry_id)
    assert not issues(hass)


async def test_an_issue_ends_with_its_engine(hass: HomeAssistant, refused: IssueEntry, entry: MockConfigEntry) -> None:
    await entry.runtime_data.client.delete_credentials(*ENGINE)
    await until(hass, lambda: not issues(hass))


async def test_nothing_is_mended_while_the_server_is_away(hass: HomeAssistant, refused: IssueEntry, server: Herald) -> None:
    await server.stop()
    walk = await repair(hass, refused)
    assert (walk.shown["type"], walk.shown["reason"]) == (FlowResultType.ABORT, "unreachable")
    assert issues(hass), "what was last known still holds"


async def test_a_quota_that_is_used_up_is_an_issue_until_it_begins_anew(
    hass: HomeAssistant, entry: MockConfigEntry, vendor: OpenSpeechSimulator
) -> None:
    vendor.faults.add(USED_UP)
    await entry.runtime_data.client.set_credentials(*ENGINE, {"api_key": "api-key", "url": vendor.url})
    issue = await told(hass, entry)
    assert (issue.translation_key, issue.is_fixable, issue.severity) == ("quota_used_up", False, IssueSeverity.WARNING)
    vendor.faults.clear()
    await entry.runtime_data.client.verify(*ENGINE)
    await until(hass, lambda: not issues(hass))


async def test_refused_credentials_of_herald_yaml_are_mended_there(
    hass: HomeAssistant, vendor: OpenSpeechSimulator, tmp_path: Path
) -> None:
    async with Herald(tmp_path, FIXED.replace("URL", vendor.url)).running() as server:
        issue = await told(hass, await paired(hass, server))
        assert (issue.translation_key, issue.is_fixable) == ("credentials_refused_read_only", False)


async def test_credentials_that_went_to_herald_yaml_meanwhile_are_not_asked_for(
    hass: HomeAssistant, refused: IssueEntry, server: Herald, vendor: OpenSpeechSimulator
) -> None:
    await server.stop()
    server.yaml = FIXED.replace("URL", vendor.url)
    await server.start()
    walk = await repair(hass, refused)
    assert (walk.shown["type"], walk.shown["reason"]) == (FlowResultType.ABORT, "read_only")


@pytest.fixture
async def future(socket_enabled: None) -> AsyncIterator[Stranger]:
    async with newer("token-of-the-future").running() as server:
        yield server


async def test_a_server_that_is_not_understood_is_an_issue_until_it_is(
    hass: HomeAssistant, future: Stranger, server: Herald
) -> None:
    entry = server.entry(port=future.port, token="token-of-the-future")
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(entry, unique_id="ff00")
    await hass.config_entries.async_setup(entry.entry_id)
    assert state(entry) is ConfigEntryState.SETUP_RETRY
    (issue,) = issues(hass)
    assert (issue.translation_key, issue.is_fixable) == ("wrong_version", False)
    assert issue.translation_placeholders is not None
    assert "9.0.0" in issue.translation_placeholders["error"]
    hass.config_entries.async_update_entry(entry, unique_id=server.id, data=dict(server.entry().data))
    await hass.config_entries.async_reload(entry.entry_id)
    assert state(entry) is ConfigEntryState.LOADED
    assert not issues(hass)


async def test_an_issue_of_a_server_that_is_not_understood_ends_with_its_entry(hass: HomeAssistant, future: Stranger) -> None:
    data = {"host": "127.0.0.1", "port": future.port, "ssl": False, "fingerprint": None, "token": "token-of-the-future"}
    entry = MockConfigEntry(domain=DOMAIN, unique_id="ff00", data=data)
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    assert issues(hass)
    await hass.config_entries.async_remove(entry.entry_id)
    assert not issues(hass)


async def test_a_server_that_is_updated_while_it_is_used_is_an_issue_too(
    hass: HomeAssistant, server: Herald, entry: MockConfigEntry
) -> None:
    """Its events end; whoever answers then speaks another version."""
    await server.stop()
    async with newer(server.token, server.id).running(port=server.http_port):
        await until(hass, lambda: bool(issues(hass)))
        (issue,) = issues(hass)
        assert issue.translation_key == "wrong_version"
        assert await hass.config_entries.async_unload(entry.entry_id)


async def test_a_repair_reaches_a_browser(
    hass: HomeAssistant, refused: IssueEntry, hass_client: ClientSessionGenerator, vendor: OpenSpeechSimulator
) -> None:
    browser = await hass_client()
    response = await browser.post("/api/repairs/issues/fix", json={"handler": DOMAIN, "issue_id": refused.issue_id})
    shown = await response.json()
    assert (shown["step_id"], shown["data_schema"][0]["name"]) == ("credentials", "field_1")
    url = f"/api/repairs/issues/fix/{shown['flow_id']}"
    response = await browser.post(url, json={"field_1": "api-key", "field_5": vendor.url})
    assert (await response.json())["progress_action"] == "verifying"
    await hass.async_block_till_done()
    response = await browser.post(url, json={})
    assert (await response.json())["type"] == "create_entry"
    await until(hass, lambda: not issues(hass))
