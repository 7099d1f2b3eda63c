"""Anything at all, in any order, said to /ws/v1/tts by clients that share sessions: every session is ended in words."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ..serving import until
from .flowing_client import FlowingClient, Heard, connected
from .flowing_serving import Alone, alone

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(["StartSynthesis", "RunSynthesis", "StopSynthesis", "CancelSynthesis", "x"])
SETTINGS = st.sampled_from(
    ["voice", "format", "sample_rate", "volume", "volumn", "speech_rate", "pitch_rate", "session_id", "options", "pace", "text"]
)
PAYLOAD = st.dictionaries(SETTINGS, JSON, max_size=4)
HEADER = st.fixed_dictionaries({"name": NAMES | JSON}, optional={"task_id": JSON, "message_id": JSON})
MESSAGE = st.fixed_dictionaries({"header": HEADER | JSON}, optional={"payload": PAYLOAD | JSON}) | JSON

Act = Callable[[FlowingClient], Awaitable[None]]
ACTS: dict[str, Act] = {
    "start": lambda client: client.start(session_id="shared", format="OGG_OPUS"),
    "start slow": lambda client: client.start(session_id="shared", options={"pace": 20}),
    "start failing": lambda client: client.start(options={"fail_at": 0.1}),
    "start late": lambda client: client.start(session_id="shared", options={"delay": 0.01}),
    "run": lambda client: client.run("A sentence. And a"),
    "stop": lambda client: client.stop(),
    "cancel": lambda client: client.cancel(),
    "wait": lambda client: asyncio.sleep(0.005),
    "turn": lambda client: asyncio.sleep(0),
}


def for_all(folder: Path, caplog: pytest.LogCaptureFixture, given_: Any, meet: Callable[[Alone, Any], Awaitable[None]]) -> None:
    """Meets every example with one server, which is whole and empty in the end."""
    with asyncio.Runner() as runner:
        stack = alone(folder)
        server = runner.run(stack.__aenter__())

        @settings(max_examples=150)
        @given(given_)
        def example(value: Any) -> None:
            runner.run(meet(server, value))  # type: ignore[arg-type]

        try:
            example()
            runner.run(until(lambda: not list(server.sessions)))
        finally:
            runner.run(stack.__aexit__(None, None, None))
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_whatever_comes_is_answered(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def meet(server: Alone, messages: list[Any]) -> None:
        async with connected(server.http) as client:
            for message in messages:
                await client.socket.send_str(json.dumps(message))
            await client.socket.send_bytes(b"")  # which is wrong everywhere
            heard = await client.heard()
            assert heard.names[-1] == "TaskFailed"
            assert heard.failure.endswith((".", "…"))

    for_all(tmp_path, caplog, st.lists(MESSAGE, max_size=4), meet)


def test_whatever_two_clients_do_to_each_other_every_session_is_ended_in_words(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def meet(server: Alone, acts: list[tuple[int, str]]) -> None:
        async with connected(server.http) as one, connected(server.http) as other:
            clients = (one, other)
            hearing = [asyncio.create_task(client.heard()) for client in clients]
            for number, act in acts:
                with contextlib.suppress(ConnectionError):  # it was refused, and closed
                    await ACTS[act](clients[number])
            for client in clients:
                await client.socket.send_bytes(b"") if not client.socket.closed else None
            for heard in await asyncio.gather(*hearing):
                check(heard)

    for_all(tmp_path, caplog, st.lists(st.tuples(st.sampled_from([0, 1]), st.sampled_from(sorted(ACTS))), max_size=12), meet)


def check(heard: Heard) -> None:
    """What came down is sessions, each with its start and its end, and at last a failure."""
    running = False
    for place, name in enumerate(heard.names):
        if name == "SynthesisStarted":
            assert not running
            running = True
        elif name == "TaskFailed":
            assert place == len(heard.names) - 1
        else:
            assert running
            running = name != "SynthesisCompleted"
    assert heard.names[-1] == "TaskFailed"
