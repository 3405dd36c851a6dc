from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.controllers import Run, rewards

BELIEF = "belief.json"
SCORES = (60.0, 80.0, 70.0, 95.0, 90.0, 85.0)


def belief(tmp_path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((tmp_path / "results" / BELIEF).read_text())
    return document


def test_the_belief_is_written_after_every_fit(tmp_path: Path, run: Run) -> None:
    assert run(rewards(*SCORES), "--trials", "6", "--confirm-seeds", "0") == 0
    found = belief(tmp_path)
    assert found["trial"] == 6
    assert [each["trial"] for each in found["assessments"]] == [1, 2, 3, 4, 5, 6]
    assert {each["name"] for each in found["slices"]} <= set(found["space"])
    assert set(found["importances"]) == set(found["space"])
    assert found["next"]["source"] == "gp"
    assert found["next"]["top"][0]["ucb"] >= found["next"]["top"][1]["ucb"]
    assert found["kappa"] == 2.0


def test_a_search_that_goes_on_keeps_how_it_came_here(tmp_path: Path, run: Run) -> None:
    run(rewards(*SCORES), "--trials", "3", "--confirm-seeds", "0")
    run(rewards(*SCORES), "--trials", "3", "--confirm-seeds", "0")
    assert [each["trial"] for each in belief(tmp_path)["assessments"]] == [1, 2, 3, 4, 5, 6]


def test_a_start_that_is_refused_leaves_no_belief(tmp_path: Path, run: Run) -> None:
    assert run({"*": {"exit": 2, "say": "runner: error: no; wait"}}, "--trials", "2") == 2
    assert not (tmp_path / "results" / BELIEF).exists()


@pytest.mark.parametrize("text", ["", "[]", "{", '{"space": 3}', '{"assessments": 5}'])
def test_a_damaged_belief_is_written_anew(tmp_path: Path, run: Run, text: str) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / BELIEF).write_text(text)
    assert run(rewards(60.0), "--trials", "1") == 0
    assert [each["trial"] for each in belief(tmp_path)["assessments"]] == [1]


def test_a_search_goes_on_where_it_cannot_be_written(tmp_path: Path, run: Run) -> None:
    (tmp_path / "results" / BELIEF).mkdir(parents=True)
    assert run(rewards(60.0, 61.0), "--trials", "2") == 0
