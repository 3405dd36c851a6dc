"""Embedded environments side by side as one: driven, rewarded and rendered in a few calls for all.

``DonkeyEnv`` and its wrappers say what happens in an episode. Here is the same once more for
arrays, to the digit (tests/worlds/donkey/test_vector_env.py), because a call from Python for each
environment takes as long as rendering it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from agent.simulator.fleet import Fleet
from agent.simulator.lens import View
from agent.simulator.telemetry import UNITS_PER_METRE
from agent.simulator.track_progress import ARC, BEST_AT_SEC, CLOCK_SEC, CTE, END_U, HIT, NET
from agent.simulator.vehicle import FORWARD, SIDE
from agent.simulator.world import World
from agent.worlds.donkey.demonstrations import rescaled
from agent.worlds.donkey.env import HALF_TICK_SEC, STALL_LIMIT_SEC, TRUNCATIONS, DonkeyEnv
from agent.worlds.donkey.experts.teacher import Teacher
from agent.worlds.donkey.observation import FAST_VIEW, GAP
from agent.worlds.donkey.rewards import (
    CRASH_REWARD,
    EVALUATION_REWARD,
    RewardMeter,
    simulator_reward,
)
from agent.worlds.frame_stack import FrameStacks

Array = NDArray[np.float64]


class DonkeyVectorEnv:
    """Environments of ``make_env`` over embedded worlds, without reward terms, in one.

    Observations are (n, frames, 40, 80) uint8, or camera frames (n, 120, 160, 3) where ``frames``
    is 0. The info of a step is short (``cte`` u, ``speed`` m/s, ``progress`` laps, ``steering`` as
    commanded) until the last of an episode, which is ``DonkeyEnv``'s.

    :param wrappers: action wrappers over ``DonkeyEnv``, all alike but for their tracks
    :param frames: of an observation, 0 for camera frames in colour
    :param reward: one of ``rewards.FORMULAS``
    :param teacher_grip: of a ``Teacher`` whose ``labels`` are wanted; None for none
    :param gap: decisions from one of an observation's frames to the next
    :param repeat: control steps that a decision is held for; see ``make_env``
    """

    def __init__(
        self,
        wrappers: Sequence[gymnasium.Env],
        frames: int,
        reward: str,
        teacher_grip: float | None = None,
        gap: int = GAP,
        repeat: int = 1,
    ) -> None:
        self.wrappers = list(wrappers)
        self.envs = [cast(DonkeyEnv, wrapper.unwrapped) for wrapper in wrappers]
        worlds = [cast(World, env.world) for env in self.envs]
        self.fleet = Fleet(worlds, FAST_VIEW if frames else View(), grey=frames > 0)
        n = len(worlds)
        conf = self.envs[0].conf
        self.max_cte = float(conf["max_cte"])
        self.max_steps = int(conf["max_episode_steps"])
        self.meter = RewardMeter(reward, n, self.max_cte)
        self.teacher: Teacher | None = None
        if teacher_grip is not None:
            throttle = (conf["throttle_min"], conf["throttle_max"])
            self.teacher = Teacher(self.fleet, teacher_grip, throttle)
        # Under the evaluation reward every control step is one, and a decision is held for some.
        self._repeat = repeat
        self._held = 1
        if reward == EVALUATION_REWARD:
            self._repeat = 1
            self._held = repeat
        self.stacks = FrameStacks(n, frames or 1, gap * self._held, self._frame_shape())
        self._commands = np.zeros((n, 2))
        self._steps: NDArray[np.int64] = np.zeros(n, dtype=np.int64)
        self._length_u = np.zeros(n)
        self._end_u = np.zeros(n)
        shape = self._observation().shape[1:]
        self.observation_space = spaces.Box(0, 255, shape, dtype=np.uint8)
        self.action_space = wrappers[0].action_space

    def _frame_shape(self) -> tuple[int, ...]:
        view = self.fleet.view
        shape = (view.height - view.cropped, view.width)
        return shape if self.fleet.grey else (*shape, 3)

    def reset(self, seeds: Sequence[int | None]) -> NDArray[np.uint8]:
        """Begin an episode in each; see ``DonkeyEnv.reset`` for the seeds. Returns observations."""
        for k, seed in enumerate(seeds):
            self._restart(k, seed)
        self.fleet.render(self.stacks.renewed())
        self.stacks.fill(range(len(self.envs)))
        return self._observation()

    def _restart(self, k: int, seed: int | None = None) -> None:
        self.envs[k].restart(seed)
        self.fleet.refresh(k)
        if self.teacher:
            self.teacher.refresh(k)
        self.meter.restart(k)
        track = self.fleet.worlds[k].track
        self._length_u[k] = track.length_u
        self._end_u[k] = np.inf if track.closed else track.length_u - END_U
        self._steps[k] = 0

    def labels(self) -> NDArray[np.float32]:
        """Labels (n, 8) of this moment: the teacher's action, and the bearings of the road ahead.

        The action is clipped to the action space.
        """
        assert self.teacher is not None
        box = cast(spaces.Box, self.envs[0].action_space)
        commands = self.teacher.commands(self.envs[0].throttle_cap).astype(np.float32)
        actions = rescaled(commands, box.low, box.high)
        return np.concatenate([actions, self.teacher.bearings()], axis=1, dtype=np.float32)

    def _decide(self, actions: NDArray[Any]) -> None:
        """Make commands of the actions that count."""
        wrapper = self.wrappers[0]
        if isinstance(self.action_space, spaces.Discrete):
            commands = wrapper.commands[actions]  # type: ignore[attr-defined]
        else:
            commands = wrapper.action(actions)  # type: ignore[attr-defined]
        box = cast(spaces.Box, self.envs[0].action_space)
        commands = np.clip(commands, box.low, box.high).astype(np.float64)
        commands[:, 1] = np.minimum(commands[:, 1], self.envs[0].throttle_cap)
        due = self._steps % self._held == 0
        self._commands = np.where(due[:, None], commands, self._commands)

    def step(
        self, actions: NDArray[Any]
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        """Drive by one decision, and begin anew where an episode ended.

        :param actions: (n, 2) or (n,) of the action space
        :returns: observations, rewards, endings, infos
        """
        self._decide(actions)
        rewards = np.zeros(len(self.envs))
        over = np.zeros(len(self.envs), dtype=np.bool_)
        endings: dict[int, str] = {}
        for _ in range(self._repeat):
            endings |= self._advance(rewards, over)
        stacks = self.stacks.advanced()
        self.fleet.render(stacks)
        infos = self._infos()
        for k, reason in endings.items():
            infos[k] = self._last_info(k, reason)
            self._restart(k)
        if endings:
            self.fleet.render(stacks, list(endings))
            self.stacks.fill(endings)
        return self._observation(), rewards.astype(np.float32), over, infos

    def _advance(self, rewards: Array, over: NDArray[np.bool_]) -> dict[int, str]:
        """Drive a control step where no episode is ``over`` and add to ``rewards``.

        Returns which episodes ended, and why.
        """
        self.fleet.step(self._commands, over)
        self._steps += ~over
        states = self.fleet.progress_states
        ended = np.abs(states[:, CTE]) > self.max_cte
        ended |= states[:, HIT] >= 0.0
        ended |= states[:, ARC] >= self._end_u
        ended |= states[:, CLOCK_SEC] - states[:, BEST_AT_SEC] > STALL_LIMIT_SEC - HALF_TICK_SEC
        ended |= self._steps >= self.max_steps
        ended &= ~over
        endings = {k: self._ending(k) for k in np.flatnonzero(ended).tolist()}
        rewards += np.where(over, 0.0, self._rewards(endings))
        over |= ended
        return endings

    def command(self, k: int) -> tuple[float, float]:
        """Steering and throttle of the ``k``-th environment's last step."""
        steering, throttle = self._commands[k].tolist()
        return steering, throttle

    def _rewards(self, endings: dict[int, str]) -> Array:
        cte = self.fleet.progress_states[:, CTE]
        forward_vel = self.fleet.car_states[:, FORWARD] / UNITS_PER_METRE
        crashed = np.zeros(len(self.envs), dtype=np.bool_)
        crashed[[k for k, reason in endings.items() if reason not in TRUNCATIONS]] = True
        simulator = simulator_reward(forward_vel, cte, self.max_cte)
        simulator[crashed] = CRASH_REWARD
        net_m = self._progress() * self._length_u / UNITS_PER_METRE
        return self.meter.rewards(simulator, crashed, self._speed(), cte, net_m)

    def _speed(self) -> Array:
        """Metres a second over the ground (n,)."""
        cars = self.fleet.car_states
        return np.hypot(cars[:, FORWARD], cars[:, SIDE]) / UNITS_PER_METRE

    def _progress(self) -> Array:
        """Net laps (n,) since the start."""
        return self.fleet.progress_states[:, NET] / self._length_u

    def _infos(self) -> list[dict[str, Any]]:
        cte = self.fleet.progress_states[:, CTE]
        columns = (cte, self._speed(), self._progress(), self._commands[:, 0])
        rows = zip(*(column.tolist() for column in columns), strict=True)
        return [
            {"cte": c, "speed": v, "progress": p, "steering": s, "TimeLimit.truncated": False}
            for c, v, p, s in rows
        ]

    def _ending(self, k: int) -> str:
        env = self.envs[k]
        env.steps = int(self._steps[k])
        env.steering = float(self._commands[k, 0])
        reason = env.end_reason(env.world.telemetry())
        assert reason is not None
        return reason

    def _last_info(self, k: int, reason: str) -> dict[str, Any]:
        info = self.envs[k].info(self.envs[k].world.telemetry(), reason)
        info["TimeLimit.truncated"] = reason in TRUNCATIONS
        info["terminal_observation"] = self._observation()[k].copy()
        return info

    def _observation(self) -> NDArray[np.uint8]:
        stacks = self.stacks.newest
        return stacks if self.fleet.grey else stacks[:, 0]

    def close(self) -> None:
        """Close all of them."""
        for env in self.envs:
            env.close()
