"""Announcement groups that are set up in a form."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from homeassistant.config_entries import SOURCE_RECONFIGURE, SOURCE_USER, ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from pytest_homeassistant_custom_component.common import MockConfigEntry

from .forms import Walk
from .players import PLAYER, SATELLITE
from .speaking import following
from .test_notify import DING, ding

CHIME = {"media_content_id": DING, "media_content_type": "audio/wav", "metadata": {"title": "ding.wav"}}


@pytest.fixture
def media(hass: HomeAssistant, hass_config_dir: str) -> Path:
    folder = Path(hass_config_dir, "media")
    folder.mkdir()
    (folder / "ding.wav").write_bytes(ding(0.5))
    (folder / "noise.wav").write_bytes(b"noise")
    hass.config.media_dirs = {"local": str(folder)}
    return folder


@pytest.fixture
async def ready(media: Path, entry: MockConfigEntry) -> MockConfigEntry:
    await following(entry)
    return entry


async def walk(hass: HomeAssistant, entry: MockConfigEntry, **context: Any) -> Walk:
    manager = hass.config_entries.subentries
    shown = await manager.async_init((entry.entry_id, "announcement_group"), context=context)  # type: ignore[arg-type]
    return Walk(hass, manager, shown, "config_subentries/announcement_group")


def suggested(walk: Walk) -> dict[str, Any]:
    schema = walk.shown["data_schema"]
    assert schema is not None
    return {str(key): key.description["suggested_value"] for key in schema.schema if key.description}


async def test_a_group_is_set_up_and_changed(hass: HomeAssistant, ready: MockConfigEntry) -> None:
    form = await walk(hass, ready, source=SOURCE_USER)
    assert (form.step, form.fields) == ("user", ["name", "targets", "voice", "chime", "volume"])
    await form.answer(name=" Everywhere ", targets=[PLAYER, SATELLITE], voice="tts.herald", chime=CHIME, volume=29)
    assert form.shown["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()
    (subentry,) = ready.subentries.values()
    assert subentry.title == "Everywhere"
    assert subentry.data == {"voice": "tts.herald", "targets": [PLAYER, SATELLITE], "chime": DING, "volume": 0.29}
    assert hass.states.get("notify.everywhere") is not None

    form = await walk(hass, ready, source=SOURCE_RECONFIGURE, subentry_id=subentry.subentry_id)
    assert form.step == "reconfigure"
    assert suggested(form) == {
        "name": "Everywhere",
        "targets": [PLAYER, SATELLITE],
        "voice": "tts.herald",
        "chime": {"media_content_id": DING, "media_content_type": "music"},
        "volume": 29,
    }
    await form.answer(name="Kitchen", targets=[PLAYER])
    assert (form.shown["type"], form.shown["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")
    await hass.async_block_till_done()
    (subentry,) = ready.subentries.values()
    assert subentry.title == "Kitchen"
    assert subentry.data == {"voice": None, "targets": [PLAYER], "chime": None, "volume": None}
    form = await walk(hass, ready, source=SOURCE_RECONFIGURE, subentry_id=subentry.subentry_id)
    assert suggested(form) == {"name": "Kitchen", "targets": [PLAYER]}


async def test_a_group_of_an_earlier_version_has_no_volume(hass: HomeAssistant, ready: MockConfigEntry) -> None:
    before = ConfigSubentry(
        data=MappingProxyType({"voice": None, "targets": [PLAYER], "chime": None}),
        subentry_type="announcement_group",
        title="Old",
        unique_id=None,
    )
    hass.config_entries.async_add_subentry(ready, before)
    await hass.async_block_till_done()
    assert hass.states.get("notify.old") is not None
    form = await walk(hass, ready, source=SOURCE_RECONFIGURE, subentry_id=before.subentry_id)
    assert suggested(form) == {"name": "Old", "targets": [PLAYER]}
    await form.answer(name="Old", targets=[PLAYER], volume=0)
    await hass.async_block_till_done()
    (subentry,) = ready.subentries.values()
    assert subentry.data["volume"] == 0
    form = await walk(hass, ready, source=SOURCE_RECONFIGURE, subentry_id=before.subentry_id)
    assert suggested(form)["volume"] == 0


async def test_what_is_missing_or_wrong_is_told_beside_it(hass: HomeAssistant, ready: MockConfigEntry) -> None:
    form = await walk(hass, ready, source=SOURCE_USER)
    await form.answer(name=" ", targets=[PLAYER])
    assert form.shown["errors"] == {"name": "name_missing"}
    await form.answer(name="Kitchen", targets=[])
    assert form.shown["errors"] == {"targets": "targets_missing"}
    noise = {**CHIME, "media_content_id": DING.replace("ding", "noise")}
    await form.answer(name="Kitchen", targets=[PLAYER], chime=noise)
    assert form.shown["errors"] == {"chime": "chime_refused"}
    assert form.texts["error"]
    assert suggested(form) == {"name": "Kitchen", "targets": [PLAYER], "chime": noise}
    assert not ready.subentries


async def test_a_server_that_is_not_loaded_is_told(hass: HomeAssistant, ready: MockConfigEntry) -> None:
    await hass.config_entries.async_unload(ready.entry_id)
    form = await walk(hass, ready, source=SOURCE_USER)
    assert (form.shown["type"], form.shown["reason"]) == (FlowResultType.ABORT, "entry_not_loaded")
