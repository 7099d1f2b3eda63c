"""What goes wrong with the IndexTTS service on demand: shown with messages written by hand."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from typing import Any

import av
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus

from .indextts import RATE, SHAPES, Fault, IndexttsSimulator, simulator, speech, wav
from .indextts.raw import MANNERS, TEXT, WHOLE, Client, client, names
from .indextts.sound import seconds


@pytest.fixture
async def service() -> AsyncIterator[IndexttsSimulator]:
    async with simulator() as service:
        yield service


@pytest.mark.parametrize("manner", MANNERS)
@pytest.mark.parametrize(("on", "before"), [("queued", 0), ("start", 1), ("model", 2), ("audio", 2), ("end", 3)])
@pytest.mark.parametrize("kind", ["error", "bare error", "server error"])
async def test_each_shape_of_an_error_comes_at_any_stage(
    service: IndexttsSimulator, manner: str, on: Any, before: int, kind: Any
) -> None:
    service.change(manner=manner)
    service.faults.add(Fault(kind=kind, on=on, message="boom: {text}"))
    async with client(service.url) as opened:
        *others, error = await opened.speak()
        assert names(others) == WHOLE[:before]
        assert error["message"] == ("服务器错误: " if kind == "server error" else "") + f"boom: {TEXT}"
        assert ("task_id" in error) == (kind == "error")
        if kind == "server error":
            assert await opened.rest() == []
            assert opened.line.close_code == 1000
        else:
            assert names(await opened.speak()) == WHOLE
    [failed] = service.all("failed")
    assert service.jobs[failed.task].status == "failed"


@pytest.mark.parametrize("manner", MANNERS)
@pytest.mark.parametrize(("kind", "code"), [("close", 1011), ("drop", 1006), ("reset", 1006)])
@pytest.mark.parametrize("on", ["welcome", "queued", "start", "model", "audio", "end", "ended", "status"])
async def test_a_connection_can_end_at_any_stage(service: IndexttsSimulator, manner: str, kind: Any, code: int, on: Any) -> None:
    service.change(manner=manner)
    service.faults.add(Fault(kind=kind, on=on))
    async with client(service.url, is_welcome=False) as opened:
        with pytest.raises(ConnectionClosed):
            await _all_stages(opened)
        assert opened.line.close_code == code
    await service.saw("closed")
    async with client(service.url) as opened:
        assert names(await opened.speak()) == WHOLE


async def _all_stages(opened: Client) -> None:
    await opened.receive()
    queued, *_ = await opened.speak()
    await opened.ask_status(queued["task_id"])
    await opened.until("task_status")
    await opened.receive()


@pytest.mark.parametrize("on", ["welcome", "queued", "start", "model", "audio", "end"])
async def test_it_stalls_at_any_stage_until_it_may_go_on(service: IndexttsSimulator, on: Any) -> None:
    service.faults.add(Fault(kind="stall", on=on))
    async with client(service.url, is_welcome=False) as opened:
        await opened.ask()
        await service.saw("fault")
        service.faults.go_on()
        assert names(await opened.until("end")) == ["success", *WHOLE]


@pytest.mark.parametrize("on", ["welcome", "queued", "start", "audio", "end"])
@pytest.mark.parametrize(("kind", "times"), [("missing", 0), ("twice", 2)])
async def test_a_message_may_be_missing_or_come_twice(service: IndexttsSimulator, on: Any, kind: Any, times: int) -> None:
    service.faults.add(Fault(kind=kind, on=on))
    async with client(service.url, is_welcome=False) as opened:
        await opened.ask("One.")
        await service.saw("completed")
        await opened.ask("Two.")
        await service.saw("completed", 2)
        await opened.ask_status("nobody's")
        told = names(await opened.until("error"))[:-1]
    usual = ["success", *WHOLE, *WHOLE]
    index = usual.index("success" if on == "welcome" else on)
    assert told == usual[:index] + [usual[index]] * times + usual[index + 1 :]


async def test_a_late_end_comes_after_the_next_start(service: IndexttsSimulator) -> None:
    service.faults.add(Fault(kind="late", on="end"))
    async with client(service.url) as opened:
        await opened.ask("One.")
        queued, *_ = await opened.until("audio")
        await opened.ask("Two.")
        messages = await opened.until("audio")
        assert names(messages) == ["queued", "start", "end", "audio"]
        assert messages[2]["task_id"] == queued["task_id"]
        assert names(await opened.until("end")) == ["end"]


@pytest.mark.parametrize(
    ("kind", "says"), [("garbage text", ""), ("no object", ""), ("garbage binary", "audio"), ("unknown event", "progress")]
)
async def test_rubbish_comes_before_the_usual_message(service: IndexttsSimulator, kind: Any, says: str) -> None:
    service.faults.add(Fault(kind=kind, on="start", where="One", times=2))
    async with client(service.url) as opened:
        for text, expected in (("Zero.", WHOLE), ("One.", ["queued", says, *WHOLE[1:]]), ("One!", ["queued", says, *WHOLE[1:]])):
            assert names(await opened.speak(text)) == expected
        assert names(await opened.speak("One?")) == WHOLE


@pytest.mark.parametrize("fault", [Fault(kind="refuse", on="handshake", status=503), Fault(kind="drop", on="handshake")])
async def test_a_handshake_may_fail(service: IndexttsSimulator, fault: Fault) -> None:
    service.faults.add(fault)
    with pytest.raises((InvalidStatus, InvalidMessage)):
        await connect(service.url)
    async with client(service.url) as opened:
        assert names(await opened.speak()) == WHOLE


@pytest.mark.parametrize(
    "fault", [{"kind": "late", "on": "start"}, {"kind": "missing", "on": "model"}, {"kind": "wav", "shape": "x"}]
)
def test_a_fault_that_cannot_be_is_an_error(fault: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{fault['kind']} "):
        Fault(**fault)


# Its WAV files --------------------------------------------------------------------------------------------------------------

UNREADABLE = {"empty", "no data chunk", "no bytes", "no wav", "oversized"}


def decoded(data: bytes) -> tuple[int, int, int]:
    """Rate, channels and frames, as FFmpeg reads them."""
    with av.open(io.BytesIO(data), "r") as container:
        frames = list(container.decode(audio=0))
        return frames[0].sample_rate, len(frames[0].layout.channels), sum(frame.samples for frame in frames)


@pytest.mark.parametrize("shape", sorted(set(SHAPES) - UNREADABLE))
async def test_an_odd_wav_is_still_one(service: IndexttsSimulator, shape: str) -> None:
    service.faults.add(Fault(kind="wav", shape=shape))
    async with client(service.url) as opened:
        _, _, audio, _ = await opened.speak()
        assert (audio == wav(speech(TEXT))) == (shape == "plain")
        plain = (await opened.speak())[2]
    rate, channels, frames = decoded(audio)
    assert rate == (int(shape) if shape.isdigit() else RATE)
    assert channels == (2 if shape == "stereo" else 1)
    assert frames / rate == pytest.approx(seconds(TEXT) / (2 if shape == "truncated" else 1), abs=0.001)
    assert plain == wav(speech(TEXT))


@pytest.mark.parametrize("shape", sorted(UNREADABLE))
async def test_other_wavs_are_none_or_have_nothing_to_say(service: IndexttsSimulator, shape: str) -> None:
    service.faults.add(Fault(kind="wav", shape=shape))
    async with client(service.url) as opened:
        _, _, audio, _ = await opened.speak()
    lengths = {"empty": 44, "no data chunk": 36, "no bytes": 0, "no wav": 999, "oversized": 44 + (64 << 20) + 2}
    assert len(audio) == lengths[shape]


# The port -------------------------------------------------------------------------------------------------------------------


async def test_the_port_opens_when_the_model_is_loaded_and_shuts_in_a_crash() -> None:
    async with simulator(is_open=False) as service:
        with pytest.raises(ConnectionRefusedError):
            async with connect(service.url):
                pass
        await service.start()
        service.faults.add(Fault(kind="stall", on="model"))
        async with client(service.url) as opened:
            await opened.ask()
            await opened.until("start")
            await service.stop()
            assert await opened.rest() == []
        with pytest.raises(ConnectionRefusedError):
            async with connect(service.url):
                pass
        await service.start()
        async with client(service.url) as opened:
            assert names(await opened.speak()) == WHOLE


@pytest.mark.parametrize("how", ["close", "drop", "reset"])
async def test_idle_connections_can_be_hung_up(service: IndexttsSimulator, how: Any) -> None:
    async with client(service.url) as opened:
        assert service.connections == 1
        assert service.hang_up(how) == 1
        assert await opened.rest() == []
        assert (await service.saw("closed")).detail["by"] == "simulator"
        assert (service.connections, service.hang_up(how)) == (0, 0)
