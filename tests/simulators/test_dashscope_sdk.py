"""The vendor's own client, `dashscope` from PyPI, as a second opinion: about the simulator, and about both ends of our codec.

It blocks, and reads in a thread of its own: here it lives in threads too, and each must be gone when its test is over.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from wyoming_server.protocols.dashscope import NAMES, decode_client, encode_client, encode_server
from wyoming_server.protocols.dashscope_task import Task
from wyoming_server.protocols.flowing_events import (
    Audio,
    Cancel,
    ClientEvent,
    Completed,
    Failed,
    Finish,
    SentenceBegin,
    SentenceEnd,
    ServerEvent,
    Start,
    Started,
    Subtitles,
    Text,
    Word,
)
from wyoming_server.protocols.flowing_order import ServerOrder

from .dashscope import DASHSCOPE, DashScopeSimulator, Fault, simulator
from .dashscope.raw import KEY, TEXT
from .speech.audio import Manner, speech

RATE = 22_050
TASK = Task(
    model="cosyvoice-v2",
    voice="longwan_v2",
    volume=60,
    rate=1.5,
    pitch=0.8,
    word_timestamp_enabled=True,
    extras={"seed": 0, "type": 0},
)
"""What `Sdk.synthesizer` asks for; the SDK always names a seed and a type."""
MANNER = Manner(rate=RATE)
LOOKS_UP = 0.05
"""Seconds after which the SDK's reading thread sees that it was closed; it would take ten."""


class Ears:
    """The SDK's callbacks, which come in its own thread."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.events: list[dict[str, Any]] = []
        self.audio = b""
        self.first_audio = asyncio.Event()
        self.over = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def on_open(self) -> None:
        self.told.append("open")

    def on_complete(self) -> None:
        self.told.append("complete")

    def on_error(self, message: str) -> None:
        self.told.append("error")
        self.events.append(json.loads(message))

    def on_close(self) -> None:
        self.told.append("close")
        self._loop.call_soon_threadsafe(self.over.set)

    def on_event(self, message: str) -> None:
        self.events.append(json.loads(message))

    def on_data(self, data: bytes) -> None:
        self.audio += data
        self._loop.call_soon_threadsafe(self.first_audio.set)


class Sdk:
    """The package, loaded when it is needed: that takes a second."""

    def __init__(self) -> None:
        self.package: Any = importlib.import_module("dashscope")
        self._speech: Any = importlib.import_module("dashscope.audio.tts_v2")
        self.sockets: list[socket.socket] = []
        """Of all connections that it made."""

    @asynccontextmanager
    async def synthesizer(self, url: str, ears: Ears | None = None, **options: Any) -> AsyncIterator[Any]:
        """One of its clients, which leaves no thread and no socket behind: that much help it needs."""
        usual = {
            "model": TASK.model,
            "voice": TASK.voice,
            "format": self._speech.AudioFormat.PCM_22050HZ_MONO_16BIT,
            "callback": ears,
            "url": url,
        }
        before = set(threading.enumerate())
        client = self._speech.SpeechSynthesizer(**{**usual, **options})
        try:
            yield client
        finally:
            left = [thread for thread in set(threading.enumerate()) - before if not thread.name.startswith("asyncio_")]
            for thread in left:
                await asyncio.to_thread(thread.join, 5)
            for opened in self.sockets:
                opened.close()  # websocket-client does not, where both ends close at once
            assert not any(thread.is_alive() for thread in left), left

    @property
    def no_format(self) -> Any:
        return self._speech.AudioFormat.DEFAULT

    def failure(self) -> type[Exception]:
        kind: type[Exception] = importlib.import_module("dashscope.common.error").RequestFailure
        return kind


@pytest.fixture
def sdk(monkeypatch: pytest.MonkeyPatch) -> Sdk:
    """With the simulator's key."""
    loaded = Sdk()
    below: Any = importlib.import_module("websocket").WebSocketApp
    run_forever = below.run_forever

    def run(app: Any) -> None:
        app.on_open = lambda app: loaded.sockets.append(app.sock.sock)
        run_forever(app, ping_timeout=LOOKS_UP)

    monkeypatch.setattr(below, "run_forever", run)
    monkeypatch.setattr(loaded.package, "api_key", KEY["Authorization"].removeprefix("Bearer "))
    return loaded


@pytest.fixture
async def service() -> AsyncIterator[DashScopeSimulator]:
    async with simulator() as service:
        yield service


async def blocking(call: Callable[..., Any], *arguments: Any) -> Any:
    async with asyncio.timeout(10):
        return await asyncio.to_thread(call, *arguments)


