"""OpenAI-compatible speech services: strict about every field they take, each in its own shape, and as faulty as a test asks.

    async with simulator("kokoro", pace=4) as service:
        service.faults.add(Fault(kind="drop", on="audio", after=0.5))
        ...  # a request to service.speech_url
        request = await service.saw("gone")

`profile` is a row of PROFILES: openai, kokoro, speaches, vllm-omni, index-tts-vllm, gpt-sovits. `service.url` has no path,
`service.base_url` is what OpenAI's client takes, `service.speech_url` and `service.voices_url` are whole. Further arguments are
those of Options; `service.change(voices=("alloy", "new"))` changes them while it runs.

`service.faults.add(*)` makes things go wrong: see `Fault`, and `CANNED` for usual ones. `await service.faults.strike()` waits for
it, `service.faults.go_on()` ends stalls. `service.requests` is the journal: every Request with its method, path, headers, body,
and when (CLOCK_MONOTONIC, ns) it came, its first audio was about to be written, it was over and its client had left.
`service.saw("first" | "gone" | "ended" | "came", count)` waits. `spoken(text, rate)` is the PCM that a text must give.

A rule that the client breaks is told to it as the service would; nothing is raised.
"""

from __future__ import annotations

from .faults import CANNED, Fault, Faults
from .journal import Request
from .profiles import PROFILES, Profile
from .server import OpenAISimulator, simulator
from .sound import spoken
from .world import KEY, Options

__all__ = [
    "CANNED",
    "KEY",
    "PROFILES",
    "Fault",
    "Faults",
    "OpenAISimulator",
    "Options",
    "Profile",
    "Request",
    "simulator",
    "spoken",
]
