"""PPO: continuous actions, rollouts fitted to the length of training."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from stable_baselines3.common.utils import LinearSchedule

from agent.config import algorithms as settings
from agent.config.trial import TrialConfig
from agent.training.algorithms.adam import Adam, RowAdam
from agent.training.algorithms.fast_policy import FastPolicy
from agent.training.algorithms.fast_ppo import FastPPO
from agent.training.algorithms.patch_encoder import PatchEncoder
from agent.training.imitation.imitator import Imitator
from agent.training.vec_envs import TrainingEnvs
from agent.worlds.capabilities import HasMirror

if TYPE_CHECKING:
    from stable_baselines3.common.vec_env import VecEnv

OPTIMISER = {"eps": 1e-5, "fused": True}  # SB3's epsilon for PPO


def rollout_shape(timesteps: int, n_envs: int, n_steps: int, batch_size: int) -> tuple[int, int]:
    """Steps per environment and minibatch size of PPO's rollouts.

    Rollouts are shortened a little so that whole ones add up to ``timesteps``: 10,000 steps in 8
    environments are ten rollouts of 125 steps, not ten of 128 that overshoot.

    :param timesteps: of training
    :param n_envs: environments side by side
    :param n_steps: most steps of a rollout in each
    :param batch_size: size of a minibatch, about
    """
    rollouts = math.ceil(timesteps / (n_steps * n_envs))
    steps = max(2, math.ceil(timesteps / (rollouts * n_envs)))
    minibatches = max(1, round(steps * n_envs / batch_size))
    return steps, math.ceil(steps * n_envs / minibatches)


def falling(rate: float, end: float) -> float | Callable[[float], float]:
    """A rate that falls evenly to ``end`` times itself, by the share of training that is left.

    It is SB3's own class: a saved function of ours would hold the path of the file that it was
    written in.
    """
    if end == 1.0:
        return rate
    return LinearSchedule(rate, rate * end, 1.0)


def on_policy(config: TrialConfig, vec_env: VecEnv, **policy: Any) -> dict[str, Any]:
    """Arguments of PPO and its recurrent sibling.

    :param config: the trial's
    :param vec_env: training environments
    :param policy: more arguments of the policy
    """
    own = config.algorithm
    assert isinstance(own, settings.PPO | settings.RecurrentPPO)
    steps, batch = rollout_shape(
        config.trial.timesteps, vec_env.num_envs, own.n_steps, own.batch_size
    )
    return {
        "learning_rate": falling(own.learning_rate, own.lr_end),
        "n_steps": steps,
        "batch_size": batch,
        "n_epochs": own.n_epochs,
        "gamma": own.gamma,
        "gae_lambda": own.gae_lambda,
        "clip_range": own.clip_range,
        "ent_coef": own.ent_coef,
        "vf_coef": own.vf_coef,
        "max_grad_norm": own.max_grad_norm,
        "use_sde": own.sde_freq > 0,
        "sde_sample_freq": own.sde_freq or -1,
        "policy_kwargs": _policy_arguments(own) | policy,
        "seed": config.trial.seed,
        "device": config.trial.device,
    }


def _policy_arguments(own: settings.PPO | settings.RecurrentPPO) -> dict[str, Any]:
    """Arguments of SB3's policies."""
    return {
        "features_extractor_class": PatchEncoder,
        "features_extractor_kwargs": {
            "features_dim": own.features_dim,
            "layers": own.conv_layers,
        },
        "normalize_images": False,
        "net_arch": [own.net_width],
        "log_std_init": own.log_std_init,
        "optimizer_class": Adam,
        "optimizer_kwargs": OPTIMISER,
    }


def build(config: TrialConfig, training: TrainingEnvs) -> FastPPO:
    """The untrained model."""
    own = config.algorithm
    assert isinstance(own, settings.PPO)
    policy: dict[str, Any] = {
        "optimizer_class": RowAdam,
        "optimizer_kwargs": OPTIMISER | {"averaged": own.averaged},
    }
    if training.expert:
        shape = training.vec_env.action_space.shape
        assert shape is not None
        (n_actions,) = shape
        policy["n_auxiliary"] = len(training.expert.label_weights) - n_actions
        policy["mirror_signs"] = tuple(training.expert.mirror_signs[:n_actions])
    if own.symmetric:
        world = config.the_world
        assert isinstance(world, HasMirror)
        signs = world.mirrored_actions(config.world, discrete=False)
        policy["mirror_signs"] = tuple(float(sign) for sign in signs)
        policy["symmetric"] = True
    vec_env = training.vec_env
    model = FastPPO(FastPolicy, vec_env, **on_policy(config, vec_env, **policy))
    attach(model, config, training)
    return model


def attach(model: FastPPO, config: TrialConfig, training: TrainingEnvs) -> None:
    """Gives a model what it has for training alone, which is not saved with it.

    :param model: built or loaded
    :param config: the trial's
    :param training: the environments that it learns in
    """
    cast(FastPolicy, model.policy).mixed_precision = config.trial.mixed_precision
    model.curriculum = training.curriculum
    if training.expert:
        assert config.imitation is not None
        own = config.imitation
        model.imitator = Imitator(
            model,
            training.expert,
            own.imitation_share,
            own.imitation_weight,
            own.imitation_epochs,
        )
