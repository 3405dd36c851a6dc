"""A warm start acts as its model does; another network is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from agent.config.errors import UserError
from agent.config.trial import TrialConfig
from agent.training.algorithms import build
from agent.training.algorithms.fast_ppo import FastPPO
from agent.training.run import run_trial
from agent.training.vec_envs import make_training_envs
from agent.training.warm_start import begin_with

Build = Callable[..., TrialConfig]


def test_a_warm_start_acts_as_its_model_does(tiny: Build, tmp_path: Path) -> None:
    run_trial(tiny(seed=1), tmp_path / "first")
    model = tmp_path / "first" / "model.zip"
    warm = tiny(seed=2, warm_start=str(model), learning_rate=1e-12)
    score, _ = run_trial(warm, tmp_path / "warm")
    config = json.loads((tmp_path / "warm" / "config.json").read_text())
    assert config["warm_start"] == str(model)
    again = tiny(seed=2, warm_start=str(tmp_path / "warm" / "model.zip"), learning_rate=1e-12)
    judged, _ = run_trial(again, tmp_path / "third")
    assert judged.mean_reward == pytest.approx(score.mean_reward, rel=1e-3)


def test_another_network_is_refused_with_both_shapes(tiny: Build, tmp_path: Path) -> None:
    run_trial(tiny(seed=1), tmp_path / "first")
    model = str(tmp_path / "first" / "model.zip")
    with pytest.raises(UserError, match=r"its \S+ is \[16, 16\], this trial's is \[16, 48\]"):
        run_trial(tiny(warm_start=model, frame_stack=3), tmp_path / "other")
    assert not (tmp_path / "other").exists()
    (tmp_path / "torn.zip").write_bytes(b"PK")
    with pytest.raises(UserError, match="is no saved model"):
        run_trial(tiny(warm_start=str(tmp_path / "torn.zip")), tmp_path / "other")


@pytest.mark.parametrize(("theirs", "ours"), [(0.0, 1.0), (1.0, 0.0)])
def test_an_imitator_warms_one_without_an_expert_and_the_other_way(
    tiny: Build, tmp_path: Path, theirs: float, ours: float
) -> None:
    first = tiny(imitation_share=theirs)
    training = make_training_envs(first)
    build(first, training).save(tmp_path / "model.zip")
    training.vec_env.close()
    config = tiny(imitation_share=ours, seed=5)
    training = make_training_envs(config)
    model = build(config, training)
    begin_with(model, tmp_path / "model.zip")
    saved = FastPPO.load(tmp_path / "model.zip", device="cpu")
    own = cast(Any, model.policy).action_net.weight
    assert own.equal(cast(Any, saved.policy).action_net.weight)
    training.vec_env.close()
