"""Options of whoever asks a service for something, as voluptuous schemas of what stands in herald.yaml."""

from __future__ import annotations

from typing import Any

import voluptuous as vol


def word(characters: int) -> vol.All:
    """Text of at most so many."""
    return vol.All(str, vol.Length(max=characters))


def number(least: float, most: float) -> vol.All:
    return vol.All(vol.Any(int, float), vol.Range(least, most))


def time_limits(*, connect: float, first_audio: float | None, gap: float, most: float = 300) -> dict[Any, Any]:
    """The schema of the times that every service is given, in seconds; the first three are the defaults."""
    limit = number(0.1, most)
    return {
        vol.Optional("connect_timeout", default=connect): limit,
        vol.Optional("first_audio_timeout", default=first_audio): limit if first_audio is not None else vol.Maybe(limit),
        vol.Optional("gap_timeout", default=gap): limit,
    }
