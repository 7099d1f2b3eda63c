"""Where the audio of a command goes: a file, standard output, a player. Each is opened when the first audio is there.

Leaving an output by an error keeps what was written playable, and silences a player at once.
"""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TypeAlias

from ..audio.wav import WavWriter, wav_header
from ..errors import BadSetting, ConfigError, HeraldError
from ..models import RATE_MAX, RATE_MIN, AudioFormat
from .descriptors import write_all
from .players import NO_PLAYER, find_player, playing

Write: TypeAlias = Callable[[bytes], Awaitable[None]]
Output: TypeAlias = Callable[[AudioFormat], AbstractAsyncContextManager[Write]]
"""Opened with the audio's format; gives what takes the PCM."""

STDOUT = "-"
DEFAULT_NAME = "speech"
WAV_ENDS = ("", ".wav")
ENCODED_ENDS = {".mp3": "mp3", ".flac": "flac", ".ogg": "ogg_opus", ".opus": "ogg_opus"}
"""End of a file's name → what is written into it."""


def outputs(arguments: Namespace) -> list[Output]:
    """What the options ask for. What can be known not to work is refused now: HeraldError."""
    chosen: list[Output] = []
    if arguments.output == STDOUT:
        chosen.append(_stdout(arguments.command))
    elif arguments.output is not None:
        chosen.append(_file(Path(arguments.output)))
    if arguments.play or arguments.output is None:
        chosen.append(_player(required=arguments.play))
    return chosen


def wanted_rate(arguments: Namespace) -> int | None:
    """Hz; `None`: that of the audio. Raises BadSetting."""
    rate: int | None = arguments.rate
    if rate is not None and not RATE_MIN <= rate <= RATE_MAX:
        msg = f"--rate is {RATE_MIN} to {RATE_MAX} Hz, not {rate}."
        raise BadSetting(msg)
    return rate


def _stdout(command: str) -> Output:
    if sys.stdout.isatty():
        msg = f"This would fill the terminal with audio. Name a file (-o speech.wav), or send it on: herald {command} -o - … | …"
        raise ConfigError(msg)
    return partial(_streamed, sys.stdout.fileno())


def _file(path: Path) -> Output:
    """Refused now if it cannot be written, not after the first seconds have been synthesised."""
    if path.is_dir():
        msg = f"{path} is a directory. Name a file in it: -o {path / DEFAULT_NAME}.wav"
        raise ConfigError(msg)
    if not path.parent.is_dir():
        msg = f"The directory {path.parent} does not exist."
        raise ConfigError(msg)
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        msg = f"{path} cannot be written: permission denied."
        raise ConfigError(msg)
    return _by_end(path)


def _by_end(path: Path) -> Output:
    """What a file's name asks for."""
    end = path.suffix.lower()
    if end in WAV_ENDS:
        return partial(_written, path)
    if end in ENCODED_ENDS:
        return partial(_encoded, path, ENCODED_ENDS[end])
    msg = f"{path} cannot be written: the end {end} is none of {', '.join((*WAV_ENDS[1:], *ENCODED_ENDS))}."
    raise ConfigError(msg)


def _player(*, required: bool) -> Output:
    """The first player there is; where none was asked for, a file does as well."""
    player = find_player()
    if player is not None:
        return partial(playing, player)
    if required:
        msg = f"{NO_PLAYER} Install one, or write a file: -o speech.wav"
        raise HeraldError(msg)
    path = _unused_file()
    sys.stderr.write(f"{NO_PLAYER} Writing {path}.\n")
    return _file(path)


def _unused_file() -> Path:
    """speech.wav, or the next number: a file that nobody named is not overwritten."""
    names = (Path(f"{DEFAULT_NAME}{suffix}.wav") for suffix in ("", *map("-{}".format, range(2, 1000))))
    return next(path for path in names if not path.exists())


@asynccontextmanager
async def _written(path: Path, audio: AudioFormat) -> AsyncIterator[Write]:
    with path.open("wb") as file, WavWriter(file, audio) as wav:

        async def write(pcm: bytes) -> None:
            wav.write(pcm)

        yield write


@asynccontextmanager
async def _encoded(path: Path, container: str, audio: AudioFormat) -> AsyncIterator[Write]:
    from ..audio.encode import Container, Encoder  # noqa: PLC0415  # PyAV, which WAV does without

    encoder = Encoder(Container(container), audio)
    with path.open("wb") as file:

        async def write(pcm: bytes) -> None:
            file.write(encoder.push(pcm))

        try:
            yield write
        finally:
            file.write(encoder.flush())


@asynccontextmanager
async def _streamed(descriptor: int, audio: AudioFormat) -> AsyncIterator[Write]:
    """Without sizes: what was written to a pipe stays as it is."""
    await write_all(descriptor, wav_header(audio, data_size=None))
    yield partial(write_all, descriptor)
