"""What may be typed: every command with its options. Parses; imports nothing else of Herald, so that help is instant."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, NoReturn
from urllib.parse import SplitResult, urlsplit

from .. import __version__
from .help import CACHE, CACHE_ACTIONS, CHECK, CONVERT, HERALD, SAY, SERVE, TOKEN, VOICES, CommandHelp

SERVICE_NAME_MAX = 63
"""Bytes of a DNS label."""
LEVELS = ("debug", "info", "warning", "error")


class Parser(argparse.ArgumentParser):
    """Tells a wrong use as the rest of Herald tells its errors: in one sentence."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"herald: {message.rstrip('.')}. See: {self.prog} --help\n")


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The command and its options. Ends the process for help, the version, and what cannot be understood."""
    parser = new_parser()
    if not argv:
        parser.print_help()
        parser.exit()
    return parser.parse_args(argv)


def new_parser() -> argparse.ArgumentParser:
    parser = Parser(prog="herald", formatter_class=_Formatter, allow_abbrev=False, description=HERALD.about, epilog=HERALD.more)
    parser.add_argument("--version", action="version", version=f"herald {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", title="commands", parser_class=Parser)
    for name, (text, add_options) in COMMANDS.items():
        command = commands.add_parser(
            name, help=text.short, description=text.about, epilog=text.more, formatter_class=_Formatter, allow_abbrev=False
        )
        add_options(command)
    return parser


def _Formatter(prog: str) -> argparse.HelpFormatter:  # noqa: N802  # stands for a class
    return argparse.RawDescriptionHelpFormatter(prog, max_help_position=30)


def _add_common(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("configuration")
    group.add_argument("--config", type=Path, metavar="FILE", help="herald.yaml (default: in ~/.config/herald, if it is there)")
    group.add_argument(
        "--state", type=Path, metavar="DIR", help="what Herald keeps: token, credentials, loudness (~/.local/state/herald)"
    )
    group.add_argument("--log-level", choices=LEVELS, help="what is told on standard error; debug also says where an error arose")


def _add_serve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--uri", action="append", type=address, metavar="URI", help="tcp://HOST:PORT or unix:///PATH; repeatable")
    parser.add_argument("--http", type=http_address, metavar="HOST:PORT", help="HTTP server; `off` for none")
    parser.add_argument(
        "--zeroconf",
        nargs="?",
        const=True,
        type=service_name,
        metavar="NAME",
        help="let Home Assistant find this server by itself, under NAME",
    )
    parser.add_argument("--log-format", choices=("text", "json"), help="text (default), or JSON lines")
    _add_common(parser)


def _add_say(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", nargs="*", metavar="TEXT", help="what to say; - reads standard input, spoken as it arrives")
    _add_outputs(parser)
    _add_server(parser)
    voice = parser.add_argument_group("voice")
    voice.add_argument("--voice", metavar="NAME", help="as `herald voices` lists it; or a language")
    voice.add_argument("--language", metavar="TAG", help="any voice of that language, for example en-GB")
    voice.add_argument("--speed", type=float, metavar="FACTOR", help="0.25 to 4; 1 is normal")
    voice.add_argument("--pitch", type=float, metavar="SEMITONES", help="-24 to 24; 0 is normal")
    voice.add_argument("--volume", type=float, metavar="LEVEL", help="0 to 100; 50 is normal")
    voice.add_argument("--emotion", metavar="NAME", help="where the voice can show one")
    voice.add_argument("--emotion-scale", type=float, metavar="LEVEL", help="1 to 5")
    voice.add_argument("--instructions", metavar="WORDS", help="how to speak, where the voice understands that")
    _add_set(voice, "a setting of the engine's own")
    voice.add_argument("--operation", choices=("submit", "query"), help="of OpenSpeech: audio as it is made, or all at once")
    voice.add_argument(
        "--encoding", choices=("pcm", "mp3", "ogg_opus"), help="how its engine sends the audio, if it has a choice"
    )
    voice.add_argument(
        "--converter",
        metavar="CONVERTER/SPEAKER",
        help="as whom it is heard, for example sami/zh_male_huoli_stream; or none",
    )
    _add_rate(voice, "the voice's own")
    voice.add_argument("--ssml", action="store_true", help="the text is SSML, where the voice takes it")
    voice.add_argument("--no-fallback", action="store_true", help="where the voice fails, fail: let no other speak")
    _add_consent(voice)
    _add_common(parser)


def _add_convert(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("input", nargs="?", metavar="FILE", help="speech: WAV, MP3, FLAC, Opus or AAC; - is standard input")
    _add_outputs(parser)
    parser.add_argument("--list", action="store_true", help="list the speakers, and convert nothing")
    voice = parser.add_argument_group("voice")
    voice.add_argument("--speaker", metavar="NAME", help="as whom, as --list says it")
    voice.add_argument(
        "--converter", metavar="NAME", help="a converter of herald.yaml (default: the only one, or sami); or CONVERTER/SPEAKER"
    )
    _add_set(voice, "a setting of the converter's own")
    _add_rate(voice, "what the converter makes")
    _add_consent(voice)
    _add_common(parser)


def _add_outputs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="write to FILE: WAV, or what its end says (.mp3, .flac, .ogg, .opus); - is standard output",
    )
    parser.add_argument("--play", action="store_true", help="play it (also the default without -o)")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress, no figures at the end")


def _add_set(group: argparse._ArgumentGroup, text: str) -> None:
    group.add_argument("--set", action="append", default=[], type=assignment, metavar="NAME=VALUE", help=text)


def _add_rate(group: argparse.ArgumentParser | argparse._ArgumentGroup, default: str) -> None:
    group.add_argument("--rate", type=int, metavar="HZ", help=f"sample rate, 8000 to 96000 (default: {default})")


def _add_voices(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--language", metavar="TAG", help="only this language; zh is all of zh-CN, zh-HK …")
    parser.add_argument("--engine", metavar="NAME", help="only voices of this engine")
    parser.add_argument("--gender", choices=("female", "male", "neutral"), help="only voices known to be so")
    parser.add_argument("--json", action="store_true", help="as a JSON list")
    _add_server(parser)
    _add_common(parser)


def _add_server(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--uri",
        type=address,
        metavar="URI",
        help="ask a running Wyoming server, for example tcp://127.0.0.1:10230 or unix:///PATH",
    )


def _add_check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("engines", nargs="*", metavar="ENGINE", help="try these engines and converters live, and nothing else")
    parser.add_argument(
        "--voice", metavar="NAME", help="try the engine with this voice (default: the default voice, if it is the engine's)"
    )
    _add_consent(parser)
    _add_common(parser)


def _add_consent(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    parser.add_argument("--consent", action="store_true", help="the speaker of this cloned or unlisted voice agreed")


def _add_cache(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION", title="actions", parser_class=Parser)
    for name, about in CACHE_ACTIONS.items():
        action = actions.add_parser(name, help=about, description=f"{about.capitalize()}.", allow_abbrev=False)
        _CACHE_OPTIONS[name](action)
        action.add_argument("-q", "--quiet", action="store_true", help="no progress, no figures at the end")
        _add_common(action)


def _add_kept(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--voice", metavar="NAME", help="only what this voice said")
    parser.add_argument("--engine", metavar="NAME", help="only what this engine made")


def _add_cache_list(parser: argparse.ArgumentParser) -> None:
    _add_kept(parser)
    parser.add_argument("--json", action="store_true", help="as JSON")


def _add_cache_warm(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="sentences, one a line; - is standard input")
    parser.add_argument("--voice", metavar="NAME", help="who speaks (default: the default voice)")
    _add_rate(parser, "the voice's own; where clients want a higher one")


_CACHE_OPTIONS = {"list": _add_cache_list, "clear": _add_kept, "warm": _add_cache_warm}


def _add_token(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rotate", action="store_true", help="make another token in its place, and print that")
    _add_common(parser)


def address(text: str) -> str:
    """tcp://HOST:PORT or unix:///PATH."""
    parts = _split(text)
    tcp = parts is not None and parts.scheme == "tcp" and parts.hostname and parts.port is not None and not parts.path
    unix = parts is not None and parts.scheme == "unix" and not parts.netloc and len(parts.path) > 1
    if not tcp and not unix:
        msg = f"{text!r} is no address: tcp://HOST:PORT or unix:///PATH"
        raise argparse.ArgumentTypeError(msg)
    return text


