"""The environments that a trial learns in, with changed pictures and scaled rewards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from stable_baselines3.common.vec_env import VecEnv, VecNormalize

from agent.config.algorithms import PPO
from agent.config.errors import UserError
from agent.config.trial import TrialConfig
from agent.training.augmentation import FLIP, Augmented, MirroredExpert
from agent.worlds.base import Purpose
from agent.worlds.capabilities import Curriculum, Expert, HasCurriculum, HasExpert, HasMirror

MakeVec = Callable[..., VecEnv]  # ``make_vec`` of a world or of its open connection
CLIP_REWARD = 10.0  # of scaled rewards, in standard deviations of the return; SB3's default


@dataclass(frozen=True)
class TrainingEnvs:
    """Environments to learn in, and what their world offers beside them.

    :param vec_env: the environments
    :param expert: labels their steps; None without imitation
    :param curriculum: chooses their episodes; None where all are drawn alike
    """

    vec_env: VecNormalize
    expert: Expert | None = None
    curriculum: Curriculum | None = None


def make_training_envs(config: TrialConfig, make_vec: MakeVec | None = None) -> TrainingEnvs:
    """Environments to learn in: ``n_envs`` of them, at least one for each task.

    Rewards are scaled to unit variance of the return, so that one learning rate means the same
    under every reward. Evaluation never sees the scaling.

    :param config: the trial's
    :param make_vec: opens environments; by default the world's own
    :raises UserError: the world has no mirror image
    """
    world = config.the_world
    trial = config.trial
    check_mirror(config)
    make = make_vec or world.make_vec
    count = max(config.world.n_envs, len(trial.env))
    inner = make(trial.env, config.world, count, Purpose.TRAIN, trial.seed, config.learner)
    curriculum = world.curriculum(inner) if isinstance(world, HasCurriculum) else None
    expert = None
    if config.imitates:
        assert isinstance(world, HasExpert)
        expert = world.expert(inner)
    vec_env = inner
    if trial.augment:
        augmented = _augmented(config, inner)
        expert = MirroredExpert(expert, augmented) if expert else None
        vec_env = augmented
    scaled = VecNormalize(
        vec_env,
        norm_obs=False,
        norm_reward=True,
        clip_reward=CLIP_REWARD,
        gamma=config.algorithm.gamma,
    )
    return TrainingEnvs(scaled, expert, curriculum)


def check_mirror(config: TrialConfig) -> None:
    """Refuses to mirror pictures of a world in which left and right differ.

    :raises UserError: it is asked for
    """
    if isinstance(config.the_world, HasMirror):
        return
    asked = None
    if FLIP in config.trial.augment:
        asked = "augment 'flip'"
    elif isinstance(config.algorithm, PPO) and config.algorithm.symmetric:
        asked = "symmetric"
    if asked:
        raise UserError(
            f"{asked} needs a world where left and right are alike, and"
            f" {config.trial.world!r} is none; drop it"
        )


def _augmented(config: TrialConfig, vec_env: VecEnv) -> Augmented:
    """The environments with their pictures changed, seeded as the trial is."""
    world = config.the_world
    mirrored_actions = None
    if isinstance(world, HasMirror):
        mirrored_actions = world.mirrored_actions(config.world, config.learner.discrete)
    augmented = Augmented(vec_env, config.trial.augment, mirrored_actions)
    augmented.seed(Purpose.TRAIN.first_seed(config.trial.seed))
    return augmented
