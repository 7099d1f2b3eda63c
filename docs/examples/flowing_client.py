"""FlowingSpeechSynthesizer by hand: lines are typed, and spoken while more are typed, into a file.

Every message of the protocol is written out here; nothing but the package `websockets` is needed. It speaks to Herald, and to the
local servers over CosyVoice with their ways: a RIFF header in each piece of audio, and a rate of their own. README.md beside this
file shows a run.
"""
# ruff: noqa: INP001, T201  # a script that people run, not a part of a package

from __future__ import annotations

import argparse
import asyncio
import json
import os
import struct
import sys
import threading
import uuid
import wave
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any, BinaryIO

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

URL = "ws://localhost:10231/ws/v1/tts"
ENDINGS = {
    "PCM": ".wav",
    "WAV": ".wav",
    "MP3": ".mp3",
    "FLAC": ".flac",
    "OGG_OPUS": ".ogg",
    "WEBM_OPUS": ".webm",
    "MKA": ".mka",
    "WAV_F32": ".wav",
}
"""Every format, and how its files are called. The first three are the protocol's, the others Herald's."""
QUIT = "quit"
PING_EVERY = 5
"""Seconds. The cloud ends a session after ten without a sign of life; a ping is one."""
MESSAGE_MAX = 16 << 20
"""Bytes of one message: some servers put a whole sentence into one."""
START_MAX = 10
"""Seconds in which a session must be started."""


class Failed(Exception):
    """What to tell the user, in a sentence."""


# The protocol ---------------------------------------------------------------------------------------------------------------


def message(name: str, task_id: str, payload: Mapping[str, Any] | None = None) -> str:
    """A message up. `task_id` is the session's, the same in each; Aliyun's cloud also wants an `appkey` in the header."""
    header = {"message_id": uuid.uuid4().hex, "task_id": task_id, "namespace": "FlowingSpeechSynthesizer", "name": name}
    return json.dumps({"header": header, "payload": payload or {}})


def read(text: str) -> tuple[str, Mapping[str, Any]]:
    """A message down: its name and its header. A failure is raised: after one the session is over."""
    try:
        header = json.loads(text)["header"]
        name, status, words = header["name"], header.get("status"), header.get("status_text")
    except (ValueError, LookupError, TypeError, AttributeError):
        msg = "what the server sent is no message of this protocol"
        raise Failed(msg) from None
    if name == "TaskFailed":
        msg = f"the server failed with the status {status}: {words}"
        raise Failed(msg)
    return name, header


def without_header(data: bytes) -> bytes:
    """The samples of a WAV file, or of its beginning."""
    place = 12
    while place + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, place)
        place += 8
        if name == b"data":
            return data[place:]
        place += size + size % 2
    return b""


async def converse(options: argparse.Namespace, file: AudioFile, report: Report) -> None:
    """One session: StartSynthesis, a RunSynthesis a line, StopSynthesis; audio and sentences come meanwhile."""
    headers = {"X-NLS-Token": options.token} if options.token else {}
    async with connect(
        options.url,
        additional_headers=headers,
        ping_interval=PING_EVERY,
        max_size=MESSAGE_MAX,
        max_queue=None,  # audio is never left unread, so that an answer to a ping or a close is not stuck behind it
    ) as socket:
        task_id = uuid.uuid4().hex
        await start(socket, task_id, options)
        async with asyncio.TaskGroup() as tasks:
            typing = tasks.create_task(send_lines(socket, task_id, report))
            await receive(socket, file, report)
            typing.cancel()


async def start(socket: ClientConnection, task_id: str, options: argparse.Namespace) -> None:
    """Text may be sent when SynthesisStarted has come."""
    wishes = {"voice": options.voice, "format": options.format, "sample_rate": options.sample_rate}
    payload = {name: value for name, value in wishes.items() if value is not None}
    await socket.send(message("StartSynthesis", task_id, payload))
    async with asyncio.timeout(START_MAX):
        while read(str(await socket.recv()))[0] != "SynthesisStarted":
            pass


async def send_lines(socket: ClientConnection, task_id: str, report: Report) -> None:
    """Each line as it is typed. Its end goes along: a sentence ends there, so that nobody waits for more of it."""
    lines = typed_lines()
    while (line := await lines.get()) is not None and line.strip().lower() != QUIT:
        if line.strip():
            report.asked()
            await socket.send(message("RunSynthesis", task_id, {"text": f"{line.strip()}\n"}))
    await socket.send(message("StopSynthesis", task_id))


async def receive(socket: ClientConnection, file: AudioFile, report: Report) -> None:
    """To SynthesisCompleted, the only good end: after the last SentenceEnd there may still be audio."""
    async for data in socket:
        if isinstance(data, bytes):
            report.heard(file.add(data))
            continue
        name, _ = read(data)
        if name == "SentenceBegin":
            report.asked()
        elif name == "SentenceEnd":
            print(report.sentence(file), flush=True)
        elif name == "SynthesisCompleted":
            return
    msg = "the server closed the connection before the session was completed"
    raise Failed(msg)


# What is typed --------------------------------------------------------------------------------------------------------------


def typed_lines() -> asyncio.Queue[str | None]:
    """Standard input as it comes, None at its end. A thread reads it: nothing else can wait for a terminal and a file alike."""
    loop, lines = asyncio.get_running_loop(), asyncio.Queue[str | None]()

    def read_on() -> None:
        # unbuffered: a thread that is left behind in a buffered read would hold the lock that Python's own end needs
        with suppress(RuntimeError), open(0, "rb", buffering=0, closefd=False) as typed:
            for line in typed:
                loop.call_soon_threadsafe(lines.put_nowait, line.decode(errors="replace"))
            loop.call_soon_threadsafe(lines.put_nowait, None)

    threading.Thread(target=read_on, daemon=True).start()
    if sys.stdin.isatty():
        print(f"Type lines; {QUIT} ends.", file=sys.stderr)
    return lines