def http_address(text: str) -> tuple[str, int] | Literal[False]:
    """Host and port; False for `off`."""
    if text == "off":
        return False
    parts = _split(f"//{text}")
    if parts is None or not parts.hostname or parts.port is None or parts.path:
        msg = f"{text!r} is neither HOST:PORT nor `off`"
        raise argparse.ArgumentTypeError(msg)
    return parts.hostname, parts.port


def _split(uri: str) -> SplitResult | None:
    try:
        parts = urlsplit(uri)
        _ = parts.port  # raises for what is no port
    except ValueError:
        return None
    return parts


def service_name(text: str) -> str:
    """A name as DNS can carry it."""
    if not 1 <= len(text.encode()) <= SERVICE_NAME_MAX or not text.isprintable():
        msg = f"{text!r} is no name of 1 to {SERVICE_NAME_MAX} bytes"
        raise argparse.ArgumentTypeError(msg)
    return text


def assignment(text: str) -> tuple[str, Any]:
    """NAME=VALUE; a value that is JSON (a number, true, a list) is taken as such, anything else as a word."""
    name, equals, value = text.partition("=")
    if not name or not equals:
        msg = f"{text!r} is not NAME=VALUE"
        raise argparse.ArgumentTypeError(msg)
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


COMMANDS: dict[str, tuple[CommandHelp, Callable[[argparse.ArgumentParser], None]]] = {
    "serve": (SERVE, _add_serve),
    "say": (SAY, _add_say),
    "convert": (CONVERT, _add_convert),
    "voices": (VOICES, _add_voices),
    "check": (CHECK, _add_check),
    "cache": (CACHE, _add_cache),
    "token": (TOKEN, _add_token),
}
"""Each command has a module of its name, whose `run` takes the parsed options."""
