"""Home Assistant's frontend in a browser, as somebody uses it: clicks on what is read there, and text for fields.

It is made of custom elements, each with a shadow of its own; here one looks through all of them, at what is drawn.
"""

from __future__ import annotations

import asyncio
import json
import os
from itertools import count
from pathlib import Path
from typing import Any

from ..browser.chromium import Left, Page
from .hass import PASSWORD, USER, Hass

WIDTH, HEIGHT = 1000, 900
EYES = """
  globalThis.drawn = (element) => {
    const box = element.getBoundingClientRect();
    return box.width > 0 && box.height > 0 && element.checkVisibility({ visibilityProperty: true });
  };
  globalThis.seen = function* (root = document.body) {
    for (const child of [...(root.shadowRoot?.children ?? []), ...root.children]) {
      if (["STYLE", "SCRIPT"].includes(child.tagName)) continue;
      if (drawn(child)) yield child;
      yield* seen(child);
    }
  };
  // The last one that fits: a dialog comes after what it covers.
  globalThis.last = (fits) => [...seen()].filter(fits).at(-1);
  globalThis.said = (element) =>
    [...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data.trim()).filter(Boolean).join(" ");
  globalThis.saying = (text) => last((element) => said(element) === text);
  globalThis.field = (name) => last((element) => element.localName === "input" && element.name === name);
  globalThis.player = () => last((element) => element.localName === "audio");
  let loads = { count: 0, since: 0 };
  globalThis.loaded = () => {
    const count = performance.getEntriesByType("resource").length;
    if (count !== loads.count) loads = { count, since: performance.now() };
    return document.readyState === "complete" && performance.now() > loads.since + 500;
  };
  globalThis.place = (element) => {
    element.scrollIntoView({ block: "center" });
    const box = element.getBoundingClientRect();
    return [box.x + box.width / 2, box.y + box.height / 2, box.x, box.width];
  };
"""
ICON = "/api/brands/integration/"
"""Whose icon is missing is not at fault: the test's own player has none."""
NOT_SET_UP = "unknown_command"
"""Of parts of Home Assistant that the frontend asks for, and that the tests have not: they set up little more than they use."""
PLAY = 27
"""Pixels from the left edge of Chromium's audio player to the middle of its button."""
WITHIN = 30
"""Seconds in which Home Assistant does anything that it is asked to."""


class Frontend:
    """Of one Home Assistant, in one tab. `look` keeps a picture in the folder that HERALD_PICTURES names, if it does."""

    def __init__(self, page: Page, hass: Hass) -> None:
        self.page = page
        self._hass = hass
        self._numbers = count(1)
        folder = os.environ.get("HERALD_PICTURES")
        self._pictures = Path(folder, hass.version) if folder else None

    async def log_in(self) -> None:
        await self._size()
        await self.page.open(self._hass.url, script=EYES)
        await self.enter("username", USER)
        await self.enter("password", PASSWORD)
        await self.look("log in")
        await self.click("Log in")
        await self.read("Overview")

    async def go(self, path: str) -> None:
        """Waits until nothing more of the page is loaded: what is clicked before that may have nobody behind it yet."""
        await self.page.call("Page.navigate", url=self._hass.url + path)
        await self._until("loaded()")

    async def read(self, text: str) -> None:
        """Waits until an element says that, and nothing else."""
        await self._until(f"saying({json.dumps(text)})")

    async def seen(self) -> list[str]:
        """All texts on the page."""
        texts: list[str] = await self.page.run("[...seen()].map(said).filter(Boolean)")
        return texts

    async def reads(self, beginning: str) -> str:
        """Waits for a text that begins so."""
        element = f"last((element) => said(element).startsWith({json.dumps(beginning)}))"
        await self._until(element)
        text: str = await self.page.run(f"said({element})")
        return text

    async def click(self, text: str) -> None:
        await self.read(text)
        await self._press(f"saying({json.dumps(text)})")

    async def enter(self, name: str, text: str) -> None:
        """For a field, in place of what it holds."""
        field = f"field({json.dumps(name)})"
        await self._until(field)
        await self._press(field)
        await self.page.run(f"{field}.select()")
        await self.page.type(text)

    async def value(self, name: str) -> str:
        value: str = await self.page.run(f"field({json.dumps(name)}).value")
        return value

    async def play(self) -> None:
        """The button of the audio player."""
        await self._until("player()")
        await self._press("player()", PLAY)

    async def plays_on(self, seconds: float) -> None:
        """Waits until the player's clock shows that."""
        await self._until(f"player()?.currentTime >= {seconds}")

    async def look(self, name: str) -> None:
        """What somebody sees now, when all that moves has come to rest."""
        if self._pictures is None:
            return
        self._pictures.mkdir(parents=True, exist_ok=True)
        await asyncio.sleep(0.7)
        picture = await self.page.picture(width=WIDTH, height=HEIGHT)
        (self._pictures / f"{next(self._numbers):02} {name}.png").write_bytes(picture)

    def complaints(self) -> list[str]:
        return [one for one in self.page.trouble.found if ICON not in one and NOT_SET_UP not in one]

    async def _press(self, element: str, from_left: float | None = None) -> None:
        """With the mouse; in the middle if nothing else is said."""
        x, y, left, _ = await self._resting(element)
        if from_left is not None:
            x = left + from_left
        for kind, clicks in (("mouseMoved", 0), ("mousePressed", 1), ("mouseReleased", 1)):
            button = "left" if clicks else "none"
            await self.page.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button=button, clickCount=clicks)

    async def _resting(self, element: str) -> tuple[float, float, float, float]:
        """Where it is, as soon as it does not move any more: dialogs slide in."""
        before: Any = None
        while before != (now := await self.page.run(f"new Promise((done) => setTimeout(() => done(place({element})), 50))")):
            before = now
        x, y, left, width = now
        return x, y, left, width

    async def _until(self, condition: str) -> None:
        """Across pages that are left meanwhile."""
        try:
            async with asyncio.timeout(WITHIN):
                while not await self._is_so(condition):  # noqa: ASYNC110  # there is nothing else to wait for
                    await asyncio.sleep(0.05)
        except TimeoutError:
            texts = await self.seen()
            msg = f"{condition} was not so within {WITHIN} s. The page says {texts}, and complained of {self.complaints()}"
            raise AssertionError(msg) from None

    async def _is_so(self, condition: str) -> bool:
        try:
            is_so: bool = await self.page.run(f"globalThis.seen !== undefined && document.body !== null && Boolean({condition})")
        except Left:
            return False
        return is_so

    async def _size(self) -> None:
        await self.page.call("Emulation.setDeviceMetricsOverride", width=WIDTH, height=HEIGHT, deviceScaleFactor=1, mobile=False)
