"""What all off-policy algorithms do to their gradients and targets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from agent.config.trial import TrialConfig
from agent.training.algorithms import ALGORITHMS, build
from agent.training.algorithms.off_policy import Transitions
from agent.training.vec_envs import make_training_envs
from tests.training.off_policy_models import OFF_POLICY, SMALL, trained

Build = Callable[..., TrialConfig]


def gradient_norm(optimizer: torch.optim.Optimizer) -> float:
    parameters = [each for group in optimizer.param_groups for each in group["params"]]
    gradients = [each.grad.flatten() for each in parameters if each.grad is not None]
    return float(torch.linalg.vector_norm(torch.cat(gradients)))


@pytest.mark.parametrize("agent", OFF_POLICY)
def test_every_weight_learns_and_a_saved_model_acts_as_before(
    tiny: Build, tmp_path: Path, agent: str
) -> None:
    config = tiny(agent=agent, **SMALL)
    training = make_training_envs(config)
    model = build(config, training)
    before = {name: value.clone() for name, value in model.policy.state_dict().items()}
    model.learn(config.trial.timesteps)
    after = model.policy.state_dict()
    still = [name for name in before if torch.equal(before[name], after[name])]
    assert still == []
    model.save(tmp_path / "model.zip")
    loaded = ALGORITHMS[agent].model.load(tmp_path / "model.zip", device="cpu")
    seen = np.asarray(training.vec_env.reset())
    theirs, _ = loaded.predict(seen, deterministic=True)
    ours, _ = model.predict(seen, deterministic=True)
    np.testing.assert_array_equal(theirs, ours)
    training.vec_env.close()


@pytest.mark.parametrize("agent", OFF_POLICY)
def test_gradients_are_clipped_at_the_norm_and_only_there(tiny: Build, agent: str) -> None:
    with trained(tiny(agent=agent, max_grad_norm=1e-3, **SMALL)) as model:
        optimizer = model.policy.optimizer if agent == "dqn" else model.critic.optimizer
        seen = model.update(model.batch(16))
        assert float(seen["debug/critic_grad_norm"]) > 1e-3
        if agent == "dqn":
            assert gradient_norm(optimizer) == pytest.approx(1e-3, rel=1e-3)
        else:
            assert float(seen["debug/actor_grad_norm"]) > 1e-3 or agent in ("td3", "ddpg")
            assert gradient_norm(model.actor.optimizer) <= 1e-3 * 1.001
        model.max_grad_norm = 0.0
        free = model.update(model.batch(16))
        if agent == "dqn":
            expected = float(free["debug/critic_grad_norm"])
            assert gradient_norm(optimizer) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("agent", OFF_POLICY)
def test_targets_stay_within_the_clip(tiny: Build, agent: str) -> None:
    with trained(tiny(agent=agent, target_clip=0.5, **SMALL)) as model:
        nothing = Transitions(*(torch.zeros(4, 1) for _ in range(6)))
        batch = nothing._replace(discounts=torch.ones(4, 1))
        value = torch.tensor([[-9.0], [-0.2], [0.2], [9.0]])
        clipped = model.backup(batch, value).flatten().tolist()
        assert clipped == pytest.approx([-0.5, -0.2, 0.2, 0.5])
        model.target_clip = 0.0
        assert torch.equal(model.backup(batch, value), value)


def test_a_target_is_the_return_and_what_comes_after_unless_the_episode_ended(tiny: Build) -> None:
    with trained(tiny(agent="sac", return_steps=2, gamma=0.5, **SMALL)) as model:
        rewards = torch.tensor([[1.0], [1.0]])
        dones = torch.tensor([[0.0], [1.0]])
        batch = Transitions(*(torch.zeros(2, 1),) * 3, dones, rewards, torch.full((2, 1), 0.25))
        assert model.backup(batch, torch.full((2, 1), 8.0)).flatten().tolist() == [3.0, 1.0]
        assert set(model.batch(16).discounts.flatten().tolist()) <= {0.5, 0.25}


@pytest.mark.parametrize("agent", ["sac", "td3", "tqc"])
def test_twin_critics_differ(tiny: Build, agent: str) -> None:
    with trained(tiny(agent=agent, **SMALL)) as model:
        first, second = model.critic.q_networks
        pairs = zip(first.parameters(), second.parameters(), strict=True)
        assert not any(torch.equal(a, b) for a, b in pairs)
        seen = model.update(model.batch(16))
        assert float(seen["debug/q1"]) != float(seen["debug/q2"])
