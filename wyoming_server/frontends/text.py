"""Text that a client is still writing, for any front end that takes it in fragments."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from ..channel import Channel
from ..errors import TextTimeout
from ..models import PAUSE
from ..text.sentences import ends_sentence

PAUSE_SECONDS = 0.5
"""Seconds after which a sentence that looks whole is spoken, though only more text could prove it.

A language model that says "Let me look." and goes to look must not be heard when it is back.
"""

_EMPHASIS = " \n*_~`"
"""What may stand behind a sentence's end and says nothing about it."""
TAIL = 64
"""Code points before the pause that tell whether a sentence ended."""


async def as_it_comes(text: Channel[str], *, limit: float, setting: str, whatever: bool = False) -> AsyncGenerator[str, None]:
    """The fragments, and a PAUSE where the writer pauses behind what looks like a sentence's end, or behind `whatever` it is.

    Raises TextTimeout when nothing comes for `limit` seconds: a pipeline that was cancelled leaves its stream open for ever.
    `setting` is the limit's name for people.
    """
    tail, whole = "", False
    while True:
        try:
            async with asyncio.timeout(min(PAUSE_SECONDS, limit) if whole else limit):
                fragment = await anext(text)
        except StopAsyncIteration:
            return
        except TimeoutError:
            if not whole:
                msg = f"The text stream was left open: nothing came for {limit:g} s ({setting})."
                raise TextTimeout(msg) from None
            tail, whole = "", False
            yield PAUSE
            continue
        tail = (tail + fragment)[-TAIL:]
        whole = whatever or ends_sentence(tail.rstrip(_EMPHASIS))
        yield fragment
