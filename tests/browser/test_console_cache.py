"""What the console tells of the audio cache: how much is kept, and how often it was heard."""

from __future__ import annotations

from pathlib import Path

import aiohttp

from wyoming_server.server import Running

from ..frontends.flowing_client import url
from .chromium import Page
from .console import VOICES, open_console, serving

CACHED = VOICES.replace("cache: {enabled: false}", "cache: {enabled: true, size: 64}").replace("pace: 2", "pace: 0")


async def speak(server: Running, text: str) -> None:
    async with aiohttp.ClientSession() as client:
        response = await client.post(url(server, "/api/tts/stream"), json={"text": text, "voice": "Low", "format": "pcm"})
        assert await response.read()


async def until_told(page: Page, place: str, words: str) -> None:
    await page.until(f"document.getElementById({place!r}).textContent === {words!r}")


async def test_the_console_tells_what_is_kept_and_how_often_it_was_heard(blank: Page, tmp_path: Path) -> None:
    async with serving(tmp_path, CACHED) as server:
        await open_console(blank, server, view="#engines")
        await until_told(blank, "cache-size", "Replies kept: 0 (0.0 of 64 MiB)")
        assert await blank.run("document.getElementById('cache-heard').hidden")
        await speak(server, "Dinner is ready.")
        await until_told(blank, "cache-size", "Replies kept: 1 (0.0 of 64 MiB)")
        await until_told(blank, "cache-heard", "Since the server's start: 0 of 1 requests without asking an engine")
        await speak(server, "Dinner is ready.")
        await until_told(blank, "cache-heard", "Since the server's start: 1 of 2 requests without asking an engine")
        for tag, words in (("zh-Hans", "已保存 1 条语音（0.0 / 64 MiB）"), ("zh-Hant", "已保存 1 則語音（0.0 / 64 MiB）")):
            await blank.choose("language", tag)
            await until_told(blank, "cache-size", words)
        assert blank.trouble.found == []


async def test_the_console_tells_that_nothing_is_kept(blank: Page, tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        await open_console(blank, server, view="#engines")
        await until_told(blank, "cache-size", "Switched off in herald.yaml: every reply is made by its engine.")
        assert blank.trouble.found == []
