"""A Wyoming satellite in a process of its own. It plays as `aplay` does: what it was given is heard, whatever is said later.

    python -m tests.whole.satellite PORT JOURNAL [--name NAME] [--area AREA] [--late SECONDS]

JOURNAL gets a line of JSON for each thing that happens, with the machine's monotonic clock. A line of JSON on standard input is
an event that is sent to Home Assistant: `{"type": "run-pipeline", "data": {...}}`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from array import array
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from time import monotonic
from typing import IO, Any

from wyoming.event import Event

from wyoming_server.models import AudioFormat
from wyoming_server.protocols.wyoming import WyomingReader, encode

from .journal import Journal

LOUD = 500
"""Of 32,767: what is quieter all through a chunk is silence."""
ROOT = Path(__file__).parents[2]


class Clocked:
    """What was written into it is played in real time, one chunk behind the other; nothing takes any of it back."""

    def __init__(self) -> None:
        self.ends = 0.0
        """When the last of it was heard."""

    def write(self, now: float, seconds: float) -> float:
        """When it begins to be heard."""
        begins = max(now, self.ends)
        self.ends = begins + seconds
        return begins


class Satellite:
    def __init__(self, journal: IO[str], *, name: str, area: str | None, late: float) -> None:
        self._journal = journal
        self._attribution = {"name": "tests", "url": "https://localhost"}
        self._info = {"name": name, "area": area, "installed": True, "description": name, "version": "1", "has_vad": False}
        self._late = late
        self._playing = Clocked()
        self._writers: set[asyncio.StreamWriter] = set()
        self._run: asyncio.StreamWriter | None = None
        """To whoever lets it run; the others only ask who it is."""
        self._draining: set[asyncio.Task[None]] = set()

    def note(self, what: str, at: float | None = None, **more: Any) -> None:
        self._journal.write(json.dumps({"what": what, "time": monotonic() if at is None else at, **more}) + "\n")
        self._journal.flush()

    def send(self, event: Event) -> None:
        if self._run is not None:
            self._run.write(encode(event))

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        codec = WyomingReader()
        self._writers.add(writer)
        with suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                now = monotonic()
                codec.feed(data)
                while (event := codec.next_event()) is not None:
                    self._heard(event, now, writer)
        self._writers.discard(writer)
        if self._run is writer:
            self._run = None
        writer.close()

    def _heard(self, event: Event, now: float, writer: asyncio.StreamWriter) -> None:
        match event.type:
            case "describe":
                satellite = {**self._info, "attribution": self._attribution}
                nothing: dict[str, list[Any]] = {name: [] for name in ("asr", "tts", "handle", "intent", "wake", "mic", "snd")}
                writer.write(encode(Event("info", {**nothing, "satellite": satellite})))
            case "ping":
                writer.write(encode(Event("pong", event.data)))
            case "run-satellite":
                self._run = writer
                self.note("running", now)
            case "audio-start":
                self.note("start", now, rate=event.data["rate"])
            case "audio-chunk":
                self._chunk(event, now)
            case "audio-stop":
                self.note("stop", now, drained=self._playing.ends)
                task = asyncio.create_task(self._played())
                self._draining.add(task)
                task.add_done_callback(self._draining.discard)
            case other:
                self.note(other, now)

    def _chunk(self, event: Event, now: float) -> None:
        shape = AudioFormat(rate=event.data["rate"], width=event.data["width"], channels=event.data["channels"])
        audio = event.payload or b""
        seconds = shape.seconds(len(audio))
        begins = self._playing.write(now, seconds)
        quiet = shape.seconds(silence_of(audio))
        self.note("chunk", now, begins=begins, seconds=seconds, quiet=quiet, hertz=hertz(audio, shape.rate))

    async def _played(self) -> None:
        """Told when the buffer has run empty, as late as this satellite is."""
        await asyncio.sleep(self._playing.ends + self._late - monotonic())
        self.note("played")
        self.send(Event("played"))


def hertz(audio: bytes, rate: int) -> int:
    """Of a tone in s16 mono; 0: silence."""
    samples = array("h", audio)
    if not samples or max(map(abs, samples)) < LOUD:
        return 0
    crossings = sum(one < 0 <= other for one, other in pairwise(samples))
    return round(crossings * rate / len(samples))


def silence_of(audio: bytes) -> int:
    """Bytes of s16 before it sounds."""
    samples = array("h", audio)
    return samples.itemsize * next((number for number, sample in enumerate(samples) if abs(sample) >= LOUD), len(samples))


async def main() -> None:
    parser = argparse.ArgumentParser(description="A Wyoming satellite that writes down what it plays.")
    parser.add_argument("port", type=int)
    parser.add_argument("journal", type=Path)
    parser.add_argument("--name", default="Hall")
    parser.add_argument("--area")
    parser.add_argument("--late", type=float, default=0.0, help="seconds by which it tells late that it has played")
    told = parser.parse_args()
    with told.journal.open("a") as journal:
        satellite = Satellite(journal, name=told.name, area=told.area, late=told.late)
        server = await asyncio.start_server(satellite.connected, "127.0.0.1", told.port)
        commands = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
        satellite.note("ready")
        async with server:
            while line := await commands.readline():  # whoever started it keeps it
                event = json.loads(line)
                satellite.send(Event(event["type"], event.get("data") or {}))


# What tests have of it


@dataclass(frozen=True, kw_only=True, slots=True)
class Chunk:
    time: float
    """When it came."""
    begins: float
    """When it was heard, or will be."""
    seconds: float
    quiet: float
    """Seconds of it before it sounds."""
    hertz: int
    """0: silence."""

    @property
    def ends(self) -> float:
        return self.begins + self.seconds

    @property
    def sounds_at(self) -> float:
        """When its first sample was heard that is loud."""
        return self.begins + self.quiet


@dataclass(kw_only=True, slots=True)
class Played:
    """From a start to its stop."""

    start: float
    chunks: list[Chunk] = field(default_factory=list)
    stop: float | None = None
    """None: not yet."""
    late: list[Chunk] = field(default_factory=list)
    """What came after the stop, and before another start."""

    @property
    def sounds(self) -> list[Chunk]:
        return [chunk for chunk in self.chunks if chunk.hertz]

    @property
    def seconds(self) -> float:
        return sum(chunk.seconds for chunk in self.chunks)

    @property
    def rest(self) -> float:
        """Seconds that were still to be heard when it was stopped, with what was to be heard before it."""
        assert self.stop is not None
        return max(0.0, self.chunks[-1].ends - self.stop) if self.chunks else 0.0


class Process:
    """Use `satellite`."""

    def __init__(self, child: asyncio.subprocess.Process, journal: Path, port: int) -> None:
        self._child = child
        self._journal = Journal(journal)
        self._lines: list[dict[str, Any]] = []
        self._played: list[Played] = []
        self.port = port

    def _look(self) -> None:
        for line in self._journal.news():
            self._lines.append(line)
            match line["what"]:
                case "start":
                    self._played.append(Played(start=line["time"]))
                case "chunk" if self._played:
                    last = self._played[-1]
                    chunk = Chunk(**{name: line[name] for name in ("time", "begins", "seconds", "quiet", "hertz")})
                    (last.chunks if last.stop is None else last.late).append(chunk)
                case "stop" if self._played and self._played[-1].stop is None:
                    self._played[-1].stop = line["time"]

    def lines(self) -> list[dict[str, Any]]:
        """All that it has written down."""
        self._look()
        return self._lines

    def played(self) -> list[Played]:
        """All that it was given, oldest first."""
        self._look()
        return list(self._played)

    async def told(self, what: str, times: int = 1, *, within: float = 30) -> float:
        """Waits until it has written that down so often; when the last of them was."""
        async with asyncio.timeout(within):
            while len(found := self._times(what)) < times:  # noqa: ASYNC110  # another process
                await asyncio.sleep(0.005)
        return found[times - 1]

    def _times(self, what: str) -> list[float]:
        return [line["time"] for line in self.lines() if line["what"] == what]

    async def sounds(self, plays: int = 1, chunks: int = 1, *, within: float = 30) -> Chunk:
        """Waits until so much is heard of the play with that number; its first chunk."""
        async with asyncio.timeout(within):
            while len(played := self.played()) < plays or len(played[plays - 1].sounds) < chunks:  # noqa: ASYNC110  # see above
                await asyncio.sleep(0.005)
        return played[plays - 1].sounds[0]

    def say(self, kind: str, **data: Any) -> None:
        """To Home Assistant."""
        assert self._child.stdin is not None
        self._child.stdin.write(json.dumps({"type": kind, "data": data}).encode() + b"\n")


@asynccontextmanager
async def satellite(folder: Path, port: int, name: str = "Hall", *options: str) -> AsyncIterator[Process]:
    journal = folder / f"{name}.jsonl"
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.whole.satellite", str(port), str(journal), "--name", name, *options),
        stdin=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    process = Process(child, journal, port)
    try:
        await process.told("ready")
        yield process
    finally:
        if child.returncode is None:
            child.terminate()
        await child.wait()


if __name__ == "__main__":
    asyncio.run(main())
