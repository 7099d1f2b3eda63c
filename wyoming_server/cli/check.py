"""`herald check`: what `herald serve` would do with this configuration, without serving it.

Engines and converters that are named are tried live.
"""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from ..config import Config, ConverterConfig, EngineConfig, Source, default_config_path
from ..config.environment import names_in_use, variables_of_engine
from ..converters.registry import CONVERTERS, converter_class
from ..engines.base import Engine
from ..engines.registry import ENGINES
from ..errors import ConfigError, EngineError, HeraldError, RequestError
from ..models import Voice
from ..speech import Speech, speech
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
        sys.stdout.write(f"{f'{label} ':<{LABEL_WIDTH}} {text}\n")

    def fail(self, label: str, text: str) -> None:
        self.wrong += 1
        self.tell(label, f"WRONG: {text}")

    def end(self) -> int:
        """The exit status."""
        sys.stdout.write(f"\n{self.wrong or 'Nothing'} {'is' if self.wrong <= 1 else 'are'} wrong.\n")
        return 1 if self.wrong else 0


def run(arguments: Namespace) -> int:
    logs.set_up(arguments.log_level or "error")
    if arguments.voice and not arguments.engines:
        msg = (
            f"--voice says with which voice to try an engine. Name the engine too: herald check ENGINE --voice {arguments.voice}"
        )
        raise RequestError(msg)
    report = Report()
    try:
        config = configuration(arguments)
    except ConfigError as error:
        for line in str(error).splitlines():
            report.fail("Configuration", line)
    else:
        report.tell("Configuration", _sources(config))
        if arguments.engines:
            run_until_done(_try(config, arguments, report))
        else:
            _check_state(arguments, report)
            run_until_done(_check_speech(config, report))
            _tell_ports(config, report)
            _check_tls(config, arguments, report)
    return report.end()


def _sources(config: Config) -> str:
    default = default_config_path()
    variables = names_in_use(os.environ)
    source = config.source or (f"none, the defaults ({default} does not exist)" if default else "none, the defaults")
    services: list[EngineConfig | ConverterConfig] = [*config.engines.values(), *config.converters.values()]
    stored = [one.name for one in services if Source.STORED in one.sources.values()]
    credentials = [f"stored credentials of {', '.join(stored)}"] if stored else []
    return ", and ".join([str(source), *([", ".join(variables)] if variables else []), *credentials])


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


async def _try(config: Config, arguments: Namespace, report: Report) -> None:
    """Those that were named, started and asked whether their credentials are good. Nothing else is started."""
    named = dict.fromkeys(arguments.engines)
    chosen = {name: engine for name, engine in config.engines.items() if name in named}
    async with speech(replace(config, engines=chosen, converters={}), None, prepare=False) as speaks:
        for name in named:
            engine, converter = speaks.engines.get(name), config.converters.get(name)
            if engine is not None and await _check_engine(name, engine, speaks.engines.failures.get(name), report):
                await _verify(engine, speaks, config, arguments, report)
            if converter is not None:
                await _check_converter(converter, report, live=True)
            if engine is None and converter is None:
                kind = "Converter" if name in CONVERTERS else "Engine"
                report.fail(f"{kind} {name}", _not_configured(name, config))


def _not_configured(name: str, config: Config) -> str:
    if name in CONVERTERS:
        where = f"in herald.yaml, converters: {{{name}: {{…}}}}, or in the environment (HERALD_CONVERTERS__{name.upper()}__…)"
        return f"It is not configured, or switched off. Configure it {where}."
    if name not in ENGINES:
        converters = f" The converters are {', '.join(config.converters)}." if config.converters else ""
        return f"There is no such engine. The engines are {', '.join(config.engines)}.{converters}"
    variables = variables_of_engine(name)
    environment = f", or in the environment ({', '.join(variables)})" if variables else ""
    return f"It is not configured, or switched off. Configure it in herald.yaml, engines: {{{name}: {{…}}}}{environment}."


