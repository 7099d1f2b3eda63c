"""Chimes: short sounds that are heard before a reply, stored by clients, known by the SHA-256 of their files.

Nothing that a client names becomes a path: a file's name is the digest that was computed here. Whatever takes long (the disk,
decoding, resampling) runs in a thread: FFmpeg, soxr and the digest let go of the interpreter while they work, the first decoder
imports PyAV, which takes 0.1 s, and whoever speaks meanwhile must not wait for any of it.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..audio.chain import PcmChain, Stage
from ..audio.files import Sound, read_sound
from ..audio.level import volume_factor
from ..errors import ConfigError, HeraldError, RequestError, TooLarge, UnknownChime
from ..models import AudioFormat, shortened
from ..state import secret_files

_LOGGER = logging.getLogger(__name__)

FOLDER = "chimes"
"""In the state directory."""
SIZE_MAX = 2 << 20
"""Bytes of a file."""
SECONDS_MAX = 10.0
CHIMES_MAX = 32
FITTED_MAX = 16 << 20
"""Bytes of chimes that are kept as listeners want them: four of the longest at the highest rate, hundreds of the usual."""

_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Chime:
    """One that is stored."""

    sha256: str
    """Of its file, in hex."""
    seconds: float
    rate: int
    """Hz."""
    channels: int


def _nobody_listens() -> None:
    """Of a store that is used alone."""


class ChimeStore:
    """The chimes in a folder. Without one there are none."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._chimes: dict[str, Chime] = {}
        self._fitted: OrderedDict[tuple[str, AudioFormat, float], bytes] = OrderedDict()
        """By chime, format and volume; the last used are last."""
        self._changing = asyncio.Lock()
        self.on_changed: Callable[[], None] = _nobody_listens
        """Called whenever there is one more, or one less."""

    async def load(self) -> None:
        """Find what was stored before. A damaged one is told, and then it is not there."""
        if self._folder is None or not self._folder.is_dir():
            return
        async with self._changing:
            try:
                self._chimes = await asyncio.to_thread(_found, self._folder)
            except OSError as error:
                _LOGGER.warning("The chimes in %s cannot be read: %s", self._folder, error.strerror or error)

    def get(self, sha256: str) -> Chime:
        """Raises UnknownChime."""
        chime = self._chimes.get(sha256.lower())
        if chime is None:
            msg = f"There is no chime {shortened(sha256)}. Store it first: PUT /api/chimes/ and its SHA-256."
            raise UnknownChime(msg)
        return chime

    def list(self) -> tuple[Chime, ...]:
        """The oldest first."""
        return tuple(self._chimes.values())

    async def add(self, sha256: str, data: bytes) -> tuple[Chime, bool]:
        """Keep a file of audio; True where it was not there before.

        Raises TooLarge for one too large, too long or too many, RequestError for another digest, ProtocolError for what cannot be
        decoded, and ConfigError where it cannot be kept.
        """
        if len(data) > SIZE_MAX:
            msg = f"The chime has {len(data)} bytes; {SIZE_MAX} are allowed."
            raise TooLarge(msg)
        async with self._changing:
            digest = await asyncio.to_thread(_digest, data)
            if digest != sha256.lower():
                msg = f"The SHA-256 of these {len(data)} bytes is {digest}, not {shortened(sha256)}."
                raise RequestError(msg)
            if (known := self._chimes.get(digest)) is not None:
                return known, False
            self._check_room()
            chime = await asyncio.to_thread(_kept, self._path(digest), digest, data)
            self._chimes[digest] = chime
        self.on_changed()
        return chime, True

    async def remove(self, sha256: str) -> None:
        """Raises UnknownChime, and ConfigError where it stays."""
        async with self._changing:
            digest = self.get(sha256).sha256
            try:
                await asyncio.to_thread(self._path(digest).unlink, missing_ok=True)
            except OSError as error:
                msg = f"The chime {digest} cannot be removed: {error.strerror or error}."
                raise ConfigError(msg) from error
            self._forget(digest)
        self.on_changed()

    async def pcm(self, sha256: str, audio: AudioFormat, volume: float | None = None) -> bytes:
        """The chime in the format of a listener, and at the `volume` that a call asks for. Raises UnknownChime.

        At once where it was wanted so before.
        """
        digest = self.get(sha256).sha256
        key = digest, audio, 1.0 if volume is None else volume_factor(volume)
        if (fitted := self._fitted.get(key)) is not None:
            self._fitted.move_to_end(key)
            return fitted
        try:
            fitted = await asyncio.to_thread(_fitted, self._path(digest), *key)
        except (OSError, HeraldError) as error:
            self.get(digest)  # somebody may have removed it meanwhile
            self._forget_damaged(digest, error)
            msg = f"The chime {digest} is damaged, and forgotten. Store it again."
            raise UnknownChime(msg) from error
        self._fitted[key] = fitted
        while sum(map(len, self._fitted.values())) > FITTED_MAX:
            self._fitted.popitem(last=False)
        return fitted

    def _check_room(self) -> None:
        if len(self._chimes) >= CHIMES_MAX:
            oldest = next(iter(self._chimes))
            msg = f"There are {len(self._chimes)} chimes, and {CHIMES_MAX} are allowed. Delete one; the oldest is {oldest}."
            raise TooLarge(msg)

    def _path(self, digest: str) -> Path:
        if self._folder is None:
            msg = "Chimes cannot be kept: there is no state directory. Give one (--state)."
            raise ConfigError(msg)
        return self._folder / digest

    def _forget(self, digest: str) -> None:
        self._chimes.pop(digest, None)
        for key in [key for key in self._fitted if key[0] == digest]:
            del self._fitted[key]

    def _forget_damaged(self, digest: str, error: Exception) -> None:
        _tell_damaged(digest, error)
        self._forget(digest)
        self.on_changed()


