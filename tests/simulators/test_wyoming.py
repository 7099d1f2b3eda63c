"""The Wyoming simulator, with the `wyoming` package's own client: it is what it is taken for."""

from __future__ import annotations

import asyncio
import socket
import struct

import pytest
from wyoming.client import AsyncTcpClient
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeVoice

from .wyoming import Fault, Program, Voice, WyomingSimulator, simulator
from .wyoming.handler import spoken

ONE, TWO = "One is here.", "Two is there."
CYCLE = ["audio-start", "audio-chunk", "audio-stop"]


def client(service: WyomingSimulator) -> AsyncTcpClient:
    return AsyncTcpClient("127.0.0.1", service.port)


async def answer(line: AsyncTcpClient, *ends: str) -> tuple[list[str], bytes]:
    """Types, runs of chunks as one, and the audio; up to one of `ends`, or the end of the connection."""
    types: list[str] = []
    pcm = b""
    async with asyncio.timeout(5):
        while (event := await line.read_event()) is not None:
            pcm += event.payload or b""
            if types[-1:] != [event.type]:
                types.append(event.type)
            if event.type in ends:
                break
    return types, pcm


async def stream(line: AsyncTcpClient, *fragments: str) -> None:
    await line.write_event(SynthesizeStart(voice=SynthesizeVoice(name="x")).event())
    for fragment in fragments:
        await line.write_event(SynthesizeChunk(text=fragment).event())
    await line.write_event(Synthesize(text="".join(fragments)).event())
    await line.write_event(SynthesizeStop().event())


async def test_it_tells_its_programs() -> None:
    programs = (Program(name="piper", voices=(Voice(name="libri", speakers=("1", "2")),)),)
    async with simulator(programs=programs) as service, client(service) as line:
        await line.write_event(Describe().event())
        event = await line.read_event()
        assert event is not None
        (program,) = Info.from_event(event).tts
        assert program.supports_synthesize_streaming
        assert [speaker.name for speaker in program.voices[0].speakers or ()] == ["1", "2"]


async def test_it_speaks_a_text_in_one_cycle() -> None:
    async with simulator() as service, client(service) as line:
        await line.write_event(Synthesize(text=f"{ONE} {TWO}").event())
        assert await answer(line, "audio-stop") == (CYCLE, spoken(f"{ONE} {TWO}"))


async def test_it_speaks_a_stream_in_a_cycle_for_each_sentence() -> None:
    async with simulator() as service, client(service) as line:
        await stream(line, "One is ", f"here. {TWO}")
        assert await answer(line, "synthesize-stopped") == ([*CYCLE, *CYCLE, "synthesize-stopped"], spoken(ONE) + spoken(TWO))


async def test_the_copy_may_be_spoken_too() -> None:
    async with simulator(takes="both", cycles="stream") as service, client(service) as line:
        await stream(line, ONE)
        assert (await answer(line, "synthesize-stopped"))[1] == 2 * spoken(ONE)


@pytest.mark.parametrize("how", ["ends", "resets"])
async def test_while_it_is_busy_it_sees_a_reset_and_no_end(how: str) -> None:
    async with simulator(Fault(kind="stall", on="audio")) as service:
        _, writer = await asyncio.open_connection("127.0.0.1", service.port)
        writer.write(b'{"type": "synthesize", "data": {"text": "One."}}\n')
        await service.journal.saw("fault")
        if how == "ends":
            writer.write_eof()
            async with client(service) as line:  # time enough to see it
                await line.write_event(Describe().event())
                assert await line.read_event()
            await service.journal.saw("gone", connection=2)
            assert not service.journal.all("gone", connection=1)
            service.go_on()
        else:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        await service.journal.saw("gone", connection=1)
        writer.close()


@pytest.mark.parametrize(
    ("fault", "types"),
    [
        (Fault(kind="error", on="audio", after=1), ["audio-start", "audio-chunk", "error"]),
        (Fault(kind="hang up", on="audio-stop"), ["audio-start", "audio-chunk"]),
        (Fault(kind="unknown", on="audio"), ["audio-start", "news-of-tomorrow", "audio-chunk", "audio-stop"]),
    ],
    ids=["error", "hang up", "unknown"],
)
async def test_faults_strike_where_they_should(fault: Fault, types: list[str]) -> None:
    async with simulator(fault) as service, client(service) as line:
        await line.write_event(Synthesize(text=ONE).event())
        assert (await answer(line, "audio-stop"))[0] == types


@pytest.mark.parametrize("inline", [True, False])
async def test_the_package_understands_inline_data(*, inline: bool) -> None:
    async with simulator(inline=inline, rates=(16_000,)) as service, client(service) as line:
        await line.write_event(Synthesize(text=ONE).event())
        event = await line.read_event()
        assert event == Event("audio-start", {"rate": 16_000, "width": 2, "channels": 1})


async def test_it_comes_back_where_it_was() -> None:
    async with simulator() as service:
        port = service.port
        await service.down()
        with pytest.raises(OSError, match="Connect call failed"):
            await client(service).connect()
        await service.up()
        assert service.port == port
        async with client(service) as line:
            await line.write_event(Synthesize(text=ONE).event())
            assert (await answer(line, "audio-stop"))[1] == spoken(ONE)
