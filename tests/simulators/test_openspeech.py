"""The OpenSpeech simulator goes wrong where it is told to, and runs as a process: shown with bytes written by hand."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from .checks import V1_PCM, audio
from .openspeech import V1, V3, Fault, OpenSpeechSimulator
from .openspeech.raw import (
    KEYS,
    TEXT,
    V3Client,
    rest,
    v1,
    v1_connection,
    v1_document,
    v1_message,
    v3_connection,
    v3_message,
)


@pytest.mark.parametrize("name", V1)
async def test_v1_fails_with_every_code(service: OpenSpeechSimulator, name: str) -> None:
    told = V1[name]
    service.faults.add(Fault(kind="error", code=told.code, message=told.message))
    [message] = await v1(service)
    assert (message.kind, message.number, message.payload.decode()) == (0xF, told.code, told.message)
    assert not service.all("refused")


@pytest.mark.parametrize("name", V3)
async def test_v3_fails_with_every_code(service: OpenSpeechSimulator, name: str) -> None:
    told = V3[name]
    service.faults.add(Fault(kind="error", code=told.code, message=told.message))
    async with v3_connection(service) as client:
        [failed] = await client.speak(TEXT)
        assert failed.document == {"status_code": told.code, "message": told.message}
        assert audio(await client.speak(TEXT)) == V1_PCM


@pytest.mark.parametrize(
    ("how", "kind", "begins"),
    [("frame", 0xF, b"service"), ("gzip frame", 0xF, b"service"), ("unsaid gzip frame", 0xF, b"\x1f\x8b")],
)
async def test_an_error_frame_may_be_compressed_and_not_say_so(
    service: OpenSpeechSimulator, how: Any, kind: int, begins: bytes
) -> None:
    service.faults.add(Fault(kind="error", code=3005, message="service is busy", how=how, on="audio", after=0.3))
    messages = await v1(service, audio__encoding="pcm")
    assert audio(messages) == V1_PCM[: len(audio(messages))] != b""
    assert messages[-1].kind == kind
    assert messages[-1].payload.startswith(begins)


async def test_an_error_may_come_as_text(service: OpenSpeechSimulator) -> None:
    service.faults.add(Fault(kind="error", code=55000000, how="text", on="audio"))
    async with v3_connection(service) as client:
        session = await client.start()
        await client.until(150)
        await client.text(session, TEXT)
        messages = await rest(client.line)
    assert messages[-1].kind == 0
    assert messages[-1].document == {"code": 55000000, "message": "internal server error"}


async def test_a_connection_can_fail(service: OpenSpeechSimulator) -> None:
    service.faults.add(Fault(kind="error", code=45000000, on="connection"))
    async with connect(service.url + "/api/v3/tts/bidirection", additional_headers=KEYS, proxy=None) as line:
        await line.send(v3_message(1))
        [failed] = await rest(line)
    assert failed.number == 51


async def test_a_handshake_can_be_refused_and_slow(service: OpenSpeechSimulator) -> None:
    service.faults.add(Fault(kind="refuse", on="handshake", status=429, code=45000000, message="slow down"))
    with pytest.raises(InvalidStatus, match="429"):
        await v1(service)
    service.faults.add(Fault(kind="stall", on="handshake"))
    waiting = asyncio.create_task(v1(service))
    await service.saw("fault", 2)
    assert not service.counters.connections_ever
    service.faults.go_on()
    assert (await waiting)[-1].number == -3


@pytest.mark.parametrize(("kind", "code"), [("close", 1000), ("close", 1011), ("drop", None), ("reset", None)])
async def test_a_connection_can_end_mid_audio(service: OpenSpeechSimulator, kind: Any, code: int | None) -> None:
    service.faults.add(Fault(kind=kind, code=code or 0, on="audio", after=0.2))
    async with v1_connection(service) as line:
        await line.send(v1_message(v1_document(audio__encoding="pcm")))
        with pytest.raises(ConnectionClosed) as closed:  # noqa: PT012  # wherever it comes
            while True:
                await line.recv()
    assert (closed.value.rcvd.code if closed.value.rcvd else None) == code
    assert (await service.saw("closed")).detail["by"] == "simulator"
    assert 0 < service.counters.characters < len(TEXT)


async def test_audio_can_stall_and_go_on(service: OpenSpeechSimulator) -> None:
    service.faults.add(Fault(kind="stall", on="audio", after=0.1))
    waiting = asyncio.create_task(v1(service, audio__encoding="pcm"))
    await service.saw("fault")
    assert service.counters.characters == 3
    service.faults.go_on()
    assert audio(await waiting) == V1_PCM


@pytest.mark.parametrize("how", ["close", "drop", "reset"])
async def test_idle_connections_can_die_and_running_ones_not(service: OpenSpeechSimulator, how: Any) -> None:
    async with v3_connection(service) as client, v3_connection(service) as idle:
        await client.start()
        await client.until(150)
        assert service.drop_idle(how) == 1
        assert await rest(idle.line) == []
        await service.saw("closed")
        assert service.counters.connections == 1


@pytest.mark.parametrize(
    ("kind", "frames"),
    [
        ("random bytes", 1),
        ("truncated frame", 1),
        ("unknown event", 1),
        ("unknown type", 1),
        ("text frame", 1),
        ("stale audio", 3),
    ],
)
async def test_what_no_client_asked_for_comes_before_the_audio(service: OpenSpeechSimulator, kind: Any, frames: int) -> None:
    service.faults.add(Fault(kind=kind, on="audio"))
    async with v3_connection(service) as client:
        session = await client.start()
        await client.until(150)
        await client.text(session, TEXT)
        await client.until(350)
        strays = [await client.line.recv() for _ in range(frames)]
        assert not any(isinstance(stray, bytes) and session.encode() in stray and kind != "unknown event" for stray in strays)
        await client.send(102, session)
        assert audio(await client.until(152)) == V1_PCM


async def test_a_cancel_can_be_answered_late_and_with_stale_audio(service: OpenSpeechSimulator) -> None:
    service.change(pace=1)
    service.faults.add(Fault(kind="stall", on="stopped"), Fault(kind="stale audio", on="cancelled"))
    async with v3_connection(service) as client:
        session = await client.start()
        await client.until(150)
        await client.text(session, TEXT)
        await client.until(352)
        await client.send(101, session)
        await service.saw("fault")
        service.faults.go_on()
        await client.until(151)
        assert {(await client.receive()).name for _ in range(3)} == {session}


async def test_a_cancel_can_be_ignored(service: OpenSpeechSimulator) -> None:
    service.change(pace=20)
    service.faults.add(Fault(kind="stall", on="cancel"))
    async with v3_connection(service) as client:
        session = await client.start()
        await client.until(150)
        await client.text(session, TEXT)
        await client.send(102, session)
        await client.send(101, session)
        assert audio(await client.until(152)) == V1_PCM
    assert service.all("cancelled")[0].characters < service.counters.characters


def test_a_fault_that_cannot_be_is_refused() -> None:
    for fault in ({"kind": "refuse"}, {"kind": "error", "on": "handshake"}):
        with pytest.raises(ValueError, match=" on "):
            Fault(**fault)  # type: ignore[arg-type]


async def test_no_message_breaks_the_simulator(service: OpenSpeechSimulator) -> None:
    service.change(text_limit=1 << 20)
    chance = random.Random(3)
    good: dict[Any, bytes] = {
        v1_connection: v1_message(v1_document(request__text="\ud800a")),
        v3_connection: v3_message(100, "name", v1_document()),
    }
    for number in range(100):
        for connection, message in good.items():
            mutated = bytearray(message)
            mutated[chance.randrange(number % len(message) + 1)] = chance.randrange(256)
            async with connection(service) as opened:
                line = opened.line if isinstance(opened, V3Client) else opened
                await line.send(bytes(mutated))
                if connection is v3_connection:
                    await line.send("the end")
                await rest(line)
                assert line.close_code == 1000


# as a process -----------------------------------------------------------------------------------------------------------


@dataclass
class Elsewhere:
    url: str


async def test_a_process_prints_its_port_and_its_journal_until_its_input_ends() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.simulators.openspeech", "--piece", "0"),
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    await v1(Elsewhere(f"ws://127.0.0.1:{int(await process.stdout.readline())}"))
    output, _ = await process.communicate(b"")
    entries = [json.loads(line) for line in output.splitlines()]
    assert process.returncode == 0
    assert [entry["what"] for entry in entries] == ["handshake", "request", "first audio", "audio finished", "finished", "closed"]
    assert entries[3]["characters"] == len(TEXT)
