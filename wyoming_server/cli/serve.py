"""`herald serve`: the configuration, the options over it, logs, the token; then the server until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from argparse import Namespace
from dataclasses import replace
from functools import partial

from ..config import Config, load_config
from ..state.credentials import Stored
from ..state.tokens import PairingToken
from . import logs
from .setting import configuration, state_directory

_LOGGER = logging.getLogger(__name__)


def run(arguments: Namespace) -> int:
    logs.set_up(arguments.log_level or "info", arguments.log_format or "text")  # for what reading the configuration warns of
    config = with_options(configuration(arguments), arguments)
    from ..server import serve  # noqa: PLC0415  # aiohttp takes long to load; a wrong configuration is told before

    logs.set_up(config.log.level, config.log.format)
    state = state_directory(arguments)
    token = PairingToken.load(state, os.environ)
    if token.created:
        tell(token)
    asyncio.run(serve(config, state, token, partial(_read_anew, arguments)))
    return 0


def _read_anew(arguments: Namespace, stored: Stored) -> Config:
    """As it was read at the start."""
    return with_options(load_config(arguments.config, os.environ, stored), arguments)


def with_options(config: Config, arguments: Namespace) -> Config:
    """What was typed goes before everything else."""
    wyoming, http, log = config.wyoming, config.http, config.log
    if arguments.uri:
        wyoming = replace(wyoming, uri=tuple(arguments.uri))
    if arguments.zeroconf:
        wyoming = replace(wyoming, zeroconf=arguments.zeroconf)
    if arguments.http is False:
        http = replace(http, enabled=False)
    elif arguments.http:
        host, port = arguments.http
        http = replace(http, enabled=True, host=host, port=port)
    log = replace(log, level=arguments.log_level or log.level, format=arguments.log_format or log.format)
    return replace(config, wyoming=wyoming, http=http, log=log)


def tell(token: PairingToken) -> None:
    """A new token, shown to whoever sits before the terminal; a log that is kept does not hold it."""
    if sys.stderr.isatty():
        sys.stderr.write(f"The pairing token for Home Assistant (later: herald token): {token.value}\n")
    else:
        _LOGGER.info("A pairing token was made; `herald token` prints it")
