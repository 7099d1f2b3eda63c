"""What all connections of a service share: how it behaves, what it has seen, and what is to go wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from .faults import Faults
from .journal import E, Journal, W


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a service behaves. Changed at any time, they hold for what begins from then on."""


O = TypeVar("O", bound=Options)  # noqa: E741  # for options
Q = TypeVar("Q", bound=Faults[Any])


@dataclass(kw_only=True)
class World(Generic[W, E, O, Q]):
    """One service, from its start to its end."""

    options: O
    journal: Journal[W, E]
    faults: Q
