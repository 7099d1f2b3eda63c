"""Credentials of every engine and converter, from every source, and the pairing token: in no answer, log, event or `repr`.

Services answer with what they were sent, as some do in their errors. The logs of all other tests: see `tests/leaks.py`.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from stat import S_IMODE
from typing import Any

import pytest

from wyoming_server.cli import main
from wyoming_server.config import load_config
from wyoming_server.converters.registry import CONVERTERS, converter_class
from wyoming_server.engines.registry import ENGINES, engine_class
from wyoming_server.frontends.http.server import HttpServer
from wyoming_server.models import CredentialKind
from wyoming_server.server import Running
from wyoming_server.state.credentials import FILE, CredentialStore

from ..leaks import CANARY, canary
from ..serving import serving
from .attacks import ELSEWHERE, Told, connect, everything, request, sent, targets

SOURCES = ("file", "environment", "stored")
CLASSES: Mapping[str, tuple[Mapping[str, Any], Callable[[str], Any]]] = {
    "engines": (ENGINES, engine_class),
    "converters": (CONVERTERS, converter_class),
}
SETS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "openspeech": (("api_key",), ("appid", "token", "secret_key")),
    "flowing": (("appkey", "token"), ("appkey", "access_key_id", "access_key_secret")),
    "openai": (("api_key",),),
}
"""Credentials that go together, where the class does not say it all."""
TOKEN = canary("pairing", "token")


def services() -> Iterator[tuple[str, str, str, str, tuple[str, ...]]]:
    """Section, type, name, source and the fields of one service for each set of credentials and each source."""
    for section, (registry, class_of) in CLASSES.items():
        for its_type in registry:
            sets = SETS.get(its_type, class_of(its_type).credential_sets)
            for number, fields in enumerate(sets):
                for source in SOURCES:
                    yield section, its_type, f"{its_type}{number}{source}", source, fields


def test_no_secret_of_any_engine_is_left_out() -> None:
    covered = {(section, its_type, field) for section, its_type, _, _, fields in services() for field in fields}
    for section, (registry, class_of) in CLASSES.items():
        for its_type in registry:
            secret = {field.name for field in class_of(its_type).credentials if field.kind is CredentialKind.SECRET}
            assert {(section, its_type, name) for name in secret} <= covered


def configured(folder: Path, url: str) -> tuple[str, dict[str, str]]:
    """herald.yaml and the environment; what is stored is in `folder`."""
    sections: dict[str, Any] = {"engines": {"espeak": {"enabled": False}, "tone": {}}, "converters": {}}
    environ: dict[str, str] = {}
    store = CredentialStore(folder / FILE)
    for section, its_type, name, source, fields in services():
        values = {field: canary(source, name, field) for field in fields}
        options = CLASSES[section][1](its_type).options_schema
        sections[section][name] = {"type": its_type, **{key: url for key in ("url", "token_url") if key in options}}
        if its_type == "openai":
            sections[section][name]["url"] = url.replace("ws:", "http:")
        elif "token_url" in options:
            sections[section][name]["token_url"] = url.replace("ws:", "http:")
        if source == "file":
            sections[section][name].update(values)
        elif source == "environment":
            environ |= {f"HERALD_{section}__{name}__{field}".upper(): value for field, value in values.items()}
        else:
            store.replace(section, name, values)
    http = {"host": "127.0.0.1", "port": 0, "max_connections": 1000}
    document = {"wyoming": {"uri": ["tcp://127.0.0.1:0"]}, "http": http, "default_voice": "tone/tone", **sections}
    return json.dumps(document), environ  # JSON is YAML


@asynccontextmanager
async def parrot() -> AsyncIterator[str]:
    """A service that refuses everything, and tells in its error what it was sent."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            body = json.dumps({"error": {"message": head, "code": head}, "message": head, "Message": head}).encode()
            writer.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\n")
            writer.write(b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@asynccontextmanager
async def full_of_secrets(folder: Path, url: str) -> AsyncIterator[Running]:
    yaml, environ = configured(folder, url)
    (folder / "token").write_text(TOKEN)
    (folder / "token").chmod(0o600)
    async with serving(folder, yaml, environ=environ) as running:
        yield running


@pytest.fixture(params=["parrot", "dead"])
async def server(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Running]:
    if request.param == "dead":
        async with full_of_secrets(tmp_path, "ws://127.0.0.1:9") as running:
            yield running
    else:
        async with parrot() as url, full_of_secrets(tmp_path, url) as running:
            yield running


def asked(http: HttpServer) -> Iterator[str]:
    """Every GET as it is, and for each service by name; what changes something, with nonsense and with another canary."""
    names = [(section, name) for section, _, name, _, _ in services()]
    for _, method, path in targets(http):
        if method == "GET":
            yield request("GET", path)
            yield request("GET", f"{path}?token={TOKEN}", ELSEWHERE)
            yield request("GET", f"{path}?token={TOKEN}&nonce={'f' * 32}&x={TOKEN}")
            yield request("GET", path, f"{ELSEWHERE}X-NLS-Token: {canary('wrong')}\r\n")
        if method in ("POST", "PUT", "DELETE"):
            yield request(method, path, body=json.dumps({"text": 1, "field": canary("value"), "token": canary("value")}))
            yield request(method, path, body=canary("nonsense"))
    for section, name in names:
        yield request("GET", f"/api/{section}/{name}")
        yield request("POST", f"/api/{section}/{name}/verify", body="{}")
        wrong: dict[str, Any] = {"api_key": canary("candidate"), "token": canary("candidate"), "no-field": canary("unknown")}
        for method, action in (("POST", "verify"), ("PUT", "credentials")):
            yield request(method, f"/api/{section}/{name}/{action}", body=json.dumps({"credentials": wrong}))
            yield request(method, f"/api/{section}/{name}/{action}", body=json.dumps({"credentials": canary("list")}))
        if section == "engines":
            spoken = {"input": "hello", "voice": f"{name}/alloy", "response_format": "pcm"}
            yield request("POST", "/v1/audio/speech", body=json.dumps(spoken))


async def test_nothing_that_is_answered_or_logged_holds_a_secret(server: Running, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    http = server.http
    assert http is not None
    events = asyncio.create_task(sent(http, request("GET", "/api/events"), patience=30))
    turns = asyncio.Semaphore(20)

    async def ask(text: str) -> tuple[str, Told]:
        async with turns:
            return text, await sent(http, text, patience=5 if "/api/events" in text else 10)

    for text, told in await asyncio.gather(*map(ask, asked(http))):
        assert told.status, text
        assert CANARY.encode() not in told.data, f"{text}\n{told.data.decode()}"
    metrics = await sent(http, request("GET", "/metrics"))
    assert CANARY.encode() not in metrics.data
    events.cancel()
    assert CANARY not in caplog.text
    assert CANARY not in "".join(map(str, (record.__dict__ for record in caplog.records)))


async def test_events_hold_no_secret(tmp_path: Path) -> None:
    async with parrot() as url, full_of_secrets(tmp_path, url) as running:
        http = running.http
        assert http is not None
        async with await connect(http) as listener:
            listener.writer.write(request("GET", "/api/events").encode())
            for section, _, name, _, _ in services():
                await sent(http, request("POST", f"/api/{section}/{name}/verify", body="{}"))
            told = await everything(listener, 1)
        assert b"event: hello" in told.data
        assert CANARY.encode() not in told.data


async def test_no_repr_holds_a_secret(tmp_path: Path) -> None:
    async with full_of_secrets(tmp_path, "ws://127.0.0.1:9") as running:
        things = [running, running.speech, running.http, running.administration, running.administration.config]
        things += [*running.speech.engines.values(), *running.speech.converters.values()]
        things += [*running.administration.config.engines.values(), CredentialStore(tmp_path / FILE).read()]
        shown = " ".join([*map(repr, things), *map(str, things)])
        assert "openai0file" in shown
        assert CANARY not in shown


async def test_only_files_that_only_the_owner_reads_hold_secrets(tmp_path: Path) -> None:
    async with full_of_secrets(tmp_path, "ws://127.0.0.1:9") as running:
        assert running.http is not None
        await sent(running.http, request("GET", "/api/engines"))
    with_secrets = {path.name: path for path in files(tmp_path) if CANARY.encode() in path.read_bytes()}
    assert set(with_secrets) == {FILE, "token", "herald.yaml"}  # the last is the owner's own
    assert S_IMODE(with_secrets[FILE].stat().st_mode) == S_IMODE(with_secrets["token"].stat().st_mode) == 0o600


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_the_check_shows_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    yaml, environ = configured(tmp_path, "ws://127.0.0.1:9")
    path = tmp_path / "herald.yaml"
    path.write_text(yaml)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        main(["check", "--config", str(path), "--state", str(tmp_path)])
        main(["check", "openai0file", "sami0stored", "--config", str(path), "--state", str(tmp_path)])
        path.write_text(yaml.replace('"type": "openai"', '"type": "openai", "nonsense": 1'))
        main(["check", "--config", str(path), "--state", str(tmp_path)])
    finally:
        root.handlers[:], root.level = handlers, level
    shown = capsys.readouterr()
    assert "Engine openai0environment" in shown.out
    assert "WRONG" in shown.out
    assert CANARY not in shown.out + shown.err


def test_the_scenario_does_hold_them_all(tmp_path: Path) -> None:
    """Else the others would find nothing, whatever leaked."""
    yaml, environ = configured(tmp_path, "ws://127.0.0.1:9")
    path = tmp_path / "herald.yaml"
    path.write_text(yaml)
    config = load_config(path, environ, CredentialStore(tmp_path / FILE).read())
    for section, _, name, source, fields in services():
        options = getattr(config, section)[name].options
        assert {field: options[field] for field in fields} == {field: canary(source, name, field) for field in fields}
