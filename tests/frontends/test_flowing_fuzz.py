"""Anything at all, in any order, said to /ws/v1/tts by clients that share sessions: every session is ended in words."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from .flowing_client import FlowingClient, Heard, connected
from .flowing_serving import Alone, alone
from .fuzzing import JSON, for_all

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


def test_whatever_comes_is_answered(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def meet(server: Alone, messages: list[Any]) -> None:
        async with connected(server.http) as client:
            for message in messages:
                await client.socket.send_str(json.dumps(message))
            await client.socket.send_bytes(b"")  # which is wrong everywhere
            heard = await client.heard()
            assert heard.names[-1] == "TaskFailed"
            assert heard.failure.endswith((".", "…"))

    for_all(alone(tmp_path), caplog, st.lists(MESSAGE, max_size=4), meet)


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

    for_all(
        alone(tmp_path), caplog, st.lists(st.tuples(st.sampled_from([0, 1]), st.sampled_from(sorted(ACTS))), max_size=12), meet
    )


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
