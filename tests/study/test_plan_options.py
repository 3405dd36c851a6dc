"""What the controller is told is what it does, or it is refused, or one line says what is so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.autoresearch_controller import build_parser
from agent.config.algorithms import SEARCHED_AGENTS
from agent.config.errors import UserError
from agent.config.flat import owners_in
from agent.config.presets import PRESETS
from agent.search.proposer import propose
from agent.search.space import Space
from agent.search.surrogate import Observation
from agent.study import study
from agent.study.plan_options import Commanded, commanded
from tests.controllers import Run, ledger, log, rewards


def command(*argv: str) -> Commanded:
    return commanded(build_parser(argv).parse_args(argv))


def test_a_preset_keeps_to_the_algorithm_whose_settings_it_has() -> None:
    for name, params in PRESETS.items():
        owners = owners_in(params.get("world", "donkey"))
        able = [
            agent
            for agent in SEARCHED_AGENTS
            if all(agent in owners.get(each, SEARCHED_AGENTS) for each in params)
        ]
        assert "agent" in params or able == list(SEARCHED_AGENTS), name
    plan = command("--preset", "generalist").plan
    assert plan.space.context["agent"] == "ppo"
    with pytest.raises(UserError, match="no setting of dqn"):
        command("--preset", "generalist", "--agent", "dqn")


def test_a_preset_s_length_of_training_is_that_of_all_trials() -> None:
    plan, notes = command("--preset", "generalist", "--agent", "ppo")
    assert plan.space.names == ("learning_rate",)
    assert plan.config(plan.default, 1).trial.timesteps == 800_000
    assert notes == [
        "--preset generalist has timesteps 800000, as all trials then have;"
        " --min-timesteps and --max-timesteps search them"
    ]


@pytest.mark.parametrize("given", ["--min-timesteps 9000", "--max-timesteps 9000"])
def test_a_range_that_is_given_goes_before_a_preset_s_length_and_says_so(given: str) -> None:
    plan, [note] = command("--preset", "generalist", *given.split())
    assert "timesteps" in plan.space.names
    assert plan.default["timesteps"] < 20_000
    assert note == (
        "--preset generalist has timesteps 800000: the search chooses them instead,"
        f" for {given} is given"
    )


def test_lengths_that_are_given_beside_a_preset_win() -> None:
    assert (
        command("--preset", "generalist", "--timesteps", "9000").plan.default["timesteps"] == 9000
    )
    fixed = command("--preset", "generalist", "--set", "timesteps=7000").plan
    assert fixed.config(fixed.default, 1).trial.timesteps == 7000


def test_a_preset_in_a_space_of_ones_own_has_its_length(tmp_path: Path) -> None:
    space = tmp_path / "own.toml"
    space.write_text('[[parameter]]\nname = "gamma"\nlow = 0.9\nhigh = 0.99')
    plan = command("--preset", "generalist", "--space", str(space)).plan
    assert plan.config(plan.default, 1).trial.timesteps == 800_000


@pytest.mark.parametrize(
    ("argv", "complaint"),
    [
        (["--timesteps", "50000"], "--set timesteps=50000 has it in all trials"),
        (["--timesteps", "9000", "--set", "timesteps=8000"], "--timesteps 9000 contradicts"),
        (["--set", "timesteps=8000", "--min-timesteps", "10"], "--min-timesteps 10 contradicts"),
        (["--set", "timesteps=8000", "--max-timesteps", "10"], "--max-timesteps 10 contradicts"),
        (["--gamma", "0.9", "--set", "gamma=0.95"], "--gamma 0.9 contradicts another option"),
        (["--set", "gamma=0.9", "--set", "gamma=0.95"], "given as 0.9 and as 0.95; drop one"),
        (["--set", "seed=4"], "--set cannot hold seed; write it as --seed"),
        (["--set", "world=donkey"], "--set cannot hold world; write it as --world"),
        (["--reward", "speed", "--set", "reward_shaping=false"], "contradicts another option"),
        (["--reward", "speed", "--no-reward-shaping"], "contradicts another option"),
        (["--agent", "ppo", "--set", "agent=dqn"], "--agent ppo contradicts another option"),
        (["--set", "gamma=nan"], "is no number"),
        (["--set", f"n_envs={'9' * 400}"], "is no whole number"),
        (["--set", "gama=0.9"], "did you mean gamma?"),
        (["--max-timesteps", "4000"], "timesteps from 5000 to 4000 is no range"),
    ],
)
def test_options_that_contradict_each_other_are_one_line_and_write_nothing(
    argv: list[str], complaint: str, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(rewards(1), *argv) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and complaint in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("limit", ["--min-timesteps", "--max-timesteps"])
def test_a_range_beside_a_space_of_ones_own_is_refused(limit: str, tmp_path: Path) -> None:
    space = tmp_path / "own.toml"
    space.write_text('[[parameter]]\nname = "timesteps"\nlow = 10\nhigh = 20')
    with pytest.raises(UserError, match=f"{limit} 15 is for the spaces spec and full"):
        command("--space", str(space), limit, "15")


def test_a_list_is_set_as_it_is_given(tmp_path: Path) -> None:
    texts = ["augment=flip", "augment=blur"]
    plan = command(*(part for text in texts for part in ("--set", text))).plan
    assert plan.base.trial.augment == ["flip", "blur"]


def test_what_will_not_be_used_is_said(run: Run, tmp_path: Path) -> None:
    argv = ("--agent", "ppo", "--set", "timesteps=6000", "--set", "learning_rate=0.001")
    space = tmp_path / "own.toml"
    space.write_text('[[parameter]]\nname = "gamma"\nchoices = [0.9, 0.99]')
    assert run(rewards(1), "--trials", "1", "--workers", "3", *argv[:2]) == 0
    assert "--workers 3 is more than --trials 1" in log(tmp_path)
    assert run(rewards(*range(9)), "--trials", "3", "--space", str(space), "--agent", "ppo") == 0
    assert "the space has 2 configurations, fewer than --trials 3" in log(tmp_path)


def test_the_controller_prints_what_all_trials_have(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], run: Run
) -> None:
    assert run({}, "--print-config", "--preset", "generalist", "--set", "gamma=0.99") == 0
    printed = capsys.readouterr().out
    assert "gamma = 0.99" in printed and "timesteps = 800000" in printed
    assert "the search chooses learning_rate" in printed


def used_up(tmp_path: Path, text: str) -> tuple[str, ...]:
    space = tmp_path / "own.toml"
    space.write_text(text)
    return ("--space", str(space), "--agent", "ppo")


FOUR = '[[parameter]]\nname = "batch_size"\nchoices = [32, 64, 128, 256]'


def standing(tmp_path: Path) -> str:
    return log(tmp_path).rpartition("champion: ")[2].partition("\n")[0]


@pytest.mark.parametrize("workers", ["1", "2", "8"])
def test_when_a_space_is_used_up_the_other_trials_confirm_its_best(
    workers: str, run: Run, tmp_path: Path
) -> None:
    plan: dict[str, Any] = rewards(10, 40, 20, 30) | {"*": {"mean_reward": 35, "polls": 2}}
    plan["trial-002"]["polls"] = 9  # the best ends last
    assert run(plan, "--trials", "60", "--workers", workers, *used_up(tmp_path, FOUR)) == 0
    records = ledger(tmp_path)
    searched = [record for record in records if record["kind"] == "search"]
    replicates = [record for record in records if record["kind"] == "replicate"]
    assert len({record["params"]["batch_size"] for record in searched}) == len(searched) == 4
    best = max(searched, key=lambda record: record["mean_reward"])
    assert {record["params"]["batch_size"] for record in replicates} == {
        best["params"]["batch_size"]
    }
    assert len(replicates) == 5
    assert "(confirmed: mean 35.00 on 5 fresh seeds)" in standing(tmp_path)
    said = log(tmp_path)
    assert said.count("the space is used up after 4 of 60 trials, the others confirm its best") == 1
    assert "done: 9 trials" in said
    assert len(list((tmp_path / "models").glob("trial-*"))) == 9


def test_a_used_up_space_goes_on_as_an_unbroken_one(run: Run, tmp_path: Path) -> None:
    plan: dict[str, Any] = {"*": {"mean_reward": 35}}
    argv = used_up(tmp_path, FOUR)
    for trials in ("3", "4", "60"):
        assert run(plan, "--trials", trials, *argv) == 0
    kinds = [record["kind"] for record in ledger(tmp_path)]
    assert kinds == ["search"] * 4 + ["replicate"] * 5
    assert "the space is used up after 1 of 60 trials" in log(tmp_path)
    assert "done: 2 trials" in log(tmp_path)


def test_a_used_up_space_without_confirmation_ends(run: Run, tmp_path: Path) -> None:
    plan: dict[str, Any] = {"*": {"mean_reward": 35}}
    argv = ("--trials", "9", "--confirm-seeds", "0", *used_up(tmp_path, FOUR))
    assert run(plan, *argv) == 0
    assert "the space is used up after 4 of 9 trials: all 4 configurations were tried" in log(
        tmp_path
    )
    assert "done: 4 trials" in log(tmp_path)


def test_one_configuration_is_tried_and_confirmed(run: Run, tmp_path: Path) -> None:
    plan: dict[str, Any] = {"*": {"mean_reward": 35}}
    one = '[[parameter]]\nname = "gamma"\nlow = 0.98\nhigh = 0.98'
    assert run(plan, "--trials", "9", *used_up(tmp_path, one)) == 0
    kinds = [record["kind"] for record in ledger(tmp_path)]
    assert kinds == ["search"] + ["replicate"] * 5


def test_a_study_that_was_to_converge_says_that_it_did_not(run: Run, tmp_path: Path) -> None:
    assert run(rewards(1, 2), "--trials", "2", "--until-converged", "--agent", "ppo") == 0
    assert "done: 2 trials, not converged: 2 trials with a result, never before" in log(tmp_path)


def test_values_that_do_not_go_together_are_left_out_in_the_night(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few of a space may be such that no probe before the night met them."""

    def impossible_at_first(
        space: Space, history: list[Observation], *rest: Any, **more: Any
    ) -> Any:
        proposal = propose(space, history, *rest, **more)
        if any(each.failed for each in history):
            return proposal
        return replace(proposal, params=proposal.params | {"learning_rate": -1.0})

    monkeypatch.setattr(study, "propose", impossible_at_first)
    assert run(rewards(1, 2, 3), "--trials", "3", "--agent", "ppo") == 0
    assert log(tmp_path).count("left out: learning_rate -1.0 is too small") == 2
    assert [record["run_status"] for record in ledger(tmp_path)] == ["ok"] * 3
