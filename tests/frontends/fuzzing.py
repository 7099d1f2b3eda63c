"""Anything at all, said to a front end: what it may be, and a server that meets all of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ..serving import until

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)


class Serving(Protocol):
    @property
    def sessions(self) -> Iterable[object]: ...


S = TypeVar("S", bound=Serving)


def for_all(
    serving: AbstractAsyncContextManager[S],
    caplog: pytest.LogCaptureFixture,
    given_: Any,
    meet: Callable[[S, Any], Awaitable[None]],
) -> None:
    """Meets every example with one server, which is whole and empty in the end."""
    with asyncio.Runner() as runner:
        server = runner.run(serving.__aenter__())

        @settings(max_examples=150)
        @given(given_)
        def example(value: Any) -> None:
            runner.run(meet(server, value))  # type: ignore[arg-type]

        try:
            example()
            runner.run(until(lambda: not list(server.sessions)))
        finally:
            runner.run(serving.__aexit__(None, None, None))
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
