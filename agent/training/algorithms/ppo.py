"""PPO: continuous actions, rollouts fitted to the length of training."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from stable_baselines3.common.utils import LinearSchedule

from agent.config.trial import TrialConfig
from agent.training.algorithms.adam import Adam, RowAdam
from agent.training.algorithms.fast_ppo import FastPolicy, FastPPO
from agent.training.algorithms.patch_encoder import PatchEncoder
from agent.worlds.donkey.experts.teacher import AHEAD_U

if TYPE_CHECKING:
    from stable_baselines3.common.vec_env import VecEnv


def rollout_shape(timesteps: int, n_envs: int, n_steps: int, batch_size: int) -> tuple[int, int]:
    """Steps per world and minibatch size of PPO's rollouts, at most ``n_steps`` and about ``batch_size``.

    Rollouts are shortened a little so that whole ones add up to ``timesteps``: 10,000 steps in 8 worlds
    are ten rollouts of 125 steps, not ten of 128 that overshoot.
    """
    rollouts = math.ceil(timesteps / (n_steps * n_envs))
    steps = max(2, math.ceil(timesteps / (rollouts * n_envs)))
    minibatches = max(1, round(steps * n_envs / batch_size))
    return steps, math.ceil(steps * n_envs / minibatches)


OPTIMISER = {"eps": 1e-5, "fused": True}  # SB3's epsilon for PPO


def falling(rate: float, end: float) -> float | Callable[[float], float]:
    """A rate that falls evenly to ``end`` times itself, as a function of the share of training that is left.

    SB3's own class: a saved function of ours would hold the path of the file that it was written in.
    """
    return rate if end == 1.0 else LinearSchedule(rate, rate * end, 1.0)


def on_policy(config: TrialConfig, worlds: VecEnv, **policy: Any) -> dict[str, Any]:
    """What PPO and its recurrent sibling are built with.

    :param policy: more arguments of the policy
    """
    told = config.settings
    steps, batch = rollout_shape(config.timesteps, worlds.num_envs, told.n_steps, told.batch_size)
    return {
        "learning_rate": falling(told.learning_rate, told.lr_end),
        "n_steps": steps,
        "batch_size": batch,
        "n_epochs": told.n_epochs,
        "gamma": told.gamma,
        "gae_lambda": told.gae_lambda,
        "clip_range": told.clip_range,
        "ent_coef": told.ent_coef,
        "vf_coef": told.vf_coef,
        "max_grad_norm": told.max_grad_norm,
        "use_sde": told.sde_freq > 0,
        "sde_sample_freq": told.sde_freq or -1,
        "policy_kwargs": {
            "features_extractor_class": PatchEncoder,
            "features_extractor_kwargs": {
                "features_dim": told.features_dim,
                "layers": told.conv_layers,
            },
            "normalize_images": False,
            "net_arch": [told.net_width],
            "log_std_init": told.log_std_init,
            "optimizer_class": Adam,
            "optimizer_kwargs": OPTIMISER,
            **policy,
        },
        "seed": config.seed,
        "device": config.device,
    }


def build(config: TrialConfig, worlds: VecEnv) -> FastPPO:
    """The untrained model."""
    told = config.settings
    policy = {
        "optimizer_class": RowAdam,
        "optimizer_kwargs": OPTIMISER | {"averaged": told.averaged},
    }
    if told.taught:  # by one who drives the middle of the road
        policy |= {"pointing": len(AHEAD_U), "mirrored": True}
    return FastPPO(
        FastPolicy,
        worlds,
        **on_policy(config, worlds, **policy),
        taught=told.taught,
        lesson_weight=told.lesson_weight,
    )
