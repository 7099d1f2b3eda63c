"""What tests of announcements need: a house with rooms and satellites, and one server that speaks in two pitches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from wyoming.event import Event

from wyoming_server.engines.tone import ToneEngine
from wyoming_server.protocols.wyoming import WyomingReader, encode
from wyoming_server.server import Running

from ..frontends.flowing_client import url
from ..ports import free_port
from ..serving import serving, tone_of
from .hass import Hass
from .satellite import Process, satellite

LOW, HIGH = 440, 880
"""Hz of the voices `low` and `high`."""
THINK, PER_CHARACTER = 0.05, 0.06
"""Seconds until the engine's first audio, and of a character."""
YAML = f"""
wyoming: {{uri: "tcp://127.0.0.1:0"}}
http: {{host: 127.0.0.1, port: 0}}
engines: {{tone: {{per_character: {PER_CHARACTER}, delay: {THINK}, pace: 2}}, espeak: {{enabled: false}}}}
voices:
  low: {{engine: tone, voice: tone, frequency: {LOW}}}
  high: {{engine: tone, voice: tone, frequency: {HIGH}}}
  slow: {{engine: tone, voice: tone, delay: 60}}
default_voice: low
cache: {{enabled: false}}
"""
KITCHEN, PARLOUR = "media_player.kitchen", "media_player.parlour"
HALL, ATTIC = "assist_satellite.hall", "assist_satellite.attic"
LEAD = 1.0
"""Seconds of audio that a player may be sent ahead of what it plays."""
SENTENCE = "Somebody is at the door and it rings once more. "
"""Three seconds; the engine is asked once."""
LONG = SENTENCE * 8
"""The engine is asked for a sentence while the one before it is spoken."""
ENDLESS = "And so on" * 20 + "."
"""Eleven seconds; the engine is asked once."""
ROOMS = {"Kitchen": False, "Parlour": True}
"""Name → whether it plays announcements over its music."""
CONFIGURATION = "\n".join(
    f"media_player {name}:\n  - {{platform: fake_room, name: {name}, announces: {str(announces).lower()}}}"
    for name, announces in ROOMS.items()
)
CONFIGURATION += f"""
script:
  tell:
    mode: restart
    sequence:
      - action: herald.announce
        target: {{entity_id: {KITCHEN}}}
        data: {{message: "{{{{ message }}}}", voice: "{{{{ voice }}}}"}}
automation:
  - alias: Story
    triggers: [{{trigger: conversation, command: tell me a story}}]
    actions: [{{set_conversation_response: "{LONG}"}}]
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class House:
    hass: Hass
    server: Running
    token: str
    satellites: dict[str, Process] = field(default_factory=dict)
    """By their entities."""

    @property
    def engine(self) -> ToneEngine:
        return tone_of(self.server)

    @property
    def hall(self) -> Process:
        return self.satellites[HALL]

    def engine_told(self, what: str, since: float) -> list[float]:
        """When the engine did that."""
        return [event.time for event in self.engine.journal if event.what == what and event.time >= since]

    def characters_in_hand(self, since: float, at: float) -> int:
        """Of what was asked for since then: those that the engine had not spoken yet at a moment, or was asked for after it."""
        events = [event for event in self.engine.journal if event.time >= since]
        asked = sum(event.characters for event in events if event.what == "started")
        return asked - sum(event.characters for event in events if event.what != "started" and event.time < at)

    async def announce(self, *targets: str, message: str = SENTENCE, **said: Any) -> dict[str, Any]:
        told: dict[str, Any] = await self.hass.answer("herald.announce", entity_id=list(targets), message=message, **said)
        return told

    async def interrupt(self, **said: Any) -> int:
        told = await self.hass.answer("herald.interrupt", **said)
        count: int = told["interrupted"]
        return count

    def starts(self, *targets: str, **said: Any) -> asyncio.Task[dict[str, Any]]:
        """The same in a task: whoever starts it awaits it."""
        return asyncio.create_task(self.announce(*targets, **said))

    @asynccontextmanager
    async def ear(self, sentence: str) -> AsyncIterator[None]:
        """In the block, an assistant hears that, whatever is said, and answers in the server's voice."""
        async with await asyncio.start_server(partial(_hear, sentence), "127.0.0.1", port := free_port()):
            flow = await self.hass.set_up("wyoming", {"host": "127.0.0.1", "port": port})
            assert flow["type"] == "create_entry", flow
            made = await self.hass.command("assist_pipeline/pipeline/create", **PIPELINE)
            await self.hass.command("assist_pipeline/pipeline/set_preferred", pipeline_id=made["id"])
            yield

    def kept(self) -> list[Path]:
        """What Home Assistant would play again."""
        return list((self.hass.folder / "tts").glob("*"))

    async def idle(self) -> None:
        """Waits until nobody speaks, and nothing of it is heard any more."""
        await self.interrupt()
        for entity, one in self.satellites.items():
            await self.until(partial(self.is_in_state, entity, "idle"))
            plays = one.played()
            if plays and plays[-1].chunks:
                await asyncio.sleep(plays[-1].chunks[-1].ends - asyncio.get_running_loop().time())
        for entity in (KITCHEN, PARLOUR):
            await self.until(partial(self.is_in_state, entity, "idle", "playing"))

    async def is_in_state(self, entity_id: str, *states: str) -> bool:
        return (await self.hass.state(entity_id))["state"] in states

    async def plays(self, room: str, times: int = 1, what: str = "chunk", since: float = 0.0) -> float:
        """Waits until a room has written that down so often; when it was."""
        await self.until(lambda: len(self.noted(room, what, since)) >= times)
        time: float = self.noted(room, what, since)[times - 1]["time"]
        return time

    def noted(self, room: str, what: str, since: float = 0.0) -> list[dict[str, Any]]:
        return [line for line in self.hass.room(room) if line["what"] == what and line["time"] >= since]

    async def until(self, condition: Callable[[], object], within: float = 30) -> None:
        """Of what happens in other processes: nothing here could be waited for."""
        async with asyncio.timeout(within):
            while True:
                found = condition()
                if isinstance(found, Awaitable):
                    found = await found
                if found:
                    return
                await asyncio.sleep(0.005)


