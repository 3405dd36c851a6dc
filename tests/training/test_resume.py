"""A training run that was cut and continued is the one that was not."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from agent.config import files
from agent.config.errors import UserError
from agent.config.trial import TrialConfig
from agent.donkeycar_sb3_runner import main
from agent.training.algorithms import ALGORITHMS
from agent.training.resume import StateKeeper
from agent.training.run import run_trial

Build = Callable[..., TrialConfig]

SMALL = {
    "conv_layers": 1,
    "features_dim": 8,
    "net_width": 8,
    "eval_episodes": 1,
    "max_episode_steps": 6,
}
ON_POLICY = SMALL | {"n_steps": 8, "batch_size": 16}
OFF_POLICY = SMALL | {"batch_size": 16, "learning_starts": 10, "gradient_steps": 2}
IMITATION = {
    "imitation_share": 0.7,
    "roads": 3,
    "road_replay": 0.5,
    "augment": ["flip", "noise"],
    "env": ["donkey-random-track-v0"],
}
BESIDE_PPO = {"imitation_share": 0.3, "imitation_weight": 3.0, "averaged": 0.5}
CURRICULUM = {"env": ["donkey-random-track-v0"], "curriculum_share": 1.0, "max_episode_steps": 5}


def cut_at(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let training be interrupted as soon as its state at ``step`` or later is kept."""
    keep = StateKeeper._keep

    def cut(self: StateKeeper) -> None:
        keep(self)
        if self.num_timesteps >= step:
            raise KeyboardInterrupt

    monkeypatch.setattr(StateKeeper, "_keep", cut)


def parameters(agent: str, path: Path) -> dict[str, torch.Tensor]:
    return dict(ALGORITHMS[agent].model.load(path, device="cpu").policy.state_dict())


def returns_of(folder: Path) -> list[list[float]]:
    """Returns of every evaluation's episodes."""
    lines = (folder / files.PROGRESS).read_text().splitlines()
    return [json.loads(line)["episodes"] for line in lines]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("agent", "settings"),
    [
        ("ppo", ON_POLICY),
        ("ppo", ON_POLICY | IMITATION),
        ("ppo", ON_POLICY | IMITATION | BESIDE_PPO),
        ("ppo", ON_POLICY | CURRICULUM),
        ("recurrent_ppo", ON_POLICY),
        ("dqn", OFF_POLICY),
        ("sac", OFF_POLICY),
    ],
)
def test_a_run_cut_and_continued_equals_the_uncut_one_to_the_digit(
    tiny: Build,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    agent: str,
    settings: dict[str, Any],
) -> None:
    config = tiny(agent=agent, timesteps=64, evaluations=4, **settings)
    uncut = tmp_path / "uncut"
    cut = tmp_path / "cut"
    score, _ = run_trial(config, uncut, keep_state=True)
    with monkeypatch.context() as patch:
        cut_at(32, patch)
        with pytest.raises(KeyboardInterrupt):
            run_trial(config, cut, keep_state=True)
    assert len(returns_of(cut)) < 4
    again, _ = run_trial(config, cut, resume=True)
    assert again == score
    for name in (files.LAST_MODEL, files.MODEL):
        wanted = parameters(agent, uncut / name)
        found = parameters(agent, cut / name)
        assert all(torch.equal(wanted[part], found[part]) for part in wanted)
    assert returns_of(cut) == returns_of(uncut)


@pytest.mark.slow
def test_a_finished_training_goes_on_for_longer_with_its_replay_buffer(
    tiny: Build, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_trial(tiny(agent="sac", **OFF_POLICY), tmp_path, keep_state=True)
    assert main(["--resume", str(tmp_path), "--timesteps", "96"]) == 0
    model = ALGORITHMS["sac"].model.load(tmp_path / files.LAST_MODEL, device="cpu")
    assert model.num_timesteps == 96
    with pytest.raises(SystemExit):
        main(["--resume", str(tmp_path), "--timesteps", "96"])
    assert "has trained 96 steps; give more with --timesteps" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "no trial's configuration"),
        (["--gamma", "0.9"], "drop it or train anew"),
    ],
)
def test_what_cannot_be_resumed_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], complaint: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--resume", str(tmp_path), *arguments])
    assert caught.value.code == 2
    [line] = capsys.readouterr().err.splitlines()
    assert complaint in line


def test_a_trial_without_its_state_is_refused_and_left_as_it_is(
    tiny: Build, tmp_path: Path
) -> None:
    run_trial(tiny(**ON_POLICY), tmp_path)
    model = tmp_path / files.MODEL
    before = model.stat().st_mtime_ns
    with pytest.raises(UserError, match=f"has no {files.STATE}; train with --keep-state"):
        run_trial(tiny(**ON_POLICY), tmp_path, resume=True)
    (tmp_path / files.STATE).write_bytes(b"torn")
    with pytest.raises(UserError, match="cannot be read"):
        run_trial(tiny(**ON_POLICY), tmp_path, resume=True)
    assert model.stat().st_mtime_ns == before


def test_the_scaling_of_rewards_comes_back(tiny: Build, tmp_path: Path) -> None:
    run_trial(tiny(**ON_POLICY), tmp_path, keep_state=True)
    kept = pickle.loads((tmp_path / files.STATE).read_bytes())["normalisation"]
    assert kept.count > 64
    assert np.isfinite(kept.var)
    assert kept.var != 1.0
