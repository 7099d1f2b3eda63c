"""The worker process by itself: frames in, frames out, and how it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from wyoming_server.engines.espeak import worker as wire
from wyoming_server.engines.espeak.process import MEMORY
from wyoming_server.engines.espeak.voices import MUTE, TABLE

from .espeaking import DATA, LIBRARY, LONG, TEXT, order

MEMORY_LIMIT = 25 * 1024 * 1024
"""Bytes, resident, whatever the voice."""


class Peer:
    """A worker at the other end of a blocking socket."""

    def __init__(self, data: Path = DATA) -> None:
        self._socket, theirs = socket.socketpair()
        self._socket.settimeout(20)
        self._frames: list[wire.Frame] = []
        self._reader = wire.FrameReader()
        command = [sys.executable, "-I", "-S", "-X", "utf8", wire.__file__, str(LIBRARY), str(data)]
        with theirs:
            self.process = subprocess.Popen(command, stdin=theirs.fileno(), env=os.environ | MEMORY)  # noqa: S603

    def send(self, kind: int, number: int = 0, payload: bytes = b"") -> None:
        self._socket.sendall(wire.pack(kind, number, payload))

    def receive(self) -> wire.Frame:
        while not self._frames:
            data = self._socket.recv(65536)
            assert data, "the worker ended"
            self._frames += self._reader.feed(data)
        return self._frames.pop(0)

    def until(self, kind: int, number: int = 0) -> list[wire.Frame]:
        """Frames up to one, with it."""
        frames = [self.receive()]
        while frames[-1][:2] != (kind, number):
            frames.append(self.receive())
        return frames

    def hang_up(self) -> None:
        self._socket.close()


@pytest.fixture
def peer() -> Iterator[Peer]:
    peer = Peer()
    yield peer
    peer.hang_up()
    assert peer.process.wait(timeout=10) == 0


def audio(frames: list[wire.Frame]) -> bytes:
    return b"".join(payload for kind, _, payload in frames if kind == wire.AUDIO)


def test_frames_are_the_same_in_any_pieces() -> None:
    frames = [(wire.READY, 22_050, b"1.52"), (wire.END, 7, b""), (wire.AUDIO, 2**32 - 1, bytes(range(256)))]
    data = b"".join(wire.pack(*frame) for frame in frames)
    reader = wire.FrameReader()
    assert reader.feed(data + data[:5]) == frames
    assert [frame for byte in data[5:] for frame in reader.feed(bytes([byte]))] == frames


def test_a_frame_that_is_too_large_is_refused_with_both_numbers() -> None:
    assert wire.FrameReader().feed(wire.pack(wire.SAY, 1, bytes(wire.PAYLOAD_LIMIT)))
    too_large = wire.pack(wire.SAY, 1, bytes(wire.PAYLOAD_LIMIT + 1))
    with pytest.raises(ValueError, match=rf"{wire.PAYLOAD_LIMIT + 1} .* {wire.PAYLOAD_LIMIT}"):
        wire.FrameReader().feed(too_large[:9])


def test_it_tells_its_version_and_rate_then_speaks(peer: Peer) -> None:
    kind, rate, version = peer.receive()
    assert (kind, rate) == (wire.READY, 22_050)
    assert version.startswith(b"1.")
    peer.send(wire.SAY, 1, order().payload())
    frames = peer.until(wire.END, 1)
    assert {(kind, number) for kind, number, _ in frames} == {(wire.WORDS, 1), (wire.AUDIO, 1), (wire.END, 1)}
    assert any(audio(frames))


def test_the_first_audio_is_short_and_the_later_long_in_whole_frames(peer: Peer) -> None:
    peer.send(wire.SAY, 1, order().payload())
    first, *later = (payload for kind, _, payload in peer.until(wire.END, 1) if kind == wire.AUDIO)
    assert len(first) < 0.1 * 44_100
    assert all(len(piece) > 0.2 * 44_100 for piece in later[:-1])
    assert all(len(piece) % 2 == 0 for piece in (first, *later))


def test_a_stop_cuts_its_order_off_and_no_other(peer: Peer) -> None:
    peer.send(wire.SAY, 1, order(LONG).payload())
    peer.send(wire.STOP, 8)
    first = peer.until(wire.AUDIO, 1)
    peer.send(wire.STOP, 1)
    rest = peer.until(wire.END, 1)
    peer.send(wire.SAY, 2, order().payload())
    whole = audio(peer.until(wire.END, 2))
    assert len(audio(first + rest)) < 44_100 * 30
    assert 2 * 44_100 < len(whole) < 4 * 44_100


def test_a_stop_reaches_an_order_that_still_waits(peer: Peer) -> None:
    peer.send(wire.SAY, 1, order(LONG).payload())
    peer.send(wire.SAY, 2, order(LONG).payload())
    peer.send(wire.STOP, 2)
    peer.send(wire.STOP, 1)
    peer.until(wire.END, 1)
    assert not audio(peer.until(wire.END, 2))


def test_a_voice_that_is_not_there_is_an_error_and_the_next_order_is_done(peer: Peer) -> None:
    peer.send(wire.SAY, 1, order(voice="gmw/nowhere").payload())
    assert b"gmw/nowhere" in peer.until(wire.ERROR, 1)[-1][2]
    peer.send(wire.SAY, 2, order().payload())
    assert audio(peer.until(wire.END, 2))


def test_signals_to_the_whole_group_leave_it_alone(peer: Peer) -> None:
    peer.until(wire.READY, 22_050)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(peer.process.pid, number)
    peer.send(wire.SAY, 1, order().payload())
    assert audio(peer.until(wire.END, 1))


def test_it_ends_with_its_peer_in_the_middle_of_an_order(peer: Peer) -> None:
    peer.send(wire.SAY, 1, order(LONG).payload())
    peer.until(wire.AUDIO, 1)
    peer.hang_up()
    assert peer.process.wait(timeout=10) == 0


def test_the_table_has_every_voice_of_the_library_once_and_each_speaks_in_little_memory(peer: Peer) -> None:
    peer.send(wire.LIST)
    listed = [line.split("\t") for line in peer.until(wire.VOICES)[-1][2].decode().splitlines()]
    assert sorted(identifier for identifier, *_ in listed) == sorted([*MUTE, *(identifier for identifier, _ in TABLE.values())])
    assert {gender for _, _, gender, *_ in listed} == {"1"}
    for number, (identifier, *_) in enumerate(listed, 1):
        peer.send(wire.SAY, number, order("mama 123", identifier).payload())
        assert any(audio(peer.until(wire.END, number))) == (identifier not in MUTE), identifier
        assert psutil.Process(peer.process.pid).memory_info().rss < MEMORY_LIMIT, identifier


def test_folders_that_hold_no_data_are_told(tmp_path: Path) -> None:
    peer = Peer(tmp_path)
    kind, rate, _ = peer.receive()
    assert (kind, rate) == (wire.READY, 0)
    peer.hang_up()
    assert peer.process.wait(timeout=10) == 0


def test_a_text_cannot_leave_the_voice_or_its_settings_changed(peer: Peer) -> None:
    ssml = '<speak xml:lang="de"><prosody rate="x-slow" pitch="x-high" volume="silent">Guten Tag'
    peer.send(wire.SAY, 1, order().payload())
    before = audio(peer.until(wire.END, 1))
    peer.send(wire.SAY, 2, order(ssml, ssml=True).payload())
    peer.until(wire.END, 2)
    peer.send(wire.SAY, 3, order(TEXT).payload())
    after = audio(peer.until(wire.END, 3))
    assert abs(len(after) - len(before)) < 0.01 * len(before)
    assert sum(map(abs, memoryview(after).cast("h"))) == pytest.approx(sum(map(abs, memoryview(before).cast("h"))), rel=0.1)
