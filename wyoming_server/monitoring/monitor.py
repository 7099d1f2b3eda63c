"""Watches every session, service and voice of a server, and tells and counts what becomes of them.

Whoever speaks calls this in the middle of a reply: nothing here waits, and a defect here is logged once and ends no reply.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import ParamSpec

from ..converters.base import Converter
from ..engines.base import Engine
from ..errors import HeraldError
from ..roster import Changes, Roster
from ..sessions import End, Outcome, Session
from ..synthesis.fallback.breakers import Breakers
from ..synthesis.spending import Spending
from ..voices import Catalogue
from .breakers import BreakerNumbers
from .errors import Errors
from .hub import Hub, Json, Topic
from .metrics import Metrics
from .replies import Ended, described
from .spending import SpendingNumbers
from .states import Kind, ServiceState, State, States
from .usage import LocalUsage, Usage

_LOGGER = logging.getLogger(__name__)

P = ParamSpec("P")

_GONE = ServiceState(state=State.NOT_SET)


class Monitor:
    """The watcher of all sessions of a server, whatever their namespace, and of its catalogue."""

    def __init__(  # noqa: PLR0913  # all that it watches
        self,
        engines: Roster[Engine],
        converters: Roster[Converter],
        catalogue: Catalogue,
        *,
        usage: Usage | None = None,
        spending: Spending | None = None,
        breakers: Breakers | None = None,
    ) -> None:
        self.hub = Hub()
        self.metrics = Metrics()
        self.usage: Usage = usage or LocalUsage()
        self.spending = spending or Spending()
        self.metrics.watch(SpendingNumbers(self.spending))
        self.breakers = breakers or Breakers()
        self.metrics.watch(BreakerNumbers(self.breakers))
        self.errors = Errors()
        self.describe_service: Callable[[Kind, str], Mapping[str, Json]] = self._service
        """What an `engine` or `converter` event tells; whoever knows more than the state may say more."""
        self._catalogue = catalogue
        self._running: dict[Session, None] = {}
        self._defects: set[str] = set()
        self.states = States({Kind.ENGINE: engines, Kind.CONVERTER: converters}, self._state_changed)
        self.states.remark = self._remark
        self.states.renew(())
        self.spending.on_warned = lambda engine: self._safely(self._state_changed, Kind.ENGINE, engine)
        self.spending.on_refused = lambda engine, error: self._safely(self._refused, engine, error)
        self.breakers.on_failure = lambda engine, error, asked: self._safely(self._engine_failed, engine, error, asked)
        self.breakers.on_change = lambda engine: self._safely(self._tell_service, Kind.ENGINE, engine)
        catalogue.on_change = self.voices_changed

    # What is told to whoever asks

    def sessions(self) -> list[Session]:
        """Those that run and were not interrupted, of all namespaces, the oldest first."""
        return [session for session in self._running if not session.ending]

    def described(self, session: Session) -> dict[str, Json]:
        """As the HTTP API tells it."""
        return described(session)

    # What is told to the monitor

    def session_started(self, session: Session) -> None:
        self._safely(self._started, session)

    def session_speaking(self, session: Session) -> None:
        self._safely(self._speaking, session)

    def session_ended(self, session: Session, end: End) -> None:
        self._safely(self._ended, session, end)

    def voices_changed(self) -> None:
        """The catalogue has another revision."""
        self._safely(self._tell_voices)

    def services_changed(self, changes: Changes) -> None:
        """Engines or converters were added, replaced or removed."""
        self._safely(self.states.renew, changes.names)

    def verified(self, kind: Kind, name: str, error: HeraldError | None) -> None:
        """The credentials that it has were tried; `None`: they are good."""
        if error is None:
            self._safely(self.states.worked, kind, name)
        else:
            self._safely(self.states.failed, kind, name, error)

    def close(self) -> None:
        """The server ends: `bye` is the last that is told."""
        self.hub.publish(Topic.BYE, {})
        self.hub.close()

    # What becomes of it

    def _safely(self, work: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            work(*args, **kwargs)
        except Exception:  # whoever speaks cannot mend it, and must go on
            name = work.__qualname__
            if name not in self._defects:
                self._defects.add(name)
                _LOGGER.exception("The monitor has a defect in %s; this is told once", name)

    def _started(self, session: Session) -> None:
        self._running[session] = None
        self.metrics.started(session.front_end)
        self.hub.publish(Topic.SESSION_STARTED, described(session))

    def _speaking(self, session: Session) -> None:
        progress = session.progress
        if progress.first_audio is not None and not progress.shared:  # which was made before it was wanted
            self.metrics.speaking(progress.engine, progress.first_audio - session.since)
        self.hub.publish(Topic.SESSION_SPEAKING, described(session))
        self._services_worked(session)

    def _ended(self, session: Session, end: End) -> None:
        self._running.pop(session, None)
        reply = Ended.of(session, end)
        for part in (self.metrics.ended, self.usage.add, self.errors.add):
            self._safely(part, reply)
        self._safely(self._judge, session, end)
        self.hub.publish(Topic.SESSION_ENDED, {**described(session), **_ending(reply)})

    def _judge(self, session: Session, end: End) -> None:
        if end.outcome is Outcome.COMPLETED:
            self._services_worked(session)
        elif end.outcome is Outcome.FAILED and end.error is not None and session.progress.asked:
            self._service_failed(session, end.error)

    def _services_worked(self, session: Session) -> None:
        progress, states, asked = session.progress, self.states, session.since
        if not progress.characters:
            return  # what is heard is the silence of a text with nothing to say
        states.worked(Kind.ENGINE, progress.engine, asked=asked)
        if progress.notice is not None and not progress.notice.voice:
            states.failed(Kind.CONVERTER, progress.converter, progress.notice, asked=asked)
        else:
            states.worked(Kind.CONVERTER, progress.converter, asked=asked)

    def _service_failed(self, session: Session, error: HeraldError) -> None:
        progress = session.progress
        # After a bypass the converter has told its failure in the notice: what fails then is the engine.
        is_bypassed = progress.notice is not None and not progress.notice.voice
        is_converter = progress.converter_failed and not is_bypassed
        kind, name = (Kind.CONVERTER, progress.converter) if is_converter else (Kind.ENGINE, progress.engine)
        self.states.failed(kind, name, error, asked=session.since)

    def _engine_failed(self, engine: str, error: HeraldError, asked: float) -> None:
        """Whoever speaks in its place."""
        self.states.failed(Kind.ENGINE, engine, error, asked=asked)

    def _refused(self, engine: str, error: HeraldError) -> None:
        """It may take no more characters; a reply that another engine then speaks does not tell."""
        self.states.failed(Kind.ENGINE, engine, error)

    def _remark(self, kind: Kind, name: str) -> str:
        return self.spending.warning(name) if kind is Kind.ENGINE else ""

    def _tell_voices(self) -> None:
        self.hub.publish(Topic.VOICES, {"revision": self._catalogue.revision, "count": len(self._catalogue.listed())})

    def _state_changed(self, kind: Kind, name: str) -> None:
        known = self.states.of(kind, name)
        if kind is Kind.ENGINE:
            self.metrics.engine_is(name, known.state if known is not None else None)
        self._safely(self._tell_service, kind, name)

    def _tell_service(self, kind: Kind, name: str) -> None:
        self.hub.publish(kind, self.describe_service(kind, name))

    def _service(self, kind: Kind, name: str) -> dict[str, Json]:
        known = self.states.of(kind, name)
        now = known or _GONE
        return {
            "name": name,
            "kind": kind.value,
            "configured": known is not None,
            "state": now.state.value,
            "code": now.code,
            "message": now.message,
            "since": _written(now.since),
        }


def _ending(reply: Ended) -> dict[str, Json]:
    return {
        "outcome": reply.outcome.value,
        "code": reply.code,
        "message": reply.message,
        "interrupt_seconds": reply.interrupt_seconds,
        "notice": reply.notice,
    }


def _written(time: datetime | None) -> str | None:
    return time.isoformat() if time is not None else None
