"""What the tests of `flowing` share: the engine at its two services, what they were sent, and scripted servers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

from wyoming_server.engines.flowing.engine import FlowingEngine

from ...simulators.flowing import CloudSimulator, Fault, LocalSimulator, cloud, local
from ...writing import Writer, written
from ..cases import new_engine
from ..duplex.speaking import TEXT, hear, how, pcm, texts, until
from ..duplex.speaking import VOICE as CLOUD_VOICE
from ..openspeech.hearing import CHINESE, ENGLISH, LONG, Heard, Listener

KEYS = {"dialect": "aliyun", "appkey": "app-key", "token": "nls-token"}
ACCESS_KEY = {
    "dialect": "aliyun",
    "appkey": "app-key",
    "access_key_id": "access-key-id",
    "access_key_secret": "access-key-secret",
}
LOCAL_VOICE = "中文女"


def made(**options: Any) -> FlowingEngine:
    engine = new_engine("flowing", **options)
    assert isinstance(engine, FlowingEngine)
    return engine


@asynccontextmanager
async def at_cloud(
    *faults: Fault, engine: dict[str, Any] | None = None, **options: Any
) -> AsyncIterator[tuple[CloudSimulator, FlowingEngine]]:
    """The cloud, in which `faults` wait, and an engine with good credentials; `engine`: its options."""
    async with cloud(**options) as service:
        service.faults.add(*faults)
        async with made(url=service.url, token_url=service.token_url, **(KEYS if engine is None else engine)) as speaker:
            yield service, speaker


@asynccontextmanager
async def at_local(
    *faults: Fault, engine: dict[str, Any] | None = None, **options: Any
) -> AsyncIterator[tuple[LocalSimulator, FlowingEngine]]:
    async with local(**options) as service:
        service.faults.add(*faults)
        async with made(url=service.url, **(engine or {})) as speaker:
            yield service, speaker


async def say(engine: FlowingEngine, text: str = TEXT, **settings: Any) -> Heard:
    """With a voice of the local server."""
    return await hear(engine, text, utterance=how(LOCAL_VOICE, **settings))


def starts(service: CloudSimulator | LocalSimulator) -> list[dict[str, Any]]:
    """The payload of every StartSynthesis."""
    return [entry.detail["body"].get("payload", entry.detail["body"]) for entry in service.all("session")]


@asynccontextmanager
async def answering(*messages: bytes | str, **options: Any) -> AsyncIterator[FlowingEngine]:
    """An engine whose local server answers the end of the text with these messages, and never closes."""

    async def talk(line: ServerConnection) -> None:
        task_id = ""
        async for message in line:
            text = str(message)
            if '"StartSynthesis"' in text:
                task_id = text.partition('"task_id":"')[2][:32]
                await line.send(told("SynthesisStarted", task_id))
            elif '"StopSynthesis"' in text:
                for answer in messages:
                    await line.send(answer.replace("TASK", task_id) if isinstance(answer, str) else answer)

    async with serve(talk, "127.0.0.1", 0, compression=None) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ws/v1/tts"
        async with made(url=url, first_audio_timeout=10, gap_timeout=10, **options) as engine:
            yield engine


def told(name: str, task_id: str = "TASK", status: int = 20_000_000, text: str = "") -> str:
    """A server's message."""
    return f'{{"header":{{"name":"{name}","task_id":"{task_id}","status":{status},"status_text":"{text}"}},"payload":{{}}}}'


COMPLETED = told("SynthesisCompleted")

__all__ = [
    "ACCESS_KEY",
    "CHINESE",
    "CLOUD_VOICE",
    "COMPLETED",
    "ENGLISH",
    "KEYS",
    "LOCAL_VOICE",
    "LONG",
    "TEXT",
    "Fault",
    "Listener",
    "Writer",
    "answering",
    "at_cloud",
    "at_local",
    "cloud",
    "hear",
    "how",
    "local",
    "made",
    "pcm",
    "say",
    "starts",
    "texts",
    "told",
    "until",
    "written",
]
