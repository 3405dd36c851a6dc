"""Whole studies of the controller around a runner that only pretends to train."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from agent.config.trial import TrialConfig
from agent.search.proposer import propose
from agent.search.stopping import assess
from agent.search.surrogate import Observation
from agent.study import study
from agent.study.observations import observations
from agent.study.spaces import spec_space
from agent.trials.ledger import Ledger
from tests.controllers import Run, ledger, log, rewards

DEFAULT = {
    "agent": "ppo",
    "learning_rate": TrialConfig.of().algorithm.learning_rate,
    "timesteps": 10_000,
}


def climbing(*lasts: float, pause: float = 0.0) -> dict[str, Any]:
    """A plan of trials whose four evaluations climb to these scores."""
    return {
        f"trial-{trial:03d}": {
            "progress": [last / 4, last / 2, last, last],
            "mean_reward": last,
            "pause": pause,
        }
        for trial, last in enumerate(lasts, start=1)
    }


def manifest(tmp_path: Path) -> dict[str, Any]:
    whole = json.loads((tmp_path / "models" / "champion" / "manifest.json").read_text())
    assert isinstance(whole, dict)
    return whole


def test_the_default_is_tried_first_and_once(run: Run, tmp_path: Path) -> None:
    plan = rewards(0, 50, 60, 70) | {"trial-001": {"exit": 3}}
    assert run(plan, "--trials", "1") == 0
    assert run(plan, "--trials", "3") == 0
    tried = [record["params"] for record in ledger(tmp_path)]
    assert [DEFAULT.items() <= params.items() for params in tried] == [True, True, False, False]
    assert log(tmp_path).count("starts (default)") == 2, (
        "a simulator that was lost says nothing of the default"
    )


def test_two_workers_begin_with_one_default(run: Run, tmp_path: Path) -> None:
    plan = {"*": {"polls": 3, "mean_reward": 5}}  # both are at work at a time
    assert run(plan, "--trials", "2", "--workers", "2") == 0
    assert log(tmp_path).count("starts (default)") == 1


def test_every_trial_says_how_far_the_search_has_come(run: Run, tmp_path: Path) -> None:
    assert run(rewards(50, 80, 60, 10), "--trials", "4", "--epsilon", "3%", "--agent", "ppo") == 0
    lines = [line.partition(" ")[2].partition(" ")[2] for line in log(tmp_path).splitlines()]
    search = [
        line
        for line in lines
        if line.startswith("search: within 3 % of the best with probability ")
    ]
    assert len(search) == 4
    assert all(
        "regret bound" in line and "largest std" in line and "never before 30" in line
        for line in search
    )
    recommended = [
        line for line in lines if line.startswith("recommended: agent ppo learning_rate ")
    ]
    assert len(recommended) >= 2 and recommended[-1] == lines[-1]
    assert all(earlier != later for earlier, later in pairwise(recommended[:-1]))
    assert "done: 4 trials" in lines


def test_of_many_records_not_every_one_is_assessed_but_the_last(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.study.study.RECORDS_PER_SKIPPED", 2)
    arguments = ("--trials", "9", "--agent", "ppo", "--confirm-seeds", "0")
    assert run(rewards(*range(9)), *arguments) == 0
    lines = log(tmp_path).splitlines()
    assessed_after = []
    records = 0
    for line in lines:
        records += bool(re.search(r" trial \d+ ok ", line))
        if " search: within " in line:
            assessed_after.append(records)
    # 1 to 3: each; 4 and 5: every second; 6 and 7: every third; 8 and 9: every fourth. The end.
    assert assessed_after == [1, 2, 3, 4, 6, 8, 9]


def test_a_study_until_it_has_converged(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def early(*arguments: Any) -> Any:
        return replace(assess(*arguments), converged=len(arguments[1]) >= 3, reason="said the test")

    monkeypatch.setattr(study, "assess", early)
    assert run(rewards(*range(9)), "--trials", "9", "--until-converged") == 0
    assert len(ledger(tmp_path)) == 3
    assert "converged: said the test" in log(tmp_path) and "done: 3 trials" in log(tmp_path)
    assert run(rewards(*range(9)), "--trials", "2") == 0
    assert len(ledger(tmp_path)) == 5, "without the option it goes on"


def test_a_trial_below_the_median_is_stopped_and_says_so(run: Run, tmp_path: Path) -> None:
    plan = climbing(40, 50, 60, 70, 80) | {
        "trial-006": {"progress": [3, 2, 90, 90], "mean_reward": 90, "pause": 0.25},
        "trial-007": {"progress": [99, 4, 5, 6], "mean_reward": 90, "pause": 0.25},
    }
    assert run(plan, "--trials", "7", "--agent", "ppo", "--confirm-seeds", "0") == 0
    records = ledger(tmp_path)
    assert [record["run_status"] for record in records] == ["ok"] * 5 + ["pruned", "ok"]
    sixth = records[5]
    assert (sixth["mean_reward"], sixth["std_reward"], sixth["champion"]) == (None, None, False)
    steps = -(-sixth["params"]["timesteps"] // 4)
    assert sixth["rungs"] == [{"share": 0.25, "timesteps": steps, "mean_reward": 3.0}]
    assert sixth["cause"] == (
        f"stopped at 25% of its training ({steps} steps): "
        "3.00 is below 15.00, the median of 5 trials there"
    )
    assert [rung["mean_reward"] for rung in records[6]["rungs"]] == [99.0, 99.0, 99.0], (
        "the best checkpoint so far"
    )
    assert (tmp_path / "models" / "trial-006" / "model.zip").read_bytes() == b"model so far"
    assert "trial 7 starts (gp, 6 observations)" in log(tmp_path)


def test_a_stopped_trial_whose_controller_was_gone_is_recorded_as_stopped(
    run: Run, tmp_path: Path
) -> None:
    plan = climbing(40, 50, 60, 70, 80) | {
        "trial-006": {"progress": [3, 2, 1, 1], "mean_reward": 1, "pause": 0.25}
    }
    assert run(plan, "--trials", "6", "--confirm-seeds", "0") == 0
    path = tmp_path / "results" / "autoresearch_results.jsonl"
    *others, sixth = path.read_text().splitlines(keepends=True)
    path.write_text("".join(others))
    assert run(rewards(*range(9)), "--trials", "1", "--confirm-seeds", "0") == 0
    again = ledger(tmp_path)[5]
    assert {
        name: again[name] for name in ("run_status", "cause", "rungs", "mean_reward", "params")
    } == {
        name: json.loads(sixth)[name]
        for name in ("run_status", "cause", "rungs", "mean_reward", "params")
    }


def test_no_prune_lets_every_trial_end(run: Run, tmp_path: Path) -> None:
    plan = climbing(40, 50, 60, 70, 80) | {
        "trial-006": {"progress": [3, 2, 1, 1], "mean_reward": 1, "pause": 0.25}
    }
    assert run(plan, "--trials", "6", "--no-prune") == 0
    assert ledger(tmp_path)[5]["mean_reward"] == 1


def test_the_default_and_replicates_are_never_stopped(run: Run, tmp_path: Path) -> None:
    slow = {"progress": [3, 2, 1, 1], "mean_reward": 1, "pause": 0.1}
    plan = climbing(0, 50, 60, 70, 80, 90) | {
        "trial-001": {"exit": 3},
        "trial-007": slow,
        "trial-008": slow,
    }
    assert run(plan, "--trials", "6", "--learning-rate", "0.002", "--agent", "ppo") == 0
    assert run(plan, "--trials", "2", "--agent", "ppo") == 0
    kinds = [(record["kind"], record["run_status"]) for record in ledger(tmp_path)[5:]]
    assert kinds == [("search", "ok"), ("search", "ok"), ("replicate", "ok")]
    assert "trial 7 starts (default)" in log(tmp_path)


def test_a_challenger_is_trained_on_fresh_seeds_before_it_is_champion(
    run: Run, tmp_path: Path
) -> None:
    """Trial 4 is lucky: its configuration is worth 40. That of trial 12, with 60, is worth 62."""
    plan = rewards(30, 20, 35, 90, 34, 33, 40, 41, 39, 40, 40, 60, 62, 61, 5, 63, 5, 62, 5, 62)
    assert run(plan, "--trials", "5", "--agent", "ppo") == 0
    champion = manifest(tmp_path)
    assert (champion["trial"], champion["mean_reward"]) == (4, 90), "there is a champion at once"
    assert champion["confirmation"]["standing"].startswith("provisional")
    assert run(plan, "--trials", "7", "--agent", "ppo") == 0
    assert (
        manifest(tmp_path)["confirmation"]["standing"] == "confirmed: mean 40.00 on 5 fresh seeds"
    )
    assert run(plan, "--trials", "8", "--agent", "ppo") == 0
    records = ledger(tmp_path)
    replicates = [record for record in records if record["kind"] == "replicate"]
    assert [r["trial"] for r in replicates] == [7, 8, 9, 10, 11, 13, 14, 16, 18, 20], (
        "never more than search trials"
    )
    assert [r["seed"] for r in replicates[:5]] == [r["seed"] for r in replicates[5:]]
    champion = manifest(tmp_path)
    assert champion["confirmation"]["rule"] == "--confirm-seeds 3"
    assert champion["confirmation"]["trials"] == [13, 14, 16, 18, 20]
    assert champion["confirmation"]["scores"] == [62, 61, 63, 62, 62]
    assert (
        champion["kind"] == "replicate" and champion["trial"] in champion["confirmation"]["trials"]
    )
    crowned = [record["trial"] for record in records if record["champion"]]
    assert crowned == [1, 3, 4, 9, 16], (
        "the provisional ones, and the third replicate of each that won"
    )


def test_a_fresh_clone_has_a_champion_after_its_first_trial(run: Run, tmp_path: Path) -> None:
    """The ledger is under version control, models are not."""
    plan = rewards(30, 20, 35, 90, 34, 33, 40, 40, 40, 40, 40, 25, 24)
    assert run(plan, "--trials", "12", "--agent", "ppo") == 0
    assert manifest(tmp_path)["confirmation"]["standing"].startswith("confirmed")
    shutil.rmtree(tmp_path / "models")
    assert run(plan, "--trials", "1", "--agent", "ppo") == 0
    assert (manifest(tmp_path)["trial"], manifest(tmp_path)["confirmation"]["trials"]) == (13, [])
    assert manifest(tmp_path)["confirmation"]["standing"].startswith("provisional")


def test_a_confirmed_champion_stays_when_its_replicates_models_were_thinned(
    run: Run, tmp_path: Path
) -> None:
    plan = rewards(30, 20, 35, 90, 34, 33, 40, 40, 40, 40, 40, 25, 39)
    assert run(plan, "--trials", "11", "--agent", "ppo") == 0
    before = manifest(tmp_path)
    assert run(plan, "--trials", "2", "--agent", "ppo", "--keep-models", "best:1,last:1") == 0
    assert not list((tmp_path / "models").glob("trial-0[01][0-9]/model.zip"))[2:]
    assert manifest(tmp_path) == before


def test_confirm_seeds_0_is_the_plain_rule(run: Run, tmp_path: Path) -> None:
    assert run(rewards(*range(9)), "--trials", "9", "--confirm-seeds", "0") == 0
    assert manifest(tmp_path)["trial"] == 9
    assert manifest(tmp_path)["confirmation"] == {"rule": "--confirm-seeds 0"}
    assert {record["confirm_seeds"] for record in ledger(tmp_path)} == {0}


def test_scores_of_another_track_are_not_learned_from(run: Run, tmp_path: Path) -> None:
    plan = rewards(1, 2, 3, 4, 5)
    assert run(plan, "--trials", "3", "--env", "donkey-mountain-track-v0") == 0
    assert run(plan, "--trials", "2") == 0
    assert log(tmp_path).count("starts (default)") == 2
    assert "trial 5 starts (random, 1 observations)" in log(tmp_path)


def test_the_full_space_with_something_set(run: Run, tmp_path: Path) -> None:
    argv = ("--agent", "ppo", "--space", "full", "--set", "gamma=0.99", "--set", "observation=fast")
    assert run(rewards(1, 2, 3), "--trials", "3", *argv) == 0
    records = ledger(tmp_path)
    assert {record["params"]["gamma"] for record in records} == {0.99}
    assert {record["params"]["observation"] for record in records} == {"fast"}
    assert len({record["params"]["clip_range"] for record in records}) >= 2
    assert re.search(
        r"recommended: agent ppo gamma 0.99 observation fast learning_rate", log(tmp_path)
    )


def test_the_options_of_the_search_reach_it(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[dict[str, Any]] = []

    def listening(*arguments: Any, **options: Any) -> Any:
        seen.append({"kappa": arguments[3], **options})
        return propose(*arguments, **options)

    monkeypatch.setattr(study, "propose", listening)
    monkeypatch.setattr(study, "run_in_fork", lambda work: work())
    assert run(rewards(1, 2, 3), "--trials", "3", "--cost-aware", "--explore", "1.5") == 0
    assert [(each["kappa"], each["cost_aware"]) for each in seen] == [(1.5, True)] * 2
    assert all(observation.elapsed_sec for observation in observed(tmp_path))


def observed(tmp_path: Path) -> list[Observation]:
    records = Ledger(tmp_path / "results" / "autoresearch_results.jsonl").load()
    return observations(spec_space("ppo", 5000, 20_000), records)
