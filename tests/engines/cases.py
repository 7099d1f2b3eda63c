"""One way to start every registered engine for the contract suite. A new engine adds one row to CASES."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import voluptuous as vol

from wyoming_server.engines.base import Engine
from wyoming_server.engines.registry import engine_class

from ..simulators.dashscope import simulator as dashscope_simulator
from ..simulators.flowing import cloud, local
from ..simulators.indextts import simulator as indextts_simulator
from ..simulators.openai import simulator as openai_simulator
from ..simulators.openspeech import simulator
from ..simulators.wyoming import simulator as wyoming_simulator


def new_engine(engine_type: str, **options: Any) -> Engine:
    """An engine with its defaults, as the configuration would make it."""
    found = engine_class(engine_type)
    return found(engine_type, vol.Schema(dict(found.options_schema))(options))


@asynccontextmanager
async def tone(**options: Any) -> AsyncIterator[Engine]:
    async with new_engine("tone", per_character=0.02, pace=200, **options) as engine:
        yield engine


@asynccontextmanager
async def tone_streaming() -> AsyncIterator[Engine]:
    async with tone(streaming_text=True) as engine:
        yield engine


@asynccontextmanager
async def tone_in_turns() -> AsyncIterator[Engine]:
    async with tone(concurrency=1) as engine:
        yield engine


@asynccontextmanager
async def tone_streaming_in_turns() -> AsyncIterator[Engine]:
    async with tone(streaming_text=True, concurrency=1) as engine:
        yield engine


@asynccontextmanager
async def openspeech(**options: Any) -> AsyncIterator[Engine]:
    async with simulator(pace=200) as service:
        engine = new_engine("openspeech", url=service.url, appid="1234567890", token="access-token", **options)
        async with engine:
            yield engine


@asynccontextmanager
async def openspeech_v1() -> AsyncIterator[Engine]:
    async with openspeech(api="v1", resource_id="seed-tts-1.0") as engine:
        yield engine


@asynccontextmanager
async def openspeech_mp3() -> AsyncIterator[Engine]:
    async with openspeech(encoding="mp3") as engine:
        yield engine


@asynccontextmanager
async def flowing_aliyun() -> AsyncIterator[Engine]:
    async with cloud(pace=200) as service:
        engine = new_engine("flowing", url=service.url, dialect="aliyun", appkey="app-key", token="nls-token")
        async with engine:
            yield engine


@asynccontextmanager
async def flowing_local() -> AsyncIterator[Engine]:
    async with local(pace=200) as service, new_engine("flowing", url=service.url) as engine:
        yield engine


@asynccontextmanager
async def dashscope() -> AsyncIterator[Engine]:
    async with dashscope_simulator(pace=200) as service, new_engine("dashscope", url=service.url, api_key="sk-api-key") as engine:
        yield engine


@asynccontextmanager
async def indextts() -> AsyncIterator[Engine]:
    async with indextts_simulator() as service, new_engine("indextts", url=service.url, prompts={"mum": "mum.wav"}) as engine:
        yield engine


@asynccontextmanager
async def openai(profile: str = "openai", **options: Any) -> AsyncIterator[Engine]:
    async with (
        openai_simulator(profile, pace=200) as service,
        new_engine("openai", profile=profile, url=service.url, api_key=service.key or None, **options) as engine,
    ):
        yield engine


@asynccontextmanager
async def openai_pcm() -> AsyncIterator[Engine]:
    async with openai("kokoro") as engine:
        yield engine


@asynccontextmanager
async def openai_mp3() -> AsyncIterator[Engine]:
    async with openai(format="mp3") as engine:
        yield engine


@asynccontextmanager
async def openai_in_turns() -> AsyncIterator[Engine]:
    async with openai("index-tts-vllm", concurrency=1) as engine:
        yield engine


@asynccontextmanager
async def espeak() -> AsyncIterator[Engine]:
    async with new_engine("espeak") as engine:
        yield engine


@asynccontextmanager
async def wyoming(*, streaming: bool = True, cycles: str = "sentence", **options: Any) -> AsyncIterator[Engine]:
    async with (
        wyoming_simulator(streaming=streaming, cycles=cycles) as service,
        new_engine("wyoming", uri=service.uri, **options) as engine,
    ):
        yield engine


@asynccontextmanager
async def wyoming_by_sentences() -> AsyncIterator[Engine]:
    async with wyoming(streaming=False) as engine:
        yield engine


@asynccontextmanager
async def wyoming_in_turns() -> AsyncIterator[Engine]:
    async with wyoming(cycles="stream", concurrency=1) as engine:
        yield engine


CASES: dict[str, Callable[[], AbstractAsyncContextManager[Engine]]] = {
    "dashscope": dashscope,
    "espeak": espeak,
    "flowing (aliyun)": flowing_aliyun,
    "flowing (local)": flowing_local,
    "indextts": indextts,
    "openai": openai,
    "openai (pcm)": openai_pcm,
    "openai (mp3)": openai_mp3,
    "openai (in turns)": openai_in_turns,
    "openspeech": openspeech,
    "openspeech (v1)": openspeech_v1,
    "openspeech (mp3)": openspeech_mp3,
    "tone": tone,
    "tone (in turns)": tone_in_turns,
    "tone (streaming text)": tone_streaming,
    "tone (streaming text, in turns)": tone_streaming_in_turns,
    "wyoming": wyoming,
    "wyoming (by sentences)": wyoming_by_sentences,
    "wyoming (in turns)": wyoming_in_turns,
}