# What is heard --------------------------------------------------------------------------------------------------------------


class AudioFile:
    """The audio, written as it comes; the file is opened when there is some. `rate`: Hz that the audio really has."""

    def __init__(self, path: Path | None, kind: str, rate: int) -> None:
        self.path = path
        self.rate = rate
        self.size = 0
        """Bytes of audio."""
        self._kind = kind
        self._file: wave.Wave_write | BinaryIO | None = None

    @property
    def seconds(self) -> float | None:
        """None: nobody knows without decoding it."""
        return self.size / 2 / self.rate if self._kind == "PCM" else None

    def add(self, data: bytes) -> int:
        """Its size in bytes, without a header."""
        if self._kind in {"PCM", "MP3"} and data.startswith(b"RIFF"):
            self._kind, data = "PCM", without_header(data)  # the local servers send it also to whom asked for MP3
        if data:
            self._write(data)
        self.size += len(data)
        return len(data)

    def _write(self, data: bytes) -> None:
        if self._file is None:
            self._file = self._open()
        if isinstance(self._file, wave.Wave_write):
            self._file.writeframesraw(data)
        else:
            self._file.write(data)

    def _open(self) -> wave.Wave_write | BinaryIO:
        self.path = self.path or Path("speech" + ENDINGS[self._kind])
        if self._kind != "PCM":
            return self.path.open("wb")
        file = wave.open(str(self.path), "wb")  # noqa: SIM115  # closed by `close`
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(self.rate)
        return file

    def close(self) -> None:
        """Also where it was cut short: it is a whole file then."""
        if self._file is not None:
            self._file.close()


class Report:
    """How long things took. A sentence's time begins with the line that asked for it, or when the server begins it."""

    def __init__(self) -> None:
        self._asked_at: float | None = None
        self._first: float | None = None
        """Seconds from there to this sentence's first audio."""
        self._bytes = 0
        """Of this sentence."""
        self._sentences = 0
        self._session_first: float | None = None
        self._busy = 0.0

    def asked(self) -> None:
        if self._asked_at is None:
            self._asked_at = monotonic()

    def heard(self, size: int) -> None:
        self._bytes += size
        if self._first is None and self._asked_at is not None and size:
            self._first = monotonic() - self._asked_at

    def sentence(self, file: AudioFile) -> str:
        """The sentence that ended, in words."""
        took = 0.0 if self._asked_at is None else monotonic() - self._asked_at
        self._busy += took
        self._sentences += 1
        if self._session_first is None:
            self._session_first = self._first
        seconds = None if file.seconds is None else self._bytes / 2 / file.rate
        words = f"{self._sentences}: {told(self._first, self._bytes, seconds, took)}"
        self._asked_at, self._first, self._bytes = None, None, 0
        return words

    def session(self, file: AudioFile) -> str:
        """All of it, in words."""
        return f"{file.path}: {told(self._session_first, file.size, file.seconds, self._busy)}"


def told(first: float | None, size: int, seconds: float | None, took: float) -> str:
    """The real-time factor is how many seconds a second of audio took."""
    words = [] if first is None else [f"first audio after {first:.3f} s"]
    words.append(f"{size} bytes")
    if seconds:
        words += [f"{seconds:.2f} s of audio", f"real-time factor {took / seconds:.3f}"]
    return ", ".join(words)


# The command ----------------------------------------------------------------------------------------------------------------


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=f'Speak lines while they are typed, over the FlowingSpeechSynthesizer protocol. "{QUIT}" or the end of the '
        "input ends it: what was spoken is in a file then. Ctrl-C stops the speech at once.",
        epilog="A session in which nothing is typed for a minute is ended by Herald (http.text_timeout in its configuration).",
    )
    add = parser.add_argument
    add("--url", default=URL, help="of the websocket (default: %(default)s)")
    add("--token", default=os.environ.get("HERALD_TOKEN", ""), help="what `herald token` says; or the variable HERALD_TOKEN")
    add("--voice", help="a name out of GET /stream/v1/tts/voices (default: the server's own)")
    add("--format", type=str.upper, choices=ENDINGS, default="PCM", metavar="NAME", help=f"{', '.join(ENDINGS)}; %(default)s")
    add("--sample-rate", type=int, default=22_050, metavar="HZ", help="that is asked for (default: %(default)s)")
    add(
        "--native-rate",
        type=int,
        metavar="HZ",
        help="that comes, from a server that ignores what is asked for: those over CosyVoice send 22050 Hz, or 24000 of a cloned "
        "voice, whatever their headers say",
    )
    add("-o", "--output", type=Path, metavar="FILE", help="default: speech.wav, or the format's own ending")
    return parser.parse_args()


async def main() -> None:
    options = parsed()
    kind = "PCM" if options.format == "WAV" else options.format  # its header is taken off, and written anew at the end
    file, report = AudioFile(options.output, kind, options.native_rate or options.sample_rate), Report()
    try:
        await converse(options, file, report)
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None  # what went wrong first; the rest is its consequence
    finally:
        file.close()
        if file.size:
            print(report.session(file))


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except (Failed, WebSocketException, OSError, TimeoutError) as error:
        words = " ".join((str(error) or "the server says nothing").split())
        print(f"flowing_client: {words.rstrip('.')}.", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
