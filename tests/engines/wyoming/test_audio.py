"""Audio of any rate, in any pieces, in the one format that was promised."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from wyoming_server.errors import EngineError
from wyoming_server.models import AudioFormat

from .speaking import ONE, TEXT, THREE, TWO, at_server, hear, how, pcm, spoken

pytestmark = pytest.mark.usefixtures("nothing_is_left")


@pytest.mark.parametrize("piece", [1, 3, 1_001, 1 << 20])
@pytest.mark.parametrize("streaming", [True, False])
async def test_frames_come_out_whole_however_they_were_cut(piece: int, *, streaming: bool) -> None:
    async with at_server(streaming=streaming, piece=piece) as (_, engine):
        text = "One." if piece == 1 else ONE
        heard = await hear(engine, text)
        assert heard.audio == pcm(text)
        assert all(len(event) % 2 == 0 for _, event in heard.events if isinstance(event, bytes))


@pytest.mark.parametrize("rate", [16_000, 24_000, 48_000])
@pytest.mark.parametrize("streaming", [True, False])
async def test_a_rate_is_learned_and_the_first_reply_made_what_was_promised(rate: int, *, streaming: bool) -> None:
    async with at_server(streaming=streaming, rates=(rate,)) as (_, engine):
        assert engine.native_format(how()) == AudioFormat(rate=22_050)
        first = await hear(engine, TEXT)
        assert len(first.audio) == pytest.approx(len(pcm(ONE, TWO, THREE)), rel=0.01)
        assert engine.native_format(how()) == AudioFormat(rate=rate)
        assert (await hear(engine, TEXT)).audio == pcm(ONE, TWO, THREE, rate=rate)


async def test_what_one_reply_was_promised_holds_though_another_learns_meanwhile() -> None:
    async with at_server(streaming=False, rates=(16_000,)) as (_, engine):
        first, second = await asyncio.gather(hear(engine, TEXT), hear(engine, TEXT))
        assert first.audio == second.audio
        assert len(first.audio) == pytest.approx(len(pcm(ONE, TWO, THREE)), rel=0.01)


async def test_a_rate_that_changes_within_a_reply_is_converted() -> None:
    async with at_server(rates=(22_050, 16_000, 48_000)) as (_, engine):
        heard = await hear(engine, TEXT)
        assert heard.audio.startswith(pcm(ONE))
        assert len(heard.audio) == pytest.approx(len(pcm(ONE, TWO, THREE)), rel=0.01)


async def test_stereo_becomes_mono() -> None:
    async with at_server(channels=2, piece=1_001) as (_, engine):
        assert (await hear(engine, ONE)).audio == pcm(ONE)
        assert len(spoken(ONE, channels=2)) == 2 * len(pcm(ONE))


@pytest.mark.parametrize("manner", [{"inline": True}, {"bare": True}])
async def test_other_ways_to_write_an_event_are_understood(manner: dict[str, Any]) -> None:
    async with at_server(**manner) as (_, engine):
        assert (await hear(engine, TEXT)).audio == pcm(ONE, TWO, THREE)


@pytest.mark.parametrize(
    ("manner", "words"),
    [
        ({"width": 4}, "22050 Hz, 4 bytes a sample, 1 channels"),
        ({"channels": 6}, "6 channels"),
        ({"rates": (4_000,)}, "4000 Hz"),
        ({"rates": (192_000,)}, "192000 Hz"),
    ],
)
@pytest.mark.parametrize("streaming", [True, False])
async def test_audio_that_is_not_understood_is_an_error_in_words(manner: dict[str, Any], words: str, *, streaming: bool) -> None:
    async with at_server(streaming=streaming, **manner) as (_, engine):
        with pytest.raises(EngineError, match=words):
            await hear(engine, ONE)