# The simulator --------------------------------------------------------------------------------------------------------------


async def test_it_speaks_a_whole_text(sdk: Sdk, service: DashScopeSimulator) -> None:
    async with sdk.synthesizer(service.url, workspace="ws") as client:
        heard = await blocking(client.call, TEXT)
    assert heard == speech(TEXT, MANNER)
    assert not service.all("refused")
    [session] = service.all("session")
    assert session.detail["body"]["payload"]["parameters"]["enable_ssml"] is True
    headers = service.all("handshake")[0].detail["headers"]
    assert headers["X-DashScope-WorkSpace"] == "ws"


async def test_it_streams_text_up_while_audio_comes_down(sdk: Sdk, service: DashScopeSimulator) -> None:
    ears = Ears()
    async with sdk.synthesizer(service.url, ears) as client:
        for fragment in ("One", " two. Thr", "ee"):
            await blocking(client.streaming_call, fragment)
        await ears.first_audio.wait()
        assert not service.all("finished")
        await blocking(client.streaming_call, " four")
        await blocking(client.streaming_complete)
    assert ears.audio == speech("One two.", MANNER) + speech(" Three four", MANNER)
    assert ears.told == ["open", "complete", "close"]
    assert not service.all("refused")


async def test_its_flush_speaks_what_has_come(sdk: Sdk, service: DashScopeSimulator) -> None:
    ears = Ears()
    async with sdk.synthesizer(service.url, ears) as client:
        await blocking(client.streaming_call, "No end")
        await blocking(client.streaming_flush)
        await ears.first_audio.wait()
        await blocking(client.streaming_complete)
    assert ears.audio == speech("No end", MANNER)


async def test_its_cancel_ends_the_speech(sdk: Sdk, service: DashScopeSimulator) -> None:
    service.change(pace=1, piece=0.05)
    ears = Ears()
    async with sdk.synthesizer(service.url, ears) as client:
        await blocking(client.streaming_call, f"{TEXT * 20}\n")
        await ears.first_audio.wait()
        await blocking(client.streaming_cancel)
    cancelled = await service.saw("cancelled")
    assert cancelled.detail["by"] == "finish-task"
    assert len(ears.audio) < len(speech(TEXT * 2, MANNER))
    assert ears.told == ["open", "complete", "close"]
    assert not service.all("refused")


async def test_it_understands_the_simulators_refusals(sdk: Sdk, service: DashScopeSimulator) -> None:
    async with sdk.synthesizer(service.url, voice="longwan") as client:
        with pytest.raises(sdk.failure(), match="418"):
            await blocking(client.call, TEXT)
    ears = Ears()
    service.faults.add(Fault(kind="error", on="sentence", told=DASHSCOPE["content"]))
    async with sdk.synthesizer(service.url, ears) as client:
        await blocking(client.streaming_call, TEXT)
        await ears.over.wait()
        await blocking(client.close)
    assert ears.told == ["open", "error", "close"]
    assert ears.events[-1]["header"]["error_code"] == "DataInspectionFailed"


# Our codec ------------------------------------------------------------------------------------------------------------------


class CodecServer:
    """A server that is our codec and nothing else: each text is a sentence, and its own audio."""

    def __init__(self) -> None:
        self.url = ""
        self.sent: list[str] = []
        """By the client, as it came."""
        self.said: list[ServerEvent] = []
        """To the client."""

    @property
    def events(self) -> list[ClientEvent]:
        return [decode_client(message) for message in self.sent]

    async def serve(self, line: ServerConnection) -> None:
        order, index = ServerOrder(NAMES, reusable=True), 0
        async for message in line:
            assert isinstance(message, str)
            self.sent.append(message)
            event = decode_client(message)
            if not order.received(event):
                continue  # it finishes a task that has failed
            index += isinstance(event, Text)
            for answer in answers(event, index):
                order.sent(answer)
                self.said.append(answer)
                await line.send(encode_server(answer))


def answers(event: ClientEvent, index: int) -> Iterator[ServerEvent]:
    task_id = event.task_id
    if isinstance(event, Start):
        yield Started(task_id=task_id)
    elif isinstance(event, Text) and event.text == "fail":
        yield Failed(task_id=task_id, code="InvalidParameter", text="No such text.")
    elif isinstance(event, Text) and event.text:
        words = (Word(text=event.text, begin_time=0, end_time=10, begin_index=0, end_index=len(event.text)),)
        yield SentenceBegin(task_id=task_id, index=index, text=event.text)
        yield Subtitles(task_id=task_id, index=index, words=words)
        yield Audio(data=event.text.encode())
        yield SentenceEnd(task_id=task_id, index=index, text=event.text, words=words, characters=9)
    elif isinstance(event, Finish | Cancel):
        yield Completed(task_id=task_id, characters=9)


