"""Anything at all, in any order, said to the IndexTTS front end: everything is answered, and every task ends once."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from ..serving import until
from .fuzzing import JSON, for_all
from .indextts_client import IndexClient, connected
from .indextts_serving import Alone, alone

FIELDS = st.sampled_from(
    "text prompt_audio emo_mode emo_audio emo_vector emo_text emo_alpha interval_silence max_tokens use_random task_id".split()
)
TYPES = st.sampled_from(["tts_stream", "task_status"])
REQUEST = st.builds(
    lambda kind, text, mode, more: {"type": kind, "text": text, "emo_mode": mode, **more},
    TYPES | JSON,
    st.just("Hello.") | JSON,
    st.sampled_from(["none", "audio", "vector", "text"]) | JSON,
    st.dictionaries(FIELDS, JSON | st.lists(st.floats(0, 1), min_size=8, max_size=8), max_size=3),
)
ACTS = ("say", "slow", "fails", "wrong", "elsewhere", "interrupt", "status", "wait", "turn", "leave")


def test_whatever_comes_is_answered(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def meet(server: Alone, messages: list[Any]) -> None:
        async with connected(server.http) as client:
            for message in messages:
                await client.socket.send(message if isinstance(message, bytes) else json.dumps(message))
                first = await client.message()
                assert first["session_id"] == client.session_id
                if first.get("type") == "queued":
                    assert (await client.heard()).last["task_id"] == first["task_id"]
                else:
                    assert first.get("status") == "error"
                    assert set(first) == {"status", "session_id", "message"}
                    assert first["message"]
            assert (await client.say()).names == ["queued", "start", "audio", "end"]

    for_all(alone(tmp_path), caplog, st.lists(REQUEST | JSON | st.binary(max_size=5), max_size=4), meet)


def test_whatever_clients_do_every_task_ends_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def meet(server: Alone, acts: list[tuple[int, str]]) -> None:
        async with connected(server.http) as one, connected(server.http) as other:
            clients = (one, other)
            asked: Counter[IndexClient] = Counter()
            left: set[IndexClient] = set()
            for number, act in acts:
                client = clients[number]
                if act == "leave":
                    left.add(client)
                    await client.socket.close()
                elif act == "interrupt":
                    server.sessions.interrupt_all()
                elif act in ("wait", "turn"):
                    await asyncio.sleep(0.003 if act == "wait" else 0)
                elif client not in left:
                    await ASK[act](client)
                    asked[client] += 1
            for client in clients:
                if client not in left:
                    check((await client.heard(ends=asked[client])).messages)
        await until(lambda: all(task.over for task in server.tasks._known.values()))  # noqa: SLF001  # nobody tells all of them

    acts = st.lists(st.tuples(st.sampled_from([0, 1]), st.sampled_from(ACTS)), max_size=12)
    for_all(alone(tmp_path), caplog, acts, meet)


ASK: dict[str, Callable[[IndexClient], Awaitable[None]]] = {
    "say": lambda client: client.ask(),
    "slow": lambda client: client.ask(prompt_audio="slow"),
    "fails": lambda client: client.ask("a" * 30, prompt_audio="fails"),
    "elsewhere": lambda client: client.ask(prompt_audio="elsewhere"),
    "wrong": lambda client: client.ask(prompt_audio="nobody"),
    "status": lambda client: client.send(type="task_status", task_id="nobody's"),
}


def check(messages: list[dict[str, Any]]) -> None:
    """Each task is queued first, begins at most once, and ends once."""
    steps: dict[str, list[str]] = {}
    for message in messages:
        if "task_id" in message:
            steps.setdefault(message["task_id"], []).append(message.get("type", "error"))
    for told in steps.values():
        assert told in (["queued", "start", "end"], ["queued", "start", "error"], ["queued", "error"])
