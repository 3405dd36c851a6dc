"""Baselines for a trained policy in any world.

Chance, an untrained network, the world's own scripts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from gymnasium import spaces

from agent.evaluation.episodes import MAX_SIDE_BY_SIDE, Score, evaluate
from agent.worlds.base import Purpose
from agent.worlds.comparisons import HasBaselines

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm
    from stable_baselines3.common.type_aliases import PolicyPredictor

    from agent.config.trial import TrialConfig

RANDOM, UNTRAINED = "random policy", "untrained policy"


class RandomPolicy:
    """Draws every action evenly from the action space, from a seed."""

    def __init__(self, space: spaces.Space[Any], seed: int) -> None:
        self.space = space
        self.rng = np.random.default_rng(seed)

    def predict(
        self,
        observation: Any,
        state: Any = None,
        episode_start: Any = None,
        deterministic: bool = False,
    ) -> tuple[Any, Any]:
        """Actions for observations (n, ...), as SB3's ``predict`` gives them.

        :param observation: only their number counts
        :param state: ignored
        :param episode_start: ignored
        :param deterministic: ignored
        """
        n = len(observation)
        if isinstance(self.space, spaces.Discrete):
            return self.rng.integers(self.space.n, size=n), None
        assert isinstance(self.space, spaces.Box)
        actions = self.rng.uniform(self.space.low, self.space.high, (n, *self.space.shape))
        return actions.astype(np.float32), None


def untrained(model: BaseAlgorithm, seed: int) -> PolicyPredictor:
    """The model's policy as it would begin with ``seed``, of the same kind and size."""
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        arguments = model.policy._get_constructor_parameters()
        fresh: PolicyPredictor = type(model.policy)(**arguments)
    return fresh


def baseline_scores(
    model: BaseAlgorithm, config: TrialConfig, task: str, episodes: int, seed: int
) -> dict[str, Score]:
    """Scores of the baselines in the episodes that the model is evaluated in.

    :param model: a trained one
    :param config: the configuration that trained it
    :param task: one that needs no simulator elsewhere
    :param episodes: how many
    :param seed: of the first environment
    """
    world = config.the_world
    n = min(episodes, MAX_SIDE_BY_SIDE)
    vec_env = world.make_vec([task], config.world, n, Purpose.JUDGE, seed, config.learner)
    try:
        policies = {
            RANDOM: RandomPolicy(vec_env.action_space, seed),
            UNTRAINED: untrained(model, seed),
        }
        scores = {
            name: evaluate(policy, world, vec_env, episodes, seed, name=name)
            for name, policy in policies.items()
        }
    finally:
        vec_env.close()
    if isinstance(world, HasBaselines):
        with world.scripted_policies(task, config, n) as scripted:
            for name, (policy, own) in scripted.items():
                scores[name] = evaluate(policy, world, own, episodes, seed, name=name)
    return scores
