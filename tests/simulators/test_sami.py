"""The SAMI service keeps its rules and has its habits: shown with messages written by hand."""

from __future__ import annotations

import asyncio
import base64
import json
import math
import sys
import wave
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from wyoming_server.audio.ffmpeg import Converter
from wyoming_server.models import AudioFormat

from .sami import SamiSimulator, converted, simulator
from .sami.raw import SECOND, SOURCE, TARGET, WHO, Client, audio, client, heard, payload

ALL = converted(SECOND, SOURCE, TARGET)
FORMATS = [AudioFormat(rate=rate, channels=channels) for rate in (8_000, 16_000, 24_000, 44_100) for channels in (1, 2)]


@pytest.fixture
async def service() -> AsyncIterator[SamiSimulator]:
    async with simulator() as service:
        yield service


# The sound ------------------------------------------------------------------------------------------------------------------


async def test_equal_formats_have_their_polarity_inverted(service: SamiSimulator) -> None:
    samples = [0, 1, -1, 32_767, -32_768, -32_767]
    pcm = b"".join(sample.to_bytes(2, "little", signed=True) for sample in samples)
    async with client(service) as opened:
        told = heard(await opened.convert(pcm, audio_config=audio(SOURCE)))
    assert [int.from_bytes(told[at : at + 2], "little", signed=True) for at in range(0, 12, 2)] == [
        0,
        -1,
        1,
        -32_767,
        32_767,
        32_767,
    ]


@pytest.mark.parametrize("source", FORMATS[:4], ids=str)
@pytest.mark.parametrize("target", FORMATS[2:], ids=str)
async def test_any_format_is_made_any_other(service: SamiSimulator, source: AudioFormat, target: AudioFormat) -> None:
    pcm = SECOND[: source.size(0.2)]
    async with client(service) as opened:
        told = heard(await opened.convert(pcm, audio_info=audio(source), audio_config=audio(target)))
    assert told == converted(pcm, source, target)
    assert len(told) == pytest.approx(target.size(0.2), abs=target.frame_size)
    assert service.tasks[0].heard == pcm
    assert service.tasks[0].told == len(told)


async def test_the_sound_is_the_same_however_it_is_cut(service: SamiSimulator) -> None:
    told = []
    for step in (3_200, 2, 17_234):
        async with client(service) as opened:
            await opened.start()
            await opened.give(SECOND[:17_234], step)
            await opened.finish()
            told.append(heard(await opened.until("TaskFinished")))
    assert told == [converted(SECOND[:17_234], SOURCE, TARGET)] * 3


def test_a_frame_more_or_less_is_all_that_resampling_may_change() -> None:
    resampled = Converter(SOURCE, TARGET)
    plain = resampled.push(SECOND) + resampled.flush()
    assert len(ALL) == len(plain) == pytest.approx(48_000, abs=2)
    assert converted(SECOND, SOURCE, SOURCE) != SECOND


# Messages -------------------------------------------------------------------------------------------------------------------


async def test_a_task_is_answered_in_the_pages_words(service: SamiSimulator) -> None:
    async with client(service) as opened:
        messages = await opened.convert(SECOND)
    started, finished = messages[0].document, messages[-1].document
    for document, event in ((started, "TaskStarted"), (finished, "TaskFinished")):
        assert document["event"] == event
        assert (document["namespace"], document["status_code"], document["status_text"]) == (
            "VoiceConversionStream",
            20_000_000,
            "OK",
        )
        assert document["task_id"]
    assert started["task_id"] == finished["task_id"]
    assert started["message_id"] != finished["message_id"]
    assert set(started) == {"task_id", "message_id", "namespace", "event", "status_code", "status_text"}


async def test_usually_audio_comes_in_every_way_and_the_last_of_it_with_task_finished(service: SamiSimulator) -> None:
    async with client(service) as opened:
        messages = await opened.convert(SECOND)
    names = [message.name for message in messages]
    assert names[:7] == ["TaskStarted", "binary", "", "TaskResult", "binary", "", "TaskResult"]
    assert all("event" not in message.document for message in messages if message.name == "")
    assert names[-1] == "TaskFinished"
    assert messages[-1].data
    assert heard(messages) == ALL
    assert len({len(message.data) for message in messages[1:6]}) == 5


