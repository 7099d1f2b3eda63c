"""What an engine or a converter was seen to be, and what says nothing of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import pytest

from wyoming_server.config import EngineConfig
from wyoming_server.converters.base import Converter
from wyoming_server.engines.base import Engine
from wyoming_server.errors import (
    CODES,
    CredentialsRefused,
    EngineBusy,
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    HeraldError,
    QuotaExceeded,
    Unspeakable,
    VoiceRefused,
)
from wyoming_server.models import Notice
from wyoming_server.monitoring.states import SHOWN_BY, Kind, State, States, has_credentials
from wyoming_server.roster import Roster, ServiceConfig

from ..converters.cases import new_converter
from ..engines.cases import new_engine

KEYS = {"appid": "1234567890", "token": "access-token"}


@dataclass(kw_only=True)
class Watched:
    """One engine, one converter, and what was told of them."""

    engines: Roster[Engine]
    states: States = field(init=False)
    told: list[tuple[Kind, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        converters: Roster[Converter] = Roster.of({"gain": new_converter("gain")})
        self.states = States({Kind.ENGINE: self.engines, Kind.CONVERTER: converters}, self._changed)
        self.states.renew(())

    def _changed(self, kind: Kind, name: str) -> None:
        self.told.append((kind, name))

    def state(self, name: str = "tone") -> State | None:
        known = self.states.of(Kind.ENGINE, name)
        return known.state if known is not None else None


@pytest.fixture
def watched() -> Watched:
    return Watched(engines=Roster.of({"tone": new_engine("tone")}))


def test_everybody_is_told_of_at_first(watched: Watched) -> None:
    assert watched.told == [(Kind.ENGINE, "tone"), (Kind.CONVERTER, "gain")]
    known = watched.states.of(Kind.ENGINE, "tone")
    assert known is not None
    assert (known.state, known.code, known.message, known.since) == (State.UNTRIED, None, None, None)
    assert watched.states.all(Kind.CONVERTER).keys() == {"gain"}


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (CredentialsRefused, State.REFUSED),
        (QuotaExceeded, State.QUOTA),
        (EngineUnavailable, State.UNAVAILABLE),
        (EngineTimeout, State.UNAVAILABLE),
    ],
)
def test_a_failure_shows_a_state_until_something_works(watched: Watched, error: type[EngineError], state: State) -> None:
    watched.states.failed(Kind.ENGINE, "tone", error("It is so."))
    known = watched.states.of(Kind.ENGINE, "tone")
    assert known is not None
    assert (known.state, known.code, known.message) == (state, error.code, "It is so.")
    assert known.since is not None
    watched.states.worked(Kind.ENGINE, "tone")
    assert watched.state() is State.READY
    assert watched.told[2:] == [(Kind.ENGINE, "tone")] * 2


@pytest.mark.parametrize("error", [EngineError, VoiceRefused, Unspeakable, EngineBusy, HeraldError])
def test_other_failures_say_nothing_of_the_engine(watched: Watched, error: type[HeraldError]) -> None:
    watched.states.worked(Kind.ENGINE, "tone")
    watched.states.failed(Kind.ENGINE, "tone", error())
    assert watched.state() is State.READY


def test_only_a_change_is_told(watched: Watched) -> None:
    watched.states.failed(Kind.ENGINE, "tone", EngineTimeout("Once."))
    first = watched.states.of(Kind.ENGINE, "tone")
    watched.states.failed(Kind.ENGINE, "tone", EngineTimeout("Twice."))
    assert watched.states.of(Kind.ENGINE, "tone") is first
    assert len(watched.told) == 3


def test_a_converter_has_states_of_its_own(watched: Watched) -> None:
    watched.states.failed(Kind.CONVERTER, "gain", Notice(code="credentials_refused", text="Not converted."))
    known = watched.states.of(Kind.CONVERTER, "gain")
    assert known is not None
    assert known.state is State.REFUSED
    assert watched.state() is State.UNTRIED


def test_what_an_engine_answered_that_was_replaced_since_says_nothing(watched: Watched) -> None:
    asked = monotonic()
    watched.states.renew(["tone"])
    watched.states.failed(Kind.ENGINE, "tone", CredentialsRefused(), asked=asked)
    assert watched.state() is State.UNTRIED
    watched.states.failed(Kind.ENGINE, "tone", CredentialsRefused(), asked=monotonic())
    assert watched.state() is State.REFUSED
    watched.states.renew(["tone"])
    assert watched.state() is State.UNTRIED


def test_nothing_is_known_of_one_that_is_not_configured(watched: Watched) -> None:
    watched.states.failed(Kind.ENGINE, "gone", CredentialsRefused())
    watched.states.worked(Kind.CONVERTER, "")
    assert watched.states.of(Kind.ENGINE, "gone") is None
    assert len(watched.told) == 2


@pytest.mark.parametrize(
    ("options", "complete"),
    [({}, False), ({"appid": "1"}, False), ({"api_key": " "}, False), ({"api_key": "k"}, True), (KEYS, True)],
)
def test_one_set_of_credentials_is_enough(options: dict[str, Any], complete: bool) -> None:
    assert has_credentials(new_engine("openspeech", **options)) is complete


def test_without_credentials_a_refusal_is_no_news() -> None:
    watched = Watched(engines=Roster.of({"cloud": new_engine("openspeech")}))
    watched.states.failed(Kind.ENGINE, "cloud", CredentialsRefused())
    assert watched.state("cloud") is State.NOT_SET
    watched.states.worked(Kind.ENGINE, "cloud")  # a voice may bring its own
    assert watched.state("cloud") is State.READY


async def test_one_that_could_not_be_started_is_unavailable() -> None:
    def make(name: str, config: ServiceConfig) -> Engine:
        engine = new_engine("tone")
        if config.options["broken"]:
            engine.start = refused  # type: ignore[method-assign]
        return engine

    async def refused() -> None:
        raise EngineUnavailable("It is not installed.")

    def wanted(*, broken: bool) -> dict[str, EngineConfig]:
        return {"tone": EngineConfig(name="tone", type="tone", options={"broken": broken})}

    engines: Roster[Engine] = Roster(make, "engine")
    await engines.apply(wanted(broken=True))
    watched = Watched(engines=engines)
    known = watched.states.of(Kind.ENGINE, "tone")
    assert known is not None
    assert (known.state, known.message) == (State.UNAVAILABLE, "It is not installed.")
    watched.states.renew((await engines.apply(wanted(broken=False))).names)
    assert watched.state() is State.UNTRIED
    watched.states.renew((await engines.apply({})).names)
    assert watched.state() is None
    assert watched.told[-1] == (Kind.ENGINE, "tone")
    await engines.aclose()


def test_the_table_names_codes_that_there_are() -> None:
    assert SHOWN_BY.keys() <= CODES.keys()
    assert set(SHOWN_BY.values()) == set(State) - {State.READY, State.UNTRIED, State.NOT_SET}
    assert all(re.fullmatch(r"[a-z_]+", state) for state in State)
