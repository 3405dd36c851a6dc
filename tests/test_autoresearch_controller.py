"""The controller and the grid search around trials that are only pretended."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent import donkeycar_outer_loop
from agent.config.trial import TrialConfig
from agent.search.proposer import propose
from agent.study.spaces import spec_space
from tests.controllers import Run, folders, ledger, log, rewards
from tests.search.example_spaces import DQN

ROOT = Path(__file__).resolve().parents[1]


def test_champion_tracking(run: Run, tmp_path: Path) -> None:
    """TC-004."""
    assert run(rewards(50, 80, 60, 90, 70), "--trials", "5") == 0
    assert [record["champion"] for record in ledger(tmp_path)] == [True, True, False, True, False]
    manifest = json.loads((tmp_path / "models" / "champion" / "manifest.json").read_text())
    assert (manifest["trial"], manifest["mean_reward"]) == (4, 90)
    assert (tmp_path / "models" / "champion" / "model.zip").read_bytes() == b"model of trial-004"
    assert log(tmp_path).count("NEW CHAMPION") == 3
    assert log(tmp_path).count("champion: trial") == 5


def test_param_roundtrip() -> None:
    """TC-003."""
    params = {"n_steer": 7, "n_throttle": 3, "learning_rate": 0.002}
    space = DQN
    decoded = space.decode(space.encode(params))
    assert decoded == pytest.approx(params)
    assert [type(decoded[name]) for name in params] == [int, int, float]


def test_ucb_proposal_in_high_reward_region() -> None:
    """TC-002: fitted to the committed sweep, the search proposes where the sweep scored highest.

    The region follows from the records alone: the neighbourhoods of the best three of the 18 cells,
    each as far as is the nearest cell in the unit cube (DECISIONS.md, 9).
    """
    path = (
        Path(donkeycar_outer_loop.__file__).parent
        / "outerloop-results"
        / "clean_sweep_results.jsonl"
    )
    records = [json.loads(line) for line in path.read_text().splitlines()]
    history = [(record["params"], record["mean_reward"]) for record in records]
    assert len(history) == 18
    space = DQN
    cells = np.array([space.encode(params) for params, _ in history])
    best = set(np.argsort([-score for _, score in history])[:3].tolist())
    for seed in range(5):
        params = propose(space, history, np.random.default_rng(seed), kappa=2.0).params
        apart = np.linalg.norm(cells - space.encode(params), axis=1)
        assert int(apart.argmin()) in best, params


def test_records_hold_exactly_what_was_run(run: Run, tmp_path: Path) -> None:
    assert (
        run(rewards(1, 2, 3), "--trials", "3", "--seed", "10", "--agent", "dqn", "--n-envs", "2")
        == 0
    )
    space = spec_space("dqn", 5000, 20_000)
    for trial, record in enumerate(ledger(tmp_path), start=1):
        params = TrialConfig.from_params(record["params"]).to_params()
        assert (params["agent"], params["seed"]) == ("dqn", 10 + trial)
        assert (params["n_envs"], params["reward_shaping"]) == (2, True)
        assert space.decode(space.encode(record["params"])).items() <= record["params"].items()
        assert record["versions"]["torch"] == "9.9"
    assert [record["suggestion"] is None for record in ledger(tmp_path)] == [True, True, False]
    assert {record["confirm_seeds"] for record in ledger(tmp_path)} == {3}


def test_five_candidates_are_logged_before_a_trial_of_the_gp(run: Run, tmp_path: Path) -> None:
    assert run(rewards(5, 6, 7), "--trials", "3", "--agent", "ppo") == 0
    before = log(tmp_path).partition("trial 3 starts (gp, 2 observations)")[0]
    assert [before.count(f"candidate {rank}: ucb") for rank in range(1, 7)] == [1, 1, 1, 1, 1, 0]
    assert [log(tmp_path).count(f"starts ({source}") for source in ("default", "random")] == [1, 1]


def test_a_second_start_goes_on_from_the_ledger(run: Run, tmp_path: Path) -> None:
    plan = rewards(50, 80, 60, 90)
    assert run(plan, "--trials", "2") == 0
    first = (tmp_path / "results" / "autoresearch_results.jsonl").read_bytes()
    assert run(plan, "--trials", "2") == 0
    assert [record["trial"] for record in ledger(tmp_path)] == [1, 2, 3, 4]
    assert (tmp_path / "results" / "autoresearch_results.jsonl").read_bytes().startswith(first)
    assert "loaded 0 sweep and 2 search records, 2 scored" in log(tmp_path)


def test_a_stopped_and_resumed_study_proposes_what_an_unbroken_one_does(
    run: Run, tmp_path: Path
) -> None:
    plan = rewards(50, 80, 60, 90)
    assert run(plan, "--trials", "4") == 0
    unbroken = [record["params"] for record in ledger(tmp_path)]
    shutil.rmtree(tmp_path / "results")
    shutil.rmtree(tmp_path / "models")
    for trials in ("1", "3"):
        assert run(plan, "--trials", trials) == 0
    assert [record["params"] for record in ledger(tmp_path)] == unbroken


def test_a_folder_that_the_ledger_does_not_know_keeps_its_model(run: Run, tmp_path: Path) -> None:
    lost = tmp_path / "models" / "trial-001"
    lost.mkdir(parents=True)
    (lost / "model.zip").write_bytes(b"of a study that lost its power")
    assert run(rewards(50, 80), "--trials", "1") == 0
    assert [record["trial"] for record in ledger(tmp_path)] == [2]
    assert (lost / "model.zip").read_bytes() == b"of a study that lost its power"


def test_the_grid_search_fills_the_grid_once_and_feeds_the_search(run: Run, tmp_path: Path) -> None:
    grid = ("--n-steer", "3", "--n-steer", "7", "--n-throttle", "2", "--learning-rate", "0.001")
    plan: dict[str, Any] = {
        "sweep-001": {"mean_reward": 5.0},
        "sweep-002": {"exit": 1, "say": "boom"},
    }
    assert run(plan, *grid, module=donkeycar_outer_loop) == 0
    plan["sweep-003"] = {"mean_reward": 7.0}
    assert run(plan, *grid, module=donkeycar_outer_loop) == 0
    assert run(plan, *grid, module=donkeycar_outer_loop) == 0
    records = ledger(tmp_path, "clean_sweep_results.jsonl")
    assert [(r["trial"], r["kind"], r["params"]["n_steer"], r["run_status"]) for r in records] == [
        (1, "sweep", 3, "ok"),
        (2, "sweep", 7, "crashed"),
        (3, "sweep", 7, "ok"),
    ]
    assert (tmp_path / "models" / "sweep-003" / "model.zip").exists()
    assert run(rewards(1.0, 2.0), "--trials", "2", "--agent", "dqn") == 0
    assert "loaded 3 sweep and 0 search records, 2 scored" in log(tmp_path)
    assert "trial 1 starts (default)" in log(tmp_path)
    assert "trial 2 starts (gp, 4 observations)" in log(tmp_path)  # a crash teaches too


def test_the_default_grid_has_18_cells() -> None:
    options = donkeycar_outer_loop.build_parser().parse_args([])
    cells = donkeycar_outer_loop.cells(*donkeycar_outer_loop.grid(options))
    places = {tuple(cell.to_params()[name] for name in donkeycar_outer_loop.GRID) for cell in cells}
    assert len(places) == len(cells) == 18
    assert {cell.trial.agent for cell in cells} == {"dqn"}


def test_a_corrupt_line_is_reported_and_kept(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(rewards(50, 80), "--trials", "1") == 0
    path = tmp_path / "results" / "autoresearch_results.jsonl"
    path.write_text(path.read_text() + '{"trial": 2, "time')
    assert run(rewards(50, 80), "--trials", "1") == 0
    assert f"{path}:2" in capsys.readouterr().err
    assert [each["trial"] for each in ledger(tmp_path)] == [1, 2]
    assert Path(f"{path}.torn").read_text() == '{"trial": 2, "time\n'


def test_a_failed_trial_does_not_end_the_study(run: Run, tmp_path: Path) -> None:
    plan = rewards(50, 0, 70) | {"trial-002": {"exit": 4, "say": "loss is NaN"}}
    assert run(plan, "--trials", "3") == 0
    failed = ledger(tmp_path)[1]
    assert (failed["run_status"], failed["mean_reward"], failed["champion"]) == (
        "diverged",
        None,
        False,
    )
    assert "loss is NaN" in failed["cause"]


def test_three_equal_crashes_break_the_circuit(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = rewards(50) | {"*": {"exit": 1, "say": "no module named car"}}
    assert run(plan, "--trials", "9") == 3
    assert [record["run_status"] for record in ledger(tmp_path)] == [
        "ok",
        "crashed",
        "crashed",
        "crashed",
    ]
    assert "no module named car" in capsys.readouterr().err


def test_different_crashes_do_not(run: Run, tmp_path: Path) -> None:
    plan = {
        f"trial-{n:03d}": {"exit": 1, "say": word}
        for n, word in enumerate(["sun", "moon", "sun", "moon"], 1)
    }
    assert run(plan, "--trials", "4") == 0
    assert len(ledger(tmp_path)) == 4


def test_a_trial_over_the_limit_is_recorded(run_processes: Run, tmp_path: Path) -> None:
    assert run_processes({"*": {"sleep": 30}}, "--trials", "1", "--timeout", "1") == 0
    assert [record["run_status"] for record in ledger(tmp_path)] == ["timeout"]


def test_what_the_runner_refuses_stops_the_study_unrecorded(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refusal = "donkeycar_sb3_runner.py: error: the moon is full; wait a day"
    assert run({"*": {"exit": 2, "say": refusal}}, "--trials", "3") == 2
    assert (
        capsys.readouterr().err
        == "autoresearch_controller.py: error: the moon is full; wait a day\n"
    )
    assert ledger(tmp_path) == []
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_what_is_refused_later_leaves_the_log_as_it_was(run: Run, tmp_path: Path) -> None:
    assert run(rewards(1), "--trials", "1") == 0
    before = log(tmp_path)
    assert run({"*": {"exit": 2, "say": "no"}}, "--trials", "3") == 2
    assert log(tmp_path) == before


def test_sigterm_ends_the_trial_and_records_it(tmp_path: Path, runner: Path) -> None:
    runner.with_name("plan.json").write_text(json.dumps({"*": {"sleep": 60}}))
    code = "import sys; from pathlib import Path; import agent.autoresearch_controller as c; "
    code += "c.RUNNER = Path(sys.argv[1]); sys.exit(c.main(sys.argv[2:]))"
    command = [sys.executable, "-c", code, str(runner), *folders(tmp_path), "--trials", "2"]
    controller = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    trial_log = tmp_path / "models" / "trial-001" / "log.txt"
    while not (trial_log.exists() and trial_log.read_text()):
        assert controller.poll() is None
        time.sleep(0.02)
    controller.send_signal(signal.SIGTERM)
    assert controller.wait(20) == 130
    assert [record["run_status"] for record in ledger(tmp_path)] == ["interrupted"]


def test_two_workers_run_side_by_side_and_never_try_the_same(
    run_processes: Run, tmp_path: Path
) -> None:
    plan = rewards(1, 2, 3, 4)
    for name in ("trial-001", "trial-002"):
        plan[name]["sleep"] = 1.0
    assert run_processes(plan, "--trials", "4", "--workers", "2", "--agent", "ppo") == 0
    records = ledger(tmp_path)
    assert sorted(record["trial"] for record in records) == [1, 2, 3, 4]
    assert len({record["params"]["learning_rate"] for record in records}) == 4
    assert records[0]["trial"] in (1, 2)
    first_end = datetime.fromisoformat(records[0]["timestamp"])
    assert began(records[1]) < first_end, "the second trial began before the first one ended"


def began(record: dict[str, Any]) -> datetime:
    ended = datetime.fromisoformat(record["timestamp"])
    return ended - timedelta(seconds=record["elapsed_sec"])


def test_a_trial_whose_controller_was_gone_is_recorded_at_the_next_start(
    run: Run, tmp_path: Path
) -> None:
    assert run(rewards(50, 80, 70), "--trials", "3") == 0
    path = tmp_path / "results" / "autoresearch_results.jsonl"
    path.write_text(
        path.read_text().splitlines()[0] + "\n"
    )  # killed after the second trial ended, in the third
    (tmp_path / "models" / "trial-003" / "result.json").unlink()
    assert run(rewards(0, 0, 0, 60), "--trials", "1") == 0
    found = [
        (record["trial"], record["run_status"], record["mean_reward"])
        for record in ledger(tmp_path)
    ]
    assert found == [(1, "ok", 50), (2, "ok", 80), (3, "interrupted", None), (4, "ok", 60)]
    assert [record["champion"] for record in ledger(tmp_path)] == [True, True, False, False]


def test_a_second_controller_over_the_same_results_is_told_who_holds_them(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "results").mkdir()
    code = (
        "import sys, time; from pathlib import Path; from agent.trials.session import hold_folder\n"
    )
    code += "with hold_folder(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    command = [sys.executable, "-c", code, str(tmp_path / "results")]
    other = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
    try:
        assert other.stdout is not None and other.stdout.readline() == b"held\n"
        assert run(rewards(1), "--trials", "1") == 2
        complaint = capsys.readouterr().err
        assert complaint.count("\n") == 1 and f"process {other.pid} on" in complaint
    finally:
        other.kill()
        other.wait()
    assert run(rewards(1), "--trials", "1") == 0  # the kernel gave the lock back


def test_a_full_disk_stops_the_study(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(rewards(1), "--trials", "1", "--min-free", "9000000G") == 1
    complaint = capsys.readouterr().err
    assert complaint.count("\n") == 1 and "--min-free" in complaint
    assert ledger(tmp_path) == []


def test_models_are_thinned_and_records_are_not(run: Run, tmp_path: Path) -> None:
    assert run(rewards(50, 90, 70, 10, 20), "--trials", "5", "--keep-models", "best:2,last:1") == 0
    kept = sorted(path.parent.name for path in (tmp_path / "models").glob("trial-*/model.zip"))
    assert kept == ["trial-002", "trial-003", "trial-005"]
    assert len(ledger(tmp_path)) == 5
    assert (tmp_path / "models" / "champion" / "model.zip").read_bytes() == b"model of trial-002"


def test_a_lost_simulator_gets_one_more_try(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.trials.loop.SIM_RETRY_SEC", 0.2)
    plan = rewards(50, 60) | {"trial-002": {"exit": 3, "say": "no frame"}}
    plan["trial-001"]["exit"] = [3, 0]
    assert run(plan, "--trials", "2") == 0
    assert [record["run_status"] for record in ledger(tmp_path)] == ["ok", "sim_lost"]
    assert log(tmp_path).count("once more in") == 2
    assert (tmp_path / "models" / "trial-002" / "log.txt").read_text() == "no frame\n"
