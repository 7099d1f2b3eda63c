"""One reply as Home Assistant takes it: a stream that ends well only where it may be kept.

Home Assistant caches whatever ends without an exception, for good. So everything else raises: a failure, an interrupt, and, after
its last byte, a reply that another voice spoke than was asked for.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from homeassistant.exceptions import HomeAssistantError

from ..api import Address, HeraldError
from ..const import DOMAIN
from ..failures import explained
from .replies import Replies, Running


async def heard(
    running: Running, text: AsyncGenerator[str], replies: Replies, address: Address, notice: Callable[[HeraldError], None]
) -> AsyncGenerator[bytes]:
    """Its audio, one of `replies` until its end. Raises HomeAssistantError; `notice` is told before of what Herald raised."""
    try:
        async with aclosing(text):
            with replies.running(running):
                async with running.reply as reply, aclosing(reply.audio(text)) as audio:
                    async for piece in audio:
                        yield piece
    except HeraldError as error:
        notice(error)
        raise HomeAssistantError(**explained(error, address)) from error
    if (other := running.reply.notice) is not None:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="other_voice",
            translation_placeholders={"error": other.message},
        )
