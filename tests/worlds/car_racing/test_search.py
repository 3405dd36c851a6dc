"""A night in miniature: CarRacing is searched, and the page has its measures."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent import autoresearch_controller, report
from agent.worlds.car_racing.measures import MEASURES
from tests.controllers import folders, ledger, log

# A decision of ten frames ends an episode after a hundred.
TINY = ["--world", "car_racing", "--device", "cpu", "--agent", "ppo", "--action-repeat", "10"]
TINY += ["--n-envs", "2", "--eval-episodes", "1", "--choosing-episodes", "1", "--evaluations", "1"]
TINY += ["--conv-layers", "3", "--features-dim", "8", "--net-width", "8"]
SHORT = ["--trials", "2", "--min-timesteps", "64", "--max-timesteps", "65"]


@pytest.mark.slow
def test_it_is_searched_and_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.trials.session.COOLDOWN_SEC", 0.0)
    argv = [*folders(tmp_path), *TINY, *SHORT, "--cooldown", "0"]
    assert autoresearch_controller.main(argv) == 0
    records = ledger(tmp_path)
    assert [record["run_status"] for record in records] == ["ok"] * 2
    assert {record["world"] for record in records} == {"car_racing"}
    assert all(record["score"]["tiles_missed"] > 0.0 for record in records)
    assert log(tmp_path).count(" laps 0") >= 2
    assert report.main(folders(tmp_path)) == 0
    page = (tmp_path / "results" / "report" / "report.html").read_text(encoding="utf-8")
    for measure in MEASURES:
        assert measure.name in page
    assert "CarRacing-v3" in page
