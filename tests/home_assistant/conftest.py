"""Home Assistant's tests: a real `hass`, its real integrations, and a Herald server in a process of its own.

Run under pytest-homeassistant-custom-component, on Python 3.14.2 or later (see script/test).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry

# before `hass` puts another package of this name on the path
import custom_components.herald  # noqa: F401
from custom_components.herald.flows import engines
from tests.simulators.openspeech import OpenSpeechSimulator, simulator

from .servers import TONE, Herald
from .speaking import following


@pytest.fixture
def hass_config_dir(hass_tmp_config_dir: str) -> str:
    """A configuration folder of its own for each test: speech is cached on disk there."""
    return hass_tmp_config_dir


@pytest.fixture(autouse=True)
def nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """At a trial's progress: there is no frontend here that would miss its end."""
    monkeypatch.setattr(engines, "SHOWN_AT_LEAST", 0)


@pytest.fixture
async def server(socket_enabled: None, tmp_path: Path) -> AsyncIterator[Herald]:
    """A Herald with the test tone alone."""
    async with Herald(tmp_path, TONE).running() as server:
        yield server


@pytest.fixture
async def entry(hass: HomeAssistant, enable_custom_integrations: None, server: Herald) -> MockConfigEntry:
    """The integration, paired with `server` and loaded, and told by it what happens there."""
    entry = await paired(hass, server)
    await following(entry)
    return entry


async def paired(hass: HomeAssistant, server: Herald, **more: Any) -> MockConfigEntry:
    """`more` of the entry's data than a plain server needs."""
    entry = server.entry(**more)
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED
    return entry


@pytest.fixture
async def vendor(socket_enabled: None) -> AsyncIterator[OpenSpeechSimulator]:
    """A speech service with accounts."""
    async with simulator() as vendor:
        yield vendor


@pytest.fixture
async def secure(socket_enabled: None, tmp_path: Path) -> AsyncIterator[Herald]:
    """A Herald that speaks TLS, with a certificate of its own."""
    async with Herald(tmp_path, TONE, http=", tls: true").running() as server:
        yield server
