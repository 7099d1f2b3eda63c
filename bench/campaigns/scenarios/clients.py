"""The client of each front end."""

from __future__ import annotations

from collections.abc import Mapping

from .client import Client
from .scenario import FrontEnd
from .stream_clients import ApiClient, OpenaiClient, WyomingClient
from .websocket_clients import FlowingClient, IndexClient

CLIENTS: Mapping[FrontEnd, type[Client]] = {
    FrontEnd.WYOMING: WyomingClient,
    FrontEnd.API: ApiClient,
    FrontEnd.OPENAI: OpenaiClient,
    FrontEnd.WEBSOCKET: FlowingClient,
    FrontEnd.INDEXTTS: IndexClient,
}
