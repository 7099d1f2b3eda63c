"""The test page in a real browser: it plays, it is silent when it shall be, it tells, and it complains of nothing.

The test tone lasts 60 ms a character, so a text's length is the sound's.
"""

from __future__ import annotations

import json
import wave
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from wyoming_server.engines.tone import sine
from wyoming_server.frontends.flowing.page import PAGE
from wyoming_server.models import AudioFormat
from wyoming_server.server import Running

from ..frontends.flowing_client import url
from ..serving import TONE, ended, serving, tone_of, until
from .chromium import Page
from .conftest import EAR
from .relay import relaying

RATE = AudioFormat(rate=22_050)
SENTENCE = "x" * 49 + "."
SECONDS = 3.0
SPEAKING = "document.getElementById('state').dataset.state === 'speaking'"
READY = "document.getElementById('state').dataset.state === 'ready'"
VOICES = "document.querySelectorAll('#voice option').length > 1"
SENT = "[...document.querySelectorAll('#messages li')].map((line) => [...line.children].slice(1).map((cell) => cell.textContent))"
REAL_TIME = TONE.replace("{per_character: 0.01}", "{per_character: 0.06, pace: 1}")

Samples = npt.NDArray[np.float64]


def tone(characters: int) -> bytes:
    return sine(RATE.rate, 440, 0, RATE.size(characters * 0.06))


async def say(page: Page, text: str, *, voice: str = "tone/tone") -> None:
    await page.choose("voice", voice)
    await page.run("document.getElementById('text').focus()")
    await page.type(text)
    await page.press("Enter")


async def finish(page: Page) -> None:
    await page.until("!document.getElementById('finish').disabled")
    await page.click("finish")


async def listen_until(page: Page, condition: str) -> Samples:
    """The last 32768 samples that went to the loudspeaker, the moment something is so."""
    return np.array(await page.until(f"({condition}) && listen()"))


