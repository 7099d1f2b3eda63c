"""The console in a real browser, at a real server: what is heard, how it stops, and what a person is told of it."""

from __future__ import annotations

import re
import wave
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from wyoming_server.server import Running

from ..frontends.flowing_client import url
from ..serving import ended, tone_of
from .chromium import Page
from .conftest import EAR
from .console import (
    CONNECTED,
    HEARD,
    SENTENCE,
    VOICES,
    choose_voice,
    open_console,
    play,
    playing,
    saved,
    serving,
    state,
    texts,
)
from .relay import relaying

RATE = 22_050


@pytest.fixture
async def herald(tmp_path: Path) -> AsyncIterator[Running]:
    async with serving(tmp_path) as server:
        yield server


@pytest.fixture
async def console(blank: Page, herald: Running) -> AsyncIterator[Page]:
    """The console, in English, connected. It must have nothing to complain of."""
    await open_console(blank, herald)
    yield blank
    assert blank.trouble.found == []


def milliseconds(text: str) -> float:
    return float(text.removesuffix(" ms").replace(",", ""))


async def frequency(page: Page) -> float:
    samples = np.array(await page.run("listen().slice(-16384)"))
    rate = await page.run("heard.sampleRate")
    return float(np.abs(np.fft.rfft(samples * np.hanning(len(samples)))).argmax() * rate / len(samples))


# Sound


async def test_it_plays_while_it_is_made_and_draws_what_comes(console: Page) -> None:
    await play(console)
    await playing(console)
    assert await console.run("document.getElementById('takes').querySelector('button').disabled")  # it still comes
    await console.until("heard.currentTime > 1")
    assert await frequency(console) == pytest.approx(440, abs=3)
    drawn = """(() => {
      const wave = document.getElementById('wave');
      const copy = new OffscreenCanvas(wave.width, wave.height).getContext('2d', { willReadFrequently: true });
      copy.drawImage(wave, 0, 0);
      const pixels = copy.getImageData(0, 0, wave.width, wave.height).data;
      const accent = getComputedStyle(wave).getPropertyValue('--accent').match(/\\w\\w/g).map((part) => parseInt(part, 16));
      let count = 0;
      for (let at = 0; at < pixels.length; at += 4) if (accent.every((part, i) => pixels[at + i] === part)) count += 1;
      return count;
    })()"""
    before = await console.run(drawn)
    await console.until(f"{drawn} > {before}")
    await state(console, "done")
    assert await console.text("playing") == "Played to its end"


async def test_the_measures_are_plausible(console: Page) -> None:
    await play(console)
    await state(console, "done")
    assert 0 < milliseconds(await console.text("a-firstAudio")) < 2000
    assert await console.text("a-audio") == "3.00 s"
    assert 0.3 < float(await console.text("a-factor")) < 0.9  # made at twice the speed of speech
    assert await console.text("a-silence") == "–"


async def test_a_compressed_format_is_played_when_it_is_whole_and_saved_as_it_came(console: Page, tmp_path: Path) -> None:
    await console.choose("format", "mp3")
    await play(console, "x" * 20)
    await playing(console)
    await console.run("document.querySelectorAll('#takes button')[1].click()")
    name, suggested = await saved(console)
    assert suggested.endswith(".mp3")
    assert (tmp_path / name).read_bytes()[:2] in {b"ID", b"\xff\xfb", b"\xff\xf3"}
    await state(console, "done")


async def test_settings_come_from_the_voices_schema_and_shape_the_sound(console: Page) -> None:
    await console.until("document.getElementById('setting-frequency')")
    assert "Speed" in await console.run("document.getElementById('setting-speed').labels[0].textContent")
    assert await console.run("document.getElementById('setting-share')") is None
    await console.choose("setting-frequency", "1000")
    await play(console)
    await console.until(f"{HEARD} && heard.currentTime > 1")
    assert await frequency(console) == pytest.approx(1000, abs=3)
    await console.press("Escape")
    await console.click("reset")
    await play(console)
    await console.until("loudness() > 0.1")
    start = await console.run("heard.currentTime")
    await console.until(f"heard.currentTime > {start + 1}")
    assert await frequency(console) == pytest.approx(440, abs=3)


