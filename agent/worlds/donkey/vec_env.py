"""The vectorised environments of the DonkeyCar world, as Stable-Baselines3 wants them.

Environments to learn in and to be judged in are built by the same function from the same options,
so evaluation has the observation pipeline and the action wrapper of training (FR-003); only the
reward differs. In a simulator on a port they drive the same car in turn: a second one would stand
in the way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv, VecTransposeImage
from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn

from agent.worlds.base import Learner, Purpose, split_task
from agent.worlds.capabilities import Curriculum, Expert
from agent.worlds.donkey.connection import port_options
from agent.worlds.donkey.curriculum import CurriculumVecEnv, DonkeyCurriculum
from agent.worlds.donkey.env_options import AnyWorld
from agent.worlds.donkey.experts.teacher import LABEL_WEIGHTS, MIRROR_SIGNS
from agent.worlds.donkey.make_env import make_env
from agent.worlds.donkey.options import DonkeyOptions
from agent.worlds.donkey.rewards import EVALUATION_REWARD, FORMULAS
from agent.worlds.donkey.vector_env import DonkeyVectorEnv


class SideBySide(DummyVecEnv):
    """DummyVecEnv without its deep copy of every info.

    The copy takes as long as driving, and our infos are made anew each step.
    """

    def step_wait(self) -> VecEnvStepReturn:
        for i, env in enumerate(self.envs):
            observation, self.buf_rews[i], terminated, truncated, info = env.step(self.actions[i])
            self.buf_dones[i] = terminated or truncated
            info["TimeLimit.truncated"] = truncated and not terminated
            if self.buf_dones[i]:
                info["terminal_observation"] = observation
                observation, self.reset_infos[i] = env.reset()
            self._save_obs(i, observation)
            self.buf_infos[i] = info
        infos = list(self.buf_infos)
        return self._obs_from_buf(), self.buf_rews.copy(), self.buf_dones.copy(), infos


class DonkeyVecEnv(VecEnv):
    """A ``DonkeyVectorEnv`` as SB3 wants it; it is its own expert, see ``capabilities.Expert``."""

    label_weights = LABEL_WEIGHTS
    mirror_signs = MIRROR_SIGNS

    def __init__(self, vector_env: DonkeyVectorEnv) -> None:
        self.vector_env = vector_env
        self._labels: list[NDArray[np.float32]] = []
        super().__init__(
            len(vector_env.envs), vector_env.observation_space, vector_env.action_space
        )

    def reset(self) -> VecEnvObs:
        observations = self.vector_env.reset(self._seeds)
        self._reset_seeds()
        self._reset_options()
        return observations

    def step_async(self, actions: NDArray[Any]) -> None:
        self._actions = actions
        if self.vector_env.teacher:
            self._labels.append(self.vector_env.labels())

    def step_wait(self) -> VecEnvStepReturn:
        return self.vector_env.step(self._actions)

    def take_labels(self) -> NDArray[np.float32]:
        """Labels (steps, n, 8) of every step since the last time; see ``DonkeyVectorEnv``."""
        labels = np.stack(self._labels)
        self._labels = []
        return labels

    def dismiss(self) -> None:
        """Stop labelling."""
        self.vector_env.teacher = None

    def close(self) -> None:
        self.vector_env.close()

    def _chosen(self, indices: Any) -> list[Any]:
        return [self.vector_env.envs[k] for k in self._get_indices(indices)]

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        return [getattr(env, attr_name) for env in self._chosen(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """See ``VecEnv``.

        :param attr_name: of the environments
        :param value: the same for all
        :param indices: of the environments, None for all
        """
        for env in self._chosen(indices):
            setattr(env, attr_name, value)

    def env_method(
        self, method_name: str, *arguments: Any, indices: Any = None, **options: Any
    ) -> list[Any]:
        envs = self._chosen(indices)
        return [getattr(env, method_name)(*arguments, **options) for env in envs]

    def env_is_wrapped(
        self, wrapper_class: type[gymnasium.Wrapper], indices: Any = None
    ) -> list[bool]:
        return [False for _ in self._get_indices(indices)]


def expert_of(vec_env: VecEnv) -> Expert:
    """The expert of environments that were made for a labelled learner."""
    inner = vec_env.unwrapped
    assert isinstance(inner, DonkeyVecEnv), "made for a labelled learner"
    return inner


def curriculum_of(vec_env: VecEnv) -> Curriculum | None:
    """The curriculum of training environments, None without one."""
    return vec_env.curriculum if isinstance(vec_env, CurriculumVecEnv) else None


def env_options(options: DonkeyOptions, purpose: Purpose, learner: Learner) -> dict[str, Any]:
    """Arguments of ``make_env``, whatever the track.

    :param options: of the world
    :param purpose: training, choosing or judging
    :param learner: facts about who learns
    """
    arguments: dict[str, Any] = {
        "observation": options.observation,
        "frames": options.frame_stack,
        "gap": options.frame_gap,
        "repeat": options.action_repeat,
        "reward": EVALUATION_REWARD,
        "appearance": options.appearance,
        "max_episode_steps": options.max_episode_steps,
        "max_cte": options.max_cte,
        "steer_limit": options.steer_limit,
        "throttle_min": options.throttle_min,
        "throttle_max": options.throttle_max,
    }
    if learner.discrete:
        arguments["discretize"] = (options.n_steer, options.n_throttle)
    if purpose is Purpose.JUDGE:
        arguments["appearance"] = "plain"
    if purpose is Purpose.TRAIN:
        arguments["reward"] = options.training_reward
        arguments["reward_terms"] = options.reward_term
        arguments["roads"] = options.roads
        if learner.labelled:
            arguments["start"] = "perturbed"
            arguments["narrow_crossings"] = options.narrow_crossing_share > 0.0
    return arguments


def make_vec_env(
    tasks: Sequence[str],
    options: DonkeyOptions,
    n: int,
    purpose: Purpose,
    seed: int,
    learner: Learner,
    worlds: Sequence[AnyWorld | None] = (),
) -> VecEnv:
    """Environments side by side in this process; see ``World.make_vec``.

    Each task has one only if any of them is on a port. Observations are uint8, (n, frames, 40, 80)
    fast or (n, 3, 120, 160) raw.

    :param tasks: environment ids, with addresses
    :param options: of the world
    :param n: how many
    :param purpose: training, choosing or judging
    :param seed: the trial's
    :param learner: facts about who learns
    :param worlds: of ``open_remote_worlds``, to drive in turn; empty for worlds of their own
    """
    arguments = env_options(options, purpose, learner)
    on_port = any(split_task(task)[1] for task in tasks)
    # One vector environment knows embedded worlds and rewards without terms.
    in_one = not on_port and arguments["reward"] in FORMULAS and not arguments.get("reward_terms")
    makers: list[Callable[[], gymnasium.Env]] = []
    for index in range(len(tasks) if on_port else n):
        env_id, address = split_task(tasks[index % len(tasks)])
        own = arguments | port_options(options, address)
        if worlds:
            own["world"] = worlds[index % len(worlds)]
        makers.append(partial(make_env, env_id, bare=in_one, **own))
    vec_env: VecEnv
    if in_one:
        grip = None
        if purpose is Purpose.TRAIN and learner.labelled:
            grip = options.teacher_grip
        vec_env = DonkeyVecEnv(make_vector_env(makers, options, arguments["reward"], grip))
    else:
        vec_env = SideBySide(makers)
    if options.observation == "raw":
        # SB3 would turn raw pictures only above the scaling of rewards, which keeps those from
        # before it.
        vec_env = VecTransposeImage(vec_env)
    if purpose is Purpose.TRAIN:
        vec_env = with_curriculum(vec_env, options, learner)
    vec_env.seed(purpose.first_seed(seed))
    return vec_env


def make_vector_env(
    makers: Sequence[Callable[[], gymnasium.Env]],
    options: DonkeyOptions,
    reward: str,
    teacher_grip: float | None,
) -> DonkeyVectorEnv:
    """Environments stepped as one.

    :param makers: make bare ones
    :param options: of the world
    :param reward: one of ``rewards.FORMULAS``
    :param teacher_grip: of a teacher that labels their steps; None for none
    """
    return DonkeyVectorEnv(
        [make() for make in makers],
        frames=options.frame_stack if options.observation == "fast" else 0,
        reward=reward,
        teacher_grip=teacher_grip,
        gap=options.frame_gap,
        repeat=options.action_repeat,
    )


def with_curriculum(vec_env: VecEnv, options: DonkeyOptions, learner: Learner) -> VecEnv:
    """The environments with the curriculum that the options ask for, if any.

    :param vec_env: environments to learn in
    :param options: of the world
    :param learner: facts about who learns
    """
    narrow_share = 0.0
    if learner.labelled:
        narrow_share = options.narrow_crossing_share
    if not (options.curriculum_share or options.road_replay or narrow_share):
        return vec_env
    curriculum = DonkeyCurriculum(
        vec_env.get_attr("unwrapped"),
        options.roads,
        growth_steps=options.curriculum_share * learner.timesteps,
        replay_share=options.road_replay,
        narrow_share=narrow_share,
    )
    return CurriculumVecEnv(vec_env, curriculum)