@pytest.mark.parametrize(("shape", "name"), [("binary", "binary"), ("text", ""), ("event", "TaskResult")])
async def test_audio_comes_in_one_way_where_that_is_asked_for(service: SamiSimulator, shape: str, name: str) -> None:
    service.change(shapes=(shape,), last="before")
    async with client(service) as opened:
        messages = await opened.convert(SECOND)
    assert {message.name for message in messages[1:-1]} == {name}
    assert "data" not in messages[-1].document
    assert heard(messages) == ALL


async def test_aligned_pieces_have_one_length_but_the_first_and_the_last(service: SamiSimulator) -> None:
    async with client(service) as opened:
        messages = await opened.convert(SECOND, extra={"downstream_align": True})
    sizes = [len(message.data) for message in messages[1:]]
    assert (sizes[0], set(sizes[1:-1])) == (2_400, {4_800})
    assert 0 < sizes[-1] <= 4_800
    assert heard(messages) == ALL


async def test_pieces_may_end_in_the_middle_of_a_sample(service: SamiSimulator) -> None:
    service.change(splits_samples=True)
    async with client(service) as opened:
        messages = await opened.convert(SECOND)
    assert {len(message.data) % 2 for message in messages[1:-1]} == {1}
    assert heard(messages) == ALL


async def test_without_pieces_what_was_made_of_a_message_comes_at_once(service: SamiSimulator) -> None:
    service.change(piece=0)
    async with client(service) as opened:
        await opened.start(audio_config=audio(SOURCE))
        for start in range(0, 9_600, 3_200):
            await opened.give(SECOND[start : start + 3_200])
            assert heard([await opened.receive()]) == converted(SECOND[start : start + 3_200], SOURCE, SOURCE)
        await opened.finish()
        assert (await opened.receive()).name == "TaskFinished"


async def test_what_is_held_comes_at_the_end(service: SamiSimulator) -> None:
    service.change(hold=0.5)
    async with client(service) as opened:
        await opened.start()
        await opened.give(SECOND)
        await service.saw("audio", 10)
        first = [await opened.receive()]
        while len(heard(first)) < len(ALL) * 0.3:
            first.append(await opened.receive())
        assert service.tasks[0].told <= len(ALL) - TARGET.size(0.5)
        await opened.finish()
        assert heard(first + await opened.until("TaskFinished")) == ALL


async def test_all_can_be_held_until_the_end(service: SamiSimulator) -> None:
    service.change(hold=math.inf, piece=0)
    async with client(service) as opened:
        await opened.start()
        await opened.give(SECOND * 3)
        await service.saw("audio", 30)
        await opened.line.ping()
        assert not service.all("output")
        await opened.finish()
        messages = await opened.until("TaskFinished")
    assert heard(messages) == converted(SECOND * 3, SOURCE, TARGET)
    assert service.tasks[0].most_ahead == 3
    assert max(len(message.data) for message in messages) == TARGET.size(1)


async def test_bursts_come_after_silence(service: SamiSimulator) -> None:
    service.change(burst=0.4)
    async with client(service) as opened:
        await opened.start()
        await opened.give(SECOND[: 4 * 3_200])
        await service.saw("audio", 4)
        assert not service.all("output")
        await opened.give(SECOND[4 * 3_200 :])
        await opened.finish()
        assert heard(await opened.until("TaskFinished")) == ALL


async def test_output_is_late_and_paced_as_asked(service: SamiSimulator) -> None:
    service.change(delay=0.05, pace=20, latency=0.01)
    clock = asyncio.get_running_loop().time
    async with client(service) as opened:
        begin = clock()
        await opened.start()
        assert clock() - begin >= 0.01
        begin = clock()
        await opened.give(SECOND)
        await opened.finish()
        first = await opened.receive()
        assert clock() - begin >= 0.05
        assert heard([first, *await opened.until("TaskFinished")]) == ALL
        assert clock() - begin >= 0.05 + 0.8 / 20


# The journal ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("how", "code"), [("close", 1000), ("drop", None)])
async def test_the_journal_tells_when_and_how_the_client_left(service: SamiSimulator, how: str, code: int | None) -> None:
    service.change(hold=math.inf)
    async with client(service) as opened:
        await opened.start()
        await opened.give(SECOND)
        await service.saw("audio", 10)
        assert service.connections == 1
        if how == "close":
            await opened.line.close()
        else:
            opened.line.transport.abort()
        closed = await service.saw("closed")
    assert closed.detail["by"] in ("close frame" if how == "close" else "reset", "end of file")
    assert (closed.detail["code"], closed.detail["during"]) == (code, "audio")
    assert (service.connections, service.tasks[0].end) == (0, "left")
    assert [entry.detail["bytes"] for entry in service.all("audio")] == [3_200] * 10
    assert not service.all("output")


