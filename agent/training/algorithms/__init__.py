"""The learning algorithms of a trial, built from its configuration, one small file each.

A file holds ``build(config, training)``, the untrained model. All see pictures through the same
small network; the settings aim at a good policy within ten thousand steps on two cores.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sb3_contrib import RecurrentPPO

from agent.config import algorithms as settings
from agent.config.trial import TrialConfig
from agent.training.algorithms import ddpg, dqn, ppo, recurrent_ppo, sac, td3, tqc
from agent.training.algorithms.device import check_device, prepare_torch
from agent.training.algorithms.fast_ppo import FastPPO
from agent.training.imitation.demonstration_replay import DemonstrationReplay, add_demonstrations
from agent.training.vec_envs import TrainingEnvs
from agent.worlds.capabilities import HasDemonstrations

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm

__all__ = ["ALGORITHMS", "Algorithm", "build", "check_device", "prepare_torch"]


class Algorithm(NamedTuple):
    """The class whose ``load`` reads saved models, and the function that builds a new one."""

    model: type[BaseAlgorithm]
    build: Callable[[TrialConfig, TrainingEnvs], BaseAlgorithm]


ALGORITHMS = {
    "ppo": Algorithm(FastPPO, ppo.build),
    "recurrent_ppo": Algorithm(RecurrentPPO, recurrent_ppo.build),
    "dqn": Algorithm(dqn.DQN, dqn.build),
    "sac": Algorithm(sac.SAC, sac.build),
    "tqc": Algorithm(tqc.TQC, tqc.build),
    "td3": Algorithm(td3.TD3, td3.build),
    "ddpg": Algorithm(ddpg.DDPG, ddpg.build),
}


def build(config: TrialConfig, training: TrainingEnvs) -> BaseAlgorithm:
    """The untrained model of a trial, with its demonstrations if it has any.

    :raises UserError: a memory limit that holds too little
    """
    model = ALGORITHMS[config.trial.agent].build(config, training)
    if isinstance(config.algorithm, settings.OffPolicy) and config.algorithm.demos:
        world = config.the_world
        assert isinstance(world, HasDemonstrations)
        replay = model.replay_buffer  # type: ignore[attr-defined]
        assert isinstance(replay, DemonstrationReplay)
        path = Path(config.algorithm.demos)
        add_demonstrations(replay, world.demonstrations(path, config), config)
    return model
