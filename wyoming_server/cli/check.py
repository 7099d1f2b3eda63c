"""`herald check`: what `herald serve` would do with this configuration, without serving it."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Sequence

from ..config import Config, default_config_path
from ..engines.base import Engine
from ..errors import ConfigError, EngineError, HeraldError
from ..models import Voice
from ..speech import speech
from ..voices import Catalogue
from . import logs
from .setting import configuration, run_until_done, state_directory

LABEL_WIDTH = 14
NAMED_LANGUAGES = 12
"""More are counted instead."""


class Report:
    """Lines on standard output, and how many of them tell of something wrong."""

    def __init__(self) -> None:
        self.wrong = 0

    def tell(self, label: str, text: str) -> None:
        sys.stdout.write(f"{label:<{LABEL_WIDTH}} {text}\n")

    def fail(self, label: str, text: str) -> None:
        self.wrong += 1
        self.tell(label, f"WRONG: {text}")

    def end(self) -> int:
        """The exit status."""
        sys.stdout.write(f"\n{self.wrong or 'Nothing'} {'is' if self.wrong <= 1 else 'are'} wrong.\n")
        return 1 if self.wrong else 0


def run(arguments: Namespace) -> int:
    logs.set_up(arguments.log_level or "error")
    report = Report()
    try:
        config = configuration(arguments)
    except ConfigError as error:
        for line in str(error).splitlines():
            report.fail("Configuration", line)
    else:
        report.tell("Configuration", _sources(config))
        _check_state(arguments, report)
        run_until_done(_check_speech(config, report))
        _tell_ports(config, report)
    return report.end()


def _sources(config: Config) -> str:
    default = default_config_path()
    variables = sorted(name for name in os.environ if name.startswith("HERALD_"))
    source = config.source or (f"none, the defaults ({default} does not exist)" if default else "none, the defaults")
    return f"{source}, and {', '.join(variables)}" if variables else str(source)


def _check_state(arguments: Namespace, report: Report) -> None:
    try:
        state = state_directory(arguments)
    except ConfigError as error:
        report.fail("State", str(error))
        return
    nearest = next(path for path in (state, *state.absolute().parents) if path.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        report.fail("State", f"{state} cannot be written.")
    else:
        report.tell("State", f"{state}" if state.exists() else f"{state} (made at the first start)")


async def _check_speech(config: Config, report: Report) -> None:
    async with speech(config, None) as speaks:
        for name, engine in speaks.engines.items():
            await _check_engine(name, engine, speaks.failures.get(name), report)
        _tell_voices(speaks.catalogue, config, report)
        _check_default(speaks.catalogue, report)


async def _check_engine(name: str, engine: Engine, failure: EngineError | None, report: Report) -> None:
    try:
        voices = await engine.voices()
    except EngineError as error:
        failure = failure or error
    if failure is not None:
        report.fail(f"Engine {name}", str(failure))
    else:
        report.tell(f"Engine {name}", f"{engine.title}, {_counted(voices)}")


def _tell_voices(catalogue: Catalogue, config: Config, report: Report) -> None:
    """How many there are, and the configured ones. That their engines take their settings was checked with the configuration."""
    voices = catalogue.listed()
    languages = sorted({tag.partition("-")[0] for voice in voices for tag in voice.languages})
    spoken = ", ".join(languages) if len(languages) <= NAMED_LANGUAGES else f"{len(languages)} languages"
    report.tell("Voices", f"{_counted(voices)} ({spoken})")
    for name in config.voices:
        report.tell(f"Voice {name}", _described(catalogue.find(name)))


def _check_default(catalogue: Catalogue, report: Report) -> None:
    try:
        voice = catalogue.default()
    except HeraldError as error:
        report.fail("Default voice", str(error))
    else:
        report.tell("Default voice", f"{voice.name} ({_described(voice)})")


def _tell_ports(config: Config, report: Report) -> None:
    wyoming, http = config.wyoming, config.http
    report.tell("Wyoming", f"{', '.join(wyoming.uri)}, for {wyoming.allow}")
    if wyoming.zeroconf:
        report.tell("Zeroconf", wyoming.zeroconf if isinstance(wyoming.zeroconf, str) else "on")
    host = f"[{http.host}]" if ":" in http.host else http.host
    report.tell("HTTP", f"http://{host}:{http.port}, for this machine, and others with the token" if http.enabled else "off")


def _described(voice: Voice) -> str:
    return f"{', '.join(voice.languages)}, engine {voice.engine}"


def _counted(voices: Sequence[Voice]) -> str:
    return f"{len(voices)} voice{'' if len(voices) == 1 else 's'}"
