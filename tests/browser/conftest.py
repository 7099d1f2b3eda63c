"""A browser, a server with the test tone in real time, and the page with an ear on its loudspeaker."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from wyoming_server.frontends.flowing.page import PAGE
from wyoming_server.server import Running

from ..frontends.flowing_client import url
from ..serving import TONE, serving
from .chromium import Page, launched, new_page

EAR = """
  // Whatever goes to the loudspeaker also goes to an analyser.
  const connect = AudioNode.prototype.connect;
  const made = AudioContext;
  globalThis.AudioContext = class extends made {
    constructor(...given) {
      super(...given);
      this.ear = new AnalyserNode(this, { fftSize: 32768, smoothingTimeConstant: 0 });
      connect.call(this.ear, this.destination);
      globalThis.heard = this;
    }
  };
  AudioNode.prototype.connect = function (target, ...rest) {
    return connect.call(this, target === this.context.destination ? this.context.ear : target, ...rest);
  };
  globalThis.listen = () => {
    const samples = new Float32Array(heard.ear.fftSize);
    heard.ear.getFloatTimeDomainData(samples);
    return Array.from(samples);
  };
  globalThis.loudness = () => Math.max(...listen().slice(-512).map(Math.abs));
  // Milliseconds from an action to the silence that follows.
  globalThis.silenceAfter = async (act) => {
    const begin = performance.now();
    act();
    while (loudness() > 0) await new Promise((next) => setTimeout(next, 2));
    return performance.now() - begin;
  };
"""


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with launched(tmp_path_factory.mktemp("browser")) as address:
        yield address


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    async with serving(tmp_path, TONE.replace("0.01", "0.06")) as server:
        yield server


@pytest.fixture
async def blank(browser: str, tmp_path: Path) -> AsyncIterator[Page]:
    """A page that a test opens itself; what it complains of is the test's business."""
    async with new_page(browser, tmp_path) as page:
        yield page


@pytest.fixture
async def page(blank: Page, server: Running) -> AsyncIterator[Page]:
    """The page, in English, with its list of voices. It must have nothing to complain of."""
    await blank.open(url(server, PAGE), script=EAR)
    await blank.until("document.querySelectorAll('#voice option').length > 1")
    yield blank
    assert blank.trouble.found == []
