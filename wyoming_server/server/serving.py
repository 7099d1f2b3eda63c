"""The life of a server as a process: from its start to the signal that ends it. What it is made of stands in `composition`."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from ..administration import Administration, Load
from ..config import Config
from ..errors import HeraldError
from ..state.tokens import PairingToken
from .composition import Running, running

_LOGGER = logging.getLogger(__package__)


async def serve(config: Config, state: Path, token: PairingToken, load: Load) -> None:
    """Serve until SIGTERM or SIGINT; SIGHUP reads everything anew."""
    stop, read_anew = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, read_anew.set)
    async with running(config, state, token, load=load) as ready, _reloading(ready.administration, read_anew):
        # What is here now stays: a collection that went through all of it would stall everybody who listens for 30 ms.
        gc.collect()
        gc.freeze()
        _announce(ready)
        await stop.wait()
        _LOGGER.info("Shutting down")
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)  # a second one ends it at once


@asynccontextmanager
async def _reloading(administration: Administration, wanted: asyncio.Event) -> AsyncIterator[None]:
    """While the block runs, everything is read anew whenever that is `wanted`. Several times while it is done are one."""
    task = asyncio.create_task(_reload_whenever(administration, wanted))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _reload_whenever(administration: Administration, wanted: asyncio.Event) -> None:
    while await wanted.wait():
        wanted.clear()
        try:
            reloaded = await administration.reload()
        except HeraldError as error:
            _LOGGER.error("The configuration stays as it was: %s", error)  # noqa: TRY400  # in words; nobody needs the stack
        except Exception:  # the next SIGHUP must be heard all the same
            _LOGGER.exception("The configuration stays as it was")
        else:
            _LOGGER.info("Reloaded: %s", ", ".join(reloaded.changed) or "nothing has changed")
            if reloaded.needs_restart:
                _LOGGER.warning("These are changed only by a restart: %s", ", ".join(reloaded.needs_restart))


def _announce(ready: Running) -> None:
    urls = ready.http.urls if ready.http is not None else []
    voices = ready.speech.catalogue.listed()
    if ready.indextts is not None:
        urls = [*urls, *(url.replace("http:", "ws:", 1) for url in ready.indextts.urls)]
    if ready.http is not None and (tls := ready.http.tls) is not None:
        _LOGGER.info("TLS with the certificate %s until %s, SHA-256 %s", tls.file, f"{tls.expires:%Y-%m-%d}", tls.fingerprint)
    places = ", ".join(ready.wyoming.uris), ", ".join(urls) or "no port"
    _LOGGER.info("Ready: Wyoming on %s, HTTP on %s; %d voices", *places, len(voices))
