"""What schemathesis makes of openapi.yaml, asked of a real server: nothing fails, and every answer is a described one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from copy import deepcopy
from http import HTTPStatus
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS
from schemathesis.schemas import APIOperation

from .description import document, operations
from .serving import with_cloud

EXAMPLES = 10
"""Requests to each operation, good ones and bad ones each."""
ENDLESS = "events"
"""Its answer has no end, and has tests of its own."""
WANTED = ("content_type_conformance", "response_headers_conformance", "response_schema_conformance", "status_code_conformance")
LENIENT = "speak"
"""It takes a little more than is described: null for every field, and words in capitals."""


def _is_open_to_mistakes(operation: Mapping[str, Any]) -> bool:
    """Whether anything is said beside the path, in which every text is good."""
    return "requestBody" in operation or "query" in {one.get("in") for one in operation.get("parameters", ())}


def _narrowed() -> dict[str, Any]:
    """The description, with names that there are: of any text almost none is one."""
    narrow = deepcopy(document())
    components = narrow["components"]
    components["parameters"]["ServiceName"]["schema"] = {"enum": ["openspeech", "tone", "nobody"]}
    values = components["schemas"]["Credentials"]
    values["properties"] = dict.fromkeys(("api_key", "appid", "token"), values["additionalProperties"])
    values["additionalProperties"] = False
    (voice,) = narrow["paths"]["/api/voices/{name}"]["get"]["parameters"]
    voice["schema"] = {"enum": ["tone/tone", "tone", "en", "alloy", "nobody"]}
    return narrow


ASKED = [(operation["operationId"], GenerationMode.POSITIVE) for _, _, operation in operations()] + [
    (operation["operationId"], GenerationMode.NEGATIVE) for _, _, operation in operations() if _is_open_to_mistakes(operation)
]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server in a thread of its own: schemathesis waits for its answers."""
    folder = tmp_path_factory.mktemp("fuzz")
    told: Queue[tuple[str, asyncio.AbstractEventLoop, asyncio.Event]] = Queue()
    thread = threading.Thread(target=asyncio.run, args=(_serve(folder, told),))
    thread.start()
    found, loop, stop = told.get(timeout=20)
    yield found
    loop.call_soon_threadsafe(stop.set)
    thread.join()


async def _serve(folder: Path, told: Queue[tuple[str, asyncio.AbstractEventLoop, asyncio.Event]]) -> None:
    stop = asyncio.Event()
    async with with_cloud(folder) as (server, _):
        told.put((server.http.urls[0], asyncio.get_running_loop(), stop))
        await stop.wait()


@pytest.mark.parametrize(("name", "mode"), [(name, mode) for name, mode in ASKED if name != ENDLESS])
def test_every_request_is_answered_as_described(url: str, name: str, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_dict(_narrowed())
    schema.config.update(base_url=url)
    operation: APIOperation[Any, Any, Any, Any] = schema.find_operation_by_id(name)
    refused = ["negative_data_rejection"] if mode is GenerationMode.NEGATIVE and name != LENIENT else []
    checks: Any = CHECKS.get_by_names([*WANTED, *refused])

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=EXAMPLES, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck))
    @seed(7)
    def ask(case: schemathesis.Case[Any]) -> None:
        response = case.call(timeout=10)
        assert response.status_code != HTTPStatus.INTERNAL_SERVER_ERROR, response.text
        case.validate_response(response, checks=checks)

    ask()
