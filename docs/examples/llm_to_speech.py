"""A language model that is heard while it writes: an OpenAI-compatible chat, streamed into FlowingSpeechSynthesizer.

Every token goes up as soon as it is there, and audio comes down meanwhile. The messages of both protocols are written out here;
all that is needed are the packages `websockets` and `aiohttp`. README.md beside this file shows a run.
"""
# ruff: noqa: INP001, T201  # a script that people run, not a part of a package

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import sys
import uuid
import wave
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import aiohttp
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

URL = "ws://localhost:10231/ws/v1/tts"
BASE_URL = "https://api.openai.com/v1"
SYSTEM = "Your answer is heard, not read: short sentences, no lists, no mark-up, no emoji."
PLAYERS = (
    ("paplay", "--raw", "--format=s16le", "--rate={rate}", "--channels=1", "--latency-msec=100"),
    ("aplay", "-q", "-t", "raw", "-f", "S16_LE", "-r", "{rate}", "-c", "1", "-R", "50000"),
    ("ffplay", "-nodisp", "-autoexit", "-loglevel", "error", "-f", "s16le", "-ar", "{rate}", "-i", "-"),
    ("play", "-q", "-t", "raw", "-e", "signed", "-b", "16", "-r", "{rate}", "-c", "1", "-"),
)
"""Programs that play the PCM which they are given, as it comes. The first one found is taken."""
FILE = Path("speech.wav")
PING_EVERY = 5
"""Seconds: some servers end a session after ten without a sign of life."""
MESSAGE_MAX = 16 << 20
"""Bytes of one message."""
LINE_MAX = 1 << 20
"""Bytes of one event."""
ANSWER_MAX = 2_000
"""Bytes of a refusal that are looked at."""
START_MAX = 10
"""Seconds in which a session must be started."""
CANCEL_MAX = 1
"""Seconds in which a cancelled session must be over."""
CLOSE_MAX = 1
"""Seconds in which a close must be answered."""
SILENCE_MAX = 120
"""Seconds that a model may think."""

Write = Callable[[bytes], Awaitable[None]]


class Failed(Exception):
    """What to tell the user, in a sentence."""


@dataclass(kw_only=True)
class Times:
    """When things happened, in seconds; and how much."""

    asked: float
    first_token: float | None = None
    first_audio: float | None = None
    tokens: int = 0
    audio: float = 0
    """Seconds of it."""

    def __str__(self) -> str:
        if self.first_token is None:
            return "no token came"
        words = f"first token after {self.first_token - self.asked:.3f} s"
        if self.first_audio is not None:
            words += f", first audio {self.first_audio - self.first_token:.3f} s later"
        return f"{words}; {self.tokens} tokens, {self.audio:.2f} s of audio"


async def answer_aloud(options: argparse.Namespace, times: Times) -> None:
    """Text up and audio down at the same time. Ctrl-C or a failure ends both, and the paid work behind them."""
    headers = {"X-NLS-Token": options.token} if options.token else {}
    connection = connect(
        options.url,
        additional_headers=headers,
        ping_interval=PING_EVERY,
        ping_timeout=None,  # the pong comes behind the audio, which is read only as fast as it is heard
        close_timeout=CLOSE_MAX,
        max_size=MESSAGE_MAX,
    )
    async with listener(options) as write, connection as socket:
        session = Session(socket)
        await session.start(options.voice, options.sample_rate)
        try:
            async with asyncio.TaskGroup() as tasks:
                writing = tasks.create_task(speak_tokens(session, options, times))
                await session.receive(write, options.sample_rate, times)
                writing.cancel()  # the server ended it: another client took the session, say
        finally:
            await session.cancel()


# Text: the chat -------------------------------------------------------------------------------------------------------------


async def speak_tokens(session: Session, options: argparse.Namespace, times: Times) -> None:
    try:
        async with aclosing(tokens(options)) as answer:
            async for token in answer:
                times.first_token = times.first_token or monotonic()
                times.tokens += 1
                print(token, end="", file=sys.stderr, flush=True)
                await session.send("RunSynthesis", {"text": token})
    finally:
        if times.tokens:
            print(file=sys.stderr)
    if not times.tokens:
        msg = "the language model said nothing"
        raise Failed(msg)
    await session.send("StopSynthesis")


