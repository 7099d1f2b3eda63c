"""One websocket to a service, with the order of its messages: events up, events down, one session after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import EngineUnavailable
from ...protocols.flowing_events import ClientEvent, Finish, Kind, Message, ServerEvent, Start, Text
from ...protocols.flowing_events import Failed as Told
from ...protocols.flowing_json import AUDIO_MAX, new_id
from ...protocols.flowing_order import ClientOrder, State
from ...upstream.attempts import Failed
from ...upstream.failures import Asked
from ...upstream.websocket import EngineSocket

MESSAGE_MAX = AUDIO_MAX
"""Bytes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """What is different from service to service, as one line sees it."""

    encode: Callable[[ClientEvent], Message]
    decode: Callable[[Message], ServerEvent]
    names: Mapping[Kind, str]
    explain: Callable[[Told, Asked, str], Failed]
    """What a failure means; the last is the text that was sent."""
    reusable: bool = False
    """A line may carry one session after the other."""
    ping_every: float | None = None
    """Seconds between the pings of a session. `None`: none."""
    pause_max: float | None = None
    """Seconds that a session may get no text. `None`: any."""


class Line:
    """Open, until it is left or cut."""

    def __init__(self, socket: EngineSocket, service: Service) -> None:
        self.service = service
        self.idled = False
        """It was opened, or used, some time before: it may have died since."""
        self._socket = socket
        self._order = ClientOrder(service.names, reusable=service.reusable)

    @property
    def task_id(self) -> str:
        return self._order.task_id

    @property
    def done(self) -> bool:
        """The service has completed the session."""
        return self._order.state is State.DONE

    async def begin(self, payload: Mapping[str, Any]) -> None:
        """Start a session."""
        await self._send(Start(task_id=new_id(), payload=payload))

    async def say(self, text: str) -> None:
        await self._send(Text(task_id=self.task_id, text=text))

    async def finish(self) -> None:
        """No more text for this session."""
        await self._send(Finish(task_id=self.task_id))

    async def _send(self, event: ClientEvent) -> None:
        self._order.sent(event)
        await self._socket.send(self.service.encode(event))

    async def receive(self) -> ServerEvent:
        """What the running session's service tells next. Raises Lost, ProtocolError, TooLarge."""
        while True:
            event = self.service.decode(await self._socket.receive())
            if self._order.received(event):
                return event

    async def ping(self) -> None:
        """Raises Lost."""
        await self._socket.ping()

    async def leave(self) -> None:
        """In the first step, before anybody else runs, the service is told."""
        try:
            await self._socket.leave()
        except EngineUnavailable:
            self.cut()

    def cut(self) -> None:
        self._socket.cut()
