"""A sample of the campaign that kills writers of the cache at random moments; all of it is `script/bench kills`."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import __main__ as bench
from bench.campaigns.kills import campaign


@pytest.mark.timeout(60)
async def test_a_writer_that_is_killed_leaves_nothing_that_is_served_in_part(tmp_path: Path) -> None:
    outcome = await campaign(tmp_path, 4, writers=2)
    assert outcome.wrong == []
    assert outcome.kills == 4
    assert outcome.kept > 0


def test_the_campaign_is_a_command_of_the_bench(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["bench", "kills", "--kills", "1", "--writers", "1", "--seed", "7"])
    assert bench.main() == 0
    assert capsys.readouterr().out.startswith("1 kills, ")