async def tokens(options: argparse.Namespace) -> AsyncGenerator[str, None]:
    """The answer of `POST /v1/chat/completions` with `stream: true`: server-sent events, a piece of text in each."""
    said = [{"role": "system", "content": options.system}, {"role": "user", "content": options.prompt}]
    body = {"model": options.model, "stream": True, "messages": [message for message in said if message["content"]]}
    headers = {"Authorization": f"Bearer {options.api_key}"} if options.api_key else {}
    timeout = aiohttp.ClientTimeout(total=None, sock_read=SILENCE_MAX)
    async with (
        aiohttp.ClientSession(timeout=timeout) as client,
        client.post(f"{options.base_url.rstrip('/')}/chat/completions", json=body, headers=headers) as answer,
    ):
        if answer.status != 200:  # noqa: PLR2004  # OK
            words = (await answer.content.read(ANSWER_MAX)).decode(errors="replace")
            msg = f"the language model answered with the status {answer.status}: {refusal(words)}"
            raise Failed(msg)
        async for line in lines(answer.content):
            field, _, data = line.partition(":")
            if field == "data" and data.strip() == "[DONE]":
                return
            if field == "data" and (token := text_of(data)):
                yield token


async def lines(content: aiohttp.StreamReader) -> AsyncGenerator[str, None]:
    rest = b""
    async for piece in content.iter_any():
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            yield line.decode(errors="replace").strip()
        if len(rest) > LINE_MAX:
            msg = f"the language model sent a line of {len(rest)} bytes and more; {LINE_MAX} are allowed"
            raise Failed(msg)


def text_of(data: str) -> str:
    """The text in one event; some have none: the role, the reason of the end, the costs."""
    try:
        event = json.loads(data)
        if "error" in event:
            msg = f"the language model failed: {refusal(data)}"
            raise Failed(msg)
        text = event["choices"][0]["delta"].get("content") if event.get("choices") else ""
    except (ValueError, LookupError, TypeError, AttributeError):
        msg = "what the language model sent is no event of an OpenAI-compatible chat"
        raise Failed(msg) from None
    return text if isinstance(text, str) else ""


def refusal(words: str) -> str:
    """What an error says, where it is of the usual form; else all of it."""
    try:
        error = json.loads(words)["error"]
    except (ValueError, LookupError, TypeError):
        return words
    return str(error.get("message", error)) if isinstance(error, dict) else str(error)


# Speech: the session --------------------------------------------------------------------------------------------------------