async def test_it_may_close_when_it_is_done(service: SamiSimulator) -> None:
    service.change(closes=True)
    async with client(service) as opened:
        await opened.convert(SECOND)
        assert await opened.rest() == []
        assert opened.line.close_code == 1000
    closed = await service.saw("closed")
    assert (closed.detail["by"], closed.detail["during"]) == ("simulator", "TaskFinished")


# The vendor's Python sample --------------------------------------------------------------------------------------------------


async def _sample_receives(ws: ClientConnection, output: Path) -> None:
    with wave.open(str(output), "wb") as wave_data:
        wave_data.setnchannels(1)
        wave_data.setsampwidth(2)
        wave_data.setframerate(24_000)
        while True:
            res = await ws.recv()
            if isinstance(res, bytes):
                wave_data.writeframes(res)
                continue
            res_dict = json.loads(res)
            if "data" in res_dict:
                wave_data.writeframes(res_dict["data"].encode())  # as it is: base64
            assert {"task_id", "status_code", "status_text"} <= set(res_dict)
            if res_dict["status_code"] not in (0, 20_000_000) or res_dict.get("event") == "TaskFinished":
                await ws.close()
                break


async def _sample_sends(ws: ClientConnection, req: dict[str, Any], input_data: bytes) -> None:
    send_batch, start = 3_200, 0
    while True:
        end = min(start + send_batch, len(input_data))
        req["data"] = base64.b64encode(input_data[start:end]).decode()
        await ws.send(json.dumps(req))
        if end >= len(input_data):
            break
        start = end
    req["event"] = "FinishTask"
    await ws.send(json.dumps(req))


async def the_vendors_sample(service: SamiSimulator, input_data: bytes, output: Path) -> None:
    """The seed's, without its prints, its pace, and its way to swallow errors."""
    async with connect(service.url) as ws:
        req: dict[str, Any] = {**WHO, "event": "StartTask", "payload": json.dumps(payload())}
        await ws.send(json.dumps(req))
        assert json.loads(await ws.recv())["event"] == "TaskStarted"
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_sample_sends(ws, req, input_data))
            tasks.create_task(_sample_receives(ws, output))


async def test_the_vendors_sample_is_served_and_its_habits_are_noticed(service: SamiSimulator, tmp_path: Path) -> None:
    service.change(shapes=("binary",), last="before")
    await the_vendors_sample(service, SECOND, tmp_path / "out.wav")
    with wave.open(str(tmp_path / "out.wav"), "rb") as file:
        told = file.readframes(file.getnframes())
    assert told == converted(SECOND + SECOND[-3_200:], SOURCE, TARGET)
    assert service.tasks[0].heard == SECOND + SECOND[-3_200:]
    assert {entry.detail["how"] for entry in service.all("audio")} == {"text"}
    assert service.habits.count("text audio") == service.habits.count("payload again") == 11
    assert service.habits.count("audio in FinishTask") == service.habits.count("resent") == 1


async def test_the_vendors_sample_writes_base64_into_its_file(service: SamiSimulator, tmp_path: Path) -> None:
    service.change(shapes=("text",))
    await the_vendors_sample(service, SECOND, tmp_path / "out.wav")
    text = (tmp_path / "out.wav").read_bytes()[44:]
    assert text.isascii()
    assert len(text) > len(ALL) * 4 / 3


async def test_a_better_client_has_no_habits(service: SamiSimulator) -> None:
    async with client(service) as opened:
        await opened.convert(SECOND)
    assert (service.habits, service.all("refused")) == ([], [])


# A process ------------------------------------------------------------------------------------------------------------------


async def test_it_runs_as_a_process() -> None:
    command = (sys.executable, "-m", "tests.simulators.sami", "--hold", "0.1", "--shapes", "binary")
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, cwd=Path(__file__).parents[2])
    assert process.stdout is not None
    port = int(await process.stdout.readline())
    listening = json.loads(await process.stdout.readline())
    assert listening["detail"]["url"] == f"ws://127.0.0.1:{port}/api/v1/ws"
    async with connect(listening["detail"]["url"]) as line:
        told = heard(await Client(line=line).convert(SECOND))
    assert told == ALL
    out, _ = await process.communicate(b"")
    whats = [json.loads(row)["what"] for row in out.splitlines()]
    assert whats == ["handshake", "opened", "start", "started", "finish", "finished", "closed"]
    assert process.returncode == 0