async def test_an_engines_own_settings_are_opened_on_wish_and_stay_open(console: Page) -> None:
    await console.until("document.querySelector('#fields details #setting-frequency')")
    assert not await console.run("document.querySelector('#fields details').open")
    assert await console.run("document.querySelector('#fields > label #setting-speed') !== null")
    await console.choose("setting-frequency", "1000")
    await console.choose("language", "zh-Hans")  # all is drawn anew
    await console.until("document.querySelector('#fields summary').textContent !== 'More, of the engine\\'s own'")
    assert await console.run("document.querySelector('#fields details').open")
    assert await console.run("document.getElementById('setting-frequency').value") == "1000"


async def test_a_text_with_nothing_to_speak_is_told(console: Page) -> None:
    await play(console, "\N{GRINNING FACE}")
    await console.until("document.getElementById('playing').textContent === 'There was nothing to speak in this text.'")
    assert await console.run("document.querySelectorAll('#takes li').length") == 1
    await play(console, "x")
    await state(console, "done")
    assert await console.text("playing") == "Played to its end"


async def test_a_text_that_is_missing_is_asked_for(console: Page) -> None:
    await console.click("play")
    assert await console.text("problem") == "Write something first."
    assert await console.run("document.activeElement.id") == "text"


# Stop


async def test_stop_silences_at_once_cancels_the_engine_and_tells_both_times(console: Page, herald: Running) -> None:
    await play(console)
    await playing(console)
    assert await console.run("silenceAfter(() => document.getElementById('stop').click())") < 250
    await ended(tone_of(herald), "cancelled")
    await console.until("document.getElementById('a-cancelled').textContent.endsWith(' ms')")
    await console.until("document.getElementById('a-silence').textContent.endsWith(' ms')")
    assert 0 <= milliseconds(await console.text("a-silence")) < 250
    assert 0 <= milliseconds(await console.text("a-cancelled")) < 250
    said = await console.text("playing")
    assert re.fullmatch(r"Stopped: silent after [\d.]+ ms, engine cancelled after [\d.]+ ms\.", said)
    assert await console.run("document.getElementById('stop').disabled")


async def test_stop_does_not_wait_for_the_server(console: Page) -> None:
    await play(console)
    await playing(console)
    await console.run("void (window.fetch = () => new Promise(() => {}))")
    assert await console.run("silenceAfter(() => document.getElementById('stop').click())") < 250


async def test_a_new_text_ends_the_old_one_and_is_heard(console: Page, herald: Running) -> None:
    await play(console)
    await playing(console)
    await choose_voice(console, "High")
    await console.click("play")
    await ended(tone_of(herald), "cancelled")
    await playing(console)
    start = await console.run("heard.currentTime")
    await console.until(f"heard.currentTime > {start + 0.8}")
    assert await frequency(console) == pytest.approx(880, abs=3)
    await state(console, "done")


async def test_play_after_stop_is_not_hit_by_that_stop(console: Page) -> None:
    for _ in range(3):
        await play(console)
        await playing(console)
        await console.click("stop")
    await play(console)
    await state(console, "done")


# Failures


async def test_a_failure_in_the_middle_is_told_in_the_servers_words(blank: Page, herald: Running) -> None:
    await open_console(blank, herald)
    await choose_voice(blank, "Broken")
    await play(blank)
    await blank.until("document.getElementById('problem').textContent.includes('failed at 0.50 s')")
    await state(blank, "failed")
    await blank.run("void (location.hash = 'live')")
    await blank.until("document.querySelector('#errors li')")
    assert (await texts(blank, "#errors .error-code"))[0] == "The engine failed"
    assert "Broken" in (await texts(blank, "#errors li"))[0]
    assert all("/api/tts/stream" in found for found in blank.trouble.found)


async def test_a_refusal_before_the_audio_is_told(blank: Page, tmp_path: Path) -> None:
    async with serving(tmp_path, VOICES.replace("port: 0,", "port: 0, max_text: 40,")) as server:
        await open_console(blank, server)
        await play(blank)
        await state(blank, "failed")
        assert "40" in await blank.text("problem")
        assert await blank.run("document.querySelector('#takes button').disabled")


