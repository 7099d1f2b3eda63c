"""What must be true after every scenario: everybody was told, the monitoring says the same, and nothing is left behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from wyoming_server.errors import CODES, EngineError, EngineUnavailable
from wyoming_server.rates import address_of
from wyoming_server.synthesis.fallback.breakers import BreakerState

from .client import Client
from .scenario import ENDS, Call, FrontEnd, Scenario, What
from .stage import Base, Stage, children, connections, files, settled, tasks
from .voices import VOICES, spoken_by

HTTP = (FrontEnd.API, FrontEnd.OPENAI)
"""To these an interrupt is the end of a whole file, and a failure after the first audio shows in its missing end."""
SAME = 0.06
"""Seconds by which what was heard may differ from what the monitoring says."""
POOLED = ("Pool._live",)
"""Coroutines of Herald that watch an idle connection each."""
ERRORS: Sequence[type[EngineError]] = (EngineError, *EngineError.__subclasses__())
TROUBLES = frozenset(cls.code for cls in ERRORS)
"""Codes that a service's trouble may have."""
LATE = frozenset({"engine_timeout", "engine_unavailable"})
"""What services that do well seem to do where this process is late: they stall, and are not asked again for a while."""


# What clients were told


def judged(client: Client, whom: int, scenario: Scenario, stage: Stage) -> list[str]:
    """What is wrong with how it ended."""
    if client.told is None:
        return ["was told nothing"]
    ends = [event for event in stage.events if address_of(str(event["client"])) == client.host]
    if client.left:
        return []
    if len(ends) > 1:
        return [f"had {len(ends)} sessions: {[end['outcome'] for end in ends]}"]
    if not ends:
        return _refused(client)
    (end,) = ends
    wrong = [] if _is_right(client, end) else [f"was told {client.told}, and the monitoring says {_said(end)}"]
    return wrong + _expected(client, whom, end, scenario, late=stage.lateness.matters)


def _refused(client: Client) -> list[str]:
    """It never had a session: its text was not worth one."""
    assert client.told is not None
    if client.told.how == "error" and not _letters(client.call):
        return []
    return [f"had no session, and was told {client.told}"]


def _is_right(client: Client, end: Mapping[str, Any]) -> bool:
    """Whether what it was told means what the monitoring says."""
    assert client.told is not None
    told, http = client.told, client.call.front_end in HTTP
    match end["outcome"]:
        case "completed":
            return told.how == "whole" and _is_as_long(client, end)
        case "interrupted":
            return told.how == ("whole" if http else "interrupted")
        case "left":
            return client.has_cancelled and told.how == "interrupted"
        case "failed" if told.how == "error":
            return told.code in {end["code"], str(CODES[end["code"]].flowing_status), ""}
        case "failed":
            return http and told.how == "broken" and client.pieces > 0
    return False


def _is_as_long(client: Client, end: Mapping[str, Any]) -> bool:
    seconds = client.seconds()
    return seconds is None or abs(seconds - end["audio_seconds"]) < SAME


def _said(end: Mapping[str, Any]) -> str:
    names = ("outcome", "code", "message", "voice", "engine", "audio_seconds", "notice")
    return ", ".join(f"{name} {end[name]}" for name in names if end[name] is not None)


def _expected(client: Client, whom: int, end: Mapping[str, Any], scenario: Scenario, *, late: bool) -> list[str]:
    """Whether this may happen in such a scenario."""
    outcome, code = end["outcome"], end["code"]
    if outcome == "interrupted":
        return [] if scenario.happens(ENDS, whom) else ["was interrupted by nobody"]
    if outcome == "left":
        return []
    if outcome == "failed":
        allowed = allowed_codes(client.call, scenario, late=late)
        return [] if code in allowed else [f"failed for no reason: {_said(end)}"]
    excused = late or VOICES[client.call.voice].codes or _is_troubled(client.call, scenario)
    return [] if excused else _length(client, end)


