"""The command line: what is understood, what is refused in a sentence, and what the help says."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable

import pytest

from wyoming_server import __version__
from wyoming_server.cli.help import SAY
from wyoming_server.cli.options import COMMANDS, address, assignment, http_address, parse
from wyoming_server.cli.players import PLAYERS
from wyoming_server.models import RATE_MAX, RATE_MIN, SETTING_RANGES

from .conftest import Ran
from .processes import ROOT

Herald = Callable[..., Ran]


def test_the_version_is_told(herald: Herald) -> None:
    assert herald("--version") == Ran(code=0, out=f"herald {__version__}\n", err="")


def test_no_arguments_are_answered_with_help_for_the_first_minute(herald: Herald) -> None:
    ran = herald()
    assert ran.code == 0
    assert ran == herald("--help")
    assert all(f"  {command} " in ran.out for command in COMMANDS)
    assert 'herald say "Dinner is ready."' in ran.out
    assert "Add integration > Herald" in ran.out
    assert "Wyoming Protocol" in ran.out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_teaches_by_examples(herald: Herald, command: str) -> None:
    ran = herald(command, "--help")
    assert ran.code == 0
    assert f"\nexamples:\n  herald {command}" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 100


def test_the_help_tells_the_ranges_and_players_that_the_code_has(herald: Herald) -> None:
    text = " ".join(herald("say", "--help").out.split())
    for low, high in SETTING_RANGES.values():
        assert f"{low:g} to {high:g}" in text
    assert f"{RATE_MIN} to {RATE_MAX}" in text
    assert ", ".join(player.name for player in PLAYERS) in " ".join(SAY.about.split())


def test_help_and_version_load_nothing_heavy() -> None:
    code = "import sys; from wyoming_server.cli import main; main(['--version']); print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603
    loaded = set(ran.stdout.split())
    assert "wyoming_server.cli.options" in loaded
    assert not loaded & {
        "asyncio",
        "logging",
        "numpy",
        "rich",
        "wyoming",
        "voluptuous",
        "yaml",
        "aiohttp",
        "zeroconf",
    }


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["sya"], "invalid choice: 'sya'"),
        (["say", "x", "--loud"], "--loud"),
        (["say", "x", "--rate", "high"], "--rate"),
        (["say", "x", "--uri", "tcp://localhost"], "'tcp://localhost' is no address: tcp://HOST:PORT or unix:///PATH"),
        (["say", "x", "--set", "frequency"], "'frequency' is not NAME=VALUE"),
        (["serve", "--http", "10231"], "'10231' is neither HOST:PORT nor `off`"),
        (["serve", "--zeroconf", "x" * 64], "1 to 63 bytes"),
        (["serve", "--log-level", "loud"], "--log-level"),
        (["check", "--set", "a=b"], "--set"),
    ],
)
def test_what_cannot_be_understood_is_told_in_one_sentence(herald: Herald, arguments: list[str], words: str) -> None:
    ran = herald(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err
    assert ran.err.startswith("herald: ")
    assert "--help\n" in ran.err
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize("uri", ["tcp://127.0.0.1:10230", "tcp://[::1]:0", "tcp://herald.local:10230", "unix:///run/h.sock"])
def test_an_address_is_taken_as_it_is(uri: str) -> None:
    assert address(uri) == uri


@pytest.mark.parametrize(
    "uri",
    ["", "herald", "http://a:1", "tcp://:1", "tcp://a:70000", "tcp://a:b", "tcp://[::1", "tcp://a:1/x", "unix://a/b", "unix:///"],
)
def test_what_is_no_address_is_refused(uri: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is no address"):
        address(uri)


def test_an_http_address_is_host_and_port_or_off() -> None:
    assert http_address("127.0.0.1:80") == ("127.0.0.1", 80)
    assert http_address("[::]:0") == ("::", 0)
    assert http_address("off") is False


def test_a_setting_is_a_json_value_or_a_word() -> None:
    texts = ("n=1", "n=0.5", "n=true", 'n="1"', "n=sad", "n=a=b", "n=")
    assert [assignment(text)[1] for text in texts] == [1, 0.5, True, "1", "sad", "a=b", ""]


def test_options_may_stand_before_and_after_the_text() -> None:
    before = parse(["say", "--voice", "en-GB", "Dinner", "is", "ready."])
    after = parse(["say", "Dinner", "is", "ready.", "--voice", "en-GB"])
    assert before == after
    assert before.text == ["Dinner", "is", "ready."]