def frequency(samples: Samples, rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(spectrum.argmax() * rate / len(samples))


async def messages(page: Page) -> list[tuple[str, str]]:
    """Arrow and words of every line, without the audio."""
    lines = [(arrow, words) for arrow, words in await page.run(SENT)]
    return [line for line in lines if not line[1].startswith("audio")]


# Sound


async def test_it_plays_every_sample_of_the_server_without_a_seam(page: Page) -> None:
    await say(page, SENTENCE)
    samples = await listen_until(page, "window.heard?.currentTime > 2 && Math.abs(listen()[0]) > 0")
    assert await page.run("heard.state") == "running"
    assert frequency(samples, RATE.rate) == pytest.approx(440, abs=1)
    assert await page.run("heard.sampleRate") == RATE.rate
    period = np.frombuffer(sine(RATE.rate, 440, 0, 2 * RATE.rate), "<i2") / 32768  # a whole second
    endless = np.tile(period, 3)
    starts = [start for start in range(RATE.rate) if abs(endless[start] - samples[0]) < 1e-6]
    assert min(np.abs(endless[start : start + len(samples)] - samples).max() for start in starts) < 1e-6


async def test_a_sound_begins_before_the_text_is_whole(page: Page, server: Running) -> None:
    await say(page, "One sentence. And")
    await page.until(SPEAKING)
    await say(page, "another one.")
    await finish(page)
    await page.until(READY)
    assert [event.characters for event in tone_of(server).journal if event.what == "finished"] == [13, 16]


@pytest.mark.parametrize("rate", [8_000, 48_000])
async def test_another_rate_sounds_the_same(page: Page, rate: int) -> None:
    await page.choose("rate", str(rate))
    await say(page, SENTENCE)
    samples = await listen_until(page, "window.heard?.currentTime > 1.5")
    assert await page.run("heard.sampleRate") == rate
    assert frequency(samples[-rate // 2 :], rate) == pytest.approx(440, abs=4)


async def test_a_compressed_format_plays_when_it_is_whole(page: Page) -> None:
    await page.choose("format", "MP3")
    await say(page, SENTENCE)
    await finish(page)
    await page.until(SPEAKING)
    start = await page.run("heard.currentTime")
    samples = await listen_until(page, f"heard.currentTime > {start + 1.7}")
    assert frequency(samples, RATE.rate) == pytest.approx(440, abs=1)
    assert "MP3" in await page.text("save")
    assert await page.run("document.querySelector('.sentence.now').textContent") == SENTENCE


async def test_audio_that_comes_too_late_is_counted_as_dropouts(blank: Page, tmp_path: Path) -> None:
    slow = REAL_TIME.replace("pace: 1", "pace: 0.5, piece: 0.5")
    async with serving(tmp_path, slow) as server:
        await blank.open(url(server, PAGE), script=EAR)
        await blank.until(VOICES)
        await say(blank, SENTENCE)
        await blank.until("Number(document.getElementById('dropouts').textContent) > 0")
        await blank.press("Escape")


# Stop


async def test_stop_silences_at_once_and_cancels_the_engine(blank: Page, tmp_path: Path) -> None:
    async with serving(tmp_path, REAL_TIME) as server:
        await blank.open(url(server, PAGE), script=EAR)
        await blank.until(VOICES)
        await say(blank, SENTENCE)
        await blank.until("window.heard && loudness() > 0.1")
        assert await blank.run("silenceAfter(() => document.getElementById('stop').click())") < 250
        await ended(tone_of(server), "cancelled")
        await blank.until(READY)
        assert ("↓", "SynthesisCompleted  1  interrupted") in await messages(blank)
        assert await blank.run("loudness()") == 0
        assert await blank.run("document.querySelectorAll('.now').length") == 0
    assert blank.trouble.found == []


async def test_stop_does_not_wait_for_the_server(page: Page) -> None:
    await say(page, SENTENCE)
    await page.until("window.heard && loudness() > 0.1")
    await page.run("void (WebSocket.prototype.send = () => {})")
    assert await page.run("silenceAfter(() => document.getElementById('stop').click())") < 250
    assert not await page.run(SPEAKING)


async def test_after_a_stop_the_next_text_is_heard(page: Page) -> None:
    await say(page, SENTENCE)
    await page.until(SPEAKING)
    await page.press("Escape")
    await say(page, "Again.")
    await page.until("loudness() > 0.1")
    assert [name for _, name in await messages(page) if name == "StartSynthesis"] == ["StartSynthesis"] * 2


async def test_a_rate_that_is_chosen_while_a_session_ends_is_the_next_ones(page: Page) -> None:
    await say(page, SENTENCE)
    await page.until(SPEAKING)
    await page.press("Escape")
    await page.choose("rate", "16000")
    await say(page, "Again.")
    await page.until("heard.sampleRate === 16000 && loudness() > 0.1")


async def test_after_disconnecting_nothing_is_heard(page: Page) -> None:
    await say(page, SENTENCE)
    await page.until("window.heard && loudness() > 0.1")
    assert await page.run("silenceAfter(() => document.getElementById('connect').click())") < 250
    await page.until("document.getElementById('state').dataset.state === 'offline'")
    await say(page, "Again.")
    await page.until("loudness() > 0.1")


# Text


async def test_enter_sends_a_fragment_and_shift_enter_writes_a_line(page: Page) -> None:
    await page.choose("voice", "tone/tone")
    await page.type("One line,")
    await page.press("Enter", shift=True)
    await page.type("and another. ")
    await page.press("Enter")
    await page.type("A third.")
    assert await page.run("document.getElementById('text').value") == "A third."
    await page.press("Enter")
    await finish(page)
    await page.until(READY)
    sent = [words for arrow, words in await messages(page) if arrow == "↑"]
    texts = [f"RunSynthesis  {json.dumps(text)}" for text in ("One line,\nand another. ", "A third. ")]
    assert sent == ["StartSynthesis", *texts, "StopSynthesis"]
    assert await page.run("document.getElementById('text').value") == ""


async def test_an_enter_that_ends_a_composition_sends_nothing(page: Page) -> None:
    await page.call("Input.imeSetComposition", text="ni hao", selectionStart=6, selectionEnd=6)
    await page.run(
        """document.getElementById('text').dispatchEvent(
             new KeyboardEvent('keydown', { key: 'Enter', isComposing: true, bubbles: true, cancelable: true }))"""
    )
    assert await messages(page) == []
    assert await page.run("document.getElementById('text').value") == "ni hao"


async def test_a_sentence_lights_up_while_it_is_spoken(page: Page) -> None:
    await say(page, "*First* sentence here. The second one follows!")
    now = "document.querySelector('.sentence.now')?.textContent"
    assert await page.until(now) == "First* sentence here."
    assert await page.until(f"{now}?.startsWith('The') && {now}") == "The second one follows!"
    await page.until("document.querySelectorAll('.sentence.past').length === 2")


# What is told


async def test_the_statistics_are_plausible(page: Page) -> None:
    await say(page, SENTENCE)
    await finish(page)
    await page.until("document.getElementById('messages').textContent.includes('SynthesisCompleted')")
    assert 0 < float((await page.text("first-audio")).removesuffix(" ms")) < 2000
    assert await page.text("audio") == f"{SECONDS:.2f} s"
    assert await page.text("bytes") == f"{len(tone(50)) / 1000:.0f} kB"
    assert 0 < float(await page.text("factor")) < 1
    assert await page.text("dropouts") == "0"


async def test_the_saved_wav_is_what_the_server_sent(page: Page, tmp_path: Path) -> None:
    await say(page, SENTENCE)
    await finish(page)
    await page.until("document.getElementById('messages').textContent.includes('SynthesisCompleted')")
    await page.click("save")
    begun = await page.happened("Browser.downloadWillBegin")
    while (await page.happened("Browser.downloadProgress"))["state"] != "completed":
        pass
    assert begun["suggestedFilename"].endswith(".wav")
    with wave.open(str(tmp_path / begun["guid"])) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE.rate, 1, 2)
        assert file.readframes(file.getnframes()) == tone(50)


async def test_an_error_is_shown_in_words(blank: Page, tmp_path: Path) -> None:
    async with serving(tmp_path, REAL_TIME.replace("pace: 1", "fail_at: 0.5")) as server:
        await blank.open(url(server, PAGE), script=EAR)
        await blank.until(VOICES)
        await say(blank, SENTENCE)
        await blank.until("!document.getElementById('problem').hidden")
        assert await blank.text("problem") == "The engine tone failed at 0.50 s, as its script says."
        await blank.until("document.getElementById('state').dataset.state === 'offline'")
    assert blank.trouble.found == []


async def test_a_lost_connection_is_told_and_the_next_text_connects_again(blank: Page, tmp_path: Path) -> None:
    async with serving(tmp_path, REAL_TIME) as server, relaying(server) as relay:
        await blank.open(f"http://127.0.0.1:{relay.port}{PAGE}", script=EAR)
        await blank.until(VOICES)
        await say(blank, SENTENCE)
        await blank.until(SPEAKING)
        relay.cut()
        await blank.until("!document.getElementById('problem').hidden")
        assert await blank.text("problem") == "The connection was lost."
        await ended(tone_of(server), "cancelled")
        await say(blank, SENTENCE)
        await until(lambda: [event.what for event in tone_of(server).journal].count("started") == 2)
        assert await blank.text("problem") == ""


async def test_a_server_that_ends_says_so(blank: Page, tmp_path: Path) -> None:
    async with serving(tmp_path, REAL_TIME) as server:
        await blank.open(url(server, PAGE), script=EAR)
        await blank.until(VOICES)
        await say(blank, SENTENCE)
        await blank.until(SPEAKING)
    await blank.until("!document.getElementById('problem').hidden")
    assert await blank.text("problem") == "Herald is shutting down."
    await say(blank, "Is anybody there?")
    await blank.until("document.getElementById('problem').textContent === 'The server cannot be reached.'")
    assert await blank.run("document.getElementById('text').value") == "Is anybody there? "


# The token


async def test_a_stranger_is_asked_for_the_token(blank: Page, tmp_path: Path) -> None:
    """Over plain HTTP from another machine, where browsers lack what they have in a secure context."""
    allowed = REAL_TIME.replace("port: 0}\nengines", "port: 0, allowed_hosts: [herald.test]}\nengines")
    async with serving(tmp_path, allowed) as server, relaying(server, is_foreign=True) as relay:
        await blank.open(f"http://herald.test:{relay.port}{PAGE}", script=EAR)
        assert await blank.run("isSecureContext") is False
        await blank.until("document.getElementById('pairing').open")
        await use_token(blank, "wrong")
        await blank.until("document.getElementById('pairing').open && !document.getElementById('pairing-problem').hidden")
        assert await blank.text("pairing-problem") == "This token is wrong."
        await use_token(blank, (tmp_path / "token").read_text().strip())
        await blank.until(VOICES)
        await say(blank, SENTENCE)
        await blank.until("window.heard && loudness() > 0.1")
        await blank.press("Escape")
        assert "token" not in await blank.run("location.href")
        assert await blank.run("[localStorage.length, document.cookie]") == [0, ""]
        await blank.call("Page.reload")
        await blank.until(VOICES)


async def test_a_refused_websocket_asks_for_the_token_and_keeps_the_text(blank: Page, tmp_path: Path) -> None:
    async with serving(tmp_path, REAL_TIME) as server, relaying(server) as relay:
        await blank.open(f"http://127.0.0.1:{relay.port}{PAGE}", script=EAR)
        await blank.until(VOICES)
        relay.is_foreign = True
        await say(blank, "Hello.")
        await blank.until("document.getElementById('pairing').open")
        assert await blank.run("document.getElementById('text').value") == "Hello. "
        assert tone_of(server).journal == type(tone_of(server).journal)()


async def use_token(page: Page, token: str) -> None:
    await page.run("document.getElementById('token').focus()")
    await page.type(token)
    await page.press("Enter")


# Words


async def test_the_first_known_language_is_taken(page: Page) -> None:
    for languages, chosen in {
        "en-GB": "en",
        "zh-CN": "zh-Hans",
        "zh": "zh-Hans",
        "zh-SG": "zh-Hans",
        "zh-Hans-HK": "zh-Hans",
        "zh-TW": "zh-Hant",
        "zh-HK en": "zh-Hant",
        "zh-Hant-CN": "zh-Hant",
        "fr zh-MO en": "zh-Hant",
        "de en zh": "en",
        "fr": "en",
        "": "en",
    }.items():
        assert await module(page, "words", f"choose({json.dumps(languages.split())})") == chosen, languages


@pytest.mark.parametrize(("languages", "tag", "send"), [("zh-CN,en", "zh-Hans", "发送"), ("zh-TW,en", "zh-Hant", "送出")])
async def test_the_page_speaks_the_browsers_language(blank: Page, server: Running, languages: str, tag: str, send: str) -> None:
    await blank.open(url(server, PAGE), languages=languages, script=EAR)
    await blank.until(VOICES)
    assert await blank.run("document.documentElement.lang") == tag
    assert await blank.run("document.querySelector('#composer [type=submit]').textContent") == send
    english = (await module(blank, "words", "LANGUAGES"))["en"]
    said = await blank.run("[...document.querySelectorAll('[data-word]')].map((e) => [e.dataset.word, e.textContent])")
    assert [word for word, text in said if text == english[word]] == []
    assert blank.trouble.found == []


async def test_every_language_has_every_word_that_the_page_uses(page: Page) -> None:
    words = await module(page, "words", "LANGUAGES")
    assert len(words) == 3
    assert len({frozenset(texts) for texts in words.values()}) == 1
    assert all(all(texts.values()) for texts in words.values())
    used = await page.run(
        """[...document.querySelectorAll('*')].flatMap(({ dataset }) => [dataset.word, dataset.hint, dataset.placeholder])
             .filter(Boolean)"""
    )
    assert set(used) <= set(words["en"])


async def test_spoken_text_is_found_in_what_was_written(page: Page) -> None:
    for text, wanted, found in (
        ("Hello, world! Next.", "Hello, world!", "Hello, world!"),
        (" **Bold** words.", "Bold words.", "Bold** words."),
        ("你好，世界。再见。", "你好，世界。", "你好，世界。"),
        ("It's  5 pm.", "It's 5 pm.", "It's  5 pm."),
        ("Nothing of it", "?!", None),
    ):
        place = await module(page, "transcript", f"find({json.dumps(text)}, {json.dumps(wanted)})")
        assert (text[slice(*place)] if place else None) == found


async def module(page: Page, name: str, expression: str) -> Any:
    """Something of one of the page's own files."""
    return await page.run(f"import('{PAGE}/{name}.js').then((m) => m.{expression})")


# For everybody


async def test_a_script_that_is_not_the_pages_own_is_blocked_and_seen(blank: Page, server: Running) -> None:
    await blank.open(url(server, PAGE))
    await blank.run("document.head.append(Object.assign(document.createElement('script'), { textContent: 'window.evil = 1' }))")
    await blank.until("document.readyState === 'complete'")
    assert await blank.run("window.evil") is None
    assert any("Content Security Policy" in found for found in blank.trouble.found)


async def test_every_field_and_button_has_a_name(page: Page) -> None:
    names = await page.run(
        """[...document.querySelectorAll('input, select, textarea, button')].map(
             (element) => [element.id, element.labels?.[0]?.textContent.trim() || element.textContent.trim()])"""
    )
    assert len(names) >= 15
    assert [field for field, name in names if not name] == []


async def test_nothing_is_wider_than_the_screen(page: Page) -> None:
    for width in (320, 390, 768, 1280):
        await page.call("Emulation.setDeviceMetricsOverride", width=width, height=700, deviceScaleFactor=1, mobile=False)
        await page.until(f"innerWidth === {width}")
        assert await page.run("document.documentElement.scrollWidth") <= width


async def test_every_text_has_enough_contrast(page: Page) -> None:
    """4.5 to 1, as WCAG's AA asks for, by day and by night."""
    pairs = "ink-paper ink-card pale-paper pale-card on_accent-accent bad-bad_paper bad-card ink-glow ink-word"
    for scheme in ("light", "dark"):
        await page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        for pair in pairs.split():
            first, second = [await colour(page, name.replace("_", "-")) for name in pair.split("-")]
            assert contrast(first, second) >= 4.5, (scheme, pair)


async def colour(page: Page, name: str) -> str:
    """One of page.css's, as #rrggbb."""
    style = "getComputedStyle(document.documentElement)"
    value: str = await page.run(f"{style}.getPropertyValue('--{name}').trim()")
    return value


def contrast(first: str, second: str) -> float:
    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    """WCAG's relative luminance of #rrggbb."""
    parts = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    linear = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
