"""Models and kept states of older versions go on being loaded.

``old_model.zip``, ``old_state.pkl`` and ``old_replay.pkl`` in tests/fixtures were saved at commit
c968630: a training of 32 steps on three random roads with labels in its first half and beside the
reward in the second, and its state after 16 steps. The numbers below are what that commit came to.
"""

from __future__ import annotations

import json
import lzma
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from agent.config import files
from agent.config.trial import TrialConfig
from agent.training.algorithms import build
from agent.training.algorithms.fast_policy import FastPolicy
from agent.training.algorithms.fast_ppo import FastPPO
from agent.training.imitation.demonstration_replay import DemonstrationReplay
from agent.training.run import run_trial
from agent.training.vec_envs import make_training_envs
from agent.training.warm_start import begin_with

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
ACTIONS = [
    [-0.0022841617465019226, 0.01383037120103836],
    [0.003969539888203144, 0.011847760528326035],
]
TRAINED_NORM = 7.925611972808838  # of all weights at the end of the training that was not cut
TRAINED_SUM = -12.14588451385498
TRAINED_REWARD = 5.194467036053538


def unpacked(name: str, path: Path) -> Path:
    path.write_bytes(lzma.decompress((FIXTURES / f"{name}.xz").read_bytes()))
    return path


@pytest.fixture
def model_path(tmp_path: Path) -> Path:
    """The old model; whoever has its configuration can load it, for its world knows old paths."""
    assert old_config().trial.world == "donkey"
    return unpacked("old_model.zip", tmp_path / "old.zip")


def old_config() -> TrialConfig:
    return TrialConfig.from_params(json.loads((FIXTURES / "old_config.json").read_text()))


def actions_of(policy: FastPolicy) -> np.ndarray:
    shape = policy.observation_space.shape or ()
    pictures = np.random.default_rng(0).integers(0, 256, (2, *shape), dtype=np.uint8)
    actions, _ = policy.predict(pictures, deterministic=True)
    return actions


def test_an_old_model_decides_as_it_did(model_path: Path) -> None:
    policy = FastPPO.load(model_path, device="cpu").policy
    assert isinstance(policy, FastPolicy)
    assert policy.mirror_signs == (-1.0, 1.0)
    np.testing.assert_allclose(actions_of(policy), ACTIONS, atol=1e-7)


def test_an_old_model_saved_anew_decides_as_it_did(model_path: Path, tmp_path: Path) -> None:
    FastPPO.load(model_path, device="cpu").save(tmp_path / "new.zip")
    policy = FastPPO.load(tmp_path / "new.zip", device="cpu").policy
    assert isinstance(policy, FastPolicy)
    np.testing.assert_allclose(actions_of(policy), ACTIONS, atol=1e-7)


def test_an_old_model_warms_a_new_training(model_path: Path) -> None:
    config = old_config()
    training = make_training_envs(config)
    model = build(config, training)
    begin_with(model, model_path)
    assert type(model.policy) is FastPolicy
    np.testing.assert_allclose(actions_of(model.policy), ACTIONS, atol=1e-7)
    old = FastPPO.load(model_path, device="cpu").policy.state_dict()
    assert torch.equal(model.policy.auxiliary_net.weight, old["auxiliary_net.weight"])
    training.vec_env.close()


def test_an_old_training_goes_on_to_where_it_would_have_come(tmp_path: Path) -> None:
    unpacked("old_state.pkl", tmp_path / files.STATE)
    score, stopped = run_trial(old_config(), tmp_path, resume=True)
    assert stopped is None
    assert score.mean_reward == pytest.approx(TRAINED_REWARD, rel=1e-3)
    policy = FastPPO.load(tmp_path / files.LAST_MODEL, device="cpu").policy
    weights = torch.cat([each.detach().flatten() for each in policy.parameters()])
    assert float(weights.norm()) == pytest.approx(TRAINED_NORM, rel=1e-6)
    assert float(weights.sum()) == pytest.approx(TRAINED_SUM, rel=1e-5)


def test_an_old_training_put_aside_anew_goes_on_too(
    tmp_path: Path, tiny: Callable[..., TrialConfig]
) -> None:
    unpacked("old_state.pkl", tmp_path / files.STATE)
    run_trial(old_config(), tmp_path, resume=True)
    longer = old_config().changed(timesteps=48)
    run_trial(longer, tmp_path, resume=True)
    assert FastPPO.load(tmp_path / files.LAST_MODEL, device="cpu").num_timesteps == 48


def test_an_old_replay_buffer_still_mixes_its_demonstrations(tmp_path: Path) -> None:
    path = unpacked("old_replay.pkl", tmp_path / "replay.pkl")
    replay = pickle.loads(path.read_bytes())
    assert isinstance(replay, DemonstrationReplay)
    assert replay.share == 0.75  # two demonstrations, twice each, three times as likely as four own
    np.random.seed(0)
    rewards = replay.sample(400).rewards
    assert set(rewards.flatten().tolist()) == {-7.0, 5.0}
    again = pickle.loads(pickle.dumps(replay))
    assert again.share == 0.75
