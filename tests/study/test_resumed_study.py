"""A study resumed from a ledger of commit c968630 goes on exactly as that version would have.

``tests/fixtures/resumed_study`` holds what that commit's controller wrote over a runner that only
pretends to train: trials of both agents, one with 4 environments, one on another track, one that
diverged, one that was pruned, replicates, and two records of a grid search. ``expected.json`` is
what it then did next, recorded by that commit for the first ``records`` lines of the ledger.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.config.trial import TrialConfig
from agent.search.stopping import assess
from agent.study.champion_selection import champion_replicates, select_champion
from agent.study.observations import observations
from agent.study.spaces import space_named
from agent.trials.ledger import Ledger
from agent.trials.record import Record
from agent.trials.task import of_task
from tests.controllers import Run, ledger

FIXTURE = Path(__file__).parents[1] / "fixtures" / "resumed_study"
SEARCH_LEDGER = "autoresearch_results.jsonl"
GRID_LEDGER = "clean_sweep_results.jsonl"
EXPECTED = json.loads((FIXTURE / "expected.json").read_text())
DEFAULT = TrialConfig.of().to_params()


def case_id(case: dict[str, Any]) -> str:
    return " ".join([f"{case['records']} records", *case.get("argv", [])])


def records(name: str) -> list[Record]:
    return of_task(Ledger(FIXTURE / name).load(), DEFAULT)


@pytest.mark.parametrize("case", EXPECTED["next_trials"], ids=case_id)
def test_it_runs_the_trial_that_the_version_before_would_have_run(
    case: dict[str, Any], run: Run, tmp_path: Path
) -> None:
    results = tmp_path / "results"
    results.mkdir()
    shutil.copy(FIXTURE / GRID_LEDGER, results)
    lines = (FIXTURE / SEARCH_LEDGER).read_text().splitlines(keepends=True)
    (results / SEARCH_LEDGER).write_text("".join(lines[: case["records"]]))
    plan = {"*": {"mean_reward": 64.0, "polls": 3}}  # long enough for two workers to overlap
    assert run(plan, "--trials", "1", *case["argv"]) == 0
    found = sorted(ledger(tmp_path)[case["records"] :], key=lambda record: record["trial"])
    assert len(found) == len(case["trials"])
    for record, expected in zip(found, case["trials"], strict=True):
        kept = {name: record[name] for name in ("trial", "kind", "seed")}
        assert kept == {name: expected[name] for name in kept}
        params = {name: record["params"][name] for name in expected["params"]}
        assert params == expected["params"]
        if expected["suggestion"] is None:
            assert record["suggestion"] is None
        else:
            assert record["suggestion"] == pytest.approx(expected["suggestion"], rel=1e-9)


@pytest.mark.parametrize("confirm_seeds", [1, 3])
def test_it_selects_the_same_champion_and_the_same_next_replicate(confirm_seeds: int) -> None:
    all_records = Ledger(FIXTURE / SEARCH_LEDGER).load()
    cases = [
        case for case in EXPECTED["champion_selection"] if case["confirm_seeds"] == confirm_seeds
    ]
    assert len(cases) == len(all_records) + 1
    for case in cases:
        known = of_task(all_records[: case["records"]], DEFAULT)
        replicates = champion_replicates(known, confirm_seeds)
        assert [record.trial for record in replicates] == case["replicates_of_champion"]
        found = select_champion(known, confirm_seeds).next_replicate
        if case["next_replicate"] is None:
            assert found is None
        else:
            assert found is not None
            assert {name: found[name] for name in case["next_replicate"]} == case["next_replicate"]


@pytest.mark.parametrize("case", EXPECTED["stopping"], ids=case_id)
def test_it_recommends_the_same_and_judges_convergence_alike(case: dict[str, Any]) -> None:
    space = space_named("spec", case["agent"], 5000, 20_000)
    first = Ledger(FIXTURE / SEARCH_LEDGER).load()[: case["records"]]
    history = observations(space, [*records(GRID_LEDGER), *of_task(first, DEFAULT)])
    found = vars(assess(space, history, np.random.default_rng([0, case["records"], 1])))
    expected = {name: case[name] for name in found}
    numbers = {name for name, value in expected.items() if type(value) is float}
    assert {name: found[name] for name in numbers} == pytest.approx(
        {name: expected[name] for name in numbers}, rel=1e-9
    )
    for name in expected.keys() - numbers:
        assert found[name] == expected[name]