# What blocks, in a thread


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _kept(path: Path, digest: str, data: bytes) -> Chime:
    """The chime of this file, in place whole or not at all."""
    chime = _chime(digest, read_sound(data, SECONDS_MAX))
    try:
        secret_files.replace(path, data)
    except OSError as error:
        msg = f"The chime cannot be kept in {path.parent}: {error.strerror or error}. Give another state directory (--state)."
        raise ConfigError(msg) from error
    return chime


def _found(folder: Path) -> dict[str, Chime]:
    """Those of a folder, the oldest first."""
    chimes: dict[str, Chime] = {}
    for path in sorted(_files(folder), key=lambda path: (path.stat().st_mtime_ns, path.name)):
        if len(chimes) == CHIMES_MAX:
            _LOGGER.warning("There are more than %d chimes in %s; the others are left out", CHIMES_MAX, folder)
            break
        try:
            chimes[path.name] = _chime(path.name, _read(path, path.name))
        except (OSError, HeraldError) as error:
            _tell_damaged(path.name, error)
    return chimes


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if _DIGEST.fullmatch(path.name) and path.is_file()]


def _read(path: Path, digest: str) -> Sound:
    """Raises OSError, and HeraldError for a file that is not what its name says."""
    data = secret_files.read(path, SIZE_MAX)
    if _digest(data) != digest:
        msg = f"It is not the file that was stored: its SHA-256 is {_digest(data)}."
        raise RequestError(msg)
    return read_sound(data, SECONDS_MAX)


def _chime(digest: str, sound: Sound) -> Chime:
    return Chime(sha256=digest, seconds=sound.seconds, rate=sound.format.rate, channels=sound.format.channels)


def _fitted(path: Path, digest: str, audio: AudioFormat, factor: float) -> bytes:
    sound = _read(path, digest)
    chain = PcmChain(sound.format, _stages(sound.format, audio, factor))
    return chain.push(sound.pcm) + chain.flush()


def _stages(source: AudioFormat, target: AudioFormat, factor: float) -> list[Stage]:
    stages: list[Stage] = []
    if factor != 1:
        from ..audio.gain import Gain, Limiter  # noqa: PLC0415  # numpy

        stages += [Gain(factor), Limiter(source.rate)] if factor > 1 else [Gain(factor)]
    if source != target:
        from ..audio.resample import Resampler  # noqa: PLC0415  # numpy and soxr

        stages.append(Resampler(source, target))
    return stages


def _tell_damaged(digest: str, error: Exception) -> None:
    _LOGGER.warning("The chime %s is damaged, and forgotten: %s", digest, error)
