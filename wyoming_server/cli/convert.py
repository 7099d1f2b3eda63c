"""`herald convert`: recorded speech in another speaker's voice, by the stage that replies pass. Only the converter is started."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import replace
from difflib import get_close_matches

from ..config import Config, ConverterConfig
from ..converters.base import Converter, Speaker
from ..converters.registry import converter_class
from ..errors import ConfigError, ConsentRequired, EngineError, RequestError
from ..models import AudioFormat, ConverterChoice, OnFailure
from ..synthesis.conversion import ConvertedEvent, VoiceConversion
from . import table
from .outputs import Output, Write, outputs, wanted_rate
from .progress import converting
from .recording import STDIN, check_not_itself, opened, recording
from .setting import configuration, quiet_logs, run_until_done
from .timing import Timing

DEFAULT = "sami"
"""Of several converters."""
COLUMNS = ("Converter", "Speaker", "Language", "Gender", "Description")


def run(arguments: Namespace) -> int:
    quiet_logs(arguments)
    config = configuration(arguments)
    if arguments.list:
        table.tell(COLUMNS, [row for one in _listed(config, arguments) for row in _rows(one)], fixed="Speaker")
        return 0
    with opened(arguments.input or STDIN) as descriptor:  # before there is an event loop, which it might keep waiting
        run_until_done(convert(config, arguments, descriptor))
    return 0


async def convert(config: Config, arguments: Namespace, descriptor: int) -> None:
    """What is read from the descriptor, into the outputs. Raises HeraldError."""
    chosen, wished = _chosen(config, arguments), wanted_rate(arguments)
    timing = Timing()
    async with _new(chosen) as converter:
        choice = _choice(converter, arguments)
        targets = outputs(arguments)
        check_not_itself(descriptor, arguments.output)
        heard = await recording(descriptor, arguments.input or STDIN)
        conversion = VoiceConversion(converter, choice, heard.format)
        audio = replace(conversion.target, rate=wished or conversion.target.rate)
        events = conversion.events(timing.text(heard.pieces))
        with converting(heard.seconds, quiet=arguments.quiet) as shown:
            async with aclosing(_in_format(events, conversion.target, audio)) as pieces:
                await _write(pieces, audio, targets, timing, shown)
    if not timing.seconds:
        msg = f"{converter.title} made no audio of this."
        raise EngineError(msg)
    if not arguments.quiet:
        sys.stderr.write(f"{timing.summary(conversion.name, kind='speaker')}\n")


async def _in_format(
    events: AsyncGenerator[ConvertedEvent, None], source: AudioFormat, target: AudioFormat
) -> AsyncGenerator[bytes, None]:
    """The audio among the events."""
    from ..audio.ffmpeg import Converter as FormatConverter  # noqa: PLC0415  # PyAV

    resampler = FormatConverter(source, target)
    try:
        async with aclosing(events):
            async for event in events:
                if isinstance(event, bytes) and (made := resampler.push(event)):
                    yield made
        if rest := resampler.flush():
            yield rest
    finally:
        resampler.close()


async def _write(
    pieces: AsyncGenerator[bytes, None],
    audio: AudioFormat,
    targets: Sequence[Output],
    timing: Timing,
    shown: Callable[[float], None],
) -> None:
    """Into the outputs, which are opened by the first audio."""
    writes: list[Write] = []
    async with AsyncExitStack() as stack:
        async for piece in pieces:
            timing.came(audio.seconds(len(piece)))
            writes = writes or [await stack.enter_async_context(target(audio)) for target in targets]
            for write in writes:
                await write(piece)
            timing.taken()
            shown(timing.seconds)


# Which converter, and as whom


def _listed(config: Config, arguments: Namespace) -> Sequence[ConverterConfig]:
    """Whose speakers are to be listed."""
    return [*config.converters.values()] if config.converters and not arguments.converter else [_chosen(config, arguments)]


def _rows(config: ConverterConfig) -> Iterator[tuple[str, ...]]:
    for one in _new(config).speakers():
        yield config.name, one.name, ", ".join(one.languages), one.gender or "", one.description


def _chosen(config: Config, arguments: Namespace) -> ConverterConfig:
    """Raises ConfigError."""
    known = config.converters
    name = _names(arguments)[0] or (next(iter(known)) if len(known) == 1 else DEFAULT)
    if name in known:
        return known[name]
    if not known:
        msg = (
            "No converter is configured. In herald.yaml: converters: {sami: {appkey: …, token: …}}, "
            "or in the environment: HERALD_CONVERTERS__SAMI__APPKEY and HERALD_CONVERTERS__SAMI__TOKEN."
        )
    elif arguments.converter:
        msg = f"There is no converter {name}.{_hint(name, known)} The converters are {', '.join(known)}."
    else:
        msg = f"There are several converters: {', '.join(known)}. Name one: --converter {next(iter(known))}"
    raise ConfigError(msg)


def _new(config: ConverterConfig) -> Converter:
    return converter_class(config.type)(config.name, config.options)


def _names(arguments: Namespace) -> tuple[str, str]:
    """The converter and the speaker; CONVERTER/SPEAKER says both, as it does for `herald say`."""
    converter, _, speaker = (arguments.converter or "").partition("/")
    return converter, arguments.speaker or speaker


def _choice(converter: Converter, arguments: Namespace) -> ConverterChoice:
    """Raises RequestError."""
    speaker, settings = _names(arguments)[1], dict(arguments.set)
    if not speaker:
        msg = f"--speaker says as whom. {_speakers(converter)}"
        raise RequestError(msg)
    converter.check(speaker, settings)
    if converter.needs_consent(speaker) and not arguments.consent:
        raise ConsentRequired(_unlisted(converter, speaker))
    return ConverterChoice(
        converter=converter.name, speaker=speaker, settings=settings, on_failure=OnFailure.FAIL, consent=arguments.consent
    )


def _unlisted(converter: Converter, speaker: str) -> str:
    listed = {one.name for one in converter.speakers()}
    if speaker in listed:
        return f"The speaker {speaker} may be a real person. If that person agreed, add --consent."
    return (
        f"{converter.title} lists no speaker {speaker}.{_hint(speaker, listed)} {_speakers(converter)} "
        "Anybody else may be a real person: if that person agreed, add --consent."
    )


def _speakers(converter: Converter) -> str:
    return f"The speakers are {', '.join(_told(one) for one in converter.speakers())}."


def _told(speaker: Speaker) -> str:
    return f"{speaker.name} ({speaker.description})" if speaker.description else speaker.name


def _hint(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name[:100], [*known], n=1)
    return f" Did you mean {near[0]}?" if near else ""
