"""The grid search: which cells it runs, and command lines that it cannot follow."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent import donkeycar_outer_loop
from tests.controllers import Run, ledger, log

CELL = ("--n-steer", "3", "--n-throttle", "2", "--learning-rate", "0.001")
LEDGER = "clean_sweep_results.jsonl"


def test_it_refuses_a_preset_of_another_algorithm(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run({}, "--preset", "generalist", module=donkeycar_outer_loop) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "the grid needs dqn" in said
    assert list(tmp_path.iterdir()) == []


def test_a_cell_is_done_wherever_it_ran_and_another_seed_is_another(
    run: Run, tmp_path: Path
) -> None:
    plan = {"*": {"mean_reward": 5.0}}
    for machine in ((), ("--device", "cpu"), ("--memory-limit", "4G"), ("--seed", "7")):
        assert run(plan, *CELL, *machine, module=donkeycar_outer_loop) == 0
    assert [record["seed"] for record in ledger(tmp_path, LEDGER)] == [0, 7]
    assert log(tmp_path).count("sweep of 1 cells, 1 done already") == 2
