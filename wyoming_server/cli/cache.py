"""`herald cache`: what is kept of finished replies, beside a running server or without one. What was said is not in it."""

from __future__ import annotations

import json
import sys
import time
from argparse import Namespace
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

from ..config import Config
from ..errors import CredentialsRefused, EngineUnavailable, HeraldError, QuotaExceeded, RequestError, VoiceRefused
from ..models import FormatWish, SynthesisRequest
from ..synthesis.cache.disk import INDEX
from ..synthesis.cache.index import Kept
from ..synthesis.cache.store import FOLDER, DiskStore, disk_store
from . import table
from .outputs import wanted_rate
from .progress import warming
from .setting import configuration, quiet_logs, run_until_done, state_directory

if TYPE_CHECKING:
    from ..speech import Speech

COLUMNS = ("Voice", "Engine", "Seconds", "Size", "Age", "Hits", "Key")
FILE_MAX = 1 << 20
"""Bytes of a file of sentences."""
STDIN = "-"
KEY_SHOWN = 12
"""Characters."""

ALL_WOULD_FAIL = frozenset(cls.code for cls in (CredentialsRefused, QuotaExceeded, VoiceRefused, EngineUnavailable))
THE_REST = " The sentences behind it were not tried."

_AGES = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
_SIZES = ((1 << 20, "MiB"), (1 << 10, "KiB"))


def run(arguments: Namespace) -> int:
    quiet_logs(arguments)
    return {"list": _list, "clear": _clear, "warm": _warm}[arguments.action](arguments)


# List and clear


def _list(arguments: Namespace) -> int:
    config = configuration(arguments)
    kept = [one for one in run_until_done(_kept(config, arguments)) if _is_wanted(one, arguments)]
    if arguments.json:
        sys.stdout.write(f"{json.dumps([asdict(one) for one in kept], ensure_ascii=False, indent=2)}\n")
        return 0
    now = time.time()
    table.tell(COLUMNS, [_row(one, now) for one in kept], fixed="Voice")
    if not arguments.quiet:
        total = _size(sum(one.size for one in kept))
        sys.stderr.write(f"{_replies(len(kept))} kept, {total} of {config.cache.size} MiB.{_off(config)}\n")
    return 0


def _clear(arguments: Namespace) -> int:
    config = configuration(arguments)
    gone = run_until_done(_forgotten(config, arguments))
    if not arguments.quiet:
        sys.stderr.write(f"{_replies(gone)} forgotten.\n")
    return 0


async def _kept(config: Config, arguments: Namespace) -> Sequence[Kept]:
    async with _store(config, arguments) as store:
        return () if store is None else await store.entries()


async def _forgotten(config: Config, arguments: Namespace) -> int:
    async with _store(config, arguments) as store:
        return 0 if store is None else await store.clear(arguments.voice, arguments.engine)


@asynccontextmanager
async def _store(config: Config, arguments: Namespace) -> AsyncIterator[DiskStore | None]:
    """`None`: nothing was ever kept."""
    folder = state_directory(arguments) / FOLDER
    if not (folder / INDEX).exists():
        yield None
        return
    async with disk_store(folder, config.cache.size << 20) as store:
        yield store


def _is_wanted(one: Kept, arguments: Namespace) -> bool:
    return arguments.voice in (None, one.voice) and arguments.engine in (None, one.engine)


def _row(one: Kept, now: float) -> tuple[str, ...]:
    age = _age(now - one.made)
    return one.voice, one.engine, f"{one.seconds:.1f}", _size(one.size), age, str(one.hits), one.key[:KEY_SHOWN]


def _age(seconds: float) -> str:
    size, unit = next(((size, unit) for size, unit in _AGES if seconds >= size), (1, "s"))
    return f"{max(0, seconds) // size:.0f} {unit}"


def _size(size: int) -> str:
    return next((f"{size / factor:.1f} {unit}" for factor, unit in _SIZES if size >= factor), f"{size} B")