PIPELINE = {
    "name": "Herald",
    **dict.fromkeys(("language", "conversation_language", "stt_language"), "en"),
    "conversation_engine": "conversation.home_assistant",
    "stt_engine": "stt.ear",
    "tts_engine": "tts.herald",
    "tts_language": "en-US",
    **dict.fromkeys(("tts_voice", "wake_word_entity", "wake_word_id")),
}


async def _hear(sentence: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A Wyoming service that understands one sentence alone."""
    about = {"name": "Ear", "attribution": {"name": "", "url": ""}, "installed": True, "description": "", "version": "1"}
    codec = WyomingReader()
    while data := await reader.read(1 << 16):
        codec.feed(data)
        while (event := codec.next_event()) is not None:
            if event.type == "describe":
                writer.write(encode(Event("info", {"asr": [{**about, "models": [{**about, "languages": ["en"]}]}]})))
            elif event.type == "audio-stop":
                writer.write(encode(Event("transcript", {"text": sentence})))
    writer.close()


@asynccontextmanager
async def house(environment: Path, folder: Path, *satellites: str) -> AsyncIterator[House]:
    """`satellites`: names, with options of their process behind a colon."""
    async with AsyncExitStack() as stack:
        (state := folder / "server").mkdir()
        server = await stack.enter_async_context(serving(state, YAML))
        hass = await stack.enter_async_context(Hass.running(environment, folder / "hass", more=CONFIGURATION))
        made = House(hass=hass, server=server, token=(state / "token").read_text().strip())
        await hass.set_up("herald", {"address": url(server, ""), "token": made.token}, {"next_step_id": "finish"})
        for told in satellites or ("Hall",):
            name, _, options = told.partition(":")
            one = await stack.enter_async_context(satellite(folder, free_port(), name, *options.split()))
            flow = await hass.set_up("wyoming", {"host": "127.0.0.1", "port": one.port})
            assert flow["type"] == "create_entry", flow
            await one.told("running")
            made.satellites[f"assist_satellite.{name.lower()}"] = one
        yield made