class Session:
    """One session of FlowingSpeechSynthesizer, over a connection of its own."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._task_id = uuid.uuid4().hex
        self._over = False

    async def send(self, name: str, payload: Mapping[str, Any] | None = None) -> None:
        namespace = "FlowingSpeechSynthesizer"
        header = {"message_id": uuid.uuid4().hex, "task_id": self._task_id, "namespace": namespace, "name": name}
        await self._socket.send(json.dumps({"header": header, "payload": payload or {}}))

    async def start(self, voice: str | None, rate: int) -> None:
        """Before the model has said anything: a wrong voice costs no token."""
        payload = {"format": "PCM", "sample_rate": rate, **({"voice": voice} if voice else {})}
        await self.send("StartSynthesis", payload)
        async with asyncio.timeout(START_MAX):
            while event_of(await self._socket.recv()) != "SynthesisStarted":
                pass

    async def receive(self, write: Write, rate: int, times: Times) -> None:
        """To SynthesisCompleted, the only good end: after the last SentenceEnd there may still be audio."""
        async for data in self._socket:
            if isinstance(data, bytes):
                times.first_audio = times.first_audio or monotonic()
                times.audio += len(data) / 2 / rate
                await write(data)
            elif event_of(data) == "SynthesisCompleted":
                self._over = True
                return
        msg = "the server closed the connection before all was spoken"
        raise Failed(msg)

    async def cancel(self) -> None:
        """Unless it is over. CancelSynthesis is Herald's own: nothing more is made, and charged. Others know it by the close.

        What is still on its way is read, and not heard: the close could not be answered behind it.
        """
        if self._over:
            return
        with suppress(TimeoutError, WebSocketException, Failed):
            async with asyncio.timeout(CANCEL_MAX):
                await self.send("CancelSynthesis")
                async for data in self._socket:
                    if isinstance(data, str) and event_of(data) == "SynthesisCompleted":
                        return


def event_of(data: str | bytes) -> str:
    """The name of a message down. A failure is raised: after one the session is over."""
    try:
        header = json.loads(data)["header"]
        name, status, words = str(header["name"]), header.get("status"), header.get("status_text")
    except (ValueError, LookupError, TypeError, AttributeError):
        msg = "what the server sent is no message of this protocol"
        raise Failed(msg) from None
    if name == "TaskFailed":
        msg = f"the server failed with the status {status}: {words}"
        raise Failed(msg)
    return name


# Audio: who hears it --------------------------------------------------------------------------------------------------------


def listener(options: argparse.Namespace) -> AbstractAsyncContextManager[Write]:
    """A file that was asked for, or the first player there is, or a file."""
    player = next((player for player in PLAYERS if shutil.which(player[0])), None)
    if options.output is None and player is not None:
        return playing([part.format(rate=options.sample_rate) for part in player])
    return recording(options.output or FILE, options.sample_rate)


@asynccontextmanager
async def recording(path: Path, rate: int) -> AsyncIterator[Write]:
    """A WAV file, which is opened when there is audio, and whole also when it is cut short."""
    file: wave.Wave_write | None = None

    async def write(data: bytes) -> None:
        nonlocal file
        if file is None:
            file = wave.open(str(path), "wb")  # noqa: SIM115  # closed below
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(rate)
        file.writeframesraw(data)

    try:
        yield write
    finally:
        if file is not None:
            file.close()
            print(f"{path} was written", file=sys.stderr)


@asynccontextmanager
async def playing(command: list[str]) -> AsyncIterator[Write]:
    """Leaving waits until all was heard; leaving by an error, or by Ctrl-C, is silence at once."""
    player = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL)
    pipe = player.stdin
    assert pipe is not None  # noqa: S101  # for the type checker
    failure = f"the player {command[0]} failed; -o FILE writes a file instead"

    async def write(data: bytes) -> None:
        pipe.write(data)
        try:
            await pipe.drain()
        except ConnectionError:
            raise Failed(failure) from None

    try:
        yield write
        pipe.close()
        if await player.wait() != 0:
            raise Failed(failure)
    finally:
        if player.returncode is None:
            player.kill()
            await player.wait()


# The command ----------------------------------------------------------------------------------------------------------------


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Ask a language model, and hear its answer while it is being written. Ctrl-C ends the answer and the speech.",
        epilog="The audio is played by the first of these that is found: "
        f"{', '.join(player[0] for player in PLAYERS)}. Without any, it goes to {FILE}.",
    )
    add = parser.add_argument
    add("prompt", help="what the model is asked")
    chat = parser.add_argument_group("the language model")
    chat.add_argument(
        "--base-url", default=os.environ.get("OPENAI_BASE_URL") or BASE_URL, help="or OPENAI_BASE_URL (%(default)s)"
    )
    chat.add_argument(
        "--api-key", default=os.environ.get("OPENAI_API_KEY", ""), help="better OPENAI_API_KEY; local servers need none"
    )
    chat.add_argument("--model", default=os.environ.get("OPENAI_MODEL", ""), help="or OPENAI_MODEL; there is no default")
    chat.add_argument("--system", default=SYSTEM, help="how it is to answer (%(default)s)")
    speech = parser.add_argument_group("the speech")
    speech.add_argument("--url", default=URL, help="of the websocket (%(default)s)")
    speech.add_argument("--token", default=os.environ.get("HERALD_TOKEN", ""), help="what `herald token` says; or HERALD_TOKEN")
    speech.add_argument("--voice", help="default: the server's own")
    speech.add_argument("--sample-rate", type=int, default=22_050, metavar="HZ", help="%(default)s")
    speech.add_argument("-o", "--output", type=Path, metavar="FILE", help="write a WAV file, play nothing")
    return parser.parse_args()


async def main(options: argparse.Namespace) -> None:
    if not options.model:
        msg = "name a model: --model, or the variable OPENAI_MODEL"
        raise Failed(msg)
    times = Times(asked=monotonic())
    try:
        await answer_aloud(options, times)
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None  # what went wrong first; the rest is its consequence
    print(times, file=sys.stderr)


def told(error: BaseException, *secrets: str) -> str:
    """One line without a credential, whatever a server put into its words."""
    words = str(error) or "the server says nothing"
    for secret in filter(None, secrets):
        words = words.replace(secret, "…")
    return " ".join(words.split()).rstrip(".")


if __name__ == "__main__":
    given = parsed()
    try:
        asyncio.run(main(given))
    except (Failed, aiohttp.ClientError, WebSocketException, OSError, TimeoutError) as error:
        print(f"llm_to_speech: {told(error, given.api_key, given.token)}.", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
