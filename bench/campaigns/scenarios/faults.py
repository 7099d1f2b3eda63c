"""What the tests' simulators can do wrong on demand: every kind at every moment that a simulator knows, drawn at random.

A row for each service says which fault it takes and what the details of one may be; the simulators themselves refuse what they
cannot do, so that a kind which is added there is drawn here too.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from itertools import product
from typing import Any, get_args

from tests.simulators import dashscope, flowing, indextts, openai, openspeech, sami, wyoming
from tests.simulators.duplex import faults as duplex_faults
from tests.simulators.indextts import faults as indextts_faults
from tests.simulators.openai import faults as openai_faults
from tests.simulators.openspeech import faults as openspeech_faults
from tests.simulators.sami import faults as sami_faults
from tests.simulators.wyoming import manners

STALLS: Sequence[float | None] = (None, 0.02, 0.1, 0.6)
"""Seconds; None: for as long as the scenario lasts."""
TIMES = (1, 1, 1, 2, 6)
CLOSES = (1000, 1001, 1011)
"""Codes of a close frame."""
STATUSES = (400, 401, 403, 429, 500, 503)
REFUSALS = (
    (400, "No."),
    (401, "Incorrect API key provided."),
    (404, "No such voice."),
    (429, "You exceeded your current quota."),
    (429, "Rate limit reached."),
    (500, "Something went wrong."),
    (503, "The model is loading."),
)
"""Of an OpenAI-compatible service: status and message."""
LARGE = {"oversized"}
"""Shapes of a WAV that takes longer than all the rest of a scenario."""

Details = Callable[[random.Random, str], dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Row:
    """The faults of one simulator."""

    fault: Callable[..., Any]
    kinds: Sequence[str]
    stages: Sequence[str]
    details: Details
    """What else a fault of it may say."""
    impossible: frozenset[tuple[str, str]] = frozenset()
    """Kinds and stages that do not go together, which the simulator would not notice."""

    def possible(self) -> list[tuple[str, str]]:
        """Kinds and stages that go together."""
        found = []
        for kind, stage in product(self.kinds, self.stages):
            if (kind, stage) in self.impossible:
                continue
            with suppress(ValueError):
                self.fault(kind=kind, on=stage)
                found.append((kind, stage))
        return found

    def drawn(self, rng: random.Random) -> Any:
        kind, stage = rng.choice(self.possible())
        said = {"kind": kind, "on": stage, "times": rng.choice(TIMES), **self.details(rng, kind)}
        return self.fault(**said)


def _openspeech(codes: Mapping[str, openspeech.Told]) -> Row:
    def details(rng: random.Random, kind: str) -> dict[str, Any]:
        told = rng.choice(list(codes.values()))
        how = rng.choice(["", "", "frame", "gzip frame", "unsaid gzip frame", "text", "event"])
        code = rng.choice(CLOSES) if kind == "close" else told.code
        return {"code": code, "message": told.message, "status": rng.choice(STATUSES), "how": how, **_moment(rng)}

    return Row(
        fault=openspeech.Fault,
        kinds=get_args(openspeech_faults.Kind),
        stages=get_args(openspeech_faults.Stage),
        details=details,
    )


def _duplex(codes: Mapping[str, flowing.Told]) -> Row:
    def details(rng: random.Random, _: str) -> dict[str, Any]:
        told = rng.choice(list(codes.values()))
        return {"told": told, "status": rng.choice(STATUSES), "code": rng.choice(CLOSES), **_moment(rng)}

    return Row(fault=flowing.Fault, kinds=get_args(duplex_faults.Kind), stages=get_args(duplex_faults.Stage), details=details)


def _moment(rng: random.Random) -> dict[str, Any]:
    return {"after": rng.choice([0, 0.2, 0.8]), "seconds": rng.choice(STALLS)}


def _openai(rng: random.Random, _: str) -> dict[str, Any]:
    status, message = rng.choice(REFUSALS)
    body = rng.choice([b"", b"RIFF", {"error": {"message": "Out of memory."}}, "<html>Bad Gateway</html>", bytes(range(255))])
    return {"status": status, "message": message, "body": body, **_moment(rng)}


def _indextts(rng: random.Random, _: str) -> dict[str, Any]:
    shape = rng.choice(sorted(indextts.SHAPES.keys() - LARGE))
    return {"shape": shape, "seconds": rng.choice(STALLS), "code": rng.choice(CLOSES)}


def _sami(rng: random.Random, _: str) -> dict[str, Any]:
    told = rng.choice(list(sami.SAMI.values()))
    return {"told": told, "status": rng.choice(STATUSES), "code": rng.choice(CLOSES), **_moment(rng)}


def _wyoming(rng: random.Random, _: str) -> dict[str, Any]:
    return {"after": rng.choice([0, 1, 5]), "code": rng.choice([None, "engine_failed", "busy", "unknown_voice"])}


FAULTS: Mapping[str, Row] = {
    "v1": _openspeech(openspeech.V1),
    "openspeech": _openspeech(openspeech.V3),
    "aliyun": _duplex(flowing.NLS),
    "cosyvoice": _duplex(flowing.NLS),
    "dashscope": _duplex(dashscope.DASHSCOPE),
    "openai": Row(fault=openai.Fault, kinds=get_args(openai_faults.Kind), stages=get_args(openai_faults.Stage), details=_openai),
    "indextts": Row(
        fault=indextts.Fault, kinds=get_args(indextts_faults.Kind), stages=get_args(indextts_faults.Stage), details=_indextts
    ),
    "wyoming": Row(
        fault=wyoming.Fault,
        kinds=get_args(manners.Kind),
        stages=get_args(manners.Stage),
        details=_wyoming,
        impossible=frozenset(("skip", stage) for stage in get_args(manners.Stage) if stage not in ("audio", "audio-stop")),
    ),
    "sami": Row(fault=sami.Fault, kinds=get_args(sami_faults.Kind), stages=get_args(sami_faults.Stage), details=_sami),
}
"""By the name of the service."""
CANNED: Sequence[Any] = tuple(openai.CANNED.values())
"""More of an OpenAI-compatible one."""


def drawn(service: str, rng: random.Random) -> Any:
    """A fault of that service."""
    if service == "openai" and rng.random() < 0.3:
        return replace(rng.choice(CANNED), times=rng.choice(TIMES))
    return FAULTS[service].drawn(rng)


def words(fault: Any) -> str:
    """What it says beyond what every one says."""
    more = [
        f"{item.name}={getattr(fault, item.name)!r}"
        for item in fields(fault)
        if item.name not in ("kind", "on") and getattr(fault, item.name) != item.default
    ]
    return f"{fault.kind} on {fault.on}" + (f" ({', '.join(more)})" if more else "")
