"""Headless Chromium, driven over its DevTools protocol: a process for all tests, and a fresh profile for each page.

HERALD_BROWSER names it, or it is found on the PATH.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = (
    f"There is no browser for tests/browser: {', '.join(NAMES)} are not on the PATH. Run script/test, which installs it where it "
    "may; or install it, or name one in HERALD_BROWSER, or leave these tests out: --ignore=tests/browser"
)
OPTIONS = (
    "--headless=new",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-audio-output",  # sound goes to a device that is none, at the speed of a real one
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--host-resolver-rules=MAP herald.test 127.0.0.1",  # a machine that is not this one, as far as the browser knows
    "--no-first-run",
    "--password-store=basic",
    "--remote-debugging-port=0",
    "about:blank",
)
KEYS: Mapping[str, tuple[int, str, str]] = {
    "Enter": (13, "Enter", "\r"),
    "Escape": (27, "Escape", ""),
    "Tab": (9, "Tab", ""),
    " ": (32, "Space", " "),
    "ArrowDown": (40, "ArrowDown", ""),
}
"""Key → its number, its place on the keyboard, and what it writes."""
_ADDRESS = re.compile(r"DevTools listening on (ws://\S+)")
_LEFT = -32000
"""DevTools' code for it."""
_SECONDS = 15
"""In which a browser does anything that it is asked to."""


def find() -> str:
    named = os.environ.get("HERALD_BROWSER")
    path = named or next(filter(None, map(shutil.which, NAMES)), None)
    assert path, MISSING
    return path


@contextmanager
def launched(profile: Path) -> Iterator[str]:
    """The address of its DevTools."""
    root = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium's sandbox refuses to start as root
    command = [find(), *root, f"--user-data-dir={profile}", *OPTIONS]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            yield _address(process)
        finally:
            process.terminate()
            process.communicate(timeout=_SECONDS)


def _address(process: subprocess.Popen[str]) -> str:
    said = []
    assert process.stderr is not None
    for line in process.stderr:
        said.append(line)
        if match := _ADDRESS.match(line):
            return match[1]
    msg = f"The browser did not start: {''.join(said)}"
    raise AssertionError(msg)


class Left(AssertionError):
    """The page was left for another one meanwhile."""


