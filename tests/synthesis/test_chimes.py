"""Chimes: what is stored, what is refused in words, and what a listener gets of one."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wyoming_server.audio.chain import PcmChain
from wyoming_server.audio.decode import Codec
from wyoming_server.audio.encode import Container, Encoder
from wyoming_server.audio.resample import Resampler
from wyoming_server.audio.wav import wav_header
from wyoming_server.errors import (
    ConfigError,
    ProtocolError,
    RequestError,
    TooLarge,
    UnknownChime,
)
from wyoming_server.models import AudioFormat
from wyoming_server.synthesis import chimes as chimes_module
from wyoming_server.synthesis.chimes import CHIMES_MAX, SIZE_MAX, Chime, ChimeStore

from ..audio import quality
from ..audio.compressed import RATES, encoded, tagged_mp3

STEREO = AudioFormat(rate=32_000, channels=2)
SECONDS = 0.5


def wav(audio: AudioFormat = STEREO, seconds: float = SECONDS, frequency: float = 880) -> bytes:
    return wav_header(audio, data_size=audio.size(seconds)) + sound(audio, seconds, frequency)


def sound(audio: AudioFormat = STEREO, seconds: float = SECONDS, frequency: float = 880) -> bytes:
    tone = quality.tone(frequency, audio.rate, seconds, 0.25 * 32_767)
    return quality.pcm(tone if audio.channels == 1 else quality.interleaved(tone, tone / 3))


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


async def stored(folder: Path, *files: bytes) -> ChimeStore:
    store = ChimeStore(folder)
    for file in files:
        await store.add(digest(file), file)
    return store


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# What is stored


@pytest.mark.parametrize("codec", Codec)
async def test_a_chime_may_be_compressed(codec: Codec, tmp_path: Path) -> None:
    file = encoded(codec)
    chime, is_new = await ChimeStore(tmp_path / "chimes").add(digest(file), file)
    assert is_new
    assert (chime.rate, chime.channels) == (RATES[codec], 1)
    assert chime.seconds == pytest.approx(0.8, abs=0.1)
    assert names(tmp_path / "chimes") == [chime.sha256] == [digest(file)]


async def test_a_chime_may_be_wav_or_mp3_with_tags(tmp_path: Path) -> None:
    store = await stored(tmp_path, wav(), tagged_mp3())
    assert [(chime.rate, chime.channels) for chime in store.list()] == [(32_000, 2), (24_000, 1)]
    assert store.list()[0] == Chime(sha256=digest(wav()), seconds=SECONDS, rate=32_000, channels=2)


async def test_the_same_file_is_stored_once_however_its_digest_is_written(tmp_path: Path) -> None:
    store, file, told = ChimeStore(tmp_path), wav(), []
    store.on_changed = lambda: told.append(len(store.list()))
    first, second = await asyncio.gather(store.add(digest(file).upper(), file), store.add(digest(file), file))
    assert (first[0], [first[1], second[1]]) == (second[0], [True, False])
    assert store.get(digest(file).upper()) == first[0]
    await store.remove(digest(file).upper())
    assert (store.list(), names(tmp_path), told) == ((), [], [1, 0])


async def test_chimes_are_still_there_after_a_restart_the_oldest_first(tmp_path: Path) -> None:
    files = [wav(frequency=frequency) for frequency in (700, 500, 900)]
    before = await stored(tmp_path, *files)
    store = ChimeStore(tmp_path)
    await store.load()
    assert store.list() == before.list()


async def test_what_is_damaged_is_told_and_forgotten_and_what_is_no_chime_is_left_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    good, cut = wav(), wav(frequency=500)
    await stored(tmp_path, good, cut)
    (tmp_path / digest(cut)).write_bytes(cut[:-100])
    (tmp_path / digest(b"words")).write_bytes(b"words")
    (tmp_path / "readme.txt").write_text("Mine.")
    (tmp_path / ("f" * 64)).mkdir()
    store = ChimeStore(tmp_path)
    await store.load()
    assert [chime.sha256 for chime in store.list()] == [digest(good)]
    assert sorted(message.split(":")[0] for message in caplog.messages) == sorted(
        f"The chime {name} is damaged, and forgotten" for name in (digest(cut), digest(b"words"))
    )
    assert (await store.add(digest(cut), cut))[1]


async def test_a_folder_with_too_many_is_read_as_far_as_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await stored(tmp_path, *(wav(frequency=frequency) for frequency in (500, 600, 700)))
    monkeypatch.setattr(chimes_module, "CHIMES_MAX", 2)
    store = ChimeStore(tmp_path)
    await store.load()
    assert len(store.list()) == 2
    assert "more than 2 chimes" in caplog.text


async def test_a_folder_that_cannot_be_read_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def listed(_folder: Path) -> Iterator[Path]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", listed)
    store = ChimeStore(tmp_path)
    await store.load()
    assert store.list() == ()


# What is refused


def bomb() -> bytes:
    """Ten minutes of silence in some 30 KB."""
    audio = AudioFormat(rate=8_000)
    encoder = Encoder(Container.FLAC, audio)
    return encoder.push(audio.silence(600)) + encoder.flush()


@pytest.mark.parametrize(
    ("file", "error", "words"),
    [
        (b"", ProtocolError, "no audio that Herald reads: WAV, MP3"),
        (b"<html>no audio</html>", ProtocolError, "It begins with b'<html>no aud'"),
        (wav()[:20], ProtocolError, "ended after 20 bytes"),
        (wav(seconds=0), ProtocolError, "no audio in this"),
        (encoded(Codec.MP3)[:50], ProtocolError, "no audio in this"),
        (b"fLaC" + bytes(1000), ProtocolError, "audio"),
        (b"OggS" + bytes(1000), ProtocolError, "audio"),
        (b"ID3" + b"\xff" * 1000, ProtocolError, "audio"),
        (wav(AudioFormat(rate=8_000), 10.1), TooLarge, r"plays for 10\.1 s or more; 10 s are allowed"),
        (bomb(), TooLarge, r"plays for 1\d\.\d s or more; 10 s are allowed"),
        (bytes(SIZE_MAX + 1), TooLarge, "has 2097153 bytes; 2097152 are allowed"),
    ],
    ids=["nothing", "a page", "half a header", "no sound", "half a frame", "FLAC", "Ogg", "ID3", "long", "bomb", "large"],
)
async def test_what_is_no_chime_is_refused_in_words(file: bytes, error: type[Exception], words: str, tmp_path: Path) -> None:
    store = ChimeStore(tmp_path)
    with pytest.raises(error, match=words):
        await store.add(digest(file), file)
    assert (store.list(), names(tmp_path)) == ((), [])


async def test_the_name_must_be_the_files_own_digest(tmp_path: Path) -> None:
    for name in (digest(b"other"), "../../etc/passwd", ""):
        with pytest.raises(RequestError, match=f"is {digest(wav())}, not"):
            await ChimeStore(tmp_path / "chimes").add(name, wav())
    assert not (tmp_path / "chimes").exists()


async def test_when_there_are_too_many_it_says_which_may_go(tmp_path: Path) -> None:
    files = [wav(AudioFormat(rate=8_000), 0.01, frequency) for frequency in range(100, 100 + CHIMES_MAX + 1)]
    store = await stored(tmp_path, *files[:-1])
    with pytest.raises(TooLarge, match=f"There are 32 chimes, and 32 are allowed. Delete one; the oldest is {digest(files[0])}"):
        await store.add(digest(files[-1]), files[-1])
    assert not (await store.add(digest(files[3]), files[3]))[1]
    await store.remove(digest(files[0]))
    assert (await store.add(digest(files[-1]), files[-1]))[1]


@pytest.mark.parametrize("name", ["", "../token", "a" * 64, "a" * 5000, "读"])
async def test_what_is_not_there_is_not_looked_for(name: str, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret")
    store = await stored(tmp_path / "chimes", wav())
    with pytest.raises(UnknownChime, match="There is no chime"):
        store.get(name)
    with pytest.raises(UnknownChime):
        await store.remove(name)
    with pytest.raises(UnknownChime):
        await store.pcm(name, STEREO)


async def test_without_a_state_directory_none_is_kept() -> None:
    store = ChimeStore()
    await store.load()
    with pytest.raises(ConfigError, match="no state directory"):
        await store.add(digest(wav()), wav())
    assert store.list() == ()


async def test_what_the_disk_says_is_told(tmp_path: Path) -> None:
    (tmp_path / "chimes").write_text("A file where a folder should be.")
    with pytest.raises(ConfigError, match="The chime cannot be kept in"):
        await ChimeStore(tmp_path / "chimes").add(digest(wav()), wav())


async def test_others_go_on_while_one_is_decoded(tmp_path: Path) -> None:
    file = encoded(Codec.OGG_OPUS, AudioFormat(rate=48_000), 5.0)
    adding, turns = asyncio.create_task(ChimeStore(tmp_path).add(digest(file), file)), 0
    while not adding.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns > 20


# In a listener's format


@pytest.mark.parametrize(
    "audio", [STEREO, AudioFormat(rate=16_000), AudioFormat(rate=44_100, channels=2), AudioFormat(rate=32_000)]
)
async def test_a_chime_is_made_what_the_listener_wants_once(audio: AudioFormat, tmp_path: Path) -> None:
    store = await stored(tmp_path, wav())
    chain = PcmChain(STEREO, [Resampler(STEREO, audio)] if audio != STEREO else [])
    fitted = await store.pcm(digest(wav()), audio)
    assert fitted == chain.push(sound()) + chain.flush()
    assert len(fitted) == audio.size(SECONDS)
    assert await store.pcm(digest(wav()), audio) is fitted


async def test_only_so_much_is_kept_in_listeners_formats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = await stored(tmp_path, wav())
    low, high = AudioFormat(rate=8_000), AudioFormat(rate=16_000)
    monkeypatch.setattr(chimes_module, "FITTED_MAX", low.size(SECONDS) + high.size(SECONDS))
    first, second = await store.pcm(digest(wav()), low), await store.pcm(digest(wav()), high)
    assert await store.pcm(digest(wav()), low) is first
    await store.pcm(digest(wav()), low, 0)
    assert await store.pcm(digest(wav()), low) is first
    assert await store.pcm(digest(wav()), high) is not second


@pytest.mark.parametrize(("volume", "factor"), [(None, 1), (50, 1), (25, 0.5), (0, 0), (100, 2)])
async def test_a_chime_has_the_volume_of_the_call(volume: float | None, factor: float, tmp_path: Path) -> None:
    store = await stored(tmp_path, wav())
    made, own = (np.frombuffer(pcm, "<i2") for pcm in (await store.pcm(digest(wav()), STEREO, volume), sound()))
    assert len(made) == len(own)
    assert np.abs(made - own * factor).max() <= 1


async def test_a_chime_that_is_too_loud_is_limited_not_clipped(tmp_path: Path) -> None:
    audio = AudioFormat(rate=24_000)
    loud = quality.pcm(quality.tone(440, audio.rate, 0.2))
    file = wav_header(audio, data_size=len(loud)) + loud
    store = await stored(tmp_path, file)
    made = np.frombuffer(await store.pcm(digest(file), audio, 100), "<i2")
    assert len(made) == len(loud) // 2
    assert np.abs(made).max() <= 32_768 * 10 ** (-1 / 20) + 1


async def test_a_chime_that_was_damaged_meanwhile_is_told_and_forgotten(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store, told = await stored(tmp_path, wav()), []
    store.on_changed = lambda: told.append(store.list())
    (tmp_path / digest(wav())).write_bytes(b"x")
    with pytest.raises(UnknownChime, match=r"is damaged, and forgotten\. Store it again"):
        await store.pcm(digest(wav()), STEREO)
    assert "damaged" in caplog.text
    assert told == [()]
    assert (await store.add(digest(wav()), wav()))[1]


async def test_a_chime_that_was_removed_meanwhile_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, begun, gate = await stored(tmp_path, wav()), threading.Event(), threading.Event()
    fitted = chimes_module._fitted  # noqa: SLF001  # the moment in between

    def later(*what: Any) -> bytes:
        begun.set()
        gate.wait(5)
        return fitted(*what)

    monkeypatch.setattr(chimes_module, "_fitted", later)
    fitting = asyncio.create_task(store.pcm(digest(wav()), STEREO))
    await asyncio.to_thread(begun.wait, 5)
    await store.remove(digest(wav()))
    gate.set()
    with pytest.raises(UnknownChime, match="There is no chime"):
        await fitting
