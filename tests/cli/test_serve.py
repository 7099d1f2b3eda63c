"""`herald serve`: options over the configuration, and the real process with its logs, its clients and its end."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from wyoming_server.cli import serve
from wyoming_server.cli.options import parse
from wyoming_server.config import Config, LogConfig
from wyoming_server.engines.wyoming.client import WyomingClient
from wyoming_server.errors import ShuttingDown
from wyoming_server.state.tokens import PairingToken

from ..standstill import awake
from .processes import Serving, serving, start


def test_options_go_over_the_configuration() -> None:
    typed = (
        "serve --uri tcp://[::1]:1 --uri unix:///run/h.sock --http [::]:80 --zeroconf Kitchen --log-level debug --log-format json"
    )
    config = serve.with_options(Config(), parse(typed.split()))
    assert config.wyoming.uri == ("tcp://[::1]:1", "unix:///run/h.sock")
    assert config.wyoming.zeroconf == "Kitchen"
    assert (config.http.enabled, config.http.host, config.http.port) == (True, "::", 80)
    assert config.log == LogConfig(level="debug", format="json")


def test_what_was_not_typed_stays_as_configured() -> None:
    config = Config(log=LogConfig(level="error"))
    assert serve.with_options(config, parse(["serve"])) == config
    assert serve.with_options(config, parse(["serve", "--zeroconf"])).wyoming.zeroconf is True
    assert not serve.with_options(config, parse(["serve", "--http", "off"])).http.enabled


def test_a_new_token_is_shown_on_a_terminal_and_kept_out_of_logs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    token = PairingToken(value="secret-token-value", source="file", created=True)
    serve.tell(token)
    assert "herald token" in caplog.text
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    serve.tell(token)
    assert "secret" not in caplog.text
    assert "secret-token-value" in capsys.readouterr().err


def test_the_log_is_json_tells_where_it_listens_and_never_the_token(tone: Path, tmp_path: Path) -> None:
    with serving(tone, tmp_path) as server:
        pass
    ready = server.log[-1]
    assert (ready["level"], ready["logger"]) == ("info", "wyoming_server.server")
    assert server.uri in ready["message"]
    assert (tmp_path / "token").read_text().strip() not in json.dumps(server.log)
    assert server.process.returncode == 0


async def _interrupted(server: Serving) -> int:
    """SIGTERM with the first audio of a reply; the bytes heard until the server says that it stops."""

    async def text() -> AsyncGenerator[str, None]:
        yield "A text of some length, spoken slowly. " * 10

    heard = 0
    async with WyomingClient.connected(server.uri) as client:
        try:
            async for item in client.speak(text(), context={"pace": 1}):
                if isinstance(item, bytes):
                    if not heard:
                        server.process.terminate()
                    heard += len(item)
        except ShuttingDown:
            return heard
    msg = "The reply was not interrupted."
    raise AssertionError(msg)


def test_sigterm_ends_a_server_that_speaks_within_two_seconds(tone: Path, tmp_path: Path) -> None:
    with serving(tone, tmp_path) as server:
        begin = awake()
        heard = asyncio.run(_interrupted(server))
        assert server.process.wait(5) == 0
        seconds = awake() - begin
    assert heard > 0
    assert seconds < 2
    assert not (tmp_path / "herald.sock").exists()


def test_a_port_that_is_taken_is_told_in_a_sentence(tone: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        uri = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        with start("serve", "--config", str(tone), "--state", str(tmp_path), "--uri", uri, "--log-level", "error") as process:
            _, err = process.communicate(timeout=20)
    assert process.returncode == 2
    assert err.decode().startswith(f"herald: Wyoming cannot listen on {uri}: ")
    assert err.count(b"\n") == 1


def test_a_wrong_configuration_is_told_before_anything_starts(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text("wyoming: {rat: 1}\n")
    with start("serve", "--config", str(path), "--state", str(tmp_path)) as process:
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (2, b"")
    assert b"wrong.yaml" in err
    assert b"Did you mean rate?" in err
    assert not (tmp_path / "token").exists()
