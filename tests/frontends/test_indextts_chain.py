"""Herald's engine `indextts` as a client of Herald's own front end: what one server asks, another speaks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from wyoming_server.server import Running

from ..serving import TONE, serving, tone, tone_of, until
from .indextts_client import connected, url
from .indextts_serving import VOICES, journal


@asynccontextmanager
async def chain(folder: Path) -> AsyncIterator[tuple[Running, Running]]:
    """The server that clients ask, and the one behind it, each with its own port."""
    for name in ("front", "behind"):
        (folder / name).mkdir()
    async with serving(folder / "behind", VOICES) as behind:
        assert behind.indextts is not None
        prompts = (
            "{dad: {file: plain, consent: true}, fails: {file: fails, consent: true}, stalls: {file: stalls, consent: true}}"
        )
        engine = f"relay: {{type: indextts, url: '{url(behind.indextts, '/')}', prompts: {prompts}}}, espeak"
        yaml = TONE.replace("espeak", engine).replace("port: 0}", "port: 0, indextts_port: 0}")
        async with serving(folder / "front", yaml) as front:
            yield front, behind


async def test_a_voice_goes_through_two_servers(tmp_path: Path) -> None:
    async with chain(tmp_path) as (front, _), connected(front) as client:
        for text in ("Hello.", "And more. In two sentences."):
            heard = await client.say(text, prompt_audio="relay/dad")
            assert heard.names == ["queued", "start", "audio", "end"], heard.last
            assert tone(6)[:1_000] in heard.pcm


@pytest.mark.parametrize(
    "emotion",
    [{"emo_mode": "text", "emo_text": "x"}, {"emo_mode": "vector", "emo_vector": [0.5] * 8}],
)
async def test_an_emotion_goes_through_to_the_one_that_cannot_feel(tmp_path: Path, emotion: dict[str, Any]) -> None:
    async with chain(tmp_path) as (front, _), connected(front) as client:
        heard = await client.say("Hello.", prompt_audio="relay/dad", **emotion)
        assert heard.names[-1] == "error"
        assert "没有情感控制" in heard.last["message"]


async def test_a_failure_behind_is_told_in_front(tmp_path: Path) -> None:
    async with chain(tmp_path) as (front, _), connected(front) as client:
        heard = await client.say("a" * 50, prompt_audio="relay/fails")
        assert heard.names == ["queued", "start", "error"]
        assert "as its script says" in heard.last["message"]


async def test_a_client_that_leaves_is_silence_in_both(tmp_path: Path) -> None:
    async with chain(tmp_path) as (front, behind):
        async with connected(front) as client:
            await client.running("a" * 50, prompt_audio="relay/stalls")
            await until(lambda: journal(tone_of(behind)) == ["started"])
        await until(lambda: journal(tone_of(behind)) == ["started", "cancelled"], within=5)
