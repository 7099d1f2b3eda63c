"""The real `herald say` in a process of its own: text that trickles in, servers, signals and broken pipes."""

from __future__ import annotations

import os
import signal
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest

from .processes import TONE, Serving, serving, start

TEXT = "Dinner is ready."
SIZE = 2 * round(len(TEXT) * 0.01 * 22_050)
SLOWLY = ("--set", "pace=1", "--set", "per_character=1")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """One server for all tests here."""
    folder = tmp_path_factory.mktemp("server")
    config = folder / "tone.yaml"
    config.write_text(TONE)
    with serving(config, folder) as running:
        yield running


@pytest.fixture(params=["own process", "server"])
def where(request: pytest.FixtureRequest, tone: Path) -> tuple[str, ...]:
    """Options that choose who speaks."""
    if request.param == "server":
        return ("--uri", request.getfixturevalue("server").uri)
    return ("--config", str(tone))


def test_a_text_is_spoken_into_a_file(where: tuple[str, ...]) -> None:
    with start("say", TEXT, "-o", "dinner.wav", *where) as process:
        _, err = process.communicate(timeout=20)
    assert process.returncode == 0
    assert b"real-time factor" in err
    with wave.open("dinner.wav") as file:
        assert 2 * file.getnframes() == SIZE


def test_text_that_trickles_in_is_spoken_sentence_by_sentence(where: tuple[str, ...]) -> None:
    with start("say", "-o", "-", "-q", *where, stdin=-1) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(TEXT.encode() + b"\n")
        process.stdin.flush()
        heard = process.stdout.read(44 + SIZE)  # the first sentence, while the second is not written yet
        process.stdin.write(TEXT.encode())
        process.stdin.close()
        heard += process.stdout.read()
        assert process.wait(20) == 0
    assert len(heard) == 44 + 2 * SIZE


def test_settings_and_errors_are_the_same_both_ways(where: tuple[str, ...]) -> None:
    with start("say", TEXT, "-o", "no.wav", "--voice", "tone/ton", *where) as process:
        _, err = process.communicate(timeout=20)
    assert process.returncode == 2
    assert err.startswith(b"herald: There is no voice 'tone/ton'. Did you mean tone/tone?")
    with start("say", TEXT, "-o", "part.wav", "--set", "fail_at=0.1", *where) as process:
        _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (1, b"herald: The engine tone failed at 0.10 s, as its script says.\n")


def test_a_servers_voices_are_listed(server: Serving) -> None:
    with start("voices", "--uri", server.uri) as process:
        out, _ = process.communicate(timeout=20)
    assert (process.returncode, out) == (0, b"tone/tone\ten-US\t\ttone\tTest tone\n")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_at_once_silences_the_player_and_leaves_a_file_that_plays(
    where: tuple[str, ...], tmp_path: Path, number: signal.Signals, status: int
) -> None:
    player = tmp_path / "bin" / "aplay"
    player.parent.mkdir()
    player.write_text(
        f"#!/bin/sh\n/usr/bin/head -c 1000 >/dev/null\necho $$ >player\nkill -{number.name[3:]} $PPID\nexec /bin/sleep 60\n"
    )
    player.chmod(0o755)
    with start("say", TEXT, "--play", "-o", "part.wav", *SLOWLY, *where) as process:
        _, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (status, b"")
    with wave.open("part.wav") as file:
        assert Path("part.wav").stat().st_size == 44 + 2 * file.getnframes() > 44
    with pytest.raises(ProcessLookupError):
        os.kill(int(Path("player").read_text()), 0)


def test_a_signal_while_nothing_is_typed_stops_at_once(where: tuple[str, ...]) -> None:
    with start("say", "-o", "-", *where, stdin=-1) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(TEXT.encode() + b"\n")
        process.stdin.flush()
        assert len(process.stdout.read(44)) == 44
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
        process.stdin.close()


def test_a_reader_that_has_had_enough_is_no_error(where: tuple[str, ...]) -> None:
    with start("say", TEXT * 500, "-o", "-", *where) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(100)
        process.stdout.close()
        assert process.wait(20) == 141
        assert process.stderr.read() == b""


def test_closed_standard_streams_are_no_error(tone: Path) -> None:
    command = 'exec "$@" <&- >&- 2>&-'
    with start("say", TEXT, "-o", "dinner.wav", "--config", str(tone), before=("/bin/sh", "-c", command, "sh")) as process:
        assert process.wait(20) == 0
    with wave.open("dinner.wav") as file:
        assert 2 * file.getnframes() == SIZE
