"""Players fetch speech from Home Assistant: where they cannot, that is an issue, as soon as anything is spoken to them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from homeassistant.config_entries import ConfigSubentryData
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers.issue_registry import IssueSeverity
from homeassistant.setup import async_setup_component
from homeassistant.util.ssl import get_default_context

from .conftest import paired
from .servers import TONE, Herald
from .test_repairs import issues, repair, until

pytestmark = pytest.mark.usefixtures("enable_custom_integrations")

GROUP = ConfigSubentryData(
    data={"voice": None, "targets": ["media_player.kitchen"], "chime": None},
    subentry_type="announcement_group",
    title="Everywhere",
    unique_id=None,
)
PLAIN = "http://192.168.1.2:8123"


@pytest.fixture
async def untrusted(socket_enabled: None, tmp_path: Path) -> AsyncIterator[str]:
    """An address whose certificate nobody vouches for."""
    (tmp_path / "other").mkdir()
    async with Herald(tmp_path / "other", TONE, http=", tls: true").running() as other:
        yield f"https://127.0.0.1:{other.http_port}"


@pytest.fixture
async def nowhere(hass: HomeAssistant) -> None:
    """Home Assistant is in no network."""
    assert await async_setup_component(hass, "http", {})
    assert hass.config.api is not None
    hass.config.api.local_ip = "127.0.0.1"


@pytest.mark.usefixtures("nowhere")
async def test_an_address_that_nobody_knows_is_an_issue_until_there_is_one(hass: HomeAssistant, server: Herald) -> None:
    await paired(hass, server, subentries=[GROUP])
    await until(hass, lambda: bool(issues(hass)))
    (issue,) = issues(hass)
    assert (issue.translation_key, issue.is_fixable, issue.severity) == ("no_address", True, IssueSeverity.WARNING)
    await hass.config.async_update(internal_url=PLAIN)
    await until(hass, lambda: not issues(hass))


async def test_a_certificate_that_players_do_not_trust_is_an_issue(hass: HomeAssistant, server: Herald, untrusted: str) -> None:
    hass.config.internal_url = untrusted
    await paired(hass, server, subentries=[GROUP])
    await until(hass, lambda: bool(issues(hass)))
    (issue,) = issues(hass)
    assert issue.translation_key == "untrusted_address"
    assert issue.translation_placeholders is not None
    assert issue.translation_placeholders["address"] == untrusted
    assert "self-signed" in issue.translation_placeholders["error"]


async def test_an_address_is_looked_at_again_when_somebody_mended_it(hass: HomeAssistant, server: Herald, untrusted: str) -> None:
    hass.config.internal_url = untrusted
    await paired(hass, server, subentries=[GROUP])
    await until(hass, lambda: bool(issues(hass)))
    (issue,) = issues(hass)
    walk = await repair(hass, issue)
    assert walk.step == "confirm"
    assert walk.texts["address"] == untrusted
    await walk.answer()
    assert walk.shown["errors"] == {"base": "not_mended"}
    hass.config.internal_url = PLAIN
    await walk.answer()
    assert walk.shown["type"] is FlowResultType.CREATE_ENTRY
    assert not issues(hass)


async def test_a_certificate_that_is_vouched_for_is_no_issue(
    hass: HomeAssistant, server: Herald, untrusted: str, tmp_path: Path
) -> None:
    hass.config.internal_url = untrusted
    await paired(hass, server, subentries=[GROUP])
    await until(hass, lambda: bool(issues(hass)))
    get_default_context().load_verify_locations(tmp_path / "other" / "state" / "tls" / "self-signed.pem")
    (issue,) = issues(hass)
    walk = await repair(hass, issue)
    await walk.answer()
    assert walk.shown["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.usefixtures("nowhere")
async def test_nothing_is_said_where_nobody_speaks_to_players(hass: HomeAssistant, server: Herald) -> None:
    await paired(hass, server)
    await hass.async_block_till_done(wait_background_tasks=False)
    await hass.config.async_update(location_name="Home")
    assert not issues(hass)


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize("address", [PLAIN, "https://127.0.0.1:9"], ids=["plain", "out of reach from here"])
async def test_an_address_that_may_be_reached_is_no_issue(hass: HomeAssistant, server: Herald, address: str) -> None:
    await paired(hass, server, subentries=[GROUP])
    await until(hass, lambda: bool(issues(hass)))
    await hass.config.async_update(internal_url=address)
    await until(hass, lambda: not issues(hass))


@pytest.mark.usefixtures("nowhere")
async def test_the_issue_ends_with_the_last_server_that_speaks_to_players(
    hass: HomeAssistant, server: Herald, tmp_path: Path
) -> None:
    (tmp_path / "second").mkdir()
    async with Herald(tmp_path / "second", TONE).running() as second:
        one, two = await asyncio.gather(paired(hass, server, subentries=[GROUP]), paired(hass, second, subentries=[GROUP]))
        await until(hass, lambda: bool(issues(hass)))
        assert await hass.config_entries.async_unload(one.entry_id)
        assert len(issues(hass)) == 1
        assert await hass.config_entries.async_unload(two.entry_id)
        assert not issues(hass)
