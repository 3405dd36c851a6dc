"""The learning algorithms of a trial, built from its configuration, one small file each.

A file holds ``build(config, worlds)``, the untrained model. All see the camera through the same small
convolutional network; the settings aim at a driver within ten thousand steps on two cores.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from sb3_contrib import RecurrentPPO

from agent.config.trial import TrialConfig
from agent.training.algorithms import ddpg, dqn, ppo, recurrent_ppo, sac, td3, tqc
from agent.training.algorithms.device import check_device, prepare_torch
from agent.training.algorithms.fast_ppo import FastPPO
from agent.training.imitation import demonstration_replay

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm
    from stable_baselines3.common.vec_env import VecEnv

__all__ = ["ALGORITHMS", "Algorithm", "build", "check_device", "prepare_torch"]


class Algorithm(NamedTuple):
    """The class whose ``load`` reads a saved model, and the function that builds an untrained one."""

    model: type[BaseAlgorithm]
    build: Callable[[TrialConfig, VecEnv], BaseAlgorithm]


ALGORITHMS = {
    "ppo": Algorithm(FastPPO, ppo.build),
    "recurrent_ppo": Algorithm(RecurrentPPO, recurrent_ppo.build),
    "dqn": Algorithm(dqn.DQN, dqn.build),
    "sac": Algorithm(sac.SAC, sac.build),
    "tqc": Algorithm(tqc.TQC, tqc.build),
    "td3": Algorithm(td3.TD3, td3.build),
    "ddpg": Algorithm(ddpg.DDPG, ddpg.build),
}


def build(config: TrialConfig, worlds: VecEnv) -> BaseAlgorithm:
    """The untrained model of a trial. The learning rate is ``config.learning_rate`` from first step to last."""
    model = ALGORITHMS[config.agent].build(config, worlds)
    if config.demos:
        demonstration_replay.show(model.replay_buffer, config)  # type: ignore[attr-defined]
    return model
