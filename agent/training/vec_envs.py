"""The vectorised environments of a trial: one to learn in, others to be judged in.

Both are built by the same function from the same configuration, so evaluation has the observation
pipeline and the action wrapper of training (FR-003); only the reward differs. In a simulator on the wire they
drive the same car in turn: a second one would stand in the way of the first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Any, cast

import gymnasium
import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv, VecNormalize, VecTransposeImage
from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn

from agent.config.trial import TrialConfig, split_env
from agent.training.augmentation import Augmented
from agent.worlds.donkey.growing import Growing
from agent.worlds.donkey.make_env import Car, make_driver_env, open_car
from agent.worlds.donkey.remote.remote_world import RemoteWorld
from agent.worlds.donkey.road_replay import RoadReplay
from agent.worlds.donkey.vector_env import REWARDS as BATCH_REWARDS
from agent.worlds.donkey.vector_env import DonkeyVectorEnv

YARDSTICK = "yardstick"
MAX_SIDE_BY_SIDE = 16

# One band of seeds per purpose keeps training, choosing and judging on worlds of their own.
SEED_BAND = 2**29
SEED_MARGIN = 2**16
TRAINING, CHOOSING, JUDGING = 0, 1, 2


class SideBySide(DummyVecEnv):
    """DummyVecEnv without its deep copy of every info, which takes as long as driving: ours are made anew each step."""

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
        return (
            self._obs_from_buf(),
            self.buf_rews.copy(),
            self.buf_dones.copy(),
            list(self.buf_infos),
        )


class Batched(VecEnv):
    """A ``DonkeyVectorEnv`` of embedded environments as SB3 wants it."""

    def __init__(self, batch: DonkeyVectorEnv) -> None:
        self.batch = batch
        self._lessons: list[NDArray[np.float32]] = []
        self.replay: RoadReplay | None = None
        self._roads: list[NDArray[np.int64]] = []  # of every step's worlds
        super().__init__(len(batch.envs), batch.observation_space, batch.action_space)

    def reset(self) -> VecEnvObs:
        observations = self.batch.reset(self._seeds)
        self._reset_seeds()
        self._reset_options()
        return observations

    def step_async(self, actions: NDArray[Any]) -> None:
        self._actions = actions
        if self.replay:
            self._roads.append(np.array([env.road for env in self.batch.envs]))
        if self.batch.teacher:
            self._lessons.append(self.batch.lessons())

    def take_lessons(self) -> NDArray[np.float32]:
        """What the teacher said of every step since the last time, (steps, n, 8); see ``DonkeyVectorEnv.lessons``."""
        taken, self._lessons = self._lessons, []
        return np.stack(taken)

    def replay_roads(self, replay: RoadReplay) -> None:
        """Let ``replay`` draw the roads of new episodes; it learns what is at stake by ``score_roads``."""
        self.replay = replay
        for env in self.batch.envs:
            env.choose_road = replay.draw

    def score_roads(self, scores: NDArray[np.float32]) -> None:
        """How much there was to learn from every step since the last time, (steps, n), for whoever draws the roads."""
        if self.replay:
            self.replay.note(np.concatenate(self._roads), scores.ravel())
            self._roads.clear()

    def dismiss_teacher(self) -> None:
        """No more lessons."""
        self.batch.teacher = None

    def step_wait(self) -> VecEnvStepReturn:
        return self.batch.step(self._actions)

    def close(self) -> None:
        self.batch.close()

    def _chosen(self, indices: Any) -> list[Any]:
        return [self.batch.envs[k] for k in self._get_indices(indices)]

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        return [getattr(env, attr_name) for env in self._chosen(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        for env in self._chosen(indices):
            setattr(env, attr_name, value)

    def env_method(
        self, method_name: str, *arguments: Any, indices: Any = None, **options: Any
    ) -> list[Any]:
        return [getattr(env, method_name)(*arguments, **options) for env in self._chosen(indices)]

    def env_is_wrapped(
        self, wrapper_class: type[gymnasium.Wrapper], indices: Any = None
    ) -> list[bool]:
        return [False for _ in self._get_indices(indices)]


def first_seed(seed: int, purpose: int) -> int:
    """First of the consecutive environment seeds for ``purpose`` (``TRAINING``, ``CHOOSING``, ``JUDGING``).

    Bands of different purposes are disjoint, whatever the trial's ``seed``.
    """
    offset = np.random.default_rng(np.random.SeedSequence([seed, purpose])).integers(
        SEED_BAND - SEED_MARGIN
    )
    return purpose * SEED_BAND + int(offset)


def open_cars(config: TrialConfig, stack: ExitStack) -> list[Car | None]:
    """A car for each environment on the wire, hung up with the ``stack``; None for an embedded one.

    :raises SimulatorLost: a simulator that is not there, or drives another scene
    """
    cars: list[Car | None] = []
    for env in config.env:
        env_id, address = split_env(env)
        car = open_car(env_id, **wire_conf(config, address)) if address else None
        if isinstance(car, RemoteWorld):
            stack.callback(car.close)
        cars.append(car)
    return cars


def wire_conf(config: TrialConfig, address: tuple[str, int] | None) -> dict[str, Any]:
    """What an environment's conf says of its simulator; nothing of the embedded one."""
    if address is None:
        return {}
    host, port = address
    return {"host": host, "port": port, "client": config.client, "reconnect": config.reconnect}


