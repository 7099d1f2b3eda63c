"""What each container costs a listener in patience, and the server in CPU time, at 24 kHz mono. No process but this one.

Patience is counted in audio, so no clock is in it: the tests' own decoder is given what came of the file after each millisecond.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from time import thread_time

from tests.audio import quality
from tests.audio.containers import HEARD_WITHIN, fed_before_sound
from tests.audio.streams import every
from wyoming_server.audio.encode import Container, Encoder
from wyoming_server.models import AudioFormat

from ..lab import Lab, Size
from ..rows import Row, Target

SOURCE = AudioFormat(rate=24_000)
STEP = 0.1
"""Seconds encoded in one go, as the front ends do."""
SECONDS = {Size.FULL: 20.0, Size.QUICK: 5.0, Size.TINY: 0.2}
"""Of speech, for the CPU time."""
TURNS = {Size.FULL: 5, Size.QUICK: 3, Size.TINY: 1}


async def measure(lab: Lab) -> AsyncIterator[Row]:
    speech = quality.pcm(quality.speech(SOURCE.rate, SECONDS[lab.size]))
    for container in Container:
        limit = HEARD_WITHIN.get(container)
        yield Row(
            bench="containers",
            what=f"fed before a sound, {container}",
            value=fed_before_sound(container, SOURCE),
            unit="ms of audio",
            target=None if limit is None else Target("≤", limit),
        )
        yield cost(container, speech, TURNS[lab.size])


def cost(container: Container, speech: bytes, turns: int) -> Row:
    """The cheapest of the turns."""
    files = [encoded(container, speech) for _ in range(turns)]
    seconds = SOURCE.seconds(len(speech))
    return Row(
        bench="containers",
        what=f"CPU per second of audio, {container}",
        value=min(spent for spent, _ in files) * 1000 / seconds,
        unit="ms",
        detail=f"{files[0][1] * 8 / seconds / 1000:.0f} kbit/s",
    )


def encoded(container: Container, speech: bytes) -> tuple[float, int]:
    """Seconds of CPU time, and bytes made. A codec's opening, once a reply, is not in it."""
    encoder = Encoder(container, SOURCE)
    begin = thread_time()
    size = sum(len(encoder.push(piece)) for piece in every(SOURCE.size(STEP), speech)) + len(encoder.flush())
    return thread_time() - begin, size