async def test_a_lost_connection_is_shown_and_comes_back_by_itself(blank: Page, herald: Running) -> None:
    async with relaying(herald) as relay:
        await blank.open(f"http://127.0.0.1:{relay.port}/", script=EAR)
        await blank.until(CONNECTED)
        await blank.run(
            """window.told = [];
               new MutationObserver(() => told.push(document.getElementById('state').textContent))
                 .observe(document.getElementById('state'), { childList: true });"""
        )
        relay.cut()
        await blank.until(f"told.length >= 3 && {CONNECTED}")
        assert (await blank.run("told"))[:3] == ["Connection lost; trying again in 1 s", "Connecting…", "Connected"]


async def test_consent_that_is_missing_is_explained(blank: Page, tmp_path: Path) -> None:
    """The server refuses the voice; the console says what its owner must do."""
    prompts = "indextts: {prompts: {Grandpa: {file: a.wav, language: zh-CN}, Grandma: {file: b.wav, consent: true}}}"
    async with serving(tmp_path, VOICES.replace("espeak:", f"{prompts}, espeak:")) as server:
        await open_console(blank, server)
        await choose_voice(blank, "indextts/Grandpa")
        assert "consent: true" in await blank.text("consent")
        await play(blank, "x")
        await state(blank, "failed")
        assert "consent" in await blank.text("problem")
        await choose_voice(blank, "indextts/Grandma")
        assert await blank.run("document.getElementById('consent').hidden")


# Two voices


async def test_two_voices_are_compared_with_the_same_text(console: Page, herald: Running) -> None:
    await console.click("compare")
    await choose_voice(console, "High")
    await play(console, "x" * 20)
    await console.until(f"{HEARD} && heard.currentTime > 0.7")
    assert await frequency(console) == pytest.approx(440, abs=3)
    await console.until("document.querySelectorAll('#takes li').length === 2")
    await playing(console)
    await state(console, "done")
    assert [event.characters for event in tone_of(herald).journal if event.what == "finished"] == [20, 20]
    assert [await console.text(f"{slot}-audio") for slot in "ab"] == ["1.20 s", "1.20 s"]
    assert await texts(console, ".measured h3") == ["A · Low", "B · High"]
    assert await texts(console, "#takes .take-voice") == ["B\nHigh", "A\nLow"]


async def test_one_of_two_can_be_heard_alone_and_stop_ends_the_whole_comparison(console: Page) -> None:
    await console.click("compare")
    await choose_voice(console, "High")
    await play(console, button="play-b")
    await playing(console)
    await console.click("stop")
    await play(console)
    await playing(console)
    await console.click("stop")
    await state(console, "stopped")
    assert await texts(console, "#takes .take-voice") == ["A\nLow", "B\nHigh"]


# History


async def test_history_plays_again_without_the_server(console: Page, herald: Running) -> None:
    await play(console, "x" * 20)
    await state(console, "done")
    await console.run("document.querySelector('#takes button').click()")
    await playing(console)
    assert await console.text("playing") == "Playing again, without the server"
    assert len([event for event in tone_of(herald).journal if event.what == "started"]) == 1
    assert await console.run("silenceAfter(() => document.getElementById('stop').click())") < 250


async def test_what_was_played_is_saved_whole(console: Page, tmp_path: Path) -> None:
    await play(console, SENTENCE)
    await state(console, "done")
    await console.run("document.querySelectorAll('#takes button')[1].click()")
    name, suggested = await saved(console)
    assert suggested.endswith(".wav")
    with wave.open(str(tmp_path / name)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2)
        assert file.getnframes() == 3 * RATE


async def test_what_was_stopped_is_saved_as_far_as_it_was_heard(console: Page, tmp_path: Path) -> None:
    await play(console)
    await console.until(f"{HEARD} && heard.currentTime > 0.8")
    await console.click("stop")
    await state(console, "stopped")
    await console.run("document.querySelectorAll('#takes button')[1].click()")
    name, _ = await saved(console)
    with wave.open(str(tmp_path / name)) as file:
        assert 0.3 * RATE < file.getnframes() < 2 * RATE