def driver_options(config: TrialConfig, reward: str) -> dict[str, Any]:
    """What ``make_driver_env`` is told of the configuration, whatever the track."""
    return {
        "observation": config.observation,
        "frames": config.frame_stack,
        "gap": config.frame_gap,
        "repeat": config.action_repeat or 1,
        "reward": reward,
        "reward_terms": config.reward_term,
        "appearance": config.appearance,
        "roads": 0 if reward == YARDSTICK else config.roads,
        **(
            {"start": "astray", "crossroads": config.crossroads}
            if config.taught and reward != YARDSTICK
            else {}
        ),
        "max_episode_steps": config.max_episode_steps,
        "max_cte": config.max_cte,
        "steer_limit": config.steer_limit,
        "throttle_min": config.throttle_min,
        "throttle_max": config.throttle_max,
        "discretize": (config.n_steer, config.n_throttle) if config.agent == "dqn" else None,
    }


def make_worlds(
    config: TrialConfig,
    envs: Sequence[str],
    count: int,
    reward: str,
    cars: Sequence[Car | None] = (),
) -> VecEnv:
    """``count`` environments side by side in this process, the ``envs`` dealt in turn; each once if any is on the wire.

    Observations are uint8, (count, frames, 40, 80) fast or (count, 3, 120, 160) raw.

    :param reward: name of the reward, of training or ``YARDSTICK``
    :param cars: of ``open_cars``, for environments that share them; none for cars of their own
    """
    options = driver_options(config, reward)
    split = [split_env(env) for env in envs]
    on_wire = any(address for _, address in split)
    if on_wire:
        count = len(envs)
    batchable = (
        not on_wire and reward in BATCH_REWARDS and (reward == YARDSTICK or not config.reward_term)
    )
    makers: list[Callable[[], gymnasium.Env]] = []
    for index in range(count):
        env_id, address = split[index % len(split)]
        car = cars[index % len(cars)] if cars else None
        makers.append(
            partial(
                make_driver_env,
                env_id,
                car=car,
                bare=batchable,
                **options,
                **wire_conf(config, address),
            )
        )
    frames = config.frame_stack if config.observation == "fast" else 0
    grip = config.teacher_grip if config.taught and reward != YARDSTICK else None
    worlds = (
        Batched(
            DonkeyVectorEnv(
                [make() for make in makers],
                frames,
                reward,
                grip,
                config.frame_gap,
                config.action_repeat or 1,
            )
        )
        if batchable
        else SideBySide(makers)
    )
    # SB3 would turn raw pictures only above the scaling of rewards, which keeps those from before it.
    return worlds if frames else VecTransposeImage(worlds)


def make_training_worlds(
    config: TrialConfig, gamma: float, cars: Sequence[Car | None] = ()
) -> VecEnv:
    """Worlds to learn in: ``n_envs`` of them, at least one per track, rewards scaled to unit variance of return.

    The scaling lets one learning rate mean the same thing under every reward; evaluation never sees it.
    """
    count = max(config.n_envs, len(config.env))
    worlds = make_worlds(config, config.env, count, config.training_reward, cars)
    if config.road_replay:
        cast(Any, worlds).replay_roads(RoadReplay(config.roads, config.road_replay))
    if config.growing:
        worlds = Growing(worlds, config.growing * config.timesteps, config.roads)
    if config.augment:
        worlds = Augmented(worlds, config.augment, config.n_throttle, bool(config.taught))
    worlds.seed(first_seed(config.seed, TRAINING))
    return VecNormalize(worlds, norm_obs=False, norm_reward=True, clip_reward=10.0, gamma=gamma)


def make_evaluation_worlds(
    config: TrialConfig, envs: Sequence[str], episodes: int, cars: Sequence[Car | None] = ()
) -> VecEnv:
    """Worlds to be judged in: one per episode up to ``MAX_SIDE_BY_SIDE``, under the yardstick, in their own look."""
    return make_worlds(
        replace(config, appearance="plain"), envs, min(episodes, MAX_SIDE_BY_SIDE), YARDSTICK, cars
    )


def make_choosing_worlds(config: TrialConfig, cars: Sequence[Car | None] = ()) -> VecEnv:
    """Worlds in which checkpoints are compared: as those to be judged in, one an episode, in the looks of training."""
    episodes = max(config.choosing_episodes, len(config.env))
    return make_worlds(config, config.env, episodes, YARDSTICK, cars)
