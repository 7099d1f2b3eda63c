"""How long audio plays, judged by its bytes: of what the server makes for players. Nothing is decoded."""

from __future__ import annotations

from ..api import Order

WIDTH = 2
"""Bytes of a sample of Matroska and WAV."""
MPEG1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
MPEG2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
"""kbit/s of layer III, by a frame's number of it; of MPEG 2.5, too."""
SYNC = 0xFFE0
NUMBER_OF_MPEG1 = 0b11


def bytes_per_second(order: Order, beginning: bytes) -> float | None:
    """None where it is not known, which is so before there is anything of an MP3. `beginning`: of the file."""
    if order.format == "MP3":
        return _mp3(beginning)
    return None if order.rate is None else float(order.rate * order.channels * WIDTH)


def _mp3(beginning: bytes) -> float | None:
    """As its first frame tells: all are alike."""
    for position in range(len(beginning) - 2):
        head = int.from_bytes(beginning[position : position + 2])
        if head & SYNC != SYNC:
            continue
        number = beginning[position + 2] >> 4
        rates = MPEG1 if head >> 3 & 0b11 == NUMBER_OF_MPEG1 else MPEG2
        if 0 < number < len(rates):
            return rates[number] * 1000 / 8
    return None
