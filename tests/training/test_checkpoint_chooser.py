"""Which checkpoint is kept, when checkpoints are compared, and whose weights they have."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from stable_baselines3 import PPO

from agent.config import files
from agent.config.trial import TrialConfig
from agent.evaluation.episodes import Score
from agent.training import checkpoint_chooser
from agent.training.algorithms import build
from agent.training.algorithms.adam import RowAdam
from agent.training.algorithms.fast_ppo import FastPPO
from agent.training.algorithms.weight_average import PowerLawAverage
from agent.training.checkpoint_chooser import CheckpointChooser
from agent.training.run import run_trial
from agent.training.vec_envs import make_training_envs
from agent.trials.progress import read_rungs
from agent.worlds.base import Purpose
from tests.training.scores import score_of

Build = Callable[..., TrialConfig]


def evaluated_at(
    config: TrialConfig,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    rewards: Callable[[int], float],
) -> list[int]:
    """Steps of the evaluations in a training whose scores are scripted, by the number of each."""
    steps: list[int] = []

    def scripted(model: PPO, *_: Any, **__: Any) -> Score:
        steps.append(model.num_timesteps)
        return score_of(rewards(len(steps) - 1))

    monkeypatch.setattr(checkpoint_chooser, "evaluate", scripted)
    training = make_training_envs(config)
    trial = config.trial
    choosing = config.the_world.make_vec(trial.env, config.world, 1, Purpose.CHOOSE, trial.seed)
    chooser = CheckpointChooser(config, folder, choosing)
    build(config, training).learn(trial.timesteps, callback=chooser)
    training.vec_env.close()
    choosing.close()
    return steps


def lines_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / files.PROGRESS).read_text().splitlines()]


def test_the_best_of_the_checkpoints_is_kept_not_the_last(
    tiny: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny(timesteps=256, n_steps=16, evaluations=4)
    steps = evaluated_at(config, tmp_path, monkeypatch, [1.0, 5.0, 3.0, 2.0].__getitem__)
    assert steps == [64, 128, 192, 256]
    found = [(line["mean_reward"], line["best"]) for line in lines_of(tmp_path)]
    assert found == [(1.0, True), (5.0, True), (3.0, False), (2.0, False)]
    assert PPO.load(tmp_path / files.MODEL, device="cpu").num_timesteps == 128


@pytest.mark.parametrize(
    ("share", "weight", "latest"), [(1.0, 0.0, True), (0.5, 0.0, False), (0.5, 1.0, True)]
)
def test_imitation_to_the_end_keeps_the_latest_checkpoint(
    tiny: Build,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    share: float,
    weight: float,
    latest: bool,
) -> None:
    config = tiny(timesteps=128, n_steps=16, imitation_share=share, imitation_weight=weight)
    evaluated_at(config, tmp_path, monkeypatch, lambda number: 9.0 - number)
    first, *later = [line["best"] for line in lines_of(tmp_path)]
    assert first
    assert set(later) == {latest}


def test_the_average_is_kept_and_training_goes_on_from_the_latest(
    tiny: Build, tmp_path: Path
) -> None:
    run_trial(tiny(averaged=0.5, timesteps=256, batch_size=16), tmp_path)
    latest = FastPPO.load(tmp_path / files.LAST_MODEL, device="cpu").policy
    kept = FastPPO.load(tmp_path / files.MODEL, device="cpu").policy
    optimizer = latest.optimizer
    assert isinstance(optimizer, RowAdam)
    weights = torch.cat([parameter.detach().flatten() for parameter in kept.parameters()])
    assert not torch.equal(weights, optimizer.row)
    assert torch.equal(weights, optimizer.state[optimizer.row][PowerLawAverage.KEY])


@pytest.mark.parametrize(
    ("evaluations", "seen"), [(1, [64, 128, 256]), (3, [64, 96, 128, 192, 256])]
)
def test_rungs_are_evaluated_whatever_else_is(
    tiny: Build,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    evaluations: int,
    seen: list[int],
) -> None:
    config = tiny(timesteps=256, n_steps=16, evaluations=evaluations)
    assert evaluated_at(config, tmp_path, monkeypatch, lambda _: 1.0) == seen
    rungs = [(rung.share, rung.timesteps) for rung in read_rungs(tmp_path, 256)]
    assert rungs == [(0.25, 64), (0.5, 128), (1.0, 256)]
