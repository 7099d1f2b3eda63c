"""What the console's tests share: a server with a few voices of the test tone, and hands for the page."""

from __future__ import annotations

import json
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from wyoming_server.config import Config, load_config
from wyoming_server.server import Running, running
from wyoming_server.state.credentials import Stored
from wyoming_server.state.tokens import PairingToken

from ..frontends.flowing_client import url
from .chromium import Page
from .conftest import EAR

SENTENCE = "x" * 49 + "."
"""Three seconds of the test tone."""
VOICES = """
wyoming: {uri: "tcp://127.0.0.1:0"}
http: {host: 127.0.0.1, port: 0, allowed_hosts: [herald.test]}
engines: {tone: {per_character: 0.06, pace: 2}, espeak: {enabled: false}}
cache: {enabled: false}
default_voice: Low
voices:
  Low: {engine: tone, voice: tone, language: en-GB, description: A low tone, frequency: 440}
  High: {engine: tone, voice: tone, language: de-DE, gender: female, description: A high tone, frequency: 880}
  Broken: {engine: tone, voice: tone, language: en-GB, description: Fails, fail_at: 0.5}
"""
CONNECTED = "document.getElementById('state').dataset.state === 'ready'"
LISTED = "document.querySelectorAll('.voice').length >= 3"
HEARD = "window.heard && loudness() > 0.1"
SPEAKING = "document.getElementById('playing').dataset.state === 'speaking'"


@asynccontextmanager
async def serving(folder: Path, yaml: str = VOICES) -> AsyncIterator[Running]:
    path = folder / "herald.yaml"
    path.write_text(textwrap.dedent(yaml))

    def load(stored: Stored) -> Config:
        return load_config(path, {}, stored)

    async with running(load({}), folder, PairingToken.load(folder, {}), load=load) as server:
        yield server


async def open_console(page: Page, server: Running, *, languages: str = "en-GB,en", view: str = "") -> None:
    await page.open(f"{url(server, '/')}{view}", languages=languages, script=EAR)
    await page.until(f"{CONNECTED} && {LISTED}")


async def reload(page: Page) -> None:
    await page.call("Page.reload")
    await page.happened("Page.loadEventFired")


async def choose_voice(page: Page, name: str) -> None:
    await page.run(f"document.querySelector('.voice [value={json.dumps(name)}]').click()")


async def play(page: Page, text: str = SENTENCE, *, button: str = "play") -> None:
    await page.choose("text", text)
    await page.click(button)


async def playing(page: Page) -> None:
    await page.until(f"{HEARD} && {SPEAKING}")


async def state(page: Page, name: str) -> None:
    """Wait until the take is so."""
    await page.until(f"document.getElementById('playing').dataset.state === {json.dumps(name)}")


async def texts(page: Page, selector: str) -> list[str]:
    said: list[str] = await page.run(f"[...document.querySelectorAll({json.dumps(selector)})].map((e) => e.innerText)")
    return said


async def module(page: Page, name: str, expression: str) -> Any:
    """Something of one of the console's own files."""
    return await page.run(f"import('/console/{name}.js').then((m) => m.{expression})")


async def saved(page: Page) -> tuple[str, str]:
    """What the browser called the next file that was saved, and what the person calls it."""
    begun = await page.happened("Browser.downloadWillBegin")
    while (await page.happened("Browser.downloadProgress"))["state"] != "completed":
        pass
    return begun["guid"], begun["suggestedFilename"]
