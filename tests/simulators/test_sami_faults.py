"""The SAMI service is as faulty as asked, where and when it is asked."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus

from .common.faults import GARBAGE
from .sami import SAMI, SPEAKERS, Fault, SamiSimulator, Told, converted, simulator
from .sami.faults import ANYWHERE, KINDS, OVERSIZED
from .sami.raw import SECOND, SOURCE, TARGET, Client, audio, client, got, heard

ALL = converted(SECOND, SOURCE, TARGET)
STAGES = ("start", "started", "input", "output", "finish", "end", "ended")


@pytest.fixture
async def service() -> AsyncIterator[SamiSimulator]:
    async with simulator() as service:
        yield service


async def work(opened: Client) -> None:
    """All that a client does, whatever it is told; audio only once TaskStarted was."""
    await opened.give(SECOND)
    await opened.finish()


async def messages_of(opened: Client) -> list[bytes | str]:
    """A whole conversation, as it stands on the wire, until the task or the connection is over."""
    messages: list[bytes | str] = []
    doing: asyncio.Task[None] | None = None
    await opened.send("StartTask", payload=json.dumps(PAYLOAD))
    try:
        async for message in opened.line:
            messages.append(message)
            if '"TaskStarted"' in str(message) and got(message).status == 20_000_000:
                doing = asyncio.create_task(work(opened))
            if '"TaskFinished"' in str(message):
                break
    except ConnectionClosed:
        pass
    if doing is not None:
        doing.cancel()
        await asyncio.gather(doing, return_exceptions=True)
    return messages


PAYLOAD = {"speaker": SPEAKERS[0], "audio_info": audio(SOURCE), "audio_config": audio(TARGET)}


@pytest.mark.parametrize("on", STAGES)
async def test_a_task_fails_at_any_point(service: SamiSimulator, on: Any) -> None:
    service.faults.add(Fault(kind="error", on=on, told=SAMI["server"]))
    service.change(closes=True)
    async with client(service) as opened:
        messages = [got(message) for message in await messages_of(opened)]
        messages += await opened.rest()
        assert opened.line.close_code == 1000
    assert (messages[-1].name, messages[-1].status) == ("TaskFailed", 50_000_000)
    assert (await service.saw("failed")).detail == {"code": 50_000_000, "message": "InternalError"}
    assert not service.all("refused")
    fault = service.all("fault")[0].detail
    assert fault == {"kind": "error", "on": on}


@pytest.mark.parametrize(("on", "name"), [("start", "TaskStarted"), ("output", ""), ("end", "TaskFinished")])
async def test_a_status_can_be_bad_where_the_event_is_good(service: SamiSimulator, on: Any, name: str) -> None:
    service.faults.add(Fault(kind="status", on=on, told=SAMI["token"]))
    async with client(service) as opened:
        messages = [got(message) for message in await messages_of(opened)]
    assert (messages[-1].name, messages[-1].status) == (name, SAMI["token"].code)
    assert not service.all("failed")


@pytest.mark.parametrize("on", ["input", "output"])
async def test_a_fault_waits_for_its_second(service: SamiSimulator, on: Any) -> None:
    service.faults.add(Fault(kind="error", on=on, after=0.5))
    async with client(service) as opened:
        messages = [got(message) for message in await messages_of(opened)]
    task = service.tasks[0]
    if on == "input":
        assert task.source.seconds(len(task.heard)) == 0.5
    else:
        assert TARGET.size(0.5) <= task.told == len(heard(messages)) <= TARGET.size(0.7)


async def test_a_fault_can_wait_for_a_speaker_and_strike_more_than_once(service: SamiSimulator) -> None:
    service.faults.add(Fault(kind="error", on="start", where="rap", times=2))
    names = []
    for speaker in (SPEAKERS[0], SPEAKERS[7], SPEAKERS[7], SPEAKERS[7]):
        async with client(service) as opened:
            names.append((await opened.start(speaker=speaker)).name)
    assert names == ["TaskStarted", "TaskFailed", "TaskFailed", "TaskStarted"]


@pytest.mark.parametrize("on", STAGES)
async def test_a_stall_lasts_until_it_goes_on(service: SamiSimulator, on: Any) -> None:
    service.faults.add(Fault(kind="stall", on=on))
    async with client(service) as opened:
        talk = asyncio.create_task(messages_of(opened))
        await service.saw("fault")
        await opened.line.ping()
        assert on == "ended" or not talk.done()
        service.faults.go_on()
        assert heard(got(message) for message in await talk) == ALL


async def test_a_stall_may_end_by_itself(service: SamiSimulator) -> None:
    service.faults.add(Fault(kind="stall", on="start", seconds=0.01))
    async with client(service) as opened:
        assert (await opened.start()).name == "TaskStarted"


@pytest.mark.parametrize("on", STAGES)
@pytest.mark.parametrize(("kind", "code"), [("close", 1011), ("drop", 1006), ("reset", 1006)])
async def test_the_connection_ends_at_any_point(service: SamiSimulator, on: Any, kind: Any, code: int) -> None:
    service.faults.add(Fault(kind=kind, on=on))
    async with client(service) as opened:
        await messages_of(opened)
        await opened.rest()
        assert opened.line.close_code == code
    closed = await service.saw("closed")
    assert closed.detail["by"] == "simulator"
    assert service.tasks[0].end == ("TaskFinished" if on == "ended" else "left")


@pytest.mark.parametrize(
    ("status", "told"), [(400, SAMI["speaker"]), (401, SAMI["token"]), (503, Told(code=50_000_000, message="busy"))]
)
async def test_the_handshake_is_refused(service: SamiSimulator, status: int, told: Told) -> None:
    service.faults.add(Fault(kind="refuse", on="handshake", status=status, told=told))
    with pytest.raises(InvalidStatus) as refused:
        async with client(service):
            pass
    assert refused.value.response.status_code == status
    assert json.loads(refused.value.response.body or b"") == {"status_code": told.code, "status_text": told.message}
    async with client(service) as opened:
        assert (await opened.start()).name == "TaskStarted"


@pytest.mark.parametrize("kind", ["drop", "reset"])
async def test_the_handshake_is_cut(service: SamiSimulator, kind: Any) -> None:
    service.faults.add(Fault(kind=kind, on="handshake"))
    with pytest.raises((OSError, InvalidMessage)):
        async with client(service):
            pass
    assert not service.all("opened")


async def test_the_handshake_stalls(service: SamiSimulator) -> None:
    service.faults.add(Fault(kind="stall", on="handshake"))

    async def name() -> str:
        async with client(service) as opened:
            return (await opened.start()).name

    talk = asyncio.create_task(name())
    await service.saw("fault")
    assert not service.all("opened")
    service.faults.go_on()
    assert await talk == "TaskStarted"


async def test_task_started_may_be_missing(service: SamiSimulator) -> None:
    service.faults.add(Fault(kind="missing", on="start"))
    async with client(service) as opened:
        await opened.send("StartTask", payload=json.dumps(PAYLOAD))
        await service.saw("fault")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await opened.receive()
    assert not service.all("started")


async def test_task_finished_may_be_missing_with_the_audio_that_it_brings(service: SamiSimulator) -> None:
    service.faults.add(Fault(kind="missing", on="end"))
    async with client(service) as opened:
        await opened.start()
        await work(opened)
        await service.saw("fault")
        assert service.tasks[0].told < len(ALL)
        assert not service.all("finished")


async def test_task_finished_may_come_unasked(service: SamiSimulator) -> None:
    service.faults.add(Fault(kind="early end", on="input", after=0.5))
    async with client(service) as opened:
        messages = [got(message) for message in await messages_of(opened)]
    assert messages[-1].name == "TaskFinished"
    assert len(heard(messages)) < len(ALL)


STRANGE = ("garbage text", "no object", "nulls", "bad base64", "odd bytes", "oversized", "unknown event", "odd types")


@pytest.mark.parametrize("on", ["start", "output", "end"])
@pytest.mark.parametrize("kind", STRANGE)
async def test_a_strange_message_comes_before_the_usual_one(service: SamiSimulator, kind: Any, on: Any) -> None:
    async with client(service) as opened:
        usual = len(await messages_of(opened))
    service.faults.add(Fault(kind=kind, on=on, after=0.5 if on == "output" else 0))
    async with client(service) as opened:
        messages = await messages_of(opened)
    assert len(messages) == usual + 1
    [strange] = [message for message in messages if _is(kind, message)]
    assert messages.index(strange) == {"start": 0, "end": usual - 1}.get(on, messages.index(strange))


def _is(kind: str, message: bytes | str) -> bool:
    if isinstance(message, bytes):
        return kind == "odd bytes" and len(message) == 481
    if kind in ("garbage text", "no object"):
        return message in (GARBAGE, '["TaskStarted"]')
    found = json.loads(message)
    if kind == "oversized":
        return len(base64.b64decode(found.get("data") or "")) == OVERSIZED
    key, value = {
        "nulls": ("data", None),
        "bad base64": ("data", "AAA*"),
        "unknown event": ("event", "TaskProgress"),
        "odd types": ("namespace", 0),
    }.get(kind, ("", ""))
    return bool(found.get(key, "") == value) and key in found


def test_a_fault_must_fit_its_stage() -> None:
    with pytest.raises(ValueError, match="missing on input"):
        Fault(kind="missing", on="input")
    with pytest.raises(ValueError, match="close on handshake"):
        Fault(kind="close", on="handshake")
    assert set(KINDS) == {"token", "handshake", *STAGES}
    assert set(STRANGE) < set(ANYWHERE)


@pytest.mark.parametrize("how", ["close", "drop", "reset"])
async def test_all_connections_can_be_ended(service: SamiSimulator, how: Any) -> None:
    async with client(service) as first, client(service) as second:
        await first.start()
        await second.start()
        assert service.hang_up(how) == 2
        assert await first.rest() == await second.rest() == []
    assert service.connections == 0
