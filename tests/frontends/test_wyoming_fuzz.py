"""Anything at all, sent to a running server: the answer is an error in words or the service, never a crash or a quiet end."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wyoming_server.errors import HeraldError
from wyoming_server.protocols.wyoming import WyomingReader
from wyoming_server.server import Running

from ..serving import Client, serving, until

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)
TYPES = st.sampled_from(["describe", "ping", "synthesize", "synthesize-start", "synthesize-chunk", "synthesize-stop", "x"])
FIELDS = st.sampled_from(["text", "voice", "context", "text_format", "name", "rate"])
VOICE = st.fixed_dictionaries({}, optional={"name": JSON, "language": JSON, "speaker": JSON})
CONTEXT = st.dictionaries(st.sampled_from(["rate", "volume", "speed", "session_id", "piece", "frequency"]), JSON, max_size=3)
DATA = st.dictionaries(FIELDS, JSON | VOICE | CONTEXT, max_size=4)
HEADER = st.fixed_dictionaries({"type": TYPES}, optional={"data": DATA, "data_length": JSON, "payload_length": JSON})
LINE = (
    HEADER.map(lambda header: json.dumps(header).encode())
    | JSON.map(lambda value: json.dumps(value).encode())
    | st.binary(max_size=80)
)


def waits_for_more(data: bytes) -> bool:
    """Whether these bytes end inside an event, so that silence is the right answer."""
    reader = WyomingReader()
    reader.feed(data)
    try:
        while reader.next_event() is not None:
            pass
    except HeraldError:
        return False
    return reader.mid_event


def test_whatever_comes_is_answered(tmp_path: Path) -> None:
    """One server for all examples: what one leaves behind would meet the next."""
    with asyncio.Runner() as runner:
        stack = serving(tmp_path)
        server = runner.run(stack.__aenter__())

        @settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
        @given(st.lists(LINE, min_size=1, max_size=4))
        def meet(lines: list[bytes]) -> None:
            runner.run(answered(server, b"".join(line + b"\n" for line in lines)))

        try:
            meet()
            runner.run(until(lambda: server.wyoming.clients == 0))
        finally:
            runner.run(stack.__aexit__(None, None, None))


async def answered(server: Running, data: bytes) -> None:
    """Send it, and a ping behind it: the pong comes, or an error before the end."""
    async with await Client.connect(server) as client:
        client.writer.write(data + b'{"type": "ping"}\n')
        if not waits_for_more(data + b'{"type": "ping"}\n'):
            event = await client.until("pong", "error")
            assert event is not None, "a quiet end"
            if event.type == "error":
                assert event.data["text"].endswith(".")
                assert await client.receive() is None
