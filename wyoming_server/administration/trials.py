"""Credentials tried live, with the cheapest call there is: those in force, or others over them, which are stored nowhere."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any

from ..config import Config
from ..converters.base import Converter
from ..engines.base import Engine
from ..errors import CODES, Busy, ConsentRequired, EngineTimeout, HeraldError, TooLarge
from ..models import shortened
from ..monitoring.monitor import Monitor
from ..monitoring.states import Kind
from ..roster import Roster
from ..speech import Speech
from .kinds import ServiceClass, class_of, configured, type_of
from .values import Offered, check, check_address, hidden, with_offered

PATIENCE = 15.0
"""Seconds that a trial may take."""
TRIALS_MAX = 4
"""At once."""
VOICE_MAX = 256
"""Characters of a voice's id."""
_GOOD = "The credentials were accepted."


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What came of a trial."""

    ok: bool
    code: str | None
    """Of the failure, of `errors.CODES`."""
    message: str
    """What was found good, or what is wrong: a sentence."""
    seconds: float
    """How long it took."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Trial:
    kind: Kind
    name: str
    its_class: ServiceClass
    options: Mapping[str, Any]
    in_force: bool
    """Of the credentials in force, and so by the service itself."""
    config: Config
    voice: str | None


class Trials:
    """One instance a server."""

    def __init__(self, speech: Speech, monitor: Monitor) -> None:
        self._speech = speech
        self._monitor = monitor
        self._under_way = 0

    async def run(self, kind: Kind, name: str, config: Config, offered: Offered, voice: str | None) -> Verdict:
        """With what is `offered` over the credentials in force.

        Raises UnknownService, BadSetting, TooLarge and Busy; whatever else goes wrong is the verdict.
        """
        its_class = class_of(kind, type_of(kind, name, config))
        check(name, its_class, offered)
        check_address(kind, name, its_class, offered, config)
        if voice is not None and len(voice) > VOICE_MAX:
            msg = f"The id of a voice has {len(voice)} characters; {VOICE_MAX} are allowed."
            raise TooLarge(msg)
        entry = configured(kind, config).get(name)
        trial = _Trial(
            kind=kind,
            name=name,
            its_class=its_class,
            options=with_offered(its_class, entry.options if entry is not None else None, offered),
            in_force=entry is not None and not offered,
            config=config,
            voice=voice,
        )
        with self._counted():
            return await self._verdict(trial)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        if self._under_way >= TRIALS_MAX:
            msg = f"{TRIALS_MAX} credentials are being tried already, which is as many as may be at once. Try again in a moment."
            raise Busy(msg)
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1

    async def _verdict(self, trial: _Trial) -> Verdict:
        begin, failure = monotonic(), None
        try:
            message = await (self._by_itself(trial) if trial.in_force else self._apart(trial))
        except HeraldError as error:
            failure, message = error, str(error)
        instead = _GOOD if failure is None else CODES[failure.code].sentence
        return Verdict(
            ok=failure is None,
            code=failure.code if failure is not None else None,
            message=hidden(message, trial.its_class, trial.options, instead),
            seconds=monotonic() - begin,
        )

    async def _by_itself(self, trial: _Trial) -> str:
        """The service in force is asked; what it answers is told as its state."""
        services: Roster[Engine] | Roster[Converter]
        services = self._speech.engines if trial.kind is Kind.ENGINE else self._speech.converters
        with services.leased(trial.name) as service:
            answer: str | HeraldError
            try:
                answer = await _asked(service, trial)
            except HeraldError as error:
                answer = error
            failure = answer if isinstance(answer, HeraldError) else None
            if services.get(trial.name) is service:  # it was not replaced meanwhile
                self._monitor.verified(trial.kind, trial.name, failure)
        if failure is not None:
            raise failure
        return str(answer)

    async def _apart(self, trial: _Trial) -> str:
        """Somebody else is asked, who is there for that alone."""
        service = trial.its_class(trial.name, trial.options)
        try:
            return await _asked(service, trial, start=True)
        finally:
            await service.aclose()
            self._speech.hold_limits()


async def _asked(service: Engine | Converter, trial: _Trial, *, start: bool = False) -> str:
    """What it says of its credentials. Raises HeraldError."""
    try:
        async with asyncio.timeout(PATIENCE):
            if start:
                await service.start()
            if isinstance(service, Converter):
                return await service.verify()
            return await service.verify(_voice_id(service, trial))
    except TimeoutError:
        msg = f"{trial.name} gave no answer within {PATIENCE:g} s."
        raise EngineTimeout(msg) from None


def _voice_id(engine: Engine, trial: _Trial) -> str | None:
    """The engine's id of the voice that is asked for, which may be a configured one. Raises ConsentRequired."""
    if not trial.voice:
        return None
    known = trial.config.voices.get(trial.voice)
    if known is not None and known.engine == trial.name:
        return known.voice
    if engine.needs_consent(trial.voice):
        msg = (
            f"The voice {shortened(trial.voice)} may be a real person's. If that person agreed, "
            "give it an entry in `voices` of herald.yaml, with `consent: true`."
        )
        raise ConsentRequired(msg)
    return trial.voice
