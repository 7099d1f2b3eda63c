"""SIGHUP at the real `herald serve`: what it reads anew, what it tells, and what it keeps."""

from __future__ import annotations

import json
import signal
from pathlib import Path

from .processes import TONE, Serving, serving, start


def reloaded(server: Serving, message: str) -> str:
    """Send SIGHUP, and what the log then says."""
    server.process.send_signal(signal.SIGHUP)
    server.read_log(message)
    return str(server.log[-1]["message"])


def voices(server: Serving) -> str:
    with start("voices", "--uri", server.uri) as process:
        out, _ = process.communicate(timeout=20)
    return out.decode()


def test_a_hangup_reads_the_configuration_anew_and_a_broken_one_changes_nothing(tone: Path, tmp_path: Path) -> None:
    with serving(tone, tmp_path) as server:
        assert reloaded(server, "Reloaded") == "Reloaded: nothing has changed"
        tone.write_text(f"{TONE}voices: {{siri: {{engine: tone, voice: tone}}}}\n")
        assert reloaded(server, "Reloaded") == "Reloaded: voices.siri"
        assert voices(server).startswith("siri\t")
        tone.write_text("voices: {siri: {engine: nobody}}\n")
        told = reloaded(server, "The configuration stays as it was")
        assert f"{tone} line 1: voices.siri.engine" in told
        assert voices(server).startswith("siri\t")
    assert server.process.returncode == 0


def test_options_that_were_typed_still_go_before_the_file(tone: Path, tmp_path: Path) -> None:
    with serving(tone, tmp_path, "--http", "off") as server:
        tone.write_text(f'{TONE}wyoming: {{uri: "tcp://127.0.0.1:1", max_text: 5}}\nlog: {{format: text, level: warning}}\n')
        assert reloaded(server, "These are changed only by a restart") == "These are changed only by a restart: wyoming.max_text"


def test_a_token_that_was_rotated_and_credentials_that_were_stored_are_read_too(tone: Path, tmp_path: Path) -> None:
    with serving(tone, tmp_path) as server:
        with start("token", "--rotate", "--state", str(tmp_path)) as process:
            out, _ = process.communicate(timeout=20)
        stored = {"version": 1, "engines": {"openspeech": {"api_key": "a-secret-key"}}, "converters": {}}
        (tmp_path / "credentials.json").write_text(json.dumps(stored))
        assert reloaded(server, "Reloaded") == "Reloaded: engines.openspeech, token"
        log = json.dumps(server.log)
        assert "a-secret-key" not in log
        assert out.decode().strip() not in log
