"""What the console tells of limits: what engines took and may take, and whether one is spared because it fails."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from pathlib import Path

import aiohttp

from wyoming_server.server import Running

from ..frontends.flowing_client import url
from .chromium import Page
from .console import VOICES, open_console, serving, texts

LIMITED = VOICES.replace("pace: 2", "pace: 50, characters_per_day: 1000, breaker_failures: 2, breaker_seconds: {seconds}")
CARD = ".service[data-name=tone]"
BREAKER = f"document.querySelector('{CARD} .breaker')"


def limited(seconds: int = 60) -> str:
    return LIMITED.replace("{seconds}", str(seconds))


async def speak(server: Running, characters: int, voice: str = "Low") -> None:
    """Whatever becomes of it."""
    async with aiohttp.ClientSession() as client:
        body = {"text": "x" * characters, "voice": voice, "format": "pcm", "options": {"fallback": False}}
        with suppress(aiohttp.ClientPayloadError):
            await (await client.post(url(server, "/api/tts/stream"), json=body)).read()


async def until_spent(page: Page, *lines: str) -> None:
    shown = f"[...document.querySelectorAll('{CARD} .spent')].map((e) => e.textContent).join('|')"
    await page.until(f"{shown} === {'|'.join(lines)!r}")


async def test_a_card_tells_what_its_engine_took_and_may_take_and_warns_in_time(blank: Page, tmp_path: Path) -> None:
    async with serving(tmp_path, limited()) as server:
        await open_console(blank, server, view="#engines")
        await until_spent(blank, "Today: 0 of 1,000 characters")
        await speak(server, 799)
        await until_spent(blank, "Today: 799 of 1,000 characters", "This month: 799 characters")
        await speak(server, 1)
        await until_spent(blank, "Today: 800 of 1,000 characters Nearly used up", "This month: 800 characters")
        await speak(server, 200)
        await until_spent(blank, "Today: 1,000 of 1,000 characters Used up", "This month: 1,000 characters")
        for tag, line in (("zh-Hans", "今天：1,000 / 1,000 个字符 已用完"), ("zh-Hant", "今天：1,000 / 1,000 個字元 已用完")):
            await blank.choose("language", tag)
            assert (await texts(blank, f"{CARD} .spent"))[0] == line
        assert blank.trouble.found == []


async def test_who_waits_in_line_is_told_his_place_as_it_changes(blank: Page, tmp_path: Path) -> None:
    async with serving(tmp_path, VOICES.replace("pace: 2", "pace: 1, concurrency: 1")) as server, asyncio.TaskGroup() as speaking:
        await open_console(blank, server, view="#live")
        places = "[...document.querySelectorAll('#sessions .session-state')].map((e) => e.textContent).sort().join('|')"
        replies = []
        for count in range(3):
            replies.append(speaking.create_task(speak(server, 200)))
            await blank.until(f"document.querySelectorAll('#sessions li').length === {count + 1}")
        await blank.until(f"{places} === 'Speaking|Waiting, number 1 in line|Waiting, number 2 in line'")
        replies[0].cancel()
        await blank.until(f"{places} === 'Speaking|Waiting, number 1 in line'")
        replies[1].cancel()
        replies[2].cancel()


async def test_a_card_tells_until_when_an_engine_that_fails_is_spared(blank: Page, tmp_path: Path) -> None:
    async with serving(tmp_path, limited()) as server:
        await open_console(blank, server, view="#engines")
        await blank.until(f"{BREAKER}?.hidden")
        await speak(server, 100, "Broken")
        await speak(server, 100, "Broken")
        await blank.until(f"{BREAKER}.dataset.state === 'open'")
        words = await blank.run(f"{BREAKER}.textContent")
        assert re.fullmatch(
            r"Resting until \d+:\d\d:\d\d.*: failures in a row: 2 \(The engine failed\)\. Meanwhile the next voice speaks\.",
            words,
        )


async def test_a_card_tells_when_an_engine_has_rested_and_when_it_works_again(blank: Page, tmp_path: Path) -> None:
    async with serving(tmp_path, limited(seconds=1)) as server:
        await open_console(blank, server, view="#engines")
        for _ in range(2):
            await speak(server, 100, "Broken")
        await blank.until(f"{BREAKER}.textContent.startsWith('Rested; the next request tries it again.')")
        await speak(server, 10)
        await blank.until(f"{BREAKER}.dataset.state === 'closed'")