@asynccontextmanager
async def codec_server() -> AsyncIterator[CodecServer]:
    ours = CodecServer()
    async with serve(ours.serve, "127.0.0.1", 0, ping_interval=None) as server:
        ours.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/api-ws/v1/inference"
        yield ours


@asynccontextmanager
async def a_whole_task(sdk: Sdk, end: str) -> AsyncIterator[tuple[CodecServer, Ears, Any]]:
    """Text, a flush and its end: every message that the SDK has."""
    ears = Ears()
    asked = {"volume": TASK.volume, "speech_rate": TASK.rate, "pitch_rate": TASK.pitch}
    more = {"word_timestamp_enabled": True}
    async with codec_server() as ours, sdk.synthesizer(ours.url, ears, additional_params=more, **asked) as client:
        await blocking(client.streaming_call, "字节")
        await blocking(client.streaming_call, "One")
        await blocking(client.streaming_flush)
        await blocking(getattr(client, end))
        yield ours, ears, client


REPEATED = {"model": TASK.model, "task_group": "audio", "task": "tts", "function": "SpeechSynthesizer"}
"""What the SDK says again with every text. The vendor's document does not ask for it, and our client does not say it."""


@pytest.mark.parametrize(("end", "last"), [("streaming_complete", Finish), ("streaming_cancel", Cancel)])
async def test_it_sends_what_our_client_would_send(sdk: Sdk, end: str, last: type[Finish | Cancel]) -> None:
    async with a_whole_task(sdk, end) as (ours, _, client):
        sent = [json.loads(message) for message in ours.sent]
        task_id = client.get_last_request_id()
    events: list[ClientEvent] = [
        Start(task_id=task_id, payload=TASK.payload()),
        Text(task_id=task_id, text="字节"),
        Text(task_id=task_id, text="One"),
        Text(task_id=task_id, text=""),
        last(task_id=task_id),
    ]
    for message in sent:
        if message["header"]["action"] == "continue-task":
            assert REPEATED.items() <= message["payload"].items()
            message["payload"] = {name: value for name, value in message["payload"].items() if name not in REPEATED}
    assert sent == [json.loads(encode_client(event)) for event in events]


async def test_our_server_reads_its_messages(sdk: Sdk) -> None:
    async with a_whole_task(sdk, "streaming_complete") as (ours, _, _):
        start, *rest = ours.events
    assert isinstance(start, Start)
    assert Task.parse(start.payload) == TASK
    assert rest == [
        Text(task_id=start.task_id, text="字节"),
        Text(task_id=start.task_id, text="One"),
        Text(task_id=start.task_id, text=""),
        Finish(task_id=start.task_id),
    ]


async def test_a_format_that_it_leaves_open_is_mp3_to_our_server(sdk: Sdk) -> None:
    async with codec_server() as ours, sdk.synthesizer(ours.url, format=sdk.no_format) as client:
        await blocking(client.call, "One")
        [start] = [event for event in ours.events if isinstance(event, Start)]
    task = Task.parse(start.payload)
    assert (task.format, task.sample_rate, task.extras["enable_ssml"]) == ("mp3", 22_050, True)


async def test_it_understands_what_our_server_says(sdk: Sdk) -> None:
    async with a_whole_task(sdk, "streaming_complete") as (ours, ears, client):
        messages = [json.loads(encode_server(event)) for event in ours.said if not isinstance(event, Audio)]
        assert client.get_response() == messages[-1]
    assert ears.audio == "字节One".encode()
    assert ears.told == ["open", "complete", "close"]
    assert ears.events == messages[1:-1]  # result-generated goes to the callback, the start and the end do not


async def test_it_understands_the_end_of_a_cancelled_task_of_our_server(sdk: Sdk) -> None:
    async with a_whole_task(sdk, "streaming_cancel") as (ours, ears, client):
        assert isinstance(ours.events[-1], Cancel)
        assert client.get_response()["header"]["event"] == "task-finished"
    assert ears.told == ["open", "complete", "close"]


async def test_it_raises_what_our_server_fails_with(sdk: Sdk) -> None:
    async with codec_server() as ours, sdk.synthesizer(ours.url) as client:
        with pytest.raises(sdk.failure()) as caught:
            await blocking(client.call, "fail")
    failure: Any = caught.value
    assert (failure.name, failure.message) == ("InvalidParameter", "No such text.")
    assert failure.request_id == ours.events[0].task_id
