"""docs/monitoring.md tells what there is, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from wyoming_server.config import EngineConfig
from wyoming_server.errors import CredentialsRefused, Interrupted
from wyoming_server.monitoring.cache import CacheNumbers
from wyoming_server.monitoring.hub import Topic
from wyoming_server.monitoring.states import State
from wyoming_server.sessions import LocalSessions, Outcome
from wyoming_server.synthesis.cache.store import DiskStore
from wyoming_server.synthesis.fallback.breakers import Breakers
from wyoming_server.synthesis.spending import Spending

from .watching import new_monitor

PAGE = (Path(__file__).parents[2] / "docs" / "monitoring.md").read_text(encoding="utf-8")


def rows(heading: str) -> dict[str, list[str]]:
    """The table below a heading: first cell → the others."""
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("|")]
    return {cells[0].strip("`"): cells[1:] for cells in lines[2:]}


async def test_the_metrics_are_those_of_the_table() -> None:
    limits = {"tone": EngineConfig(name="tone", type="tone", characters_per_day=100)}
    monitor = new_monitor(spending=Spending(limits=limits), breakers=Breakers(limits))
    monitor.metrics.watch(CacheNumbers(DiskStore(Path("never used"), 1)))
    sessions = LocalSessions(monitor)
    for error in (CredentialsRefused, Interrupted):
        with pytest.raises(error):  # noqa: PT012  # one act
            async with sessions.open() as session:
                session.progress.engine = "tone"
                session.progress.took("tone", 10)
                session.progress.heard(0.5)
                if error is Interrupted:
                    session.interrupt()
                else:
                    raise error
    there = {}
    for family in text_string_to_metric_families(monitor.metrics.rendered().decode()):
        labels = {name for sample in family.samples for name in sample.labels} - {"le"}
        name = f"{family.name}_total" if family.type == "counter" else family.name
        there[name] = (family.type, labels)
    told = {name: (cells[0], set(re.findall(r"`(\w+)`", cells[1]))) for name, cells in rows("Metrics").items() if cells}
    assert told == there


def test_the_words_are_those_of_the_code() -> None:
    assert set(rows("States")) == set(State)
    assert set(rows("Outcomes")) == set(Outcome)
    assert set(rows("Events")) - {"hello"} == set(Topic)


def test_the_example_is_a_scrape_configuration() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    (job,) = yaml.safe_load(example)["scrape_configs"]
    assert (job["metrics_path"], job["authorization"]["type"]) == ("/metrics", "Bearer")