async def test_playing_again_before_the_end_cuts_nothing_off(console: Page, tmp_path: Path) -> None:
    await play(console)
    await console.until("document.querySelector('#takes button')?.disabled === false")
    await playing(console)
    await console.run("document.querySelector('#takes button').click()")
    await console.until("document.getElementById('playing').textContent === 'Playing again, without the server'")
    await console.click("stop")
    await console.run("document.querySelectorAll('#takes button')[1].click()")
    name, _ = await saved(console)
    with wave.open(str(tmp_path / name)) as file:
        assert file.getnframes() == 3 * RATE


async def test_history_can_be_cleared(console: Page) -> None:
    await play(console, "x")
    await state(console, "done")
    await console.click("clear")
    assert await texts(console, "#takes li") == []
    assert not await console.run("document.getElementById('no-history').hidden")


# Voices


async def test_voices_are_filtered_by_language_engine_and_words(console: Page) -> None:
    names = "[...document.querySelectorAll('.voice-name')].map((e) => e.textContent).sort().join()"
    everybody = await console.run(names)
    await console.choose("language-filter", "de")
    assert await console.run(names) == "High"
    await console.choose("language-filter", "")
    await console.choose("search", "low TONE")
    assert await console.run(names) == "Low"
    await console.choose("search", "nobody")
    assert await console.run("document.querySelectorAll('.voice').length") == 0
    assert await console.text("no-voices") == "No voice fits."
    await console.choose("search", "")
    await console.choose("engine-filter", "tone")
    assert await console.run(names) == everybody


async def test_on_a_phone_a_voice_below_can_be_heard_without_going_back(blank: Page, tmp_path: Path) -> None:
    broken = VOICES.replace("fail_at: 0.5", "fail_at: 0")
    async with serving(tmp_path, broken) as server:
        await open_console(blank, server)
        await blank.call("Emulation.setDeviceMetricsOverride", width=390, height=500, deviceScaleFactor=1, mobile=True)
        await blank.until("innerWidth === 390")
        await blank.choose("text", SENTENCE)
        await blank.run("scrollTo(0, document.documentElement.scrollHeight)")
        await choose_voice(blank, "Broken")
        for name in ("play", "stop"):
            assert await in_sight(blank, name), name
        assert not await in_sight(blank, "text")
        await blank.click("play")
        await blank.until("!document.getElementById('problem').hidden")
        assert await in_sight(blank, "problem")
        for name in ("search", "slot-a-voice"):  # also where the keyboard leads
            await blank.run(f"document.getElementById('{name}').closest('label').querySelector('input').focus()")
            assert await in_sight(blank, name), name


async def in_sight(page: Page, name: str) -> bool:
    """Whether a click at its middle would meet it."""
    met: bool = await page.run(
        f"""(() => {{
          const element = document.getElementById({name!r});
          const {{ left, top, width, height }} = element.getBoundingClientRect();
          return element === document.elementFromPoint(left + width / 2, top + height / 2)?.closest('#' + {name!r});
        }})()"""
    )
    return met


async def test_an_older_server_is_told_of_in_words(blank: Page, herald: Running) -> None:
    """One without events, voices, sessions, errors and engines."""
    old = """
      const real = window.fetch;
      const nothing = '{"code": "bad_request", "message": "There is nothing at this address."}';
      window.fetch = async (address, ...rest) =>
        new URL(address).pathname.startsWith('/api/tts') ? real(address, ...rest) : new Response(nothing, { status: 404 });
    """
    await blank.open(url(herald, "/"), script=EAR + old)
    await blank.until("document.getElementById('state').dataset.state === 'missing'")
    missing = "This server does not have this part; a newer Herald has."
    for name in ("voices-problem", "live-problem", "errors-problem", "services-problem"):
        await blank.until(f"!document.getElementById('{name}').hidden")
        assert await blank.run(f"document.getElementById('{name}').textContent") == missing
    await play(blank)
    await playing(blank)
    await blank.click("stop")
    await blank.until("document.getElementById('a-cancelled').textContent.endsWith(' ms')")
    assert blank.trouble.found == []
