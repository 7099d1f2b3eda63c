"""Playing through a program that is there already. The table says how each is fed; nothing else knows one by name."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import BinaryIO, cast

from ..audio.wav import wav_header
from ..errors import HeraldError
from ..models import AudioFormat


@dataclass(frozen=True, kw_only=True, slots=True)
class Player:
    """A program that plays what it reads from its standard input, as it comes."""

    name: str
    options: tuple[str, ...]
    """{rate} and {channels} stand for the audio's."""
    wav: bool = False
    """It is given WAV, not bare PCM."""


# pw-play is not among them: whether its `-` is PCM or a file with a header differs between its versions.
PLAYERS = (
    Player(name="paplay", options=("--raw", "--format=s16le", "--rate={rate}", "--channels={channels}", "--latency-msec=100")),
    Player(name="aplay", options=("-q", "-t", "raw", "-f", "S16_LE", "-r", "{rate}", "-c", "{channels}", "-R", "50000")),
    Player(
        name="ffplay",
        options=("-nodisp", "-autoexit", "-loglevel", "error", "-fflags", "nobuffer", "-probesize", "32", "-f", "wav", "-i", "-"),
        wav=True,
    ),
    Player(name="mpv", options=("--no-terminal", "--no-video", "--profile=low-latency", "-"), wav=True),
    Player(name="play", options=("-q", "-t", "wav", "-"), wav=True),
)
"""The first one found is used. Small buffers: the first words shall be heard while the rest is still being typed."""

NO_PLAYER = f"No player was found ({', '.join(player.name for player in PLAYERS)})."

_SAID_MAX = 200
"""Characters of a player's own complaint."""


def find_player() -> Player | None:
    return next((player for player in PLAYERS if shutil.which(player.name)), None)


@asynccontextmanager
async def playing(player: Player, audio: AudioFormat) -> AsyncIterator[Callable[[bytes], Awaitable[None]]]:
    """Gives what takes the PCM; leaving waits until all was heard, leaving by an error stops at once."""
    options = [option.format(rate=audio.rate, channels=audio.channels) for option in player.options]
    with tempfile.TemporaryFile() as complaints:
        process = await asyncio.create_subprocess_exec(
            player.name, *options, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL, stderr=complaints
        )
        pipe = cast("asyncio.StreamWriter", process.stdin)

        async def write(data: bytes) -> None:
            try:
                pipe.write(data)
                await pipe.drain()
            except ConnectionError as error:
                raise HeraldError(_failure(player, await process.wait(), complaints)) from error

        try:
            if player.wav:
                await write(wav_header(audio, data_size=None))
            yield write
            pipe.close()
            status = await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if status != 0:
            raise HeraldError(_failure(player, status, complaints))


def _failure(player: Player, status: int, complaints: BinaryIO) -> str:
    """What became of a player, with the end of what it said itself."""
    if status == 0:
        return f"The player {player.name} was closed before everything was heard."
    complaints.seek(0)
    said = " ".join(complaints.read().decode(errors="replace").split())[-_SAID_MAX:]
    return f"The player {player.name} failed ({said or f'status {status}'}). Write a file instead: -o speech.wav"
