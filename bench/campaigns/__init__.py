"""The campaigns, one a module: each does something many times over, at random, and tells what was not as it should be.

They measure nothing, and are run by name alone: `script/bench NAME [its own arguments]`, `--help` among them. `main` takes those
and returns the exit status, 1 where something was wrong; what was wrong is printed with the seed that repeats it.

`home_assistant` and `announcements` measure, but are run in the same way: they need whole Home Assistants, which a server's
benches must do without.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..home_assistant import announcements
from ..home_assistant import command as home_assistant
from . import kills, scenarios

CAMPAIGNS: Mapping[str, Callable[[Sequence[str]], int]] = {
    "announcements": announcements.main,
    "home_assistant": home_assistant.main,
    "kills": kills.main,
    "scenarios": scenarios.main,
}