def _replies(count: int) -> str:
    return f"{count} {'reply' if count == 1 else 'replies'}"


def _off(config: Config) -> str:
    return "" if config.cache.enabled else " The cache is switched off (cache.enabled)."


# Warm


class _Warmed(NamedTuple):
    made: int
    there: int
    passed: int
    """Neither: with nothing to say, or spoken otherwise than it was asked for."""
    failures: Sequence[str]
    """With their line numbers."""


def _warm(arguments: Namespace) -> int:
    config = configuration(arguments)
    if not config.cache.enabled:
        msg = "The cache is switched off (cache.enabled in herald.yaml)."
        raise RequestError(msg)
    sentences = _sentences(arguments.file, config.cache.max_text)
    made, there, passed, failures = run_until_done(_warmed(config, arguments, sentences))
    for failure in failures:
        sys.stderr.write(f"herald: {arguments.file} {failure}\n")
    if not arguments.quiet:
        rest = "".join(f", {count} {what}" for count, what in ((passed, "not kept"), (len(failures), "failed")) if count)
        sys.stderr.write(f"{_replies(made)} made, {there} there already{rest}.\n")
    return int(bool(failures))


def _sentences(name: str, longest: int) -> list[tuple[int, str]]:
    """With their line numbers. Raises RequestError."""
    data = sys.stdin.buffer.read(FILE_MAX + 1) if name == STDIN else _read(Path(name))
    if len(data) > FILE_MAX:
        msg = f"{name} has {len(data)} bytes or more; {FILE_MAX} are allowed."
        raise RequestError(msg)
    lines = [(number, line.strip()) for number, line in enumerate(data.decode(errors="replace").splitlines(), 1)]
    for number, line in lines:
        if len(line) > longest:
            msg = f"{name} line {number} has {len(line)} characters; replies to {longest} are kept (cache.max_text)."
            raise RequestError(msg)
    return [(number, line) for number, line in lines if line]


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(FILE_MAX + 1)


async def _warmed(config: Config, arguments: Namespace, sentences: Sequence[tuple[int, str]]) -> _Warmed:
    """A sentence that fails hinders no other, unless none could be spoken any more."""
    from ..speech import speech  # noqa: PLC0415  # the engines

    state = state_directory(arguments)
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    async with speech(config, state, prepare=False) as speaks:
        request, cache = _request(speaks, arguments), cast("DiskStore", speaks.cache)  # it is switched on, and has a place
        tried, failures = 0, list[str]()
        with warming(len(sentences), quiet=arguments.quiet) as shown:
            for tried, (number, sentence) in enumerate(sentences, 1):
                try:
                    await _spoken(speaks, request, sentence)
                except HeraldError as error:
                    is_last = error.code in ALL_WOULD_FAIL and tried < len(sentences)
                    failures.append(f"line {number}: {error}{THE_REST if is_last else ''}")
                    if is_last:
                        break
                await cache.written()
                shown(tried)
        made, there = cache.counts.stored, cache.counts.hits
        return _Warmed(made, there, tried - made - there - len(failures), failures)


def _request(speaks: Speech, arguments: Namespace) -> SynthesisRequest:
    """Raises HeraldError."""
    voice = speaks.catalogue.find(arguments.voice, None)
    if not voice.cache:
        msg = f"What the voice {voice.name} says is not kept (cache: false in herald.yaml)."
        raise RequestError(msg)
    request = speaks.synthesizer.request(voice, {}, wish=FormatWish(rate=wanted_rate(arguments)))
    return replace(request, fallback=False)


async def _spoken(speaks: Speech, request: SynthesisRequest, sentence: str) -> None:
    """To its end, heard by nobody."""

    async def text() -> AsyncIterator[str]:
        yield sentence

    async with aclosing(speaks.synthesizer.speak(request, text())) as events:
        async for _ in events:
            pass
