"""A Home Assistant as its users have it: the command `hass` of a release, started on loopback, with one owner."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import aiohttp

from ..ports import free_port
from .journal import Journal

HERE = Path(__file__).parent
INTEGRATION = HERE.parent.parent / "custom_components" / "herald"
USER, PASSWORD = "owner", "a password of the owner"
STARTED_WITHIN, ENDED_WITHIN = 240, 30
"""Seconds, on a machine that is busy."""
CONFIGURATION = """
homeassistant:
  name: Home
  country: GB
  currency: GBP
  language: {language}
  time_zone: UTC
  unit_system: metric
  latitude: 51.5
  longitude: 0
  elevation: 10
  internal_url: {url}
config:
frontend:
system_health:
media_source:
media_player:
  - platform: fake_player
tts:
logger:
  default: warning
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """What the fake player got."""

    status: int
    type: str
    announced_type: str
    audio: bytes


class Refused(Exception):
    """What Home Assistant answered instead."""


class Hass:
    """Use `running`."""

    def __init__(self, environment: Path, folder: Path, session: aiohttp.ClientSession) -> None:
        self._environment = environment
        self.folder = folder
        self._session = session
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._headers: dict[str, str] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._rooms: dict[str, tuple[Journal, list[dict[str, Any]]]] = {}

    @property
    def log(self) -> str:
        return (self.folder / "home-assistant.log").read_text(errors="replace")

    @property
    def version(self) -> str:
        return (self.folder / ".HA_VERSION").read_text()

    @property
    def number(self) -> tuple[int, int]:
        """Of the version: the year and the month."""
        year, month, *_ = self.version.split(".")
        return int(year), int(month)

    def prepare(self, *, language: str = "en", more: str = "") -> None:
        """A configuration in which nobody is asked for a place on the map, and nothing is sent anywhere; `more` of it."""
        components = self.folder / "custom_components"
        components.mkdir(parents=True)
        (components / "herald").symlink_to(INTEGRATION)
        for fake in ("fake_player", "fake_room", "fake_voice"):
            (components / fake).symlink_to(HERE / fake)
        (self.folder / "configuration.yaml").write_text(CONFIGURATION.format(url=self.url, language=language) + more)
        stable = {"server_host": ["127.0.0.1"], "server_port": self._port, "created_at": "2026-01-01T00:00:00+00:00"}
        # an `http:` in the configuration would be on trial, for five minutes
        self._store("http", 2, 2, {"stable": _HTTP | stable, "pending": None, "yaml_migration_done": True})
        self._store("onboarding", 4, 1, {"done": ["core_config", "analytics"]})

    def _store(self, key: str, version: int, minor_version: int, data: Mapping[str, Any]) -> None:
        path = self.folder / ".storage" / key
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"version": version, "minor_version": minor_version, "key": key, "data": data}))

    async def start(self) -> None:
        """Where it has its owner already, all of it."""
        programs = self._environment / "bin"
        self._process = await asyncio.create_subprocess_exec(
            *(programs / "hass", "--config", self.folder, "--skip-pip", "--log-file", self.folder / "home-assistant.log"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"},
        )
        await self._until(self._runs if self._headers else self._answers)

    async def _until(self, condition: Callable[[], Awaitable[bool]]) -> None:
        assert self._process is not None
        async with asyncio.timeout(STARTED_WITHIN):
            while not await condition():  # it tells nobody when it is
                assert self._process.returncode is None, f"Home Assistant ended: {self.log}"
                await asyncio.sleep(0.1)

    async def _answers(self) -> bool:
        try:
            async with self._session.get(f"{self.url}/manifest.json") as response:
                return response.status == 200
        except aiohttp.ClientError:
            return False

    async def _runs(self) -> bool:
        """With all its integrations."""
        return await self._answers() and (await self.get("/api/config"))["state"] == "RUNNING"

    async def stop(self, *, kill: bool = False) -> None:
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        if kill:
            process.kill()
        else:
            process.terminate()
        try:
            async with asyncio.timeout(ENDED_WITHIN):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    async def onboard(self) -> None:
        """Its owner introduces himself."""
        client = f"{self.url}/"
        owner = {"client_id": client, "name": "Owner", "username": USER, "password": PASSWORD, "language": "en"}
        code = (await self.post("/api/onboarding/users", **owner))["auth_code"]
        self._headers = await self._token(code)
        await self.post("/api/onboarding/integration", client_id=client, redirect_uri=client)
        await self._until(self._runs)

    async def _token(self, code: str) -> dict[str, str]:
        form = {"grant_type": "authorization_code", "code": code, "client_id": f"{self.url}/"}
        async with self._session.post(f"{self.url}/auth/token", data=form) as response:
            return {"Authorization": f"Bearer {(await response.json())['access_token']}"}

    @asynccontextmanager
    async def guest(self, *groups: str) -> AsyncIterator[None]:
        """In the block, all that is asked is asked by a new user of these groups."""
        named = {"username": "guest", "password": "a password of the guest"}
        user = (await self.command("config/auth/create", name="Guest", group_ids=list(groups)))["user"]
        await self.command("config/auth_provider/homeassistant/create", user_id=user["id"], **named)
        client = {"client_id": f"{self.url}/"}
        flow = await self.post("/auth/login_flow", **client, handler=["homeassistant", None], redirect_uri=f"{self.url}/")
        code = (await self.post(f"/auth/login_flow/{flow['flow_id']}", **client, **named))["result"]
        owner, self._headers = self._headers, await self._token(code)
        try:
            yield
        finally:
            self._headers = owner

    async def post(self, path: str, **body: Any) -> Any:
        return await self._ask("POST", path, body)

    async def get(self, path: str) -> Any:
        return await self._ask("GET", path)

    async def delete(self, path: str) -> Any:
        return await self._ask("DELETE", path)

    async def call(self, service: str, **data: Any) -> Any:
        """As an automation does, until it is done. Raises Refused."""
        return await self.post(f"/api/services/{service.replace('.', '/')}", **data)

    async def answer(self, service: str, **data: Any) -> Any:
        """The same, and what it answers."""
        told = await self.post(f"/api/services/{service.replace('.', '/')}?return_response", **data)
        return told["service_response"]

    async def command(self, kind: str, **data: Any) -> Any:
        """What only the frontend's socket does. Raises Refused."""
        token = self._headers["Authorization"].removeprefix("Bearer ")
        async with self._session.ws_connect(f"{self.url}/api/websocket") as socket:
            await socket.receive_json()
            await socket.send_json({"type": "auth", "access_token": token})
            await socket.receive_json()
            await socket.send_json({"id": 1, "type": kind, **data})
            told = await socket.receive_json()
        if not told["success"]:
            raise Refused(told["error"])
        return told["result"]

    async def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        async with self._session.request(method, self.url + path, json=body, headers=self._headers) as response:
            if response.status >= 400:
                msg = f"{method} {path}: {response.status} {await response.text()}"
                raise Refused(msg)
            return await response.json()

    def fetch(self, path: str) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """As a player does, which knows no token."""
        return self._session.get(self.url + path)

    async def set_up(self, handler: str, *answers: Mapping[str, Any]) -> dict[str, Any]:
        """A configuration flow by hand; what came of it."""
        flow: dict[str, Any] = await self.post("/api/config/config_entries/flow", handler=handler, show_advanced_options=False)
        for answer in answers:
            flow = await self.post(f"/api/config/config_entries/flow/{flow['flow_id']}", **answer)
        return flow

    async def state(self, entity_id: str) -> dict[str, Any]:
        state: dict[str, Any] = await self.get(f"/api/states/{entity_id}")
        return state

    def room(self, name: str) -> list[dict[str, Any]]:
        """What a fake room wrote down."""
        if name not in self._rooms:
            self._rooms[name] = (Journal(self.folder / "rooms" / f"{name}.jsonl"), [])
        journal, lines = self._rooms[name]
        lines += journal.news()
        return lines

    def fetched(self, name: str) -> bytes:
        """All the audio that a fake room ever got."""
        return (self.folder / "rooms" / f"{name}.audio").read_bytes()

    def heard(self) -> list[Heard]:
        """By the fake player, oldest first."""
        told = sorted((self.folder / "heard").glob("*.json"), key=lambda path: int(path.stem))
        return [Heard(**json.loads(path.read_text()), audio=path.with_suffix(".audio").read_bytes()) for path in told]

    @classmethod
    @asynccontextmanager
    async def running(cls, environment: Path, folder: Path, **manner: Any) -> AsyncIterator[Self]:
        """A new one, with its owner."""
        timeout = aiohttp.ClientTimeout(total=120)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            hass = cls(environment, folder, session)
            hass.prepare(**manner)
            try:
                await hass.start()
                await hass.onboard()
                yield hass
            finally:
                await hass.stop()


_HTTP = {
    "cors_allowed_origins": ["https://cast.home-assistant.io"],
    "use_x_forwarded_for": False,
    "login_attempts_threshold": -1,
    "ip_ban_enabled": False,
    "ssl_profile": "modern",
    "use_x_frame_options": True,
    "error": None,
    "error_message": None,
}