@dataclass(kw_only=True)
class Trouble:
    """What a page that works has none of."""

    found: list[str] = field(default_factory=list)

    def note(self, method: str, params: dict[str, Any]) -> None:
        if method == "Runtime.exceptionThrown":
            self.found.append(_told(params["exceptionDetails"]["exception"]))
        elif method == "Runtime.consoleAPICalled" and params["type"] in {"error", "assert", "warning"}:
            self.found.append(json.dumps(params["args"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] in {"error", "warning"}:
            self.found.append(params["entry"]["text"] + " " + params["entry"].get("url", ""))
        elif method == "Audits.issueAdded" and params["issue"]["code"] == "ContentSecurityPolicyIssue":
            self.found.append(json.dumps(params["issue"]["details"]))


def _told(thrown: dict[str, Any]) -> str:
    """Not all that is thrown is an error: of any other object what it consists of."""
    if (preview := thrown.get("preview")) is not None and thrown.get("subtype") != "error":
        return json.dumps({one["name"]: one.get("value") for one in preview["properties"]})
    return str(thrown["description"])


class Page:
    """One tab, with a profile of its own. `trouble` is what it complained of."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._session: str | None = None
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._happened: dict[str, asyncio.Queue[dict[str, Any]]] = {}
        self.trouble = Trouble()

    async def read(self) -> None:
        """What the browser says, until it says no more."""
        async for message in self._socket:
            said = json.loads(message.data)
            if "id" in said:
                answer = self._answers.pop(said["id"])
                if not answer.done():  # whoever asked may have waited for too long
                    answer.set_result(said)
            else:
                self.trouble.note(said["method"], said["params"])
                self._queue(said["method"]).put_nowait(said["params"])

    async def happened(self, method: str) -> dict[str, Any]:
        """The next event of that name, perhaps one that has been."""
        async with asyncio.timeout(_SECONDS):
            return await self._queue(method).get()

    def _queue(self, method: str) -> asyncio.Queue[dict[str, Any]]:
        return self._happened.setdefault(method, asyncio.Queue())

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        number = id(answer := asyncio.get_running_loop().create_future()) & 0x7FFFFFFF
        self._answers[number] = answer
        session = {"sessionId": self._session} if self._session else {}
        await self._socket.send_json({"id": number, "method": method, "params": params, **session})
        async with asyncio.timeout(_SECONDS):
            said: dict[str, Any] = await answer
        if "error" in said:
            raise (Left if said["error"]["code"] == _LEFT else AssertionError)(method, said["error"])
        result: dict[str, Any] = said["result"]
        return result

    async def attach(self, context: str) -> None:
        target = await self.call("Target.createTarget", url="about:blank", browserContextId=context)
        attached = await self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Audits", "Network"):
            await self.call(f"{domain}.enable")

    async def open(self, url: str, *, languages: str = "en-GB,en", script: str = "") -> None:
        """`script` runs before the page's own."""
        agent = await self.run("navigator.userAgent")
        await self.call("Emulation.setUserAgentOverride", userAgent=agent, acceptLanguage=languages)
        if script:
            await self.call("Page.addScriptToEvaluateOnNewDocument", source=script)
        await self.call("Page.navigate", url=url)
        await self.happened("Page.loadEventFired")

    async def run(self, expression: str) -> Any:
        """The value of a JavaScript expression, waited for where it is a promise."""
        said = await self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True, userGesture=True)
        assert "exceptionDetails" not in said, said["exceptionDetails"]
        return said["result"].get("value")

    async def until(self, expression: str) -> Any:
        """The expression's value as soon as it is true; looked at once for every picture that the page draws."""
        return await self.run(
            f"""new Promise((resolve, reject) => {{
              const end = performance.now() + {_SECONDS * 500};
              (function look() {{
                const value = {expression};
                if (value) resolve(value);
                else if (performance.now() > end) reject(new Error("not within time: " + {json.dumps(expression)}));
                else setTimeout(look, 5);
              }})();
            }})"""
        )

    async def text(self, name: str) -> str:
        """What an element says."""
        said: str = await self.run(f"document.getElementById({json.dumps(name)}).innerText")
        return said

    async def choose(self, name: str, value: str) -> None:
        """A value for a field, as a person chooses it: with its events."""
        await self.run(
            f"""(() => {{
              const field = document.getElementById({json.dumps(name)});
              field.value = {json.dumps(value)};
              for (const type of ["input", "change"]) field.dispatchEvent(new Event(type, {{ bubbles: true }}));
            }})()"""
        )

    async def click(self, name: str) -> None:
        await self.run(f"document.getElementById({json.dumps(name)}).click()")

    async def type(self, text: str) -> None:
        await self.call("Input.insertText", text=text)

    async def press(self, key: str, *, shift: bool = False, ctrl: bool = False) -> None:
        modifiers = 8 * shift + 2 * ctrl
        given: dict[str, Any] = {"key": key, "code": KEYS[key][1], "windowsVirtualKeyCode": KEYS[key][0], "modifiers": modifiers}
        text = {"text": KEYS[key][2]} if KEYS[key][2] and not ctrl else {}
        await self.call("Input.dispatchKeyEvent", type="keyDown", **given, **text)
        await self.call("Input.dispatchKeyEvent", type="keyUp", **given)

    async def picture(self, *, width: int, height: int, dark: bool = False) -> bytes:
        """A PNG of all of the page."""
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        await self.call("Emulation.setEmulatedMedia", features=scheme)
        await self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        shot = await self.call("Page.captureScreenshot", captureBeyondViewport=True)
        return base64.b64decode(shot["data"])


@asynccontextmanager
async def new_page(address: str, downloads: Path) -> AsyncIterator[Page]:
    """A tab that nobody has used before; what it saves goes to `downloads`."""
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(address, max_msg_size=0) as socket,
        asyncio.TaskGroup() as tasks,
    ):
        page = Page(socket)
        reading = tasks.create_task(page.read())
        context = (await page.call("Target.createBrowserContext", disposeOnDetach=True))["browserContextId"]
        await page.call(
            "Browser.setDownloadBehavior",
            behavior="allowAndName",
            browserContextId=context,
            downloadPath=str(downloads),
            eventsEnabled=True,
        )
        await page.attach(context)
        try:
            yield page
        finally:
            reading.cancel()
