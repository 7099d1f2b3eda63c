"""The console in a real browser, at a real server: sessions of others, credentials, the token, and that everybody can use it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from wyoming_server.administration import State
from wyoming_server.errors import CODES
from wyoming_server.frontends.console.routes import FOLDER
from wyoming_server.models import SETTING_NAMES
from wyoming_server.server import Running
from wyoming_server.sessions import Outcome
from wyoming_server.state.tokens import PairingToken

from ..frontends.flowing_client import url
from ..serving import Client, ended, tone_of
from ..simulators.openspeech import Account, simulator
from .chromium import Page
from .conftest import EAR
from .console import (
    CONNECTED,
    HEARD,
    LISTED,
    SENTENCE,
    VOICES,
    choose_voice,
    module,
    open_console,
    play,
    playing,
    reload,
    serving,
    state,
    texts,
)
from .relay import relaying
from .test_page import colour, contrast

STALLS = VOICES.replace("pace: 2}", "pace: 2, stall_at: 0.5}")


@pytest.fixture
async def herald(tmp_path: Path) -> AsyncIterator[Running]:
    async with serving(tmp_path) as server:
        yield server


@pytest.fixture
async def console(blank: Page, herald: Running) -> AsyncIterator[Page]:
    await open_console(blank, herald)
    yield blank
    assert blank.trouble.found == []


# Who is being spoken to


async def test_others_are_listed_live_and_stopped_one_by_one(blank: Page, tmp_path: Path) -> None:
    async with serving(tmp_path, STALLS) as server, await Client.connect(server) as other:
        await open_console(blank, server, view="#live")
        other.send("synthesize", text=SENTENCE)
        await blank.until("document.querySelector('#sessions .session-state[data-state=speaking]')")
        assert await blank.text("live-count") == "1"
        [row] = await texts(blank, "#sessions li")
        assert "wyoming" in row
        assert "50 characters" in row
        await blank.run("document.querySelector('#sessions button').click()")
        await ended(tone_of(server), "cancelled")
        await blank.until("document.querySelectorAll('#sessions li').length === 0")
        assert "Stopped; cancelled after" in (await texts(blank, "#ended li"))[0]
        assert blank.trouble.found == []


async def test_a_session_tells_its_voice_as_the_cards_do(blank: Page, tmp_path: Path) -> None:
    async with (
        simulator(pace=1) as cloud,
        serving(tmp_path, with_cloud(cloud.url, ", api_key: api-key")) as server,
        await Client.connect(server) as other,
    ):
        await open_console(blank, server, view="#live")
        other.send("synthesize", text=SENTENCE, voice={"name": "openspeech/zh_female_vv_uranus_bigtts"})
        await blank.until("document.querySelector('#sessions .take-voice')?.innerText === 'Vivi 2.0'")
        await blank.click("stop-all")
        await blank.until("document.querySelector('#ended .take-voice')?.innerText === 'Vivi 2.0'")


async def test_all_are_stopped_at_once(blank: Page, tmp_path: Path) -> None:
    async with serving(tmp_path, STALLS) as server, await Client.connect(server) as one, await Client.connect(server) as other:
        await open_console(blank, server, view="#live")
        for client in (one, other):
            client.send("synthesize", text=SENTENCE)
        await blank.until("document.querySelectorAll('#sessions li').length === 2")
        await blank.click("stop-all")
        await blank.until("document.querySelectorAll('#sessions li').length === 0")
        await blank.until("document.getElementById('live-said').textContent === 'Stopped: 2'")
        assert [event.what for event in tone_of(server).journal].count("cancelled") == 2


async def test_a_stop_from_another_client_is_heard_here(console: Page, herald: Running) -> None:
    await play(console)
    await playing(console)
    async with aiohttp.ClientSession() as client:
        listed = await (await client.get(url(herald, "/api/sessions"))).json()
        [session] = listed["sessions"]
        await client.delete(url(herald, f"/api/sessions/{session['id']}"))
    await state(console, "stopped")
    assert await console.text("playing") == "Stopped by somebody else."
    await console.until("loudness() === 0")


# Credentials


async def test_credentials_are_refused_saved_verified_and_deleted(blank: Page, tmp_path: Path) -> None:
    async with simulator(account=Account(api_key="right-key")) as cloud, serving(tmp_path, with_cloud(cloud.url)) as server:
        await open_console(blank, server, view="#engines")
        await blank.until("document.querySelector('.service[data-name=openspeech]')")
        await blank.run("document.querySelector('.service[data-name=openspeech] summary').click()")
        await enter(blank, "api_key", "wrong-key", button=1)
        await blank.until("document.querySelector('.credentials p.problem')")
        assert "wrong-key" not in (await texts(blank, ".credentials p.problem"))[0]
        assert not (tmp_path / "credentials.json").exists()
        await enter(blank, "api_key", "right-key", button=0)
        await blank.until("document.querySelector('.credentials p.good')")
        assert (await texts(blank, ".credentials p.good"))[0].startswith("Saved. The service accepts them")
        await blank.until("document.querySelector('.service[data-name=openspeech] .service-state').dataset.state === 'ready'")
        assert "right-key" in (tmp_path / "credentials.json").read_text()
        assert await blank.run("[...document.querySelectorAll('.credentials input')].map((input) => input.value).join('')") == ""
        await reload(blank)
        await blank.until("document.getElementById('engines-openspeech-api_key')")
        assert "right-key" not in await blank.run("document.documentElement.outerHTML")
        assert await blank.run("document.getElementById('engines-openspeech-api_key').value") == ""
        assert "stored by Herald" in await blank.run("document.getElementById('engines-openspeech-api_key-note').textContent")
        await blank.run("void (window.confirm = () => true)")
        await enter(blank, "api_key", "", button=2)
        await blank.until("document.querySelector('.credentials p.good')?.textContent === 'Deleted.'")
        assert "right-key" not in (tmp_path / "credentials.json").read_text()


async def test_one_stored_credential_is_removed_and_the_others_stay(blank: Page, tmp_path: Path) -> None:
    async with simulator() as cloud, serving(tmp_path, with_cloud(cloud.url)) as server:
        await open_console(blank, server, view="#engines")
        await blank.until("document.querySelector('.service[data-name=openspeech]')")
        await blank.run("document.querySelector('.service[data-name=openspeech] summary').click()")
        assert await blank.run("[...document.querySelectorAll('.stored button')].every((button) => button.hidden)")
        await blank.choose("engines-openspeech-appid", "1234567890")
        await enter(blank, "api_key", "old-key", button=0)
        remove = "document.getElementById('engines-openspeech-api_key').nextSibling"
        await blank.until(f"!{remove}.hidden && !{remove}.disabled")
        assert await blank.run(f"{remove}.ariaLabel") == "Remove API key"
        await blank.run("void (window.confirm = () => true)")
        await blank.run(f"{remove}.click()")
        await blank.until(f"{remove}.hidden && document.activeElement.id === 'engines-openspeech-api_key'")
        assert "old-key" not in (tmp_path / "credentials.json").read_text()
        assert "1234567890" in (tmp_path / "credentials.json").read_text()


async def test_what_the_file_sets_is_shown_as_read_only(blank: Page, tmp_path: Path) -> None:
    async with simulator() as cloud, serving(tmp_path, with_cloud(cloud.url, ", api_key: api-key")) as server:
        await open_console(blank, server, view="#engines")
        await blank.until("document.getElementById('engines-openspeech-api_key')?.disabled")
        note = await blank.run("document.getElementById('engines-openspeech-api_key-note').textContent")
        assert note.startswith("Set in herald.yaml. It can be changed only there.")
        assert not await blank.run("document.getElementById('engines-openspeech-appid').disabled")
        assert "api-key" not in await blank.run("document.body.innerText")


def with_cloud(address: str, more: str = "") -> str:
    return VOICES.replace("espeak:", f"openspeech: {{url: '{address}', keep_warm: 0, first_audio_timeout: 2{more}}}, espeak:")


async def enter(page: Page, field: str, value: str, *, button: int) -> None:
    """Into the form of `openspeech`; its buttons are save, verify and delete."""
    name = f"engines-openspeech-{field}"
    chosen = f"document.getElementById('{name}').form.querySelectorAll('.actions button')[{button}]"
    await page.choose(name, value)
    await page.until(f"!{chosen}.disabled")
    await page.run(f"{chosen}.click()")


# The token


async def test_a_stranger_is_asked_for_the_token_once(blank: Page, herald: Running, tmp_path: Path) -> None:
    """Over plain HTTP from another machine, where browsers lack what they have in a secure context."""
    async with relaying(herald, is_foreign=True) as relay:
        await blank.open(f"http://herald.test:{relay.port}/", script=EAR)
        assert await blank.run("isSecureContext") is False
        await blank.until("document.getElementById('pairing').open")
        await use_token(blank, "wrong")
        await blank.until("!document.getElementById('pairing-problem').hidden && document.getElementById('pairing').open")
        assert await blank.text("pairing-problem") == "This token is wrong."
        await use_token(blank, (tmp_path / "token").read_text().strip())
        await blank.until(f"{CONNECTED} && {LISTED} && !document.getElementById('pairing').open")
        await play(blank)
        await blank.until(HEARD)
        await blank.click("stop")
        await blank.until("document.getElementById('a-cancelled').textContent.endsWith(' ms')")
        assert "token" not in await blank.run("location.href")
        assert await blank.run("[localStorage.length, document.cookie]") == [0, ""]
        await reload(blank)
        await blank.until(f"{CONNECTED} && {LISTED}")
        await blank.run("void setTimeout(() => document.getElementById('forget').click())")  # it reads the page anew
        await blank.happened("Page.loadEventFired")
        await blank.until("document.getElementById('pairing').open")


async def test_a_token_is_remembered_on_wish(blank: Page, herald: Running, tmp_path: Path) -> None:
    async with relaying(herald, is_foreign=True) as relay:
        await blank.open(f"http://herald.test:{relay.port}/", script=EAR)
        await blank.until("document.getElementById('pairing').open")
        await blank.click("remember")
        await use_token(blank, (tmp_path / "token").read_text().strip())
        await blank.until(CONNECTED)
        await blank.run("sessionStorage.clear()")  # as a new tab has it
        await reload(blank)
        await blank.until(CONNECTED)


async def test_who_gives_no_token_is_told_and_may_try_again(blank: Page, herald: Running) -> None:
    async with relaying(herald, is_foreign=True) as relay:
        await blank.open(f"http://herald.test:{relay.port}/", script=EAR)
        await blank.until("document.getElementById('pairing').open")
        await blank.press("Escape")
        await blank.until("document.getElementById('state').dataset.state === 'refused'")
        assert "herald token" in await blank.text("voices-problem")
        await blank.click("again")
        await blank.until("document.getElementById('pairing').open")


async def test_a_token_that_is_replaced_is_asked_for_anew_and_nothing_is_lost(
    blank: Page, herald: Running, tmp_path: Path
) -> None:
    async with relaying(herald, is_foreign=True) as relay, aiohttp.ClientSession() as owner:
        await blank.open(f"http://herald.test:{relay.port}/", script=EAR)
        await blank.until("document.getElementById('pairing').open")
        await use_token(blank, (tmp_path / "token").read_text().strip())
        await blank.until(f"{CONNECTED} && {LISTED}")
        token = PairingToken.rotate(tmp_path, {})
        await owner.post(url(herald, "/api/config/reload"))
        await play(blank)
        await blank.until("document.getElementById('pairing').open")
        assert await blank.text("pairing-problem") == "This token is wrong."
        await use_token(blank, token.value)
        await playing(blank)


async def use_token(page: Page, token: str) -> None:
    await page.choose("token", token)
    await page.press("Enter")


# Words


async def test_every_word_is_there_in_every_language(console: Page) -> None:
    words = await module(console, "words", "LANGUAGES")
    assert sorted(words) == ["en", "zh-Hans", "zh-Hant"]
    for tag, texts_ in words.items():
        assert texts_.keys() == words["en"].keys()
        assert [word for word, text in texts_.items() if not text] == [], tag
    for word in words["en"]:
        places = [sorted({part.split("}")[0] for part in words[tag][word].split("{")[1:]}) for tag in words]
        assert places[0] == places[1] == places[2], word
    used = await console.run(
        """[...document.querySelectorAll('*')].flatMap(({ dataset }) =>
             ['word', 'hint', 'placeholder', 'label'].map((name) => dataset[name])).filter(Boolean)"""
    )
    assert set(used) <= set(words["en"])


async def test_whatever_the_server_tells_has_its_words(console: Page) -> None:
    words = (await module(console, "words", "LANGUAGES"))["en"]
    told = [
        *(f"code_{code}" for code in CODES),
        *(f"state_{state}" for state in State),
        *(f"outcome_{outcome}" for outcome in Outcome if outcome is not Outcome.FAILED),  # which is told by its code
        *(f"setting_{name}" for name in SETTING_NAMES),
    ]
    assert [word for word in told if word not in words] == []


async def test_every_word_that_a_script_says_is_there(console: Page) -> None:
    words = (await module(console, "words", "LANGUAGES"))["en"]
    scripts = "".join(path.read_text() for path in FOLDER.glob("*.js") if path.name != "words.js")
    said = re.findall(r'(?:\bsay\(|\bput\([^"()]*(?:\([^()]*\))?[^"()]*, |(?:word|hint|label|placeholder): )"(\w+)"', scripts)
    assert len(said) > 50
    assert set(said) <= set(words)


async def test_the_language_is_switched_without_losing_anything_and_kept(console: Page) -> None:
    await play(console, "x" * 5)
    await state(console, "done")
    await console.choose("language", "zh-Hans")
    assert await console.run("document.documentElement.lang") == "zh-Hans"
    assert await console.text("playing") == "已播放完毕"
    assert await console.run("document.getElementById('text').value") == "x" * 5
    english = (await module(console, "words", "LANGUAGES"))["en"]
    said = await console.run("[...document.querySelectorAll('[data-word]')].map((e) => [e.dataset.word, e.textContent])")
    assert [word for word, text in said if text == english[word]] == []
    assert "英国英语" in (await texts(console, ".voice-languages"))[0]
    await reload(console)
    await console.until(f"{CONNECTED} && {LISTED}")
    assert await console.run("document.querySelector('#play').innerText") == "播放"
    await console.choose("language", "en")


@pytest.mark.parametrize(
    ("languages", "title"), [("zh-CN", "Herald：控制台"), ("zh-HK", "Herald：主控台"), ("fr", "Herald: console")]
)
async def test_the_console_speaks_the_browsers_language(blank: Page, herald: Running, languages: str, title: str) -> None:
    await open_console(blank, herald, languages=languages)
    assert await blank.run("document.title") == title


# For everybody


async def test_the_keyboard_alone_is_enough(console: Page) -> None:
    await console.run("document.body.focus()")
    focused = "document.activeElement"
    reached: list[str] = []
    for _ in range(40):
        await console.press("Tab")
        reached.append(await console.run(f"{focused}.id || {focused}.name || {focused}.textContent"))
        outline = f"getComputedStyle({focused}.closest('.slot, .voice') ?? {focused}).outlineStyle"
        assert await console.run(outline) != "none", reached[-1]
        if reached[-1] == "voice":
            break
    way = ["language", "Speak", "text", "play"]
    assert [name for name in reached if name in way] == way
    chosen = await console.text("slot-a-voice")
    await console.press("ArrowDown")
    assert await console.text("slot-a-voice") != chosen
    await choose_voice(console, "Low")
    await console.run("document.getElementById('text').focus()")
    await console.type(SENTENCE)
    await console.press("Enter", ctrl=True)
    await playing(console)
    await console.press("Escape")
    await state(console, "stopped")
    await console.run("document.getElementById('play').focus()")
    await console.press(" ")
    await playing(console)
    await console.press("Tab")
    assert await console.run("document.activeElement.id") == "stop"
    await console.press("Enter")
    await state(console, "stopped")


async def test_states_are_told_to_screen_readers(console: Page) -> None:
    for name in ("state", "playing", "live-said", "consent"):
        assert await console.run(f"document.getElementById('{name}').role") == "status"
    for name in ("problem", "voices-problem", "live-problem", "services-problem", "pairing-problem"):
        assert await console.run(f"document.getElementById('{name}').role") == "alert"


async def test_every_field_and_button_has_a_name(console: Page) -> None:
    await console.until("document.getElementById('setting-speed')")
    names = await console.run(
        """[...document.querySelectorAll('input, select, textarea, button')].map((element) => [element.id || element.value,
             element.getAttribute('aria-label') || element.labels?.[0]?.textContent.trim() || element.textContent.trim()])"""
    )
    assert len(names) >= 25
    assert [field for field, name in names if not name] == []


async def test_nothing_is_wider_than_the_screen(blank: Page, tmp_path: Path) -> None:
    async with simulator() as cloud, serving(tmp_path, with_cloud(cloud.url)) as server:
        await open_console(blank, server)
        await blank.click("compare")
        await blank.run("for (const part of document.querySelectorAll('details')) part.open = true")
        for view in ("speak", "live", "engines"):
            await blank.run(f"void (location.hash = '{view}')")
            for width in (320, 390, 768, 1000, 1280):
                await blank.call("Emulation.setDeviceMetricsOverride", width=width, height=700, deviceScaleFactor=1, mobile=False)
                await blank.until(f"innerWidth === {width}")
                assert await blank.run("document.documentElement.scrollWidth") <= width, (view, width)


async def test_on_a_phone_buttons_are_large_enough(console: Page) -> None:
    await console.call("Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=3, mobile=True)
    small = await console.run(
        """[...document.querySelectorAll('button, select, nav a, .check, .voice')].filter((e) => e.offsetParent)
             .map((e) => [e.id || e.textContent, e.getBoundingClientRect().height]).filter(([, height]) => height < 38)"""
    )
    assert small == []


async def test_every_text_has_enough_contrast(console: Page) -> None:
    """4.5 to 1, as WCAG's AA asks for, by day and by night."""
    pairs = (
        "ink-paper ink-card ink-glow pale-paper pale-card on_accent-accent accent-card bad-bad_paper bad-card warn-warn_paper "
        "warn-card"
    )
    for scheme in ("light", "dark"):
        await console.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        for pair in pairs.split():
            first, second = [await colour(console, name.replace("_", "-")) for name in pair.split("-")]
            assert contrast(first, second) >= 4.5, (scheme, pair)


async def test_little_motion_is_respected(console: Page) -> None:
    await console.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])
    await play(console)
    await playing(console)
    assert await console.run("getComputedStyle(document.getElementById('playing'), '::before').animationName") == "none"
    await console.click("stop")


async def test_nothing_foreign_is_loaded_and_nothing_is_stored(console: Page, herald: Running) -> None:
    loaded = await console.run("performance.getEntriesByType('resource').map(({ name }) => name)")
    assert loaded
    assert {name for name in loaded if not name.startswith(url(herald, "/"))} == set()
    assert await console.run("[localStorage.length, sessionStorage.length, document.cookie]") == [0, 0, ""]


async def test_a_server_that_ends_and_returns_is_found_again(blank: Page, tmp_path: Path) -> None:
    async with serving(tmp_path) as first:
        assert first.http is not None
        port = first.http.urls[0].rpartition(":")[2]
        await open_console(blank, first)
    await blank.until("document.getElementById('state').dataset.state === 'lost'")
    async with serving(tmp_path, VOICES.replace("127.0.0.1, port: 0", f"127.0.0.1, port: {port}")), asyncio.timeout(10):
        await blank.until(CONNECTED)
