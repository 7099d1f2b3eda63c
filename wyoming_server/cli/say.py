"""`herald say`: a text from somewhere, spoken by somebody, to one or two outputs, with the figures at the end."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, aclosing

from ..errors import RequestError
from ..models import SETTING_NAMES, Mark, MarkKind, Notice, TextFormat, VoiceSettings, Waiting
from .outputs import Output, Write, outputs, wanted_rate
from .progress import Progress, progress
from .setting import quiet_logs, run_until_done
from .speakers import Opening, Order, SpeakerEvent, speaker
from .text import text_source
from .timing import Timing

EXTRAS = ("operation", "encoding")
"""Settings of some engines that have an option of their own."""


def run(arguments: Namespace) -> int:
    quiet_logs(arguments)
    run_until_done(_say(arguments))
    return 0


def order(arguments: Namespace) -> Order:
    """What the options ask for. Raises RequestError."""
    rate = wanted_rate(arguments)
    if arguments.consent and arguments.uri:
        msg = f"--consent does not reach {arguments.uri}: consent is stated where a voice is served, in the server's herald.yaml."
        raise RequestError(msg)
    typed = {name: value for name in (*SETTING_NAMES, *EXTRAS) if (value := getattr(arguments, name)) is not None}
    return Order(
        voice=arguments.voice,
        language=arguments.language,
        settings=VoiceSettings.parse({**dict(arguments.set), **typed}),
        converter=arguments.converter,
        rate=rate,
        text_format=TextFormat.SSML if arguments.ssml else TextFormat.TEXT,
        consent=arguments.consent,
        fallback=not arguments.no_fallback,
    )


async def _say(arguments: Namespace) -> None:
    wanted, source, targets = order(arguments), text_source(arguments.text), outputs(arguments)
    timing = Timing()
    async with speaker(arguments) as speaks, aclosing(speaks.speak(wanted, timing.text(source.fragments))) as events:
        with progress(source.length, quiet=arguments.quiet) as shown:
            voice = await _listen(events, targets, timing, shown)
    if not arguments.quiet:
        sys.stderr.write(f"{timing.summary(voice)}\n")


async def _listen(
    events: AsyncGenerator[SpeakerEvent, None], targets: Sequence[Output], timing: Timing, shown: Progress
) -> str | None:
    """A whole reply into the outputs, which are opened by its first audio. Which voice spoke it."""
    opening: Opening | None = None
    voice: str | None = None
    writes: list[Write] = []
    spoken = 0
    async with AsyncExitStack() as stack:
        async for event in events:
            if isinstance(event, Opening):
                opening, voice = event, event.voice
            elif isinstance(event, Mark):
                spoken = max(spoken, event.end if event.kind is not MarkKind.SENTENCE_START else 0)
            elif opening is not None and isinstance(event, Waiting):
                shown.wait(opening.engine, event.position)
                continue
            elif isinstance(event, Notice):
                voice = event.voice or voice  # why, the log tells
            elif opening is not None and isinstance(event, bytes):
                timing.came(opening.format.seconds(len(event)))
                writes = writes or [await stack.enter_async_context(target(opening.format)) for target in targets]
                for write in writes:
                    await write(event)
                timing.taken()
            shown.advance(spoken, timing.seconds)
    return voice
