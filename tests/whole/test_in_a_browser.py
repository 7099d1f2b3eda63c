"""The whole way of somebody who begins, in a browser: log in, pair, credentials of an engine, a voice and its preview."""

from __future__ import annotations

import pytest

from wyoming_server.server import Running

from ..browser.chromium import Page
from ..frontends.flowing_client import url
from ..simulators.openspeech import simulator
from .frontend import Frontend
from .hass import Hass

pytestmark = pytest.mark.timeout(400)
API_KEY, ADDRESS = "field_1", "field_5"
"""Of OpenSpeech's credentials."""
ADD = "/config/integrations/dashboard/add?domain=herald"
INTEGRATION = "/config/integrations/integration/herald"


async def test_a_server_is_paired_and_speaks_with_a_voice_of_a_service(
    hass: Hass, server: Running, token: str, page: Page
) -> None:
    frontend = Frontend(page, hass)
    await frontend.log_in()
    await paired(frontend, url(server, ""), token)
    async with simulator() as vendor:
        await with_credentials(frontend, vendor.url)
        await frontend.click("Finish")
        await frontend.read("Name and assign")
        await frontend.look("created")
        await frontend.click("Skip and finish")
        name = await with_voice(frontend)
        states = {state["entity_id"]: state["attributes"].get("friendly_name") for state in await hass.get("/api/states")}
        assert name in [told for entity, told in states.items() if entity.startswith("tts.")]
    assert frontend.complaints() == []


async def paired(frontend: Frontend, address: str, token: str) -> None:
    await frontend.go(ADD)
    await frontend.click("OK")
    await frontend.read("Pair with a Herald server")
    await frontend.look("pair")
    await frontend.enter("address", address)
    await frontend.enter("token", "a-token-of-somebody")
    await frontend.click("Submit")
    await frontend.reads("The server at ")
    await frontend.look("a wrong token")
    assert await frontend.value("address") == address
    assert await frontend.value("token") == ""
    await frontend.enter("token", token)
    await frontend.click("Submit")
    await frontend.read("Paired")
    await frontend.look("paired")


async def with_credentials(frontend: Frontend, address: str) -> None:
    """Wrong ones first."""
    await frontend.click("Set up engines now")
    await frontend.read("OpenSpeech · not set")
    await frontend.look("engines")
    await frontend.click("OpenSpeech · not set")
    await frontend.click("Submit")
    await frontend.read("Enter credentials")
    await frontend.look("engine")
    await frontend.click("Enter credentials")
    await frontend.read("Credentials of OpenSpeech")
    await frontend.look("credentials")
    await frontend.enter(API_KEY, "a-wrong-key-of-somebody")
    await frontend.enter(ADDRESS, address)
    await frontend.click("Submit")
    await frontend.reads("Not accepted, and not stored: ")
    await frontend.look("wrong credentials")
    assert await frontend.value(API_KEY) == ""
    await frontend.enter(API_KEY, "api-key")
    await frontend.enter(ADDRESS, address)
    await frontend.click("Submit")
    await frontend.read("Stored")
    await frontend.look("stored")


async def with_voice(frontend: Frontend) -> str:
    """The first that is offered; how it is called."""
    await frontend.go(INTEGRATION)
    await frontend.read("Add a voice")
    await frontend.look("integration")
    await frontend.click("Add a voice")
    await frontend.read("Which voices?")
    await frontend.look("filter")
    await frontend.click("Next")
    await frontend.read("Which voice?")
    await frontend.look("voice")
    await frontend.click("Next")
    await frontend.read("More settings")
    await frontend.play()
    await frontend.plays_on(0.3)
    await frontend.look("preview")
    await frontend.click("Preview with these settings first")
    await frontend.look("settings")
    await frontend.click("Submit")
    await frontend.plays_on(0.1)
    await frontend.enter("name", "Anna")
    await frontend.look("preview again")
    await frontend.click("Submit")
    await frontend.read("Anna")
    await frontend.look("done")
    return "Anna"