def allowed_codes(call: Call, scenario: Scenario, *, late: bool) -> frozenset[str]:
    """What it may fail with. `late`: this process was."""
    troubles = TROUBLES if _is_troubled(call, scenario) else frozenset[str]()
    nothing = frozenset({"unspeakable"}) if not _letters(call) else frozenset[str]()
    return VOICES[call.voice].codes | troubles | nothing | (LATE if late else frozenset())


def _is_troubled(call: Call, scenario: Scenario) -> bool:
    """Whether somebody who may be asked for it is."""
    services = VOICES[call.voice].services
    changed = any(one.what is What.CREDENTIALS for one in scenario.meanwhile) and "openspeech" in services
    return changed or any(trouble.service in services for trouble in scenario.troubles)


def _length(client: Client, end: Mapping[str, Any]) -> list[str]:
    """Whether all of the text was spoken, where nothing was wrong."""
    low, high = spoken_by(end["engine"])
    letters, seconds = _letters(client.call), end["audio_seconds"]
    if low * letters <= seconds <= high * len(client.call.text) + 1:
        return []
    return [f"heard {seconds} s of a text with {letters} letters: {_said(end)}"]


def _letters(call: Call) -> int:
    return sum(character.isalnum() for character in call.text)


# What is left


async def left_behind(stage: Stage, base: Base) -> list[str]:
    """Of the scenario: first with the services as they are, then with them all at peace again."""
    wrong = await settled(lambda: _in_hand(stage) or _upstream(stage) or _running(stage, base))
    if wrong:
        return wrong
    for service in stage.services.values():
        service.go_on()
    return await settled(lambda: _running(stage, base) or _open(stage, base))


def _in_hand(stage: Stage) -> list[str]:
    """What Herald itself says."""
    server = stage.server
    wrong = [f"the session {session.id} still runs" for session in server.monitor.sessions()]
    if stage.started != len(stage.events):
        wrong.append(f"of {stage.started} sessions {len(stage.events)} have ended")
    wrong += (
        [f"{len(server.speech.spending.promises)} promises of characters are open"] if server.speech.spending.promises else []
    )
    for name, engine in server.speech.engines.items():
        if (turns := engine.turns) is not None:
            with ExitStack() as stack:
                asked = [stack.enter_context(turns.ask(object())) for _ in range(turns.limit)]
                if not all(turn.granted for turn in asked):
                    wrong.append(f"of {turns.limit} turns of {name} {sum(turn.granted for turn in asked)} are free")
        breaker = server.speech.synthesizer.breakers.of(name)
        if breaker.state is BreakerState.HALF_OPEN:
            try:
                with breaker.trial(insists=False):
                    pass
            except EngineUnavailable:
                wrong.append(f"somebody still tries {name}, which failed before")
    return wrong


def _running(stage: Stage, base: Base) -> list[str]:
    """Tasks and processes."""
    now = tasks("wyoming_server")
    wrong = [
        f"{now[name] - base.tasks[name]} more tasks of {name}"
        for name in now
        if now[name] > base.tasks[name] and name not in POOLED
    ]
    if more := children() - base.children:
        wrong.append(f"{len(more)} more processes")
    return wrong


def _upstream(stage: Stage) -> list[str]:
    """What the services do for nobody."""
    return [f"{name}: {busy}" for name, service in stage.services.items() if (busy := service.in_hand())]


def _open(stage: Stage, base: Base) -> list[str]:
    """Connections and descriptors."""
    to, ends = connections()
    mine = {name: sum(to[port] for port in service.ports) for name, service in stage.services.items()}
    wrong = [
        f"{count} connections to {name} are open, of {stage.services[name].idle} that may be kept"
        for name, count in mine.items()
        if count > stage.services[name].idle
    ]
    if (now := files() - ends) > base.files:
        wrong.append(f"{now - base.files} more descriptors")
    return wrong


def base_of(stage: Stage) -> Base:
    return Base(tasks=tasks("wyoming_server"), files=files() - connections()[1], children=children())