async def _verify(engine: Engine, speaks: Speech, config: Config, arguments: Namespace, report: Report) -> None:
    try:
        voice = _voice_to_try(engine.name, speaks, config, arguments)
        report.tell("Credentials", await engine.verify(voice))
    except HeraldError as error:
        report.fail("Credentials", str(error))


def _voice_to_try(engine: str, speaks: Speech, config: Config, arguments: Namespace) -> str | None:
    """The engine's id of the voice that was named, else of the default voice that somebody chose; `None`: the engine knows best.

    Raises HeraldError for a name that leads elsewhere.
    """
    if not arguments.voice:
        with suppress(HeraldError):  # it may be a voice of an engine that was not started
            default = speaks.catalogue.default()
            if default.engine == engine and default.name in {*config.voices, config.default_voice}:
                return default.engine_voice
        return None
    voice = speaks.catalogue.find(arguments.voice)
    if voice.engine != engine:
        msg = f"The voice {voice.name} is one of {voice.engine}. Try: herald check {voice.engine} --voice {arguments.voice}"
        raise RequestError(msg)
    speaks.synthesizer.request(voice, {"converter": "none"}, consent=arguments.consent)
    return voice.engine_voice


async def _check_speech(config: Config, report: Report) -> None:
    async with speech(replace(config, converters={}), None, prepare=False) as speaks:
        for name, engine in speaks.engines.items():
            await _check_engine(name, engine, speaks.engines.failures.get(name), report)
        for converter in config.converters.values():
            await _check_converter(converter, report, live=False)
        _tell_voices(speaks.catalogue, config, report)
        _check_default(speaks.catalogue, report)


async def _check_engine(name: str, engine: Engine, failure: EngineError | None, report: Report) -> bool:
    """Whether it runs and tells its voices."""
    try:
        voices = await engine.voices()
    except EngineError as error:
        failure = failure or error
    if failure is not None:
        report.fail(f"Engine {name}", str(failure))
    else:
        report.tell(f"Engine {name}", f"{engine.title}, {_counted(voices)}")
    return failure is None


async def _check_converter(config: ConverterConfig, report: Report, *, live: bool) -> None:
    """Whether it starts; `live`: and whether its credentials are good."""
    label = f"Converter {config.name}"
    try:
        async with converter_class(config.type)(config.name, config.options) as converter:
            report.tell(label, f"{converter.title}, {_counted(converter.speakers(), 'speaker')}")
            label = "Credentials"
            if live:
                report.tell(label, await converter.verify())
    except HeraldError as error:
        report.fail(label, str(error))


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
    scheme = "https" if http.tls else "http"
    report.tell("HTTP", f"{scheme}://{host}:{http.port}, for this machine, and others with the token" if http.enabled else "off")
    if http.enabled and http.indextts_port is not None:
        report.tell("IndexTTS", f"ws://{host}:{http.indextts_port}, for {wyoming.allow}")


def _check_tls(config: Config, arguments: Namespace, report: Report) -> None:
    """The certificate that is there already; nothing is made."""
    if not (config.http.enabled and config.http.tls):
        return
    from ..frontends.http.certificates import kept_tls  # noqa: PLC0415  # aiohttp takes long to load

    try:
        tls = kept_tls(config.http, state_directory(arguments))
    except ConfigError as error:
        report.fail("TLS", str(error))
    else:
        report.tell("TLS", f"SHA-256 {tls.fingerprint}, until {tls.expires:%Y-%m-%d}" if tls else "made at the first start")


def _described(voice: Voice) -> str:
    heard = f", heard as {voice.converter.converter}/{voice.converter.speaker}" if voice.converter else ""
    return f"{', '.join(voice.languages)}, engine {voice.engine}{heard}"


def _counted(things: Sequence[object], name: str = "voice") -> str:
    return f"{len(things)} {name}{'' if len(things) == 1 else 's'}"
