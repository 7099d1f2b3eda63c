"""The watch over secrets in logs finds what is planted: a run of pytest with a leak fails, whatever its tests say."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .leaks import LEAKED, Watch, canary

ROOT = Path(__file__).parents[1]
SECRET = canary("planted")

LEAKS = {
    "a message": "LOGGER.warning('the key is ' + SECRET)",
    "an argument": "LOGGER.error('the key is %s', SECRET)",
    "an argument within another": "LOGGER.error('the keys are %s', {'key': SECRET})",
    "an argument that only repr shows": "LOGGER.error('%s', [type('K', (), {'__repr__': lambda s: SECRET})()])",
    "a message below the level that is logged": "LOGGER.info('the key is %s', SECRET)",
    "a traceback": "\n    try: raise ValueError(SECRET)\n    except ValueError: LOGGER.exception('it failed')",
    "a cause": "\n    try:\n        try: raise ValueError(SECRET)\n        except ValueError as e: raise KeyError from e\n"
    "    except KeyError: LOGGER.exception('it failed')",
    "a logger of a library": "logging.getLogger('aiohttp.access').warning(SECRET)",
    "a pairing token": "LOGGER.warning('%s', PairingToken(value='made-in-this-test', source='x').value)",
}
SAFE = {
    "debug": "LOGGER.debug('the key is %s', SECRET)",
    "nothing of it": "LOGGER.warning('the key is %s', '***')",
    "a token's name": "LOGGER.warning('%r', PairingToken(value='made-in-this-test', source='x'))",
    "debug that is logged": "LOGGER.setLevel(10); LOGGER.debug('the key is %s', SECRET)",
}


def run(folder: Path, body: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_planted.py").write_text(
        "import logging\nfrom tests.leaks import canary\nfrom wyoming_server.state.tokens import PairingToken\n"
        f"LOGGER = logging.getLogger('planted')\nSECRET = canary('planted')\ndef test_it():\n    {body}\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "-p", "tests.leaks", "-p", "no:cacheprovider"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(  # noqa: S603
        [*command, str(folder)], env=environment, capture_output=True, text=True, timeout=50, check=False
    )


def test_every_planted_leak_fails_a_run_whose_tests_pass(tmp_path: Path) -> None:
    ran = run(tmp_path, "\n    ".join(LEAKS.values()))
    assert "1 passed" in ran.stdout
    assert ran.returncode == LEAKED
    assert "secrets in logs" in ran.stdout
    told = ran.stdout.partition("secrets in logs")[2]
    assert told.count(" of planted: ") >= 6
    assert " of aiohttp.access: " in told


@pytest.mark.parametrize("body", [*SAFE.values()], ids=[*SAFE])
def test_what_is_no_leak_fails_nothing(tmp_path: Path, body: str) -> None:
    ran = run(tmp_path, body)
    assert ran.returncode == pytest.ExitCode.OK, ran.stdout


@pytest.mark.parametrize(
    ("level", "parts", "error", "found"),
    [
        (logging.INFO, ["%s", SECRET], None, True),
        (logging.INFO, [f"({SECRET})"], None, True),
        (logging.INFO, ["it failed"], ValueError(SECRET), True),
        (logging.DEBUG, ["%s", SECRET], None, False),
        (logging.ERROR, ["the canary sings"], None, False),
        (logging.INFO, ["%s", b"the-token-of-now"], None, True),
        (logging.INFO, ["%s", "the-token-of-th"], None, False),
    ],
)
def test_a_record_is_looked_at_whole(level: int, parts: list[object], error: Exception | None, *, found: bool) -> None:
    watch = Watch()
    watch.learn("the-token-of-now")
    watch.look("test", level, parts, error)
    assert bool(watch.found) is found
    assert SECRET not in "".join(watch.found)


def test_many_tokens_do_not_slow_a_run() -> None:
    watch = Watch()
    for number in range(10_000):
        watch.learn(f"a-token-with-number-{number}")
    assert watch.secrets_in("a-token-with-number-9999")
    assert not watch.secrets_in("a-token-with-number-100.")
