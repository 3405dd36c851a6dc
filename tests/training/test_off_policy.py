"""What the off-policy algorithms do to their batches, gradients, targets and entropy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch

from agent.config.trial import TrialConfig
from agent.training.algorithms import ALGORITHMS, build
from agent.training.algorithms.off_policy import Transitions
from agent.training.algorithms.replay import shifted
from agent.training.vec_envs import make_training_worlds

OFF_POLICY = ("dqn", "sac", "td3", "ddpg", "tqc")
SMALL = {"batch_size": 16, "learning_starts": 10}


@contextmanager
def trained(config: TrialConfig) -> Iterator[Any]:
    """The model of ``config`` after its timesteps."""
    worlds = make_training_worlds(config, config.gamma)
    try:
        yield build(config, worlds).learn(config.timesteps)
    finally:
        worlds.close()


def gradient_norm(optimizer: torch.optim.Optimizer) -> float:
    gradients = [
        p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None
    ]
    return float(
        torch.linalg.vector_norm(torch.cat([gradient.flatten() for gradient in gradients]))
    )


def test_shifted_pictures_are_the_old_ones_moved() -> None:
    pictures = torch.randint(0, 255, (64, 2, 12, 20), dtype=torch.uint8)
    np.random.seed(0)
    moved = shifted(pictures, 3)
    offsets = set()
    for old, new in zip(pictures, moved, strict=True):
        matches = [
            (down, aside)
            for down in range(-3, 4)
            for aside in range(-3, 4)
            if torch.equal(
                torch.roll(old, (down, aside), (1, 2))[:, 3:-3, 3:-3], new[:, 3:-3, 3:-3]
            )
        ]
        assert len(matches) == 1
        offsets.add(matches[0])
    assert len(offsets) > 20
    assert torch.equal(shifted(pictures[:, :, :1], 0), pictures[:, :, :1])


@pytest.mark.parametrize("agent", OFF_POLICY)
def test_every_weight_learns_and_a_saved_model_acts_as_before(
    tiny: Callable[..., TrialConfig], tmp_path: Any, agent: str
) -> None:
    config = tiny(agent=agent, **SMALL)
    worlds = make_training_worlds(config, config.gamma)
    model = build(config, worlds)
    before = {name: value.clone() for name, value in model.policy.state_dict().items()}
    model.learn(config.timesteps)
    after = model.policy.state_dict()
    still = [name for name in before if torch.equal(before[name], after[name])]
    assert still == []
    model.save(tmp_path / "model.zip")
    loaded = ALGORITHMS[agent].model.load(tmp_path / "model.zip", device="cpu")
    seen = np.asarray(worlds.reset())
    np.testing.assert_array_equal(
        loaded.predict(seen, deterministic=True)[0], model.predict(seen, deterministic=True)[0]
    )
    worlds.close()


@pytest.mark.parametrize("agent", OFF_POLICY)
def test_gradients_are_clipped_at_the_norm_and_only_there(
    tiny: Callable[..., TrialConfig], agent: str
) -> None:
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
            assert gradient_norm(optimizer) == pytest.approx(
                float(free["debug/critic_grad_norm"]), rel=1e-3
            )


@pytest.mark.parametrize("agent", OFF_POLICY)
def test_targets_stay_within_the_clip(tiny: Callable[..., TrialConfig], agent: str) -> None:
    with trained(tiny(agent=agent, target_clip=0.5, **SMALL)) as model:
        batch = Transitions(*(torch.zeros(4, 1) for _ in range(6)))._replace(
            discounts=torch.ones(4, 1)
        )
        worth = torch.tensor([[-9.0], [-0.2], [0.2], [9.0]])
        assert model.backup(batch, worth).flatten().tolist() == pytest.approx(
            [-0.5, -0.2, 0.2, 0.5]
        )
        model.target_clip = 0.0
        assert torch.equal(model.backup(batch, worth), worth)


def test_a_target_is_the_return_and_what_comes_after_unless_the_episode_ended(
    tiny: Callable[..., TrialConfig],
) -> None:
    with trained(tiny(agent="sac", return_steps=2, gamma=0.5, **SMALL)) as model:
        rewards, dones = torch.tensor([[1.0], [1.0]]), torch.tensor([[0.0], [1.0]])
        batch = Transitions(*(torch.zeros(2, 1),) * 3, dones, rewards, torch.full((2, 1), 0.25))
        assert model.backup(batch, torch.full((2, 1), 8.0)).flatten().tolist() == [3.0, 1.0]
        assert set(model.batch(16).discounts.flatten().tolist()) <= {0.5, 0.25}


@pytest.mark.parametrize("agent", ["sac", "td3", "tqc"])
def test_twin_critics_differ(tiny: Callable[..., TrialConfig], agent: str) -> None:
    with trained(tiny(agent=agent, **SMALL)) as model:
        heads = model.critic.q_networks
        assert len(heads) == 2
        assert not any(
            torch.equal(a, b) for a, b in zip(*(head.parameters() for head in heads), strict=True)
        )
        seen = model.update(model.batch(16))
        assert float(seen["debug/q1"]) != float(seen["debug/q2"])


def test_the_actor_leaves_the_encoder_to_the_critics(tiny: Callable[..., TrialConfig]) -> None:
    with trained(tiny(agent="sac", **SMALL)) as model:
        encoder = {id(parameter) for parameter in model.policy.encoder.parameters()}
        of = {
            name: {
                id(p)
                for group in getattr(model, name).optimizer.param_groups
                for p in group["params"]
            }
            for name in ("actor", "critic")
        }
        assert encoder
        assert encoder <= of["critic"]
        assert not encoder & of["actor"]


@pytest.mark.parametrize("agent", ["sac", "tqc"])
def test_the_entropy_is_weighed_by_a_fixed_number_or_one_learned_at_its_own_rate(
    tiny: Callable[..., TrialConfig], agent: str
) -> None:
    with trained(tiny(agent=agent, ent_coef=0.03, entropy_rate=0.0, **SMALL)) as model:
        assert float(model.update(model.batch(16))["entropy_coef"]) == pytest.approx(0.03)
    with trained(tiny(agent=agent, ent_coef=0.03, entropy_rate=0.01, **SMALL)) as model:
        before = float(model.log_ent_coef.detach())
        model.update(model.batch(16))
        # Adam's step is about its rate, whatever the gradient.
        assert abs(float(model.log_ent_coef.detach()) - before) == pytest.approx(0.01, rel=0.9)
        assert model.ent_coef_optimizer.param_groups[0]["lr"] == 0.01
        assert model.actor.optimizer.param_groups[0]["lr"] == model.learning_rate


def test_the_highest_quantiles_are_dropped(tiny: Callable[..., TrialConfig]) -> None:
    with trained(tiny(agent="tqc", n_quantiles=5, drop_quantiles=2, **SMALL)) as model:
        said = torch.arange(20.0).reshape(2, 2, 5)
        assert model.cautious(said).tolist() == [[0, 1, 2, 3, 4, 5], [10, 11, 12, 13, 14, 15]]


def test_every_world_explores_by_its_own_draw(tiny: Callable[..., TrialConfig]) -> None:
    with trained(tiny(agent="dqn", n_envs=8, exploration_fraction=1.0, **SMALL)) as model:
        model.exploration_rate, model.num_timesteps = 0.5, 10**6
        greedy = model.predict(model._last_obs, deterministic=True)[0]
        shares = [float(np.mean(model._sample_action(0, n_envs=8)[0] != greedy)) for _ in range(30)]
        assert 0.3 < np.mean(shares) < 0.6
        assert any(0.0 < share < 1.0 for share in shares)
