"""The simulators of duplex services go wrong where they are told to, tell when a client leaves, and run as processes."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from . import dashscope, flowing
from .dashscope import raw as dashscope_raw
from .duplex.raw import Client, Got, audio, names
from .duplex.server import Simulator
from .flowing import NLS, Fault
from .flowing import raw as flowing_raw
from .speech.audio import Manner, speech

TEXT = flowing_raw.TEXT
RATES = {"cloud": 16_000, "local": 22_050, "dashscope": 22_050}
ENDS = ("SynthesisCompleted", "TaskFailed", "task-finished", "task-failed")


@dataclass(frozen=True, kw_only=True)
class Service:
    """One of the three, and a client of its own."""

    name: str
    running: Simulator[Any]

    def client(self) -> AbstractAsyncContextManager[Any]:
        if self.name == "dashscope":
            return dashscope_raw.client(self.running)
        return flowing_raw.client(self.running)

    @property
    def pcm(self) -> bytes:
        return speech(TEXT, Manner(rate=RATES[self.name]))

    async def speak(self) -> list[Got]:
        async with self.client() as opened:
            messages: list[Got] = await opened.speak(TEXT)
            return messages

    async def begin(self, opened: Any) -> None:
        """Up to the first audio of TEXT, whose end is not told."""
        await opened.start()
        await opened.text(TEXT)
        await opened.until("audio")


STARTS: dict[str, Callable[[], AbstractAsyncContextManager[Simulator[Any]]]] = {
    "cloud": flowing.cloud,
    "local": flowing.local,
    "dashscope": dashscope.simulator,
}


@pytest.fixture(params=STARTS)
async def service(request: pytest.FixtureRequest) -> AsyncIterator[Service]:
    async with STARTS[request.param]() as running:
        yield Service(name=request.param, running=running)


async def finish(opened: Any) -> None:
    await (opened.finish() if hasattr(opened, "finish") else opened.stop())


@pytest.mark.parametrize("on", ["start", "text", "sentence", "audio", "finish"])
@pytest.mark.parametrize("kind", ["error", "close", "drop", "reset"])
async def test_a_session_can_fail_at_every_stage(service: Service, kind: Any, on: Any) -> None:
    service.running.faults.add(Fault(kind=kind, on=on, code=1011, told=NLS["server"]))
    async with service.client() as opened:
        messages: list[Got] = []
        with suppress(ConnectionClosed):
            messages.append(await opened.start())
            if messages[-1].name not in ENDS:
                await opened.text(TEXT)
                await finish(opened)
            messages += await opened.until(*ENDS) if messages[-1].name not in ENDS else []
        await service.running.saw("fault")
        if kind == "error":
            assert messages[-1].name in ("TaskFailed", "task-failed")
        else:
            await service.running.saw("closed")
            assert opened.line.close_code == (1011 if kind == "close" else 1006)
    assert not service.running.all("refused")
    await service.running.saw("closed")
    assert service.running.counters.sessions == service.running.counters.connections == 0


async def test_audio_can_fail_after_some_of_it(service: Service) -> None:
    service.running.faults.add(Fault(kind="error", on="audio", after=0.2, where="字节", told=NLS["server"]))
    async with service.client() as opened:
        await service.begin(opened)
        rest = await opened.until(*ENDS)
    assert rest[-1].name in ("TaskFailed", "task-failed")
    assert 0 < service.running.counters.characters < len(TEXT)


async def test_the_local_server_stays_open_when_audio_fails() -> None:
    async with flowing.local() as running, flowing_raw.client(running) as opened:
        running.faults.add(Fault(kind="error", on="audio", after=0.2))
        await opened.start()
        await opened.text(TEXT)
        assert (await opened.until("TaskFailed"))[-1].header["status"] == 50000000
        await opened.text("One.")
        assert audio(await opened.until("SentenceEnd")) == speech("One.", Manner(rate=22_050))


@pytest.mark.parametrize("on", ["start", "text", "sentence", "audio", "finish"])
async def test_it_can_stall_and_go_on(service: Service, on: Any) -> None:
    service.running.faults.add(Fault(kind="stall", on=on))
    waiting = asyncio.create_task(service.speak())
    await service.running.saw("fault")
    assert not service.running.all("finished")
    service.running.faults.go_on()
    assert audio(await waiting) == service.pcm


async def test_a_completion_can_be_late(service: Service) -> None:
    service.running.faults.add(Fault(kind="stall", on="finish", seconds=0.05))
    messages = await service.speak()
    spoken, [finished] = service.running.all("audio")[-1], service.running.all("finished")
    assert messages[-1].name in ("SynthesisCompleted", "task-finished")
    assert finished.time_ns - spoken.time_ns >= 45_000_000


async def test_audio_can_come_after_the_end_of_its_sentence(service: Service) -> None:
    service.running.faults.add(Fault(kind="late audio", on="sentence"))
    messages = await service.speak()
    kinds = [message.payload.get("output", {}).get("type", message.name) for message in messages]
    end = kinds.index("sentence-end" if service.name == "dashscope" else "SentenceEnd")
    assert "audio" in kinds[:end]
    assert "audio" in kinds[end:]
    assert audio(messages) == service.pcm


@pytest.mark.parametrize("kind", ["garbage text", "garbage binary", "unknown event"])
async def test_what_no_client_asked_for_comes_before_the_audio(service: Service, kind: Any) -> None:
    service.running.faults.add(Fault(kind=kind, on="audio"))
    messages = await service.speak()
    stray = {"garbage text": "", "garbage binary": "audio"}.get(kind)
    if kind == "garbage binary":
        assert audio(messages)[481:] == service.pcm
    else:
        assert audio(messages) == service.pcm
        assert stray is None or stray in names(messages)


async def test_a_handshake_can_be_refused_and_slow(service: Service) -> None:
    service.running.faults.add(Fault(kind="refuse", on="handshake", status=429), Fault(kind="stall", on="handshake"))
    with pytest.raises(InvalidStatus, match="429"):
        await service.speak()
    waiting = asyncio.create_task(service.speak())
    await service.running.saw("fault", 2)
    assert not service.running.counters.connections_ever
    service.running.faults.go_on()
    assert audio(await waiting) == service.pcm


@pytest.mark.parametrize("how", ["close", "abort"])
async def test_a_client_that_leaves_cancels_at_once(service: Service, how: str) -> None:
    service.running.change(pace=1)
    async with service.client() as opened:
        await service.begin(opened)
        if how == "abort":
            opened.line.transport.abort()
        else:
            await opened.line.close()
        cancelled = await service.running.saw("cancelled")
    assert cancelled.detail["by"] == ("close frame" if how == "close" else "end of file")
    assert cancelled.characters == service.running.counters.characters == 3
    await service.running.saw("closed")
    assert service.running.counters.sessions == 0


@pytest.mark.parametrize("how", ["close", "drop", "reset"])
async def test_idle_connections_can_die_and_running_ones_not(service: Service, how: Any) -> None:
    async with service.client() as opened, service.client() as idle:
        await opened.start()
        assert service.running.drop_idle(how) == 1
        assert await idle.rest() == []
        await service.running.saw("closed")
        assert service.running.counters.connections == 1


async def test_audio_is_paced_and_split(service: Service) -> None:
    service.running.change(pace=10, delay=0.02, split=777)
    messages = await service.speak()
    assert max(len(message.data) for message in messages) == 777
    assert audio(messages) == service.pcm
    [session], first, last = service.running.all("session"), service.running.all("audio")[0], service.running.all("audio")[-1]
    assert first.time_ns - session.time_ns >= 20_000_000
    assert last.time_ns - session.time_ns >= 50_000_000


@pytest.mark.parametrize(
    "fault", [{"kind": "refuse"}, {"kind": "error", "on": "handshake"}, {"kind": "late audio", "on": "audio"}]
)
def test_a_fault_that_cannot_be_is_refused(fault: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=" on "):
        Fault(**fault)


async def test_no_message_breaks_it(service: Service) -> None:
    chance = random.Random(4)
    for number in range(80):
        async with service.client() as opened:
            assert isinstance(opened, Client)
            start = "run-task" if service.name == "dashscope" else "StartSynthesis"
            payload = (
                dashscope_raw.run_payload() if service.name == "dashscope" else {"voice": "\ud800", "volume": 1, "format": "wav"}
            )
            message = opened.message(start, payload)  # type: ignore[attr-defined]
            place = chance.randrange(len(message))
            mutated = message[:place] + chance.choice(["1", "[]", '"', "{", "\x00", "9e9", "-"]) + message[place + number % 3 :]
            with suppress(ConnectionClosed):
                await opened.line.send(mutated)
                await opened.line.send(json.dumps({"header": {"name": [], "action": {}, "task_id": 1}, "payload": 1}))
                await opened.receive()
        await service.running.saw("closed", number + 1)
    assert audio(await service.speak()) == service.pcm


# as processes -----------------------------------------------------------------------------------------------------------


@dataclass
class Elsewhere:
    url: str


@pytest.mark.parametrize("name", ["cloud", "dashscope"])
async def test_a_process_prints_its_port_and_its_journal_until_its_input_ends(name: str) -> None:
    module, path = ("flowing", flowing.CLOUD_PATH) if name == "cloud" else ("dashscope", dashscope.PATH)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", f"tests.simulators.{module}", *(["cloud"] if name == "cloud" else []), "--piece", "0"),
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    elsewhere = Elsewhere(f"ws://127.0.0.1:{int(await process.stdout.readline())}{path}")
    await (flowing_raw if name == "cloud" else dashscope_raw).speak(elsewhere, TEXT)
    output, _ = await process.communicate(b"")
    entries = [json.loads(line) for line in output.splitlines()]
    assert process.returncode == 0
    whats = [entry["what"] for entry in entries]
    assert whats == ["handshake", "session", "text", "first audio", "audio finished", "finished", "closed"]
    assert entries[4]["characters"] == len(TEXT)
